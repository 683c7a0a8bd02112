// Where there is no addon, the error names the platform and what to do.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { folder, node } from "./stage.mjs";

const require = createRequire(import.meta.url);
const package_ = dirname(require.resolve("agentsecrets-core/package.json"));

/** A project with the package alone, without its addon. */
function bare() {
  const place = folder();
  mkdirSync(join(place, "node_modules"));
  cpSync(package_, join(place, "node_modules/agentsecrets-core"), { recursive: true });
  return place;
}

const ASK = 'try { require("agentsecrets-core"); } catch (e) { console.log(JSON.stringify([e.code, e.message])); }';

test("a missing addon: platform, package and command", async () => {
  const { stdout } = await node(["-e", ASK], { cwd: bare() });
  const [code, message] = JSON.parse(stdout);
  assert.equal(code, "ERR_AGENTSECRETS_NATIVE");
  assert.ok(message.includes(`${process.platform}-${process.arch}`), message);
  assert.match(message, /agentsecrets-core-\w+-\w+/);
  assert.match(message, /npm install agentsecrets-core@\d.*--omit=optional.*package-lock/s);
});

test("an unknown platform: which ones there are", async () => {
  const program = `Object.defineProperty(process, "platform", { value: "plan9" }); ${ASK}`;
  const [code, message] = JSON.parse((await node(["-e", program], { cwd: bare() })).stdout);
  assert.equal(code, "ERR_AGENTSECRETS_NATIVE");
  assert.match(message, /plan9-.*linux-x64.*darwin-arm64/s);
});

test("an addon that does not load: why not", async () => {
  const place = bare();
  const { name } = require(`agentsecrets-core-${process.platform}-${process.arch}${process.platform === "linux" ? "-gnu" : ""}/package.json`);
  mkdirSync(join(place, "node_modules", name));
  writeFileSync(join(place, "node_modules", name, "agentsecrets.node"), "not an addon");
  const [code, message] = JSON.parse((await node(["-e", ASK], { cwd: place })).stdout);
  assert.equal(code, "ERR_AGENTSECRETS_NATIVE");
  assert.match(message, /is there and does not load: .+\n.*(glibc|install again)/s);
});

test("each platform of the loader is an optional package of the same version, and there is no script", () => {
  const { optionalDependencies, version, scripts, dependencies } = JSON.parse(readFileSync(join(package_, "package.json"), "utf8"));
  const listed = [...["native.js", "index.js"].map((file) => readFileSync(join(package_, "lib", file), "utf8")).join("").matchAll(/"((?:linux|darwin|win32)-[^"]*)"/g)].map(([, target]) => target);
  const targets = listed.filter((target) => optionalDependencies[`agentsecrets-core-${target}`]);
  assert.deepEqual(new Set(targets.map((target) => `agentsecrets-core-${target}`)), new Set(Object.keys(optionalDependencies)));
  assert.ok(Object.values(optionalDependencies).every((one) => one === version));
  assert.deepEqual([scripts, dependencies], [undefined, undefined]);
});

test("both entries are one package: a Secret of `require` is one of `import`", async () => {
  const viaRequire = require("agentsecrets-core");
  const viaImport = await import("agentsecrets-core");
  assert.equal(viaRequire.Secret, viaImport.Secret);
  assert.equal(viaRequire, viaImport.default);
  // Node 23 adds one more name for the whole.
  const named = Object.keys(viaImport).filter((name) => !["default", "module.exports"].includes(name));
  assert.deepEqual(Object.keys(viaRequire).sort(), named.sort());
});

test("importing reads no file of the user's, opens nothing and prints nothing", async () => {
  const program = 'require("agentsecrets-core"); require("agentsecrets-core/io"); require("agentsecrets-core/testing")';
  const done = await node(["-e", program], { cwd: process.cwd(), env: { AGENTSECRETS_IDENTITY: "nonsense", AGENTSECRETS_HOME: "/nonexistent" } });
  assert.deepEqual([done.code, done.stdout, done.stderr], [0, "", ""]);
});
