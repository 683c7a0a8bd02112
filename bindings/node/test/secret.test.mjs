// A Secret is shown to nobody who does not ask by name.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import v8 from "node:v8";
import { MessageChannel, Worker } from "node:worker_threads";

import { Secret, Secrets } from "agentsecrets-core";
import { override } from "agentsecrets-core/testing";

const VALUE = "canary-4711-value";
const LEAK = /canary|4711/;

/** Everything that turns an object into something else by accident. */
const ACCIDENTS = {
  "String()": (it) => String(it),
  "a template literal": (it) => `${it}`,
  "toString()": (it) => it.toString(),
  "valueOf()": (it) => it.valueOf(),
  "+ text": (it) => "" + it,
  "+ number": (it) => +it,
  "== text": (it) => it == VALUE,
  "a key of an object": (it) => ({})[it],
  "JSON.stringify": (it) => JSON.stringify(it),
  "JSON.stringify inside": (it) => JSON.stringify({ deep: [it] }),
  structuredClone: (it) => structuredClone(it),
  "structuredClone inside": (it) => structuredClone({ deep: [it] }),
  "v8.serialize": (it) => v8.serialize(it),
  "spread": (it) => ({ ...it }),
  "Object.assign": (it) => Object.assign({}, it),
  "Object.entries": (it) => Object.entries(it),
  "Buffer.from": (it) => Buffer.from(it),
  "encodeURIComponent": (it) => encodeURIComponent(it),
  "URLSearchParams": (it) => new URLSearchParams({ q: it }).toString(),
  "a worker's data": (it) => new Worker("", { eval: true, workerData: it }),
  "postMessage": (it) => {
    const { port1 } = new MessageChannel();
    try {
      port1.postMessage({ it });
    } finally {
      port1.close();
    }
  },
};

for (const [kind, make] of [
  ["a Secret", () => new Secret(VALUE)],
  ["Secrets", () => override({ API_TOKEN: VALUE }).secrets],
]) {
  for (const [how, run] of Object.entries(ACCIDENTS)) {
    test(`${how} of ${kind} throws and shows nothing`, () => {
      assert.throws(
        () => run(make()),
        (error) => error instanceof Error && !LEAK.test(inspect(error, { showHidden: true, depth: 9 })),
      );
    });
  }
  test(`inspect of ${kind} is redacted, however deep`, () => {
    const it = make();
    for (const options of [{}, { depth: Infinity, showHidden: true }, { customInspect: false, showHidden: true, depth: 9 }]) {
      assert.doesNotMatch(inspect({ it, list: [it] }, options), LEAK);
    }
    assert.match(inspect(it), /redacted/);
  });
}

test("two different Secrets are not taken for equal", () => {
  assert.throws(() => assert.deepStrictEqual(new Secret("a"), new Secret("b")));
  assert.throws(() => assert.deepEqual(new Secret("a"), new Secret("b")));
});

test("reveal gives the value, as text and as bytes", () => {
  const secret = new Secret("päss\0wort");
  assert.equal(secret.reveal(), "päss\0wort");
  assert.deepEqual(Buffer.from(secret.revealBytes()), Buffer.from("päss\0wort"));
  assert.equal(secret.size, 10);
  assert.ok(secret.equals("päss\0wort") && secret.equals(new Secret("päss\0wort")) && !secret.equals("other"));
});

test("bytes that are not text are refused as text, and not shown", () => {
  const secret = new Secret(new Uint8Array([0xff, 0x34, 0x37, 0x31, 0x31]));
  assert.throws(() => secret.reveal(), { code: "invalid_argument", message: /UTF-8/ });
  assert.equal(secret.revealBytes().length, 5);
});

test("what is handed in is copied, and what is handed out is the caller's", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const secret = new Secret(bytes);
  bytes.fill(9);
  const out = secret.revealBytes();
  assert.deepEqual([...out], [1, 2, 3]);
  out.fill(7);
  assert.deepEqual([...secret.revealBytes()], [1, 2, 3]);
});

test("shared memory is copied before it is read", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  shared.set([1, 2, 3]);
  assert.deepEqual([...new Secret(shared).revealBytes()], [1, 2, 3]);
});

test("wipe lets go of the value, and so does `using`", () => {
  const secret = new Secret(VALUE);
  secret.wipe();
  assert.throws(() => secret.reveal(), { code: "closed" });
  if (Symbol.dispose) {
    const other = new Secret(VALUE);
    other[Symbol.dispose]();
    assert.throws(() => other.revealBytes(), { code: "closed" });
  }
});

test("Secrets give values, names and where they are from", () => {
  const { secrets, restore } = override({ B: "two", A: "one" });
  assert.deepEqual(secrets.names, ["A", "B"]);
  assert.equal(secrets.get("A").reveal(), "one");
  assert.ok(secrets.has("B") && !secrets.has("C"));
  assert.equal(secrets.size, 2);
  assert.deepEqual([...secrets].map(([name, value]) => [name, value.reveal()]), [["A", "one"], ["B", "two"]]);
  assert.throws(() => secrets.get("C"), { code: "unknown_secret" });
  restore();
  assert.throws(() => new Secrets(), TypeError);
});
