// The lines of README and docs as written, in an empty project that installed the tarballs: ES modules, CommonJS, TypeScript.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { device, node } from "./stage.mjs";

const pages = readdirSync("pages").sort().map((page) => readFileSync(join("pages", page), "utf8"));
const blocks = [...pages.join("\n").matchAll(/^```(js|ts|sh)\b[^\n]*\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }));
const tsc = join(process.cwd(), "node_modules/typescript/bin/tsc");
const { environment } = await device({ DATABASE_URL: "postgres://fake-4711", API_TOKEN: "fake-token-4711" });
// Where nothing is installed but the tarballs; see check.mjs.
const empty = process.env.AGENTSECRETS_EMPTY;
if (!existsSync(join(empty, "node_modules/@types"))) symlinkSync(join(process.cwd(), "node_modules/@types"), join(empty, "node_modules/@types"));

async function runs(file) {
  const done = await node([file], { cwd: empty, env: environment, timeout: 30_000 });
  assert.deepEqual([done.code, done.stderr], [0, ""], done.stderr);
  assert.doesNotMatch(done.stdout, /4711/);
  return done.stdout;
}

const STRICT = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "nodenext", "--types", "node"];

blocks.forEach(({ language, text }, at) => {
  if (language === "sh") return;
  const kind = language === "ts" ? "TypeScript" : text.includes("require(") ? "CommonJS" : "an ES module";
  test(`block ${at + 1} of the pages runs as ${kind}`, async () => {
    const file = { TypeScript: "block.mts", CommonJS: "block.cjs", "an ES module": "block.mjs" }[kind];
    writeFileSync(join(empty, file), text);
    if (kind === "TypeScript") {
      const done = await node([tsc, ...STRICT, file], { cwd: empty, timeout: 60_000 });
      assert.equal(done.code, 0, done.stdout);
    }
    await runs(kind === "TypeScript" ? "block.mjs" : file);
  });
});

test("the empty project has nothing but the package", () => {
  const { dependencies } = JSON.parse(readFileSync(join(empty, "package.json"), "utf8"));
  assert.ok(Object.keys(dependencies).every((name) => name.startsWith("agentsecrets-core")), Object.keys(dependencies));
  const { scripts } = JSON.parse(readFileSync(join(empty, "node_modules/agentsecrets-core/package.json"), "utf8"));
  assert.equal(scripts, undefined, "no install script");
});

test("README has blocks of each kind, and the zero-code line works as written", async () => {
  assert.ok(blocks.filter(({ language }) => language === "ts").length >= 2);
  assert.ok(blocks.filter(({ language }) => language === "js").length >= 4);
  const line = blocks.find(({ text }) => text.startsWith("node --import"));
  writeFileSync(join(empty, "app.js"), "console.log(process.env.DATABASE_URL.length)");
  const done = await node(line.text.trim().split(" ").slice(1), { cwd: empty, env: environment });
  assert.deepEqual([done.code, done.stdout, done.stderr], [0, "20\n", ""]);
});

for (const [mode, file] of [["an ES module", "use.mts"], ["CommonJS", "use.cts"]]) {
  test(`types: the whole surface as ${mode}, strictly, and what is wrong is refused`, async () => {
    writeFileSync(join(empty, file), readFileSync("test/types.txt", "utf8"));
    const done = await node([tsc, ...STRICT, "--noEmit", "--skipLibCheck", "false", file], { cwd: empty, timeout: 60_000 });
    assert.equal(done.code, 0, done.stdout);
  });
}
