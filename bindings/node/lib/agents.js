"use strict";
// Secrets that may be used and not read: what agents and their tools get.

const native = require("./native.js");
const { call, settle } = require("./errors.js");
const check = require("./check.js");
const { inspect, withBytes } = require("./secret.js");
const { heldOf } = require("./secrets.js");

const utf8 = new TextDecoder();

/** What a request brought back, without the secret in any form. */
class Answer {
  #body;

  /** @internal */
  constructor(answer) {
    this.status = answer.status();
    const headers = answer.headers();
    const pairs = headers.flatMap((name, place) => (place % 2 === 0 ? [[name, headers[place + 1]]] : []));
    this.headers = new Headers(pairs);
    this.redactions = answer.redactions();
    this.#body = answer.body();
    Object.freeze(this);
  }

  /** Whether the status is 2xx. */
  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  /** The body, decoded. */
  get body() {
    return this.#body;
  }

  /** The body as UTF-8. */
  text() {
    return utf8.decode(this.#body);
  }

  /** The body as JSON. */
  json() {
    return JSON.parse(this.text());
  }

  [inspect]() {
    return `Answer(${this.status}, ${this.#body.length} bytes, ${this.redactions} redactions)`;
  }
}

/** A secret that may be used and not read, where its policy says so. */
class Handle {
  #native;

  /** @internal */
  constructor(made) {
    if (!(made instanceof native.UseHandle)) throw new TypeError("a Handle comes from secrets.handle(name)");
    this.#native = made;
  }

  /** Name of the secret. */
  get name() {
    return this.#native.name();
  }

  #about() {
    return JSON.parse(call(() => this.#native.about()));
  }

  /** Uses that are left; null for any number. */
  get usesLeft() {
    return this.#about().uses_left;
  }

  /** When it ends; null for never. */
  get until() {
    const { until } = this.#about();
    return until === null ? null : new Date(until);
  }

  /** The secret's policy; null for none. */
  get policy() {
    return this.#about().policy;
  }

  /** Throws `read_forbidden`. */
  reveal() {
    return call(() => this.#native.reveal());
  }

  /** Sends a request with the secret in it, and waits for the whole answer. Whatever the status, it is an answer. */
  async request(method, url, options) {
    check.text(method, "a method"), check.text(url, "a URL");
    const { headers = [], body, json, place = "", timeout, signal } = check.options(options, {
      headers: pairs,
      body: (value, what) => (typeof value === "string" ? Buffer.from(check.text(value, what)) : check.bytes(value, what)),
      json: (value) => Buffer.from(JSON.stringify(value)),
      place: check.text,
      timeout: check.duration,
      signal: check.signal,
    });
    if (json !== undefined && body !== undefined) throw check.invalid("a request has a body or json, not both");
    if (json !== undefined && !headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === "content-type")) {
      headers.push("content-type", "application/json");
    }
    const sent = body ?? json ?? new Uint8Array(0);
    return new Answer(await settle(() => this.#native.request(method, url, headers, sent, place, timeout ?? null), signal));
  }

  /** A handle that allows less; its uses count against this one too. */
  attenuate(options) {
    const words = (value, what) => check.scope(value, what);
    const { methods, paths, ttl, uses } = check.options(options, { methods: words, paths: words, ttl: check.duration, uses: check.count });
    return new Handle(call(() => this.#native.attenuate(methods ?? null, paths ?? null, ttl ?? null, uses ?? null)));
  }

  /** HMAC-SHA256 of a message, as webhooks are signed: hexadecimal, or base64. */
  sign(message, options) {
    const { encoding = "hex" } = check.options(options, { encoding: check.text });
    if (encoding !== "hex" && encoding !== "base64") throw check.invalid("an encoding is hex or base64");
    return withBytes(message, "a message", (bytes) => Buffer.from(call(() => this.#native.sign(bytes))).toString(encoding));
  }

  toJSON() {
    throw new TypeError("a Handle is not text: hand over its name");
  }

  [inspect]() {
    return `Handle(${this.name}, may be used, redacted)`;
  }
}

/** Headers as names and values in turn. */
function pairs(value, what) {
  if (!check.plain(value)) throw check.wrong(what, "an object of texts by name", value);
  return Object.keys(value).flatMap((name) => [check.text(name, "a header's name"), check.text(value[name], "a header's value")]);
}

/** Takes values out of texts in every form in which programs echo them. */
class Redactor {
  #native;

  constructor(values) {
    const held = heldOf(values);
    if (held !== undefined) {
      this.#native = call(() => native.Redactor.ofSecrets(held));
      return;
    }
    if (!check.plain(values)) throw check.wrong("the values", "Secrets or an object of values by name", values);
    this.#native = redactorOf(entries(values));
  }

  /** A text, or bytes, with `[redacted NAME]` in the place of every value. */
  redact(text) {
    if (text instanceof Uint8Array) return this.#native.redact(check.bytes(text, "a text"));
    return utf8.decode(this.#native.redact(Buffer.from(check.text(text, "a text"))));
  }

  /** For bytes that come in pieces. */
  stream() {
    const stream = this.#native.stream();
    return Object.freeze({
      push: (piece) => stream.push(check.bytes(piece, "a piece")),
      finish: () => stream.finish(),
    });
  }
}

/** Names and values; what a getter throws stays here, since it may hold the value. */
function entries(values) {
  try {
    return Object.entries(values);
  } catch {
    throw check.invalid("one of the values cannot be read");
  }
}

function redactorOf(entries) {
  const names = entries.map(([name]) => check.name(name, "a name"));
  const values = entries.map(([, value]) => withBytes(value, "a value", (bytes) => Uint8Array.from(bytes)));
  try {
    return call(() => native.Redactor.ofValues(names, values));
  } finally {
    for (const value of values) value.fill(0);
  }
}

/** A command that was started. It runs on when nobody holds this. */
class Child {
  #native;

  /** @internal */
  constructor(made) {
    this.#native = made;
  }

  /** Number of the process. */
  get pid() {
    return this.#native.pid();
  }

  /** Its exit code, 128 and the signal's number where it was killed. */
  async wait(options) {
    const { signal } = check.options(options, { signal: check.signal });
    for (;;) {
      const code = await settle(() => this.#native.wait(100), signal);
      if (code >= 0) return code;
    }
  }

  /** Ends it at once. */
  kill() {
    call(() => this.#native.kill());
  }
}

/** Starts a command with chosen names in its environment, which it can read; its streams are this process's own. */
function spawn(command, options) {
  const { only, secrets } = check.options(options, {
    only: (value, what) => check.list(value, what, check.name),
    secrets: (value, what) => {
      if (heldOf(value) === undefined) throw check.wrong(what, "Secrets", value);
      return value;
    },
  });
  check.list(command, "a command", check.text);
  if (only === undefined) throw check.invalid("a command gets secrets by name: only is a list of names, or an empty one");
  const held = heldOf(secrets ?? require("./load.js").loadSync());
  return new Child(call(() => native.spawn(held, command, only)));
}

module.exports = { Answer, Child, Handle, Redactor, spawn };
