// What an application asks for at its start.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";

import { AgentSecretsError, Client, Config, Secret, errorCodes, load, loadSync } from "agentsecrets-core";
import { override } from "agentsecrets-core/testing";
import { device, fileVault, folder, node } from "./stage.mjs";

const require = createRequire(import.meta.url);
const lib = join(dirname(require.resolve("agentsecrets-core/package.json")), "lib");
const native = require(join(lib, "native.js"));

const values = { DATABASE_URL: "postgres://fake-4711", API_TOKEN: "fake-token-4711" };
const { config, environment } = await device(values);

test("load and loadSync give the vault's values, with no network", async () => {
  for (const secrets of [await load({ config }), loadSync({ config }), await load({ config: new Config(config), offline: true })]) {
    assert.deepEqual(secrets.names, ["API_TOKEN", "DATABASE_URL"]);
    assert.equal(secrets.get("DATABASE_URL").reveal(), values.DATABASE_URL);
    assert.ok(secrets.get("API_TOKEN") instanceof Secret);
    assert.equal(secrets.environment, "development");
    assert.ok(secrets.version > 0 && secrets.age >= 0 && secrets.age < 600_000);
    assert.equal(inspect(secrets), "Secrets(development, 2 values, redacted)");
  }
});

test("one error names every missing name, and where it was looked for", async () => {
  const check = (error) => {
    assert.ok(error instanceof AgentSecretsError && error instanceof Error);
    assert.equal(error.code, "missing_secrets");
    assert.deepEqual(error.names, ["NOT_THERE", "NOR_THIS"].sort((a, b) => error.names.indexOf(a) - error.names.indexOf(b)));
    assert.match(error.message, /NOT_THERE/);
    assert.match(error.message, /NOR_THIS/);
    assert.match(error.message, /looked in/);
    assert.equal(error.retryable, false);
    assert.ok(error.hint.startsWith("agentsecrets "));
    return true;
  };
  const require = ["DATABASE_URL", "NOT_THERE", "NOR_THIS"];
  await assert.rejects(load({ config, require }), check);
  assert.throws(() => loadSync({ config, require }), check);
});

test("an environment that is not there is named as such", async () => {
  await assert.rejects(load({ config, env: "nowhere" }), { code: "unknown_environment" });
  await assert.rejects(load({ config: fileVault() }), { code: /no_workspace|no_identity/ });
});

test("maxAge is milliseconds or text with a unit", async () => {
  for (const maxAge of [3_600_000, "90s", "24h", "7d", "500ms", "30m"]) assert.equal((await load({ config, maxAge })).size, 2);
  for (const maxAge of ["24", "h", "-1s", "1 h", "1w"]) await assert.rejects(load({ config, maxAge }), { code: "invalid_argument" });
  for (const maxAge of [-1, NaN, Infinity, 0.5]) await assert.rejects(load({ config, maxAge }), { code: "invalid_argument" });
});

test("a misspelled option is an error, not ignored", async () => {
  await assert.rejects(load({ config, offine: true }), { code: "invalid_argument", message: /offline/ });
});

test("an aborted signal stops before the native part is asked, and with the signal's own reason", async (context) => {
  const asked = [];
  for (const name of ["load", "loadSync", "openClient", "init", "verify"]) {
    context.mock.method(native, name, () => asked.push(name));
  }
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(load({ config, signal }), /enough/);
  assert.throws(() => loadSync({ config, signal }), /enough/);
  await assert.rejects(Client.open(config, { signal }), /enough/);
  await assert.rejects(load({ config, signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.deepEqual(asked, []);
});

test("an aborted signal stops every method of a client before the native part is asked", async (context) => {
  const client = await Client.open(config);
  const asked = [];
  const methods = Object.getOwnPropertyNames(native.Client.prototype).filter((name) => !["constructor", "close", "recipient", "workspace"].includes(name));
  for (const name of methods) context.mock.method(native.Client.prototype, name, () => asked.push(name));
  const signal = AbortSignal.abort(new Error("enough"));
  const places = { client, workspace: client.workspace };
  const text = "x";
  const calls = {
    client: { create: [text, text], join: [text, text], sync: [], pull: [], push: [], set: ["A", text], delete: ["A"], secrets: [], list: [], diff: [], history: ["A"], secretPolicy: ["A"], setSecretPolicy: ["A", null] },
    workspace: {
      status: [], connect: [text], invite: [], invitations: [], uninvite: [text], admit: [], admitRecipient: [text, text], members: [],
      remove: [text], leave: [], rekey: [], setRole: [text, text], setScope: [text, []], safetyNumber: [text], confirm: [text], team: [],
      environments: [], createEnvironment: [text], renameEnvironment: [text, text], archiveEnvironment: [text], policy: [],
      setPolicy: [1, text], audit: [], exposure: [], head: [], headWords: [], follow: [], repush: [], adopt: [text], export: [],
    },
  };
  for (const [place, methods] of Object.entries(calls)) {
    const real = Object.getOwnPropertyNames(Object.getPrototypeOf(places[place])).filter((name) => {
      const { value } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(places[place]), name);
      return typeof value === "function" && name !== "constructor" && name !== "close";
    });
    assert.deepEqual(Object.keys(methods).sort(), real.sort(), "every method is in the table");
    for (const [name, words] of Object.entries(methods)) {
      await assert.rejects(places[place][name](...words, { signal }), /enough/, name);
    }
  }
  assert.deepEqual(asked, []);
  context.mock.reset();
  client.close();
});

test("an abort in the middle rejects at once", async () => {
  const controller = new AbortController();
  const loading = load({ config, signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(loading, /enough/);
});

test("errors tell code, retry and hint; the table is the library's", async () => {
  const client = await Client.open(config);
  await assert.rejects(client.pull({ env: "nowhere" }), { code: "unknown_environment", retryable: false });
  client.close();
  await assert.rejects(client.list(), { code: "closed" });
  assert.equal(errorCodes.invalid_argument, 1);
  assert.ok(Object.isFrozen(errorCodes) && Object.keys(errorCodes).length > 60);
  const own = new AgentSecretsError("the store is away", { code: "relay_timeout", retryAfter: 1500 });
  assert.deepEqual([own.code, own.retryable, own.retryAfter, own.name], ["relay_timeout", true, 1500, "AgentSecretsError"]);
});

test("values given by a test take the place of all else", async () => {
  const outer = override({ API_TOKEN: "outer" });
  const inner = override({ API_TOKEN: "inner" });
  assert.equal(loadSync().get("API_TOKEN").reveal(), "inner");
  inner.restore();
  assert.equal((await load()).get("API_TOKEN").reveal(), "outer");
  await assert.rejects(load({ require: ["DATABASE_URL", "API_TOKEN"] }), { code: "missing_secrets", names: ["DATABASE_URL"] });
  outer.restore();
  assert.equal(loadSync({ config }).get("API_TOKEN").reveal(), values.API_TOKEN);
});

test("applyEnv sets what is not set, and refuses what no variable can hold", async () => {
  const { secrets, restore } = override({ FRESH: "a", TAKEN: "b" });
  process.env.TAKEN = "mine";
  assert.deepEqual(secrets.applyEnv(), ["FRESH"]);
  assert.deepEqual([process.env.FRESH, process.env.TAKEN], ["a", "mine"]);
  assert.deepEqual(secrets.applyEnv({ only: ["TAKEN"], override: true }), ["TAKEN"]);
  assert.equal(process.env.TAKEN, "b");
  assert.throws(() => secrets.applyEnv({ only: ["ABSENT"] }), { code: "unknown_secret" });
  restore();
  const zero = override({ FINE: "a", ZERO: "a\0b" });
  assert.throws(() => zero.secrets.applyEnv(), { code: "not_an_environment_value" });
  assert.equal(process.env.FINE, undefined, "all or nothing");
  zero.restore();
  for (const name of ["FRESH", "TAKEN"]) delete process.env[name];
});

const ASK = "process.stdout.write(JSON.stringify([process.env.API_TOKEN?.length, process.env.DATABASE_URL]))";
for (const flags of [["--import", "agentsecrets-core/env"], ["--require", "agentsecrets-core/env"]]) {
  test(`node ${flags.join(" ")} puts the values into process.env before the program begins`, async () => {
    const done = await node([...flags, "-e", ASK], { env: { ...environment, DATABASE_URL: "mine" } });
    assert.deepEqual([done.code, done.stdout, done.stderr], [0, `[${values.API_TOKEN.length},"mine"]`, ""]);
  });
}

test("a program without its values does not begin, and the error shows what to do", async () => {
  const done = await node(["--import", "agentsecrets-core/env", "-e", "console.log('begun')"], { env: { ...environment, AGENTSECRETS_HOME: folder() } });
  assert.notEqual(done.code, 0);
  assert.equal(done.stdout, "");
  assert.match(done.stderr, /AgentSecretsError.*\n[^]*hint/);
});
