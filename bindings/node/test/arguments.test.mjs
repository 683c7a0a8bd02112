// A wrong argument, at every public call, is refused by a code, and never shown: not in a message, a stack or a property.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import * as core from "agentsecrets-core";
import * as io from "agentsecrets-core/io";
import * as testing from "agentsecrets-core/testing";
import { fileVault } from "./stage.mjs";

const { Client, Config, Identity, Secret } = core;
const CANARY = "canary-Zq4711";
const BYTES = new TextEncoder().encode(CANARY);
// As text, as the numbers of its bytes (what napi's own error prints), in hexadecimal and in base64.
const SHAPES = [CANARY, [...BYTES].join(","), [...BYTES].join(", "), Buffer.from(BYTES).toString("hex"), Buffer.from(BYTES).toString("base64"), '"0":99,"1":97'];

class Bearer {
  constructor() {
    this[CANARY] = CANARY;
  }
  toString() {
    return CANARY;
  }
  get [Symbol.toStringTag]() {
    return CANARY;
  }
}

/** One of each type that JavaScript has, all with the canary in them. */
const WRONG = {
  "a string": () => CANARY,
  "a string with half a pair": () => `${CANARY}\ud800`,
  "a Uint8Array": () => Uint8Array.from(BYTES),
  "a Buffer": () => Buffer.from(BYTES),
  "an ArrayBuffer": () => Uint8Array.from(BYTES).buffer,
  "an object": () => ({ value: CANARY, [CANARY]: CANARY }),
  "options that are wrong": () => ({ env: [CANARY], signal: CANARY, relay: BYTES, require: CANARY, config: [CANARY], vault: BYTES, name: [CANARY] }),
  "an option that is none": () => ({ [CANARY]: 1 }),
  "a signal that is none": () => ({ signal: new Bearer() }),
  "an array": () => [CANARY],
  "an array of arrays": () => [[CANARY]],
  "an array with holes": () => [, CANARY],
  "a number": () => 4711.5,
  "a function": () => Object.assign(() => {}, { [CANARY]: CANARY }),
  "a class": () => ({ [CANARY]: class {} })[CANARY],
  "a symbol": () => Symbol(CANARY),
  "a map": () => new Map([[CANARY, CANARY]]),
  "an error": () => new Error(CANARY),
  "a text object": () => new String(CANARY),
  "an instance": () => new Bearer(),
  "a bearer of a throwing property": () => ({ get [CANARY]() { throw new Error("mine"); } }),
  "a big number": () => 4711n,
  "null": () => null,
  "a Secret": () => new Secret(CANARY),
};

const relay = new testing.MemoryRelay();
const client = await testing.member(relay, "laptop");
await client.set("A", "fake-a");
const { workspace } = client;
const secrets = await client.secrets();
// Where a canary becomes a label, which later errors may name.
const other = (await testing.member(null, "other")).workspace;
const identity = Identity.generate();
const keys = core.generateKeys();
const box = core.seal(keys.publicKey, "x");
const config = fileVault();
const text = "x";
const machine = () => io.operation("create", identity, { name: "acme", label: "desk" });

/** Arguments that each public call takes; on what it is called. An argument in the table is replaced by every wrong one. */
const CALLS = {
  load: [core, { offline: true, config }],
  loadSync: [core, { offline: true, config }],
  init: [core, text, { config }],
  verify: [core, text, { head: "" }],
  publicKey: [core, keys.secretKey],
  generateKeys: [core],
  seal: [core, keys.publicKey, text],
  sealMany: [core, keys.publicKey, [text]],
  unseal: [core, keys.secretKey, box],
  unsealMany: [core, keys.secretKey, [box]],
  "new AgentSecretsError": [core, text, { code: "busy" }],
  "new Config": [core, { vault: "memory" }],
  "new Secret": [core, text],
  "new Secrets": [core, text, text],
  spawn: [core, ["true"], { only: [] }],
  "new Handle": [core, text],
  "new Redactor": [core, { A: "fake-value" }],
  "Handle#request": [secrets.handle("A"), "GET", "https://api.example/v1", {}],
  "Handle#attenuate": [secrets.handle("A"), { uses: 1 }],
  "Handle#sign": [secrets.handle("A"), text, { encoding: "hex" }],
  "Handle#reveal": [secrets.handle("A")],
  "Redactor#redact": [new core.Redactor({ A: "fake-value" }), text],
  "Redactor#stream": [new core.Redactor({ A: "fake-value" })],
  "Secrets#handle": [secrets, "A"],
  "Client#secretPolicy": [client, "A", {}],
  "Client#setSecretPolicy": [client, "A", null, {}],
  "new Client": [core, text],
  "new Workspace": [core, text],
  "new Identity": [core, text],
  "Config.discover": [Config],
  "Identity.generate": [Identity, "human"],
  "Identity.parse": [Identity, identity.string()],
  "Identity#string": [identity],
  "Client.open": [Client, config, {}],
  "Secret#reveal": [new Secret("a")],
  "Secret#revealBytes": [new Secret("a")],
  "Secret#equals": [new Secret("a"), text],
  "Secret#wipe": [new Secret("a")],
  "Secrets#get": [secrets, "A"],
  "Secrets#has": [secrets, "A"],
  "Secrets#refresh": [secrets, {}],
  "Secrets#watch": [secrets, { signal: AbortSignal.abort() }],
  "Secrets#on": [secrets, "error", () => {}],
  "Secrets#once": [secrets, "error", () => {}],
  "Secrets#off": [secrets, "change", () => {}],
  "Secrets#applyEnv": [secrets, { only: [] }],
  "Secrets#close": [testing.override({}).secrets],
  "Client#close": [await testing.member(null, "other")],
  "Client#create": [await testing.member(null, "third"), text, text, { relay: "" }],
  "Client#join": [client, text, text, {}],
  "Client#sync": [client, {}],
  "Client#pull": [client, { theirs: false }],
  "Client#push": [client, { mine: false }],
  "Client#set": [client, "A", text, {}],
  "Client#delete": [client, "A", {}],
  "Client#secrets": [client, {}],
  "Client#list": [client, {}],
  "Client#diff": [client, { other: "development" }],
  "Client#history": [client, "A", {}],
  "Workspace#status": [workspace, {}],
  "Workspace#connect": [workspace, text, {}],
  "Workspace#invite": [workspace, { role: "reader", scope: [], expires: 1 }],
  "Workspace#invitations": [workspace, {}],
  "Workspace#uninvite": [workspace, text, {}],
  "Workspace#admit": [workspace, {}],
  "Workspace#admitRecipient": [other, identity.recipient, text, {}],
  "Workspace#members": [workspace, {}],
  "Workspace#remove": [workspace, text, { reason: "departed" }],
  "Workspace#leave": [workspace, {}],
  "Workspace#rekey": [workspace, {}],
  "Workspace#setRole": [workspace, text, text, {}],
  "Workspace#setScope": [workspace, text, [text], {}],
  "Workspace#safetyNumber": [workspace, text, {}],
  "Workspace#confirm": [workspace, text, {}],
  "Workspace#team": [workspace, {}],
  "Workspace#environments": [workspace, {}],
  "Workspace#createEnvironment": [other, "development", {}],
  "Workspace#renameEnvironment": [other, text, text, {}],
  "Workspace#archiveEnvironment": [workspace, text, {}],
  "Workspace#policy": [workspace, {}],
  "Workspace#setPolicy": [workspace, 1, text, {}],
  "Workspace#audit": [workspace, {}],
  "Workspace#exposure": [workspace, { member: text }],
  "Workspace#head": [workspace, {}],
  "Workspace#headWords": [workspace, {}],
  "Workspace#follow": [workspace, { wait: 0 }],
  "Workspace#repush": [workspace, {}],
  "Workspace#adopt": [workspace, text, {}],
  "Workspace#export": [workspace, {}],
  "io.operation": [io, "set", identity, { workspace: "0".repeat(64), env: text, name: "A", value: text }],
  "io.run": [io, machine(), { vault: { load() {}, store() {}, remove() {} } }],
  "io.fetchTransport": [io, { timeout: 1 }],
  "io.new Machine": [io, text],
  "io.Machine#next": [machine(), 1],
  "io.Machine#loaded": [machine(), 1, null],
  "io.Machine#stored": [machine(), 1],
  "io.Machine#answered": [machine(), 1, { status: 200, body: new Uint8Array() }],
  "io.Machine#failed": [machine(), 1, "busy"],
  "io.Machine#close": [machine()],
  "io.Machine#outcome": [machine()],
  "testing.override": [testing, { A: text }],
  "testing.member": [testing, null, text, {}],
  "testing.new MemoryRelay": [testing],
  "testing.MemoryRelay#stop": [new testing.MemoryRelay()],
};
// What a Secret or Secrets refuse whatever comes is in secret.test.mjs.
const REFUSING = ["toString", "toJSON", "valueOf"];

/** Every public call that there really is. */
function surface() {
  const found = [];
  for (const [prefix, module] of [["", core], ["io.", io], ["testing.", testing]]) {
    for (const [name, value] of Object.entries(module)) {
      if (typeof value !== "function") continue;
      if (!/^[A-Z]/.test(name)) {
        found.push(prefix + name);
        continue;
      }
      found.push(`${prefix}new ${name}`);
      const own = (object, mark) =>
        Object.entries(Object.getOwnPropertyDescriptors(object))
          .filter(([key, { value }]) => typeof value === "function" && key !== "constructor" && !REFUSING.includes(key))
          .forEach(([key]) => found.push(`${prefix}${name}${mark}${key}`));
      own(value, ".");
      own(value.prototype, "#");
    }
  }
  return found.sort();
}

test("every public call is in the table", () => assert.deepEqual(Object.keys(CALLS).sort(), surface()));

async function outcome(key, on, words) {
  const name = key.replace(/^.*[.#]/, "");
  try {
    const made = name.startsWith("new ") ? new on[name.slice(4)](...words) : await on[name](...words);
    made?.stop?.();
    if (key === "testing.override") made.restore();
    if (key === "Secrets#watch") await made.return();
    return undefined;
  } catch (error) {
    return error;
  }
}

function shown(error) {
  const texts = [inspect(error, { depth: 9, showHidden: true, getters: true }), String(error?.message), String(error?.stack), String(error?.hint)];
  return texts.join("\n");
}

const PROGRAMMING = /come|comes|a Secret is not|cannot be copied/;

for (const [key, [on, ...words]] of Object.entries(CALLS)) {
  test(`a wrong argument of ${key} is not shown`, async () => {
    for (let place = 0; place < Math.max(words.length, 1); place += 1) {
      for (const [kind, make] of Object.entries(WRONG)) {
        const given = [...words];
        given[place] = make();
        const error = await outcome(key, on, given);
        if (error === undefined) continue;
        const all = shown(error);
        // A label of the right type, which is no value, is named: "there is no environment ..."; see conformance/scenarios.
        if (error.code === "unknown_environment" && kind === "a string") continue;
        for (const shape of SHAPES) assert.ok(!all.includes(shape), `${kind} at ${place} of ${key} is shown`);
        const ours = error instanceof core.AgentSecretsError || (error instanceof TypeError && PROGRAMMING.test(error.message));
        const theirs = ["AbortError", "mine"].includes(error.name) || error.message === "mine";
        assert.ok(ours || theirs, `${kind} at ${place} of ${key}: ${error.name}: ${error.message}`);
        assert.notEqual(error.code, "internal", `${kind} at ${place} of ${key} reaches the native part`);
      }
    }
  });
}

test("the addon's own error does show an argument, so the check before it is what keeps it hidden", async () => {
  const { createRequire } = await import("node:module");
  const { dirname, join } = await import("node:path");
  const require = createRequire(import.meta.url);
  const native = require(join(dirname(require.resolve("agentsecrets-core/package.json")), "lib/native.js"));
  assert.throws(() => native.loadSync(null, { [CANARY]: CANARY }, "", null, false), (error) => shown(error).includes(CANARY));
});

process.on("exit", () => relay.stop());
