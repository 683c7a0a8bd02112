// Plays conformance/handles through the package: what is let through, what is refused and how, what comes back.
import assert from "node:assert/strict";
import { spawn as start } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { AgentSecretsError, Redactor, errorCodes, loadSync, spawn } from "agentsecrets-core";
import { member, override } from "agentsecrets-core/testing";

const folder = join(process.env.AGENTSECRETS_ROOT, "conformance/handles");
const server = start("python3", [join(folder, "server.py")], { stdio: ["pipe", "pipe", "inherit"] });
const port = await new Promise((resolve, reject) => {
  server.on("error", reject);
  server.stdout.once("data", (line) => resolve(String(line).trim()));
});
after(() => server.stdin.end());

/** Bytes of a word: `%XX` is a byte, `-` nothing. */
function bytes(word) {
  const latin = word === "-" ? "" : word.replace(/%(..)/g, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
  return Buffer.from(latin, "latin1");
}

const text = (word) => bytes(word).toString();
const list = (word) => (word === "-" ? undefined : text(word).split(","));

function shown(given) {
  const plain = (byte) => byte > 0x20 && byte < 0x7f && byte !== 0x25;
  const hex = (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  const word = [...Buffer.from(given)].map((byte) => (plain(byte) ? String.fromCharCode(byte) : hex(byte))).join("");
  return word === "-" ? "%2D" : word || "-";
}

/** One identity in one workspace, and what was taken from it. */
class Stage {
  lines = [];
  handles = [];

  async play(line) {
    const done = line.split(" = ")[0];
    const [verb, ...words] = done.split(" ");
    if (verb === "message") return;
    if (verb === "#") return void this.lines.push(line);
    try {
      const got = (await this[verb](...words)) ?? [];
      this.lines.push([`${done} = 0`, ...got].join(" "));
    } catch (error) {
      assert.ok(error instanceof AgentSecretsError, error);
      this.lines.push(`${done} = ${errorCodes[error.code]}`, `message ${shown(error.message)}`);
    }
  }

  get used() {
    return this.handles.at(-1);
  }

  async secret(name, value) {
    await this.client.set(name, bytes(value));
    await this.client.push();
  }

  async policy(name, policy) {
    await this.client.setSecretPolicy(name, JSON.parse(text(policy)));
  }

  async shown(name) {
    return [shown(JSON.stringify(await this.client.secretPolicy(name)))];
  }

  async load() {
    this.secrets = await this.client.secrets();
  }

  read(name) {
    return [shown(this.secrets.get(name).revealBytes())];
  }

  handle(name) {
    this.handles = [this.secrets.handle(name)];
  }

  narrow(methods, paths, ttl, uses) {
    const less = { methods: list(methods), paths: list(paths) };
    if (ttl !== "-") less.ttl = Number(ttl);
    if (uses !== "-") less.uses = Number(uses);
    this.handles.push(this.used.attenuate(less));
  }

  wider() {
    this.handles.pop();
  }

  left() {
    return [String(this.used.usesLeft ?? "-")];
  }

  reveal() {
    this.used.reveal();
  }

  async request(method, target, place, header, body) {
    const url = text(target).startsWith("/") ? `http://127.0.0.1:${port}${text(target)}` : text(target);
    const [, name, value] = /^([^:]*):([^]*)$/.exec(text(header)) ?? [];
    const headers = name === undefined ? {} : { [name]: value };
    const answer = await this.used.request(method, url, { headers, body: bytes(body), place: text(place) });
    assert.equal(answer.headers.get("set-cookie"), null);
    return [String(answer.status), String(answer.redactions), shown(answer.headers.get("x-echo") ?? ""), shown(answer.body)];
  }

  sign(message) {
    return [this.used.sign(bytes(message))];
  }

  redact(...pieces) {
    const redactor = new Redactor(this.secrets);
    const stream = redactor.stream();
    const out = Buffer.concat([...pieces.map((piece) => stream.push(bytes(piece))), stream.finish()]);
    assert.deepEqual(Buffer.from(redactor.redact(Buffer.concat(pieces.map(bytes)))), out);
    return [shown(out)];
  }

  async spawn(names, ...command) {
    const child = spawn(command.map(text), { only: list(names) ?? [], secrets: this.secrets });
    return [String(await child.wait())];
  }
}

async function played(lines) {
  const stage = new Stage();
  stage.client = await member(null, "laptop", { name: "acme" });
  for (const line of lines) await stage.play(line);
  stage.client.close();
  return stage.lines;
}

const linesOf = (file) => readFileSync(join(folder, file), "utf8").replaceAll("{port}", port).split("\n").filter(Boolean);
const files = readdirSync(folder).filter((file) => file.endsWith(".txt"));

test("there are scenarios of handles", () => assert.ok(files.length >= 10, files.length));

for (const file of files) {
  const lines = linesOf(file);
  test(`handles, ${file}: ${lines[0].slice(2)}`, async () => assert.deepEqual(await played(lines), lines));
}

test("a bent line is noticed", async () => {
  const at = linesOf("echoes.txt").findIndex((line) => line.includes(" = 0 200 1 "));
  const bent = linesOf("echoes.txt");
  bent[at] = bent[at].replace(" = 0 200 1 ", " = 0 200 2 ");
  assert.notDeepEqual(await played(bent), bent);
});

test("values by hand are used as stored ones are: handles, redaction, commands", async () => {
  const rule = { scheme: "http", host: "127.0.0.1", port: Number(port), methods: ["GET"], paths: ["/v1/*"], places: ["bearer"] };
  const policies = { KEY: { access: "use-only", rules: [rule] }, GIVEN: { access: "use-only", environment: true } };
  const { secrets, restore } = override({ PLAIN: "fake-plain", KEY: "fake-key-4711", GIVEN: "fake-given" }, { policies });
  const check = 'test "$PLAIN$GIVEN" = fake-plainfake-given && test -z "$KEY" && exit 41';
  assert.equal(await spawn(["sh", "-c", check], { only: ["PLAIN", "GIVEN"] }).wait(), 41);
  assert.throws(() => spawn(["true"], { only: ["KEY"], secrets }), { code: "read_forbidden" });
  assert.throws(() => spawn(["true"], { only: ["NOBODY"], secrets }), { code: "unknown_secret" });
  assert.deepEqual([secrets.names, secrets.age, secrets.version], [["PLAIN"], 0, 0]);
  assert.throws(() => loadSync().get("KEY"), { code: "read_forbidden" });
  const answer = await loadSync().handle("KEY").request("GET", `http://127.0.0.1:${port}/v1/raw`);
  assert.deepEqual([answer.text(), answer.redactions], ["([redacted KEY])", 1]);
  assert.equal(new Redactor(secrets).redact("Bearer fake-key-4711"), "Bearer [redacted KEY]");
  restore();
  assert.throws(() => override({ A: "fake" }, { policies: { A: { access: "maybe" } } }), { code: "malformed_policy" });
});
