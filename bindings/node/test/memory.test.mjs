// Loading and closing, over and over: resident memory stays flat.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, generateKeys, loadSync, seal, unseal } from "agentsecrets-core";
import { device } from "./stage.mjs";

const deep = process.env.AGENTSECRETS_DEEP === "1";
const values = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`NAME_${at}`, `fake-value-${at}`.repeat(20)]));
const { config } = await device(values);

/** Resident megabytes after everything that can be collected was. */
async function resident() {
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
  return process.memoryUsage.rss() / 1e6;
}

/** Runs `once` so often, in four quarters; resident megabytes before, and after each. */
async function quarters(count, once) {
  const seen = [];
  for (let at = 0; at < count / 4; at += 1) await once();
  for (let quarter = 0; quarter < 4; quarter += 1) {
    for (let at = 0; at < count / 4; at += 1) {
      await once();
      // The collector runs between turns of the loop, as in a program.
      if (at % 256 === 0) await new Promise(setImmediate);
    }
    seen.push(await resident());
  }
  return seen;
}

async function flat(context, name, count, most, once) {
  const seen = await quarters(count, once);
  const grown = seen.at(-1) - seen[0];
  context.diagnostic(`figure: ${count} × ${name}: ${seen.map((mb) => mb.toFixed(1)).join(", ")} MB resident after each quarter`);
  assert.ok(grown < most, `grew by ${grown.toFixed(1)} MB`);
}

test("load, get and close", (context) =>
  flat(context, "load/close", deep ? 100_000 : 4_000, 8, () => {
    const secrets = loadSync({ config });
    secrets.get("NAME_7").reveal();
    secrets.close();
  }));

test("load and get, without close: the collector does it", (context) =>
  flat(context, "load", deep ? 20_000 : 2_000, 12, () => loadSync({ config }).get("NAME_7").reveal()));

test("open and close a client", (context) =>
  flat(context, "open/close", deep ? 10_000 : 400, 8, async () => (await Client.open(config)).close()));

test("seal and unseal", (context) => {
  const { publicKey, secretKey } = generateKeys();
  const message = new Uint8Array(4096);
  return flat(context, "seal/unseal", deep ? 100_000 : 8_000, 12, () => unseal(secretKey, seal(publicKey, message)).wipe());
});

test("errors", (context) =>
  flat(context, "refused load", deep ? 20_000 : 2_000, 8, () => assert.throws(() => loadSync({ config, require: ["ABSENT"] }))));
