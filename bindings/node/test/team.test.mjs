// A team on a relay: everything that a client does.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

import { Client, Identity, Secret, verify } from "agentsecrets-core";
import { MemoryRelay, member } from "agentsecrets-core/testing";
import { device } from "./stage.mjs";

test("two members share values; roles, scopes, environments, policy, log and removal do what they say", async () => {
  const relay = new MemoryRelay();
  const laptop = await member(relay, "laptop");
  const { workspace } = laptop;
  await laptop.set("API_TOKEN", "fake-1");
  await laptop.set("DATABASE_URL", new TextEncoder().encode("fake-2"));
  await laptop.set("SIGNING_KEY", new Secret("fake-3"));
  assert.equal(await laptop.push(), 3);
  assert.equal((await workspace.status()).relay, relay.url);

  const phone = await member(relay, "phone", { founder: laptop, role: "writer" });
  assert.equal(phone.workspace.id, workspace.id);
  const secrets = await phone.secrets();
  assert.deepEqual(secrets.names, ["API_TOKEN", "DATABASE_URL", "SIGNING_KEY"]);
  assert.equal(secrets.get("SIGNING_KEY").reveal(), "fake-3");

  // Values of the other one.
  await phone.set("API_TOKEN", "fake-4");
  assert.deepEqual((await phone.diff()).changes.map(({ name }) => name), ["API_TOKEN"]);
  assert.equal(await phone.push(), 1);
  await laptop.pull();
  assert.equal((await laptop.secrets()).get("API_TOKEN").reveal(), "fake-4");
  assert.deepEqual((await laptop.history("API_TOKEN")).map(({ version }) => version).sort(), [1, 2]);
  assert.equal((await laptop.list()).length, 3);
  await laptop.delete("SIGNING_KEY");
  await laptop.push();
  assert.ok(Array.isArray((await phone.sync()).pulled));
  assert.ok(!(await phone.secrets()).has("SIGNING_KEY"));

  // A conflict, and who wins it.
  await laptop.set("API_TOKEN", "fake-mine");
  await phone.set("API_TOKEN", "fake-theirs");
  await phone.push();
  await assert.rejects(laptop.pull(), { code: "conflict" });
  await assert.rejects(laptop.push(), { code: "conflict" });
  await laptop.pull({ theirs: true });
  assert.equal((await laptop.secrets()).get("API_TOKEN").reveal(), "fake-theirs");

  // Environments.
  await workspace.createEnvironment("canary");
  await workspace.renameEnvironment("canary", "preview");
  assert.ok((await workspace.environments()).some(({ name }) => name === "preview"));
  await laptop.set("API_TOKEN", "fake-5", { env: "preview" });
  await laptop.push({ env: "preview" });
  assert.equal((await laptop.diff({ env: "preview", other: "development" })).in_sync, false);
  await workspace.archiveEnvironment("preview");
  await workspace.createEnvironment("load-test");
  await assert.rejects(workspace.createEnvironment("load-test"), { code: "environment_exists" });

  // People.
  const members = await workspace.members();
  assert.deepEqual(members.map(({ label }) => label).sort(), ["laptop", "phone"]);
  assert.match(await workspace.safetyNumber("phone"), /^[\d ]{60,}$/);
  assert.equal(await workspace.safetyNumber("phone"), await phone.workspace.safetyNumber("laptop"));
  await workspace.confirm("phone");
  const code = await workspace.invite({ role: "reader", scope: ["development:API_TOKEN"], expires: new Date(Date.now() + 3_600_000) });
  assert.ok(code instanceof Secret && code.size > 40);
  const [open] = await workspace.invitations();
  assert.equal(open.role, "reader");
  await workspace.uninvite(open.id.slice(0, 12));
  assert.equal((await workspace.invitations()).length, 0);
  const agent = Identity.generate("agent");
  assert.equal(await workspace.admitRecipient(agent.recipient, "ci job", { role: "reader", scope: ["development:API_TOKEN"] }), "ci job");
  const job = await Client.open({ vault: "memory", identity: agent.string(), workspace: workspace.id, relay: relay.url }).catch((error) => error);
  assert.ok(job instanceof Client || job.code !== undefined);
  await workspace.setRole("ci job", "writer");
  await workspace.setScope("ci job", ["development"]);
  assert.equal((await workspace.members()).find(({ label }) => label === "ci job").role, "writer");
  assert.ok((await workspace.team()).length >= 2);

  // The log.
  assert.ok((await workspace.audit()).length > 8);
  assert.ok(Array.isArray(await workspace.exposure()));
  assert.ok(Array.isArray(await workspace.exposure({ member: "phone" })));
  const head = await workspace.head();
  assert.match(head, /^\d+:[0-9a-f]{64}$/);
  assert.equal((await workspace.headWords()).split(/[ -]/).length, 8);
  const log = await workspace.export();
  assert.doesNotMatch(log, /fake-/);
  assert.equal((await verify(log, { head })).head, head);
  await assert.rejects(verify(log, { head: `0:${"0".repeat(64)}` }));
  await workspace.setPolicy(3600, "blocks-push");
  assert.deepEqual(await workspace.policy(), { fresh_seconds: 3600, stale: "blocks-push" });
  assert.equal(await workspace.follow(), false);
  assert.equal(await workspace.repush(), 0);
  await assert.rejects(workspace.adopt(`1:${"0".repeat(64)}`));
  await workspace.rekey();

  // The end of memberships.
  await phone.workspace.leave();
  await workspace.follow();
  await workspace.remove("ci job", { reason: "retired", device: true, rekey: false });
  assert.deepEqual((await workspace.members()).filter(({ active }) => active).map(({ label }) => label), ["laptop"]);
  await assert.rejects(workspace.leave(), { code: "forbidden" });
  const exposed = await workspace.exposure();
  assert.ok(exposed.some(({ name, needs_rotation }) => name === "DATABASE_URL" && needs_rotation), JSON.stringify(exposed));

  relay.stop();
  await assert.rejects(laptop.sync(), { code: "relay_unreachable", retryable: true });
  for (const client of [laptop, phone]) client.close();
});

test("a local workspace is published later", async () => {
  const relay = new MemoryRelay();
  const solo = await member(null, "solo");
  await solo.set("A", "fake-a");
  await solo.push();
  await solo.workspace.connect(relay.url);
  assert.equal((await solo.workspace.status()).relay, relay.url);
  await assert.rejects(solo.workspace.connect(relay.url), { code: "already_published" });
  relay.stop();
});

test("refresh brings newer values and says which", async () => {
  const relay = new MemoryRelay();
  const laptop = await member(relay, "laptop");
  await laptop.set("A", "one");
  await laptop.set("B", "two");
  await laptop.push();
  const phone = await member(relay, "phone", { founder: laptop, role: "reader" });
  const secrets = await phone.secrets();
  assert.deepEqual((await secrets.refresh()).updated, []);
  await laptop.set("A", "other");
  await laptop.delete("B");
  await laptop.set("C", "new");
  await laptop.push();
  const change = await secrets.refresh();
  assert.deepEqual([change.updated, change.deleted], [["A", "C"], ["B"]]);
  assert.ok(change.version > 0);
  assert.equal(secrets.get("A").reveal(), "other");
  relay.stop();
});

test("maxAge and offline: a vault that is old enough is synced first, or not", async () => {
  const relay = new MemoryRelay();
  const { config } = await device({ A: "fake" }, relay.url);
  const { load } = await import("agentsecrets-core");
  assert.equal((await load({ config, maxAge: 0 })).get("A").reveal(), "fake");
  relay.stop();
  assert.equal((await load({ config })).size, 1, "warm: no network");
  assert.equal((await load({ config, maxAge: 0, offline: true })).size, 1);
  await assert.rejects(load({ config, maxAge: 0 }), { code: "relay_unreachable", retryable: true });
});

test("listings have the fields that the types say", async () => {
  const types = readFileSync(createRequire(import.meta.url).resolve("agentsecrets-core").replace(/\.js$/, ".d.ts"), "utf8");
  const fields = (name) => {
    const [, body] = new RegExp(`export interface ${name} \\{\n(.*?)\n\\}`, "s").exec(types);
    return [...body.matchAll(/^  (\w+):/gm)].map(([, field]) => field).sort();
  };
  const same = (rows, name) => {
    const row = Array.isArray(rows) ? rows[0] : rows;
    assert.ok(row, name);
    assert.deepEqual(Object.keys(row).sort(), fields(name), name);
  };
  const relay = new MemoryRelay();
  const laptop = await member(relay, "laptop");
  const { workspace } = laptop;
  await laptop.set("A", "fake-a");
  same(await laptop.diff(), "Drift");
  await laptop.push();
  const phone = await member(relay, "phone", { founder: laptop, role: "reader" });
  await phone.secrets();
  await workspace.invite();
  same(await laptop.sync(), "Synced");
  same(await workspace.status(), "Status");
  same(await workspace.members(), "MemberRow");
  same(await workspace.invitations(), "InvitationRow");
  same(await workspace.environments(), "EnvironmentRow");
  same(await laptop.list(), "SecretRow");
  same(await laptop.history("A"), "VersionRow");
  same(await workspace.audit(), "AuditRow");
  same(await workspace.team(), "TeamRow");
  same(await workspace.policy(), "Policy");
  same(await verify(await workspace.export()), "Verified");
  await workspace.remove("phone");
  same(await workspace.exposure(), "ExposureRow");
  for (const client of [laptop, phone]) client.close();
  relay.stop();
});
