// A smoke test in every runtime that can be installed here.
import assert from "node:assert/strict";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { device, node } from "./stage.mjs";

const at = (...words) => join(process.cwd(), "../runtimes/node_modules", ...words);
const RUNTIMES = {
  "this Node": { command: process.execPath, words: [] },
  "Node 18.17": { command: at("node18/bin/node"), words: [] },
  "Node 22": { command: at("node22/bin/node"), words: [] },
  "Bun": { command: at("@oven/bun-linux-x64/bin/bun"), words: [] },
  "Deno": { command: at("@deno/linux-x64-glibc/deno"), words: ["run", "--allow-ffi", "--allow-read", "--allow-env", "--allow-sys"] },
};
const { environment } = await device({ A: "fake-4711" });
const elsewhere = process.platform !== "linux" || process.arch !== "x64";

for (const [name, { command, words }] of Object.entries(RUNTIMES)) {
  test(`${name} runs it, and exits by itself`, { skip: elsewhere && name !== "this Node" && "runtimes are installed on Linux x64 alone" }, async () => {
    assert.ok(existsSync(command), `${command} is not there`);
    if (command !== process.execPath) chmodSync(command, 0o755);
    const done = await node([...words, "test/smoke.cjs"], { env: environment, command, timeout: 60_000 });
    assert.deepEqual([done.code, done.stdout.trim()], [0, "smoke"], done.stderr);
  });
}

// Its --import came with 18.18.
test("Node 18.17 runs the zero-code entry and the ES module", { skip: elsewhere && "runtimes are installed on Linux x64 alone" }, async () => {
  const command = at("node18/bin/node");
  const words = ["--require", "agentsecrets-core/env", "--input-type=module", "-e"];
  const done = await node([...words, 'import { load } from "agentsecrets-core"; console.log(process.env.A === (await load()).get("A").reveal())'], { env: environment, command });
  assert.deepEqual([done.code, done.stdout], [0, "true\n"], done.stderr);
});
