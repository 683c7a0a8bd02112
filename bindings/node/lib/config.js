"use strict";
// Where an identity, a vault and a workspace are found.

const native = require("./native.js");
const { call } = require("./errors.js");
const check = require("./check.js");
const { inspect, withText } = require("./secret.js");

const KEYS = {
  vault: "vault",
  vaultKeyFile: "vault_key_file",
  vaultPassphraseFile: "vault_passphrase_file",
  home: "home",
  identity: "identity",
  environment: "environment",
  workspace: "workspace",
  relay: "relay",
};

let of;

/** Settings by hand; `Config.discover()` reads AGENTSECRETS_* and the project file. */
class Config {
  #native;

  constructor(settings = {}) {
    this.#native = settings instanceof native.Config ? settings : made(settings);
  }

  static {
    of = (config) => config.#native;
  }

  /** From AGENTSECRETS_* and the project file from the working folder upward. */
  static discover() {
    return new Config(call(() => native.Config.discover()));
  }

  [inspect]() {
    return "Config(<redacted>)";
  }
}

function made(settings) {
  const [keys, values] = [[], []];
  const keep = (value, what) => {
    withText(value, what, (bytes) => values.push(Uint8Array.from(bytes)));
    keys.push(KEYS[what]);
  };
  try {
    check.options(settings, Object.fromEntries(Object.keys(KEYS).map((key) => [key, keep])));
    return call(() => new native.Config(keys, values));
  } finally {
    for (const value of values) value.fill(0);
  }
}

/** The native settings of a Config or of an object of settings. */
function config(value, what) {
  if (value instanceof Config) return of(value);
  if (!check.plain(value)) throw check.wrong(what, "a Config or an object of settings", value);
  return made(value);
}

module.exports = { Config, config };
