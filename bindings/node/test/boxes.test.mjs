// Sealed boxes are those of libsodium and of tweetnacl, both ways.
import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { test } from "node:test";

import sodium from "libsodium-wrappers";
import sealedbox from "tweetnacl-sealedbox-js";
import nacl from "tweetnacl";

import { AgentSecretsError, Identity, Secret, generateKeys, publicKey, seal, sealMany, unseal, unsealMany } from "agentsecrets-core";

await sodium.ready;
const COUNT = 1000;
const messages = Array.from({ length: COUNT }, (_, at) => new Uint8Array(randomBytes(at === 0 ? 0 : randomInt(1, 2048))));
const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;

for (const [peer, theirs] of [
  ["libsodium-wrappers", { keys: () => sodium.crypto_box_keypair(), secret: "privateKey", seal: (m, k) => sodium.crypto_box_seal(m, k), open: (b, p, s) => sodium.crypto_box_seal_open(b, p, s) }],
  ["tweetnacl-sealedbox", { keys: () => nacl.box.keyPair(), secret: "secretKey", seal: (m, k) => sealedbox.seal(m, k), open: (b, p, s) => sealedbox.open(b, p, s) }],
]) {
  test(`${COUNT} messages sealed by ${peer} open here`, () => {
    const keys = generateKeys();
    for (const message of messages) assert.ok(same(unseal(keys.secretKey, theirs.seal(message, keys.publicKey)).revealBytes(), message));
  });

  test(`${COUNT} messages sealed here open with ${peer}`, () => {
    const pair = theirs.keys();
    for (const message of messages) assert.ok(same(theirs.open(seal(pair.publicKey, message), pair.publicKey, pair[theirs.secret]), message));
  });

  test(`batches go both ways with ${peer}`, () => {
    const pair = theirs.keys();
    const boxes = sealMany(pair.publicKey, messages);
    boxes.forEach((box, at) => assert.ok(same(theirs.open(box, pair.publicKey, pair[theirs.secret]), messages[at])));
    const opened = unsealMany(pair[theirs.secret], messages.map((message) => theirs.seal(message, pair.publicKey)));
    opened.forEach((value, at) => assert.ok(same(value.revealBytes(), messages[at])));
    assert.ok(same(publicKey(pair[theirs.secret]), pair.publicKey));
  });
}

test("a changed box does not open; in a batch it alone does not", () => {
  const { publicKey: key, secretKey } = generateKeys();
  const boxes = sealMany(key, ["one", "two", new Secret("three")]);
  boxes[1][boxes[1].length - 1] ^= 1;
  assert.throws(() => unseal(secretKey, boxes[1]), { code: "open_failed", retryable: false });
  const [one, two, three] = unsealMany(secretKey, boxes);
  assert.equal(one.reveal(), "one");
  assert.ok(two instanceof AgentSecretsError && two.code === "open_failed");
  assert.equal(three.reveal(), "three");
});

test("boxes to a recipient string open with its identity", () => {
  const agent = Identity.generate("agent");
  assert.equal(unseal(agent, seal(agent.recipient, "hello")).reveal(), "hello");
  const again = Identity.parse(agent.string());
  assert.equal(again.fingerprint, agent.fingerprint);
  assert.deepEqual(unsealMany(again, sealMany(agent.recipient, ["a", "b"])).map((value) => value.reveal()), ["a", "b"]);
});

test("keys of other sizes and weak keys are refused", () => {
  assert.throws(() => seal(new Uint8Array(31), "x"), { code: "invalid_argument" });
  assert.throws(() => seal(new Uint8Array(32), "x"), { code: "weak_key" });
  assert.throws(() => publicKey(new Uint8Array(33)), { code: "invalid_argument" });
  assert.throws(() => seal("asrecipient1nonsense", "x"), { code: "malformed_recipient" });
});
