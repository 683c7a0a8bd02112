// The examples, as they are.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { Client } from "agentsecrets-core";
import { MemoryRelay } from "agentsecrets-core/testing";
import { device, node } from "./stage.mjs";

const KEY = "canary-session-key-4711";
const SHAPES = [KEY, Buffer.from(KEY).toString("base64").replace(/=+$/, ""), Buffer.from(KEY).toString("hex"), encodeURIComponent(KEY)];
const vite = join(process.cwd(), "node_modules/vite/bin/vite.js");

/** Every file under a folder, as text. */
function texts(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? texts(path) : [readFileSync(path, "latin1")];
  });
}

const holds = (folder, shapes) => texts(folder).some((text) => shapes.some((shape) => text.includes(shape)));

test("Express: secrets at start, a rotation without a restart, and a careless line that does not leak", async () => {
  const relay = new MemoryRelay();
  const { config, environment } = await device({ SESSION_KEY: KEY }, relay.url);
  const child = spawn(process.execPath, ["examples/express/app.mjs"], { env: { ...process.env, ...environment, PORT: "0" }, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (out += part));
  const said = async (what) => {
    for (let tries = 0; !what.test(out) && tries < 200; tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.match(out, what);
    return what.exec(out)[1];
  };
  const url = `http://127.0.0.1:${await said(/listening on (\d+)/)}`;
  const ask = async (path) => (await fetch(`${url}${path}`)).text();
  assert.equal(JSON.parse(await ask("/health")).environment, "development");
  assert.equal(JSON.parse(await ask("/session/bo")).mark, createHmac("sha256", KEY).update("bo").digest("base64url"));
  const careless = await fetch(`${url}/careless`);
  assert.equal(careless.status, 500);
  assert.ok(!SHAPES.some((shape) => out.includes(shape)));
  assert.doesNotMatch(await careless.text(), /canary/);

  const other = await Client.open(config);
  await other.set("SESSION_KEY", "canary-other");
  await other.push();
  await said(/rotated: (SESSION_KEY)/);
  assert.equal(JSON.parse(await ask("/session/bo")).mark, createHmac("sha256", "canary-other").update("bo").digest("base64url"));
  assert.doesNotMatch(out, /canary/);

  const ended = once(child, "close");
  child.kill("SIGTERM");
  assert.equal((await ended)[0], 0, out);
  relay.stop();
});

/** A copy of the example in a folder that finds the project's packages. */
function copy(name) {
  const place = join(process.cwd(), "examples", name);
  rmSync(place, { recursive: true, force: true });
  cpSync(join(process.cwd(), "examples/vite"), place, { recursive: true });
  return place;
}

test("Vite: the server's build uses the secret, and nothing of it reaches the client's", async () => {
  const { environment } = await device({ SESSION_KEY: KEY });
  const place = copy("vite-built");
  // Built with the secrets in the environment, as in a careless pipeline.
  const env = { ...environment, SESSION_KEY: KEY };
  for (const words of [["build"], ["build", "--ssr", "src/server.js"]]) {
    const done = await node([vite, ...words], { cwd: place, env, timeout: 120_000 });
    assert.equal(done.code, 0, done.stdout + done.stderr);
  }
  assert.ok(texts(join(place, "dist/client")).join("").includes("dataset"), "the client was built");
  assert.ok(!holds(join(place, "dist"), SHAPES), "no value in any build");
  assert.ok(!holds(join(place, "dist/client"), ["agentsecrets", "createHmac", "SESSION_KEY"]), "nothing of the server in the client");
  assert.ok(holds(join(place, "dist/server"), ["agentsecrets-core"]), "the server imports the package");

  const program = `import { render } from ${JSON.stringify(pathToFileURL(join(place, "dist/server/server.mjs")))}; console.log(render("bo"))`;
  const done = await node(["--input-type=module", "-e", program], { cwd: place, env: environment });
  assert.equal(done.stdout.trim(), `<p>bo ${createHmac("sha256", KEY).update("bo").digest("hex")}</p>`, done.stderr);
});

test("Vite: the search finds a value where one is put into the client's build", async () => {
  const place = copy("vite-planted");
  writeFileSync(join(place, "src/client.js"), "document.title = import.meta.env.VITE_SESSION_KEY;");
  const done = await node([vite, "build"], { cwd: place, env: { VITE_SESSION_KEY: KEY }, timeout: 120_000 });
  assert.equal(done.code, 0, done.stderr);
  assert.ok(holds(join(place, "dist/client"), SHAPES));
});

test("Vite: a client that imports the package does not build, or throws at once", async () => {
  const place = copy("vite-wrong");
  mkdirSync(join(place, "src"), { recursive: true });
  writeFileSync(join(place, "src/client.js"), 'import { loadSync } from "agentsecrets-core"; document.title = loadSync().get("SESSION_KEY").reveal();');
  const done = await node([vite, "build"], { cwd: place, timeout: 120_000 });
  if (done.code === 0) assert.ok(holds(join(place, "dist/client"), ["agentsecrets-core is for servers"]));
  else assert.match(done.stdout + done.stderr, /loadSync|for servers/);
});
