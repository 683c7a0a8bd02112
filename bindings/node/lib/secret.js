"use strict";
// One value, shown to nobody who does not ask by name.

const native = require("./native.js");
const { AgentSecretsError, call, raised } = require("./errors.js");
const { text } = require("./text.js");

const HOW = "a Secret is not text: call .reveal() where the value is used";
const inspect = Symbol.for("nodejs.util.inspect.custom");
// At start nothing has to be checked.
const check = () => require("./check.js");

let of;

function refuse() {
  throw new TypeError(HOW);
}

function copied() {
  throw new TypeError("a Secret cannot be copied, cloned, compared or sent to another thread: hand over its name");
}

/** A value. Text, JSON, copies and messages of it throw; `console.log` shows it redacted. */
class Secret {
  #native;

  constructor(value) {
    this.#native = value instanceof native.Secret ? value : withBytes(value, "a value", (bytes) => new native.Secret(bytes));
    guard(this);
  }

  static {
    of = (secret) => secret.#native;
  }

  /** The value as text. */
  reveal() {
    try {
      return this.#native.text();
    } catch (error) {
      throw raised(error);
    }
  }

  /** The value as bytes; yours to wipe. */
  revealBytes() {
    return call(() => this.#native.bytes());
  }

  /** How many bytes. */
  get size() {
    return call(() => this.#native.size());
  }

  /** Compares with a value in a time that depends on the lengths alone. */
  equals(other) {
    return withBytes(other, "the other value", (bytes) => call(() => this.#native.equals(bytes)));
  }

  /** Lets go of the value. */
  wipe() {
    this.#native.wipe();
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
    return "Secret(<redacted>)";
  }
}
if (Symbol.dispose) Secret.prototype[Symbol.dispose] = Secret.prototype.wipe;

/** A property that throws when it is read: whoever copies, clones or compares all properties stops there, and does not go on
 * with an empty object that looks like any other. */
function guard(object) {
  Object.defineProperty(object, "secret", GUARD);
}
const GUARD = { enumerable: true, get: copied };

/** Runs with the bytes of a string, Uint8Array or Secret, and wipes the copy that was made for it. */
function withBytes(value, what, run) {
  if (value instanceof Uint8Array) return run(check().bytes(value, what));
  if (typeof value !== "string" && !(value instanceof Secret)) throw check().wrong(what, "a string, Uint8Array or Secret", value);
  const bytes = typeof value === "string" ? Buffer.from(text(value, what)) : value.revealBytes();
  try {
    return run(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** As `withBytes`, for a text that may be a Secret. */
function withText(value, what, run) {
  if (value instanceof Uint8Array) throw check().wrong(what, "a string or Secret", value);
  return withBytes(value, what, run);
}

module.exports = { AgentSecretsError, Secret, guard, inspect, nativeOf: (secret) => of(secret), withBytes, withText };
