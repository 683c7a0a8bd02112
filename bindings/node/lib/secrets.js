"use strict";
// The values of one environment: at start, later, and whenever they change.

const { AgentSecretsError, call, raised, settle } = require("./errors.js");
const { text } = require("./text.js");
const { Secret, guard, inspect } = require("./secret.js");

// At start nothing has to be checked.
const check = () => require("./check.js");

function refuse() {
  throw new TypeError("Secrets are not text: ask for one by .get(name).reveal()");
}

let heldOf;

/** The values of one environment by name; `refresh()`, `watch()` and `on("change")` bring newer ones into it. */
class Secrets {
  #held;
  #how;
  #listeners;

  static {
    heldOf = (secrets) => (secrets instanceof Secrets ? secrets.#held : undefined);
  }

  /** @internal `how` says how to load again: `refresh(signal)`, `client(signal)`, `environment`. */
  constructor(held, how) {
    if (how === undefined) throw new TypeError("Secrets come from load(), loadSync() or a client");
    [this.#held, this.#how] = [held, how];
    guard(this);
  }

  /** A value; throws `unknown_secret` where there is none of this name. */
  get(name) {
    try {
      return new Secret(this.#held.get(text(name, "a name")));
    } catch (error) {
      throw raised(error);
    }
  }

  /** Whether there is one. */
  has(name) {
    text(name, "a name");
    return call(() => this.#held.has(name));
  }

  /** A secret to be used and not read, where its policy says so. */
  handle(name) {
    text(name, "a name");
    const { Handle } = require("./agents.js");
    return new Handle(call(() => this.#held.handle(name)));
  }

  /** All names, sorted. */
  get names() {
    return call(() => this.#held.names());
  }

  /** How many. */
  get size() {
    return call(() => this.#held.size());
  }

  /** Milliseconds since the environment was pulled last; 0 of values that a test gave. */
  get age() {
    const at = call(() => this.#held.syncedAt());
    return at === 0 ? 0 : Math.max(0, Date.now() - at);
  }

  /** Number of the log entry up to which the environment was pulled. */
  get version() {
    return call(() => this.#held.version());
  }

  /** Label of the environment. */
  get environment() {
    return call(() => this.#held.environment());
  }

  *[Symbol.iterator]() {
    for (const name of this.names) yield [name, this.get(name)];
  }

  /** Syncs, and takes the newer values; says what changed. */
  async refresh(options) {
    const { signal } = check().options(options, { signal: check().signal });
    return this.#replace(await settle(() => this.#how.refresh(), signal));
  }

  #replace(held) {
    const before = this.#held;
    const [now, then] = [held.names(), before.names()];
    const updated = now.filter((name) => held.differs(before, name));
    const deleted = then.filter((name) => !held.has(name));
    this.#held = held;
    if (before !== held) before.close();
    return Object.freeze({ environment: held.environment(), version: held.version(), updated, deleted });
  }

  /** Changes as they arrive: `for await (const change of secrets.watch())`. Does not keep the process alive by itself. */
  watch(options) {
    const { keepAlive = false, signal } = check().options(options, { keepAlive: check().flag, signal: check().signal });
    const { Watch } = require("./watch.js");
    return new Watch(this.#source(), keepAlive, signal);
  }

  #source() {
    return { how: this.#how, replace: (held) => this.#replace(held) };
  }

  #listening() {
    return (this.#listeners ??= new (require("./listeners.js").Listeners)(this.#source()));
  }

  /** Calls `listener` with each change ("change"), or with the error that ended the watch ("error"). */
  on(event, listener) {
    this.#listening().add("on", event, listener);
    return this;
  }

  /** As `on`, once. */
  once(event, listener) {
    this.#listening().add("once", event, listener);
    return this;
  }

  /** Takes a listener away; the last one ends the watch. */
  off(event, listener) {
    this.#listening().remove(event, listener);
    return this;
  }

  /** Puts values into process.env, for libraries that read nothing else; the names set. Child processes inherit them. */
  applyEnv(options) {
    const { flag, list, name, options: taken } = check();
    const { only, override = false } = taken(options, { only: (value, what) => list(value, what, name), override: flag });
    const wanted = (only ?? this.names).filter((name) => override || process.env[name] === undefined || !this.has(name));
    const values = wanted.map((name) => [name, this.get(name).reveal()]);
    if (values.some(([, value]) => value.includes("\0"))) {
      throw new AgentSecretsError("a value cannot be an environment variable: it holds a zero byte", { code: "not_an_environment_value" });
    }
    for (const [name, value] of values) process.env[name] = value;
    return wanted;
  }

  /** Ends its watches by `on` and lets go of the values. */
  close() {
    this.#listeners?.close();
    this.#held.close();
  }

  toString() {
    return refuse();
  }

  toJSON() {
    return refuse();
  }

  valueOf() {
    return refuse();
  }

  [Symbol.toPrimitive]() {
    return refuse();
  }

  [inspect]() {
    try {
      return `Secrets(${this.environment}, ${this.size} values, redacted)`;
    } catch {
      return "Secrets(closed)";
    }
  }
}
if (Symbol.dispose) Secrets.prototype[Symbol.dispose] = Secrets.prototype.close;
if (Symbol.asyncDispose) {
  Secrets.prototype[Symbol.asyncDispose] = async function () {
    this.close();
  };
}

module.exports = { Secrets, heldOf: (secrets) => heldOf(secrets) };
