// Own vault and own transport, through the step machine.
import assert from "node:assert/strict";
import { test } from "node:test";

import { AgentSecretsError, Identity, Secret } from "agentsecrets-core";
import { Machine, fetchTransport, operation, run } from "agentsecrets-core/io";
import { MemoryRelay } from "agentsecrets-core/testing";

class MapVault {
  held = new Map();
  calls = [];

  async load(key) {
    this.calls.push(`load ${key}`);
    return this.held.get(key);
  }

  async store(key, bytes) {
    this.calls.push(`store ${key}`);
    this.held.set(key, Uint8Array.from(bytes));
  }

  async remove(key) {
    this.calls.push(`remove ${key}`);
    this.held.delete(key);
  }
}

const env = "development";

test("two members with vaults in maps share a value through fetch", async () => {
  const relay = new MemoryRelay();
  const transport = fetchTransport();
  const [anna, bo] = [Identity.generate(), Identity.generate()];
  const [desk, phone] = [{ vault: new MapVault(), transport }, { vault: new MapVault(), transport }];
  const workspace = await run(operation("create", anna, { name: "acme", label: "desk", relay: relay.url }), desk);
  assert.match(workspace, /^[0-9a-f]{64}$/);
  await run(operation("set", anna, { workspace, env, name: "API_TOKEN", value: "fake-4711" }), desk);
  await run(operation("set", anna, { workspace, env, name: "GONE", value: new Secret("fake") }), desk);
  await run(operation("push", anna, { workspace, env }), desk);
  await run(operation("delete", anna, { workspace, env, name: "GONE" }), desk);
  await run(operation("push", anna, { workspace, env }), desk);
  const code = await run(operation("invite", anna, { workspace, role: "reader" }), desk);
  assert.ok(code instanceof Secret);
  assert.equal(await run(operation("join", bo, { code, label: "phone" }), phone), workspace);
  assert.equal(await run(operation("admit", anna, { workspace }), desk), "1");
  await run(operation("sync", bo, { workspace }), phone);
  const secrets = await run(operation("load", bo, { workspace, env }), phone);
  assert.deepEqual(secrets.names, ["API_TOKEN"]);
  assert.equal(secrets.get("API_TOKEN").reveal(), "fake-4711");
  await assert.rejects(secrets.refresh(), { code: "unsupported" });
  relay.stop();
  await assert.rejects(run(operation("sync", bo, { workspace }), phone), { code: "relay_unreachable", retryable: true });
});

test("an aborted signal stops before the vault is asked", async () => {
  const vault = new MapVault();
  const machine = operation("sync", Identity.generate(), { workspace: "0".repeat(64) });
  await assert.rejects(run(machine, { vault, signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  assert.deepEqual(vault.calls, []);
  assert.throws(() => machine.outcome(), { code: "closed" });
});

test("an abort in the middle of a request ends it, and nothing more is asked", async () => {
  const vault = new MapVault();
  const controller = new AbortController();
  const stuck = () => new Promise((_, reject) => controller.signal.addEventListener("abort", () => reject(controller.signal.reason)));
  const transport = { send: () => (setTimeout(() => controller.abort(new Error("enough")), 20), stuck()) };
  const machine = operation("create", Identity.generate(), { name: "acme", label: "desk", relay: "http://127.0.0.1:9" });
  await assert.rejects(run(machine, { vault, transport, signal: controller.signal }), /enough/);
  const before = vault.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(vault.calls.length, before);
});

test("failures of an edge arrive as what they are", async () => {
  const create = () => operation("create", Identity.generate(), { name: "acme", label: "desk" });
  const failing = (error) => ({ load: async () => undefined, store: async () => { throw error; }, remove: async () => {} });
  const own = new TypeError("my own bug");
  await assert.rejects(run(create(), { vault: failing(own) }), own);
  await assert.rejects(run(create(), { vault: failing(new AgentSecretsError("full", { code: "vault_full" })) }), { code: "vault_full", retryable: true });
  const online = operation("create", Identity.generate(), { name: "acme", label: "desk", relay: "http://127.0.0.1:9" });
  await assert.rejects(run(online, { vault: new MapVault() }), { code: "relay_unreachable" });
});

test("a vault or a transport that answers nonsense ends the operation with a code, and shows nothing of it", async () => {
  const identity = Identity.generate();
  const workspace = await run(operation("create", identity, { name: "acme", label: "desk" }), { vault: new MapVault() });
  for (const nonsense of ["canary-4711", 4711, { canary: 4711 }, ["canary-4711"]]) {
    const vault = { load: async () => nonsense, store: async () => {}, remove: async () => {} };
    await assert.rejects(run(operation("load", identity, { workspace, env }), { vault }), (error) => {
      assert.equal(error.code, "invalid_argument");
      assert.doesNotMatch(String(error.stack), /canary|4711/);
      return true;
    });
    const transport = { send: async () => nonsense };
    const online = operation("create", identity, { name: "acme", label: "desk", relay: "http://127.0.0.1:9" });
    await assert.rejects(run(online, { vault: new MapVault(), transport }), (error) => {
      assert.ok(error instanceof AgentSecretsError);
      assert.doesNotMatch(String(error.stack), /canary|4711/);
      return true;
    });
  }
});

test("fetchTransport times out, and does not follow a redirect", async (context) => {
  const { createServer } = await import("node:http");
  const hits = [];
  const server = createServer((request, response) => {
    hits.push(request.url);
    if (request.url.startsWith("/v1")) response.writeHead(307, { location: "/elsewhere" }).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => (server.closeAllConnections(), server.close()));
  const url = `http://127.0.0.1:${server.address().port}`;
  const request = { method: "GET", headers: [], body: new Uint8Array(), wait: 0 };
  assert.equal((await fetchTransport().send({ ...request, url: `${url}/v1` })).status, 307);
  await assert.rejects(fetchTransport({ timeout: 100 }).send({ ...request, url: `${url}/slow` }), { code: "relay_timeout", retryable: true });
  assert.deepEqual(hits, ["/v1", "/slow"]);
});

test("a machine is driven by hand as well", () => {
  const machine = operation("create", Identity.generate(), { name: "acme", label: "desk" });
  assert.ok(machine instanceof Machine);
  const held = new Map();
  for (let task = machine.next(); task.kind !== "done"; task = machine.next()) {
    if (task.kind === "load") machine.loaded(task.step, held.get(task.key));
    else machine.stored(task.step, held.set(task.key, task.bytes));
  }
  assert.match(machine.outcome(), /^[0-9a-f]{64}$/);
  assert.throws(() => machine.outcome(), { code: "closed" });
});
