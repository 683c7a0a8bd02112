// Changes as they arrive; and nothing idle keeps a process alive.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";

import { load } from "agentsecrets-core";
import { MemoryRelay, member } from "agentsecrets-core/testing";
import { device, node } from "./stage.mjs";

async function pair() {
  const relay = new MemoryRelay();
  const laptop = await member(relay, "laptop");
  await laptop.set("A", "one");
  await laptop.push();
  const phone = await member(relay, "phone", { founder: laptop, role: "reader" });
  return { relay, laptop, phone };
}

test("a watch tells of a push elsewhere, and the values are the new ones", async () => {
  const { relay, laptop, phone } = await pair();
  const secrets = await phone.secrets();
  const watch = secrets.watch({ keepAlive: true });
  const first = watch.next();
  await laptop.set("A", "two");
  await laptop.set("B", "new");
  await laptop.push();
  const { value, done } = await first;
  assert.equal(done, false);
  assert.deepEqual([value.updated, value.deleted], [["A", "B"], []]);
  assert.equal(secrets.get("A").reveal(), "two");
  await watch.return();
  assert.deepEqual(await watch.next(), { value: undefined, done: true });
  relay.stop();
});

test("for await ends when its signal is aborted, with the signal's reason", async () => {
  const { relay, phone } = await pair();
  const secrets = await phone.secrets();
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 100);
  await assert.rejects(async () => {
    for await (const change of secrets.watch({ signal: controller.signal, keepAlive: true })) assert.fail(String(change));
  }, /enough/);
  relay.stop();
});

test("on and off: listeners hear of changes until they are taken away", async () => {
  const { relay, laptop, phone } = await pair();
  const secrets = await phone.secrets();
  const heard = [];
  const alive = setInterval(() => {}, 1000);
  const listener = (change) => heard.push(change.updated);
  secrets.on("change", listener);
  await sleep(300);
  await laptop.set("A", "two");
  await laptop.push();
  for (let tries = 0; heard.length === 0 && tries < 100; tries += 1) await sleep(50);
  assert.deepEqual(heard, [["A"]]);
  secrets.off("change", listener);
  await laptop.set("A", "three");
  await laptop.push();
  await sleep(500);
  assert.equal(heard.length, 1);
  assert.equal(secrets.get("A").reveal(), "two");
  clearInterval(alive);
  relay.stop();
});

test("a change made by another process on this device is seen by what load gave", async () => {
  const relay = new MemoryRelay();
  const { config } = await device({ A: "one" }, relay.url);
  const secrets = await load({ config });
  const watch = secrets.watch({ keepAlive: true });
  const first = watch.next();
  const { Client } = await import("agentsecrets-core");
  const other = await Client.open(config);
  await other.set("A", "two");
  await other.push();
  assert.deepEqual((await first).value.updated, ["A"]);
  assert.equal(secrets.get("A").reveal(), "two");
  watch.close();
  relay.stop();
});

test("a watch of a closed client fails with a code; without a listener for errors nothing is thrown", async () => {
  const { relay, phone } = await pair();
  const secrets = await phone.secrets();
  phone.close();
  await assert.rejects(secrets.watch({ keepAlive: true }).next(), { code: "closed" });
  const alive = setInterval(() => {}, 1000);
  const failed = new Promise((resolve) => secrets.on("error", resolve));
  secrets.on("change", () => {});
  assert.equal((await failed).code, "closed");
  secrets.off("error", () => {});
  clearInterval(alive);
  relay.stop();
});

const relay = new MemoryRelay();
const { environment } = await device({ A: "one" }, relay.url);
const IDLE = {
  "an open client": "const c = await Client.open(); globalThis.c = c; await c.list(); console.log('end')",
  "loaded secrets": "globalThis.s = await load(); console.log('end')",
  "a listener for changes": "const s = await load(); s.on('change', () => {}); await new Promise((r) => setTimeout(r, 500)); console.log('end')",
  "a watch that nobody asks": "const s = await load(); globalThis.w = s.watch(); await new Promise((r) => setTimeout(r, 500)); console.log('end')",
  "a watch that somebody waits for": "const s = await load(); (async () => { for await (const c of s.watch()) c; })(); await new Promise((r) => setTimeout(r, 500)); console.log('end')",
  "a watch with keepAlive that is left": "const s = await load(); setTimeout(() => w.close(), 500); const w = s.watch({ keepAlive: true }); for await (const c of w) c; console.log('end')",
};
for (const [what, program] of Object.entries(IDLE)) {
  test(`a process with ${what} exits by itself`, async () => {
    const words = ["--input-type=module", "-e", `import { Client, load } from "agentsecrets-core"; ${program}`];
    const done = await node(words, { env: environment, timeout: 10_000 });
    assert.deepEqual([done.code, done.stdout, done.stderr], [0, "end\n", ""]);
    assert.ok(done.spent < 8_000, `${done.spent} ms`);
  });
}

test("process.exit and an error end a process in the middle of a watch", async () => {
  for (const [end, code] of [["process.exit(3)", 3], ["throw new Error('mine')", 1]]) {
    const program = `const { load } = require("agentsecrets-core"); load().then((s) => { s.on("change", () => {}); setTimeout(() => { ${end}; }, 300); });`;
    assert.equal((await node(["-e", program], { env: environment, timeout: 10_000 })).code, code);
  }
});

test("workers load, watch and are terminated in the middle", async () => {
  const program = `
    const { parentPort } = require("node:worker_threads");
    const { loadSync } = require("agentsecrets-core");
    const secrets = loadSync();
    secrets.on("change", () => {});
    parentPort.postMessage(secrets.get("A").reveal());
    setInterval(() => {}, 1000);`;
  // A worker's own variables are JavaScript's alone: the library reads those of the process.
  Object.assign(process.env, environment);
  for (let turn = 0; turn < 5; turn += 1) {
    const worker = new Worker(program, { eval: true });
    assert.deepEqual(await once(worker, "message"), ["one"]);
    if (turn % 2) await sleep(100);
    assert.equal(await worker.terminate(), 1);
  }
});

test("closing frees the relay's port at last", () => relay.stop());
