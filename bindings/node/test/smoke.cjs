"use strict";
// What has to work in every runtime; prints `smoke` at its end.
const assert = require("node:assert/strict");
const { inspect } = require("node:util");

const { AgentSecretsError, Client, Secret, generateKeys, load, loadSync, seal, unseal } = require("agentsecrets-core");
const { MemoryRelay, member } = require("agentsecrets-core/testing");

async function main() {
  assert.equal(loadSync({ require: ["A"] }).get("A").reveal(), "fake-4711");
  assert.equal((await load()).get("A").reveal(), "fake-4711");
  await assert.rejects(load({ require: ["B"] }), (error) => error instanceof AgentSecretsError && error.code === "missing_secrets" && error.names[0] === "B");
  const secret = new Secret("canary");
  assert.throws(() => `${secret}`, TypeError);
  assert.throws(() => JSON.stringify({ secret }), TypeError);
  assert.throws(() => structuredClone(secret));
  assert.doesNotMatch(inspect({ secret }), /canary/);
  const { publicKey, secretKey } = generateKeys();
  assert.equal(unseal(secretKey, seal(publicKey, "hello")).reveal(), "hello");
  const relay = new MemoryRelay();
  const laptop = await member(relay, "laptop");
  await laptop.set("T", "one");
  await laptop.push();
  const phone = await member(relay, "phone", { founder: laptop, role: "reader" });
  const secrets = await phone.secrets();
  const watch = secrets.watch({ keepAlive: true });
  const first = watch.next();
  await laptop.set("T", "two");
  await laptop.push();
  assert.deepEqual((await first).value.updated, ["T"]);
  assert.equal(secrets.get("T").reveal(), "two");
  await watch.return();
  relay.stop();
  globalThis.idle = [await Client.open(), phone];
  console.log("smoke");
}

main();
