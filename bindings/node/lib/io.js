"use strict";
// Operations with a store and a way to the relay of your own: nothing here opens a file or a socket but `fetchTransport`.

const { randomFillSync } = require("node:crypto");

const native = require("./native.js");
const { AgentSecretsError, call } = require("./errors.js");
const check = require("./check.js");
const { Secret, inspect, withBytes, withText } = require("./secret.js");
const { Secrets } = require("./secrets.js");
const { Identity, nativeIdentity } = require("./identity.js");

const PLACE = { workspace: check.text };
const SECRET = (value, what) => withBytes(value, what, (bytes) => Uint8Array.from(bytes));
// Of each operation: its options, and those that are its texts, in their order.
const OPERATIONS = {
  create: { checks: { name: check.text, label: check.text, relay: check.text }, texts: ["name", "label", "relay"] },
  join: { checks: { code: (value, what) => withText(value, what, (bytes) => Uint8Array.from(bytes)), label: check.text }, texts: ["label"], value: "code" },
  invite: { checks: { ...PLACE, role: check.text, scope: check.scope, expires: check.time }, texts: ["workspace", "role", "scope"] },
  admit: { checks: PLACE, texts: ["workspace"] },
  sync: { checks: PLACE, texts: ["workspace"] },
  set: { checks: { ...PLACE, env: check.text, name: check.text, value: SECRET }, texts: ["workspace", "env", "name"], value: "value" },
  delete: { checks: { ...PLACE, env: check.text, name: check.text }, texts: ["workspace", "env", "name"] },
  push: { checks: { ...PLACE, env: check.text }, texts: ["workspace", "env"] },
  load: { checks: { ...PLACE, env: check.text }, texts: ["workspace", "env"] },
};
// A relay's answer is never larger; see `relay_too_large`.
const LARGEST = 64 * 1024 * 1024;

let of;

/** An operation under way, for `run`. */
class Machine {
  #native;

  /** @internal */
  constructor(made) {
    if (!(made instanceof native.Machine)) throw new TypeError("a Machine comes from operation()");
    this.#native = made;
  }

  static {
    of = (machine) => machine.#native;
  }

  /** What to do now, at a time in milliseconds since 1970. */
  next(now = Date.now()) {
    check.count(now, "a time");
    return call(() => this.#native.next(now));
  }

  /** Replies to `load`: the bytes, or nothing. */
  loaded(step, bytes) {
    check.count(step, "a step");
    const held = bytes === undefined || bytes === null ? null : check.bytes(bytes, "what a vault loads");
    call(() => this.#native.loaded(step, held));
  }

  /** Replies to `store` and `remove`. */
  stored(step) {
    check.count(step, "a step");
    call(() => this.#native.stored(step));
  }

  /** Replies to `send`. */
  answered(step, response) {
    check.count(step, "a step");
    if (response === null || typeof response !== "object") throw check.wrong("a response", "an object", response);
    const { status, body, retryAfter } = response;
    const [code, bytes] = [check.count(status, "a status"), check.bytes(body, "a body")];
    const wait = retryAfter === undefined ? null : check.count(retryAfter, "retryAfter");
    call(() => this.#native.answered(step, Math.min(code, 65_535), bytes, wait));
  }

  /** The step failed, with an error's code. */
  failed(step, code) {
    check.count(step, "a step"), check.text(code, "a code");
    call(() => this.#native.failed(step, code));
  }

  /** Gives the operation up; what was stored stays whole. */
  close() {
    call(() => this.#native.close());
  }

  /** The outcome, once, after `done`: undefined, a text, a Secret or Secrets. */
  outcome() {
    const made = call(() => this.#native.outcome());
    if (made instanceof native.Secret) return new Secret(made);
    return made instanceof native.Secrets ? new Secrets(made, HELD) : (made ?? undefined);
  }

  [inspect]() {
    return "Machine(<redacted>)";
  }
}
if (Symbol.dispose) Machine.prototype[Symbol.dispose] = Machine.prototype.close;

const unsupported = async () => {
  throw new AgentSecretsError("values from a machine are loaded again by another one", { code: "unsupported" });
};
const HELD = { environment: "", own: false, refresh: unsupported, client: unsupported };

/** An operation, to be run: create, join, invite, admit, sync, set, delete, push, load. */
function operation(name, identity, options) {
  const shape = typeof name === "string" && Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (shape === undefined) throw check.invalid(`an operation is one of ${Object.keys(OPERATIONS).join(", ")}`);
  if (!(identity instanceof Identity)) throw check.wrong("who acts", "an Identity", identity);
  const given = check.options(options, shape.checks);
  const entropy = randomFillSync(new Uint8Array(32));
  const value = shape.value === undefined ? null : given[shape.value];
  try {
    const texts = shape.texts.map((key) => given[key] ?? (key === "role" ? "reader" : ""));
    if (value === undefined) throw check.invalid(`${shape.value} is missing`);
    const { expires = 0 } = given;
    return new Machine(call(() => new native.Machine(name, nativeIdentity(identity), Date.now(), entropy, texts, value, expires)));
  } finally {
    entropy.fill(0);
    value?.fill(0);
  }
}

/** Drives it to its end: undefined, a text, a Secret or Secrets. An aborted signal gives it up before the next step. */
async function run(machine, edges) {
  if (!(machine instanceof Machine)) throw check.wrong("the first argument", "an operation", machine);
  const { vault, transport, signal } = check.options(edges, { vault: VAULT, transport: TRANSPORT, signal: check.signal });
  if (vault === undefined) throw check.invalid("vault is missing");
  try {
    for (;;) {
      signal?.throwIfAborted();
      const task = machine.next();
      if (task.kind === "done") return machine.outcome();
      if (task.kind === "sleep") await sleep(task.until - Date.now(), signal);
      else await perform(machine, task, { vault, transport, signal });
    }
  } finally {
    machine.close();
  }
}

async function perform(machine, task, edges) {
  let done;
  try {
    done = await asked(task, edges);
    edges.signal?.throwIfAborted();
    reply(machine, task, done);
  } catch (error) {
    if (edges.signal?.aborted) throw error;
    const known = error instanceof AgentSecretsError;
    machine.failed(task.step, known ? error.code : task.kind === "send" ? "relay_unreachable" : "vault_io");
    if (!known) throw error;
  } finally {
    task.bytes?.fill(0);
  }
}

function asked({ kind, key, bytes, method, url, headers, body, wait }, { vault, transport, signal }) {
  if (kind === "load") return vault.load(key, { signal });
  if (kind === "store") return vault.store(key, bytes, { signal });
  if (kind === "remove") return vault.remove(key, { signal });
  if (kind !== "send") throw new AgentSecretsError("a step that this package does not know", { code: "unsupported" });
  if (transport === undefined) throw new AgentSecretsError("there is no transport", { code: "relay_unreachable" });
  return transport.send({ method, url, headers, body, wait }, { signal });
}

function reply(machine, { kind, step }, done) {
  if (kind === "load") machine.loaded(step, done);
  else if (kind === "send") machine.answered(step, done);
  else machine.stored(step);
}

function sleep(wait, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => (clearTimeout(timer), reject(signal.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", abort), resolve()), Math.max(0, wait));
    signal?.addEventListener("abort", abort, { once: true });
  });
}

const methods = (names) => (value, what) => {
  if (value === null || typeof value !== "object" || names.some((name) => typeof value[name] !== "function")) {
    throw check.invalid(`${what} is an object with ${names.join(", ")}`);
  }
  return value;
};
const VAULT = methods(["load", "store", "remove"]);
const TRANSPORT = methods(["send"]);

/** A transport over `fetch`. `timeout` is of one request, beside the time for which the relay may hold its answer back. */
function fetchTransport(options) {
  const { timeout = 30_000, fetch: send = globalThis.fetch } = check.options(options, { timeout: check.duration, fetch: check.fn });
  return { send: (request, { signal } = {}) => fetched(send, timeout, request, signal) };
}

async function fetched(send, timeout, { method, url, headers, body, wait }, signal) {
  const both = new AbortController();
  const abort = () => both.abort();
  signal?.throwIfAborted();
  signal?.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(abort, timeout + wait);
  try {
    const content = method === "GET" || method === "HEAD" ? undefined : body;
    // Not followed: the headers are signed for this relay.
    const response = await send(url, { method, headers, body: content, redirect: "manual", signal: both.signal });
    return { status: response.status, body: await read(response), retryAfter: seconds(response.headers.get("retry-after")) };
  } catch (error) {
    if (error instanceof AgentSecretsError) throw error;
    if (signal?.aborted) throw signal.reason;
    const [code, what] = both.signal.aborted ? ["relay_timeout", "the relay did not answer in time"] : ["relay_unreachable", "no connection to the relay"];
    throw new AgentSecretsError(what, { code });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

async function read(response) {
  const parts = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > LARGEST) throw new AgentSecretsError("the relay's answer is larger than any right one", { code: "relay_too_large" });
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts, size));
}

/** Milliseconds of a Retry-After header in seconds. */
function seconds(header) {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : undefined;
}

module.exports = { Machine, fetchTransport, nativeMachine: (machine) => of(machine), operation, run };
