"use strict";
// Private half and public half of a device, agent or job.

const native = require("./native.js");
const { call } = require("./errors.js");
const check = require("./check.js");
const { Secret, guard, inspect, withText } = require("./secret.js");

let of;

class Identity {
  #native;

  /** @internal */
  constructor(made) {
    if (!(made instanceof native.Identity)) throw new TypeError("an Identity comes from Identity.generate() or Identity.parse()");
    this.#native = made;
    guard(this);
  }

  static {
    of = (identity) => identity.#native;
  }

  /** A fresh one: "human", "agent", "ci" or "recovery". */
  static generate(kind = "human") {
    check.text(kind, "a kind");
    return new Identity(call(() => native.Identity.generate(kind)));
  }

  /** From its identity string. */
  static parse(string) {
    return new Identity(withText(string, "an identity string", (bytes) => call(() => native.Identity.parse(bytes))));
  }

  /** Its identity string, which is secret. */
  string() {
    return new Secret(this.#native.string());
  }

  /** Its recipient string, which is public. */
  get recipient() {
    return this.#native.recipient();
  }

  /** Its fingerprint. */
  get fingerprint() {
    return this.#native.fingerprint();
  }

  [inspect]() {
    return `Identity(${this.fingerprint})`;
  }
}

module.exports = { Identity, nativeIdentity: (identity) => of(identity) };
