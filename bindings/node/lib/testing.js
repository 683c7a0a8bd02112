"use strict";
// For the tests of programs that use agentsecrets: values by hand, a relay in memory, clients on it.

const native = require("./native.js");
const { AgentSecretsError, call } = require("./errors.js");
const check = require("./check.js");
const { Client } = require("./client.js");
const { Identity } = require("./identity.js");
const { overrides } = require("./load.js");
const { withBytes } = require("./secret.js");
const { Secrets } = require("./secrets.js");

const relays = () => native.find("testing.node");

/** `load()` and `loadSync()` give exactly these values until `restore()`, each under its policy, if it has one. */
function override(values, options) {
  const { policies = {} } = check.options(options, { policies: objects });
  if (!check.plain(values)) throw check.wrong("the values", "an object of values by name", values);
  const held = heldBy(values, policies);
  const how = { environment: "", own: false, refresh: async () => held, client: unsupported };
  const secrets = new Secrets(held, how);
  overrides.push(secrets);
  const restore = () => {
    const place = overrides.indexOf(secrets);
    if (place >= 0) overrides.splice(place, 1);
  };
  return Object.assign({ secrets, restore }, Symbol.dispose ? { [Symbol.dispose]: restore } : {});
}

/** Values by hand, as the native part has them. */
function heldBy(values, policies) {
  const names = Object.keys(values).map((name) => check.name(name, "a name"));
  const written = names.map((name) => (Object.hasOwn(policies, name) ? JSON.stringify(policies[name]) : ""));
  const bytes = names.map((name) => withBytes(values[name], "a value", (given) => Uint8Array.from(given)));
  try {
    return call(() => native.Secrets.ofValues(names, bytes, written));
  } finally {
    for (const value of bytes) value.fill(0);
  }
}

function objects(value, what) {
  if (!check.plain(value)) throw check.wrong(what, "an object of policies by name", value);
  return value;
}

async function unsupported() {
  throw new AgentSecretsError("a test's values do not change", { code: "unsupported" });
}

/** The reference relay, over memory, on a free port of this machine. It forgets everything at its end. */
class MemoryRelay {
  #native;

  constructor() {
    const { MemoryRelay: Relay } = relays();
    this.#native = call(() => new Relay());
  }

  /** Where it listens. */
  get url() {
    return this.#native.url;
  }

  /** Ends it. */
  stop() {
    this.#native.stop();
  }
}
if (Symbol.dispose) MemoryRelay.prototype[Symbol.dispose] = MemoryRelay.prototype.stop;

/** A client over a vault in memory, with a fresh identity: the founder of a workspace, or admitted to that of `founder`. */
async function member(relay, label, options) {
  if (relay !== null && !(relay instanceof MemoryRelay)) throw check.wrong("a relay", "a MemoryRelay or null", relay);
  check.text(label, "a label");
  const { founder, role = "writer", name = "test" } = check.options(options, { founder: client, role: check.text, name: check.text });
  const made = await Client.open({ vault: "memory", identity: Identity.generate("human").string() });
  if (founder === undefined) {
    await made.create(name, label, relay === null ? {} : { relay: relay.url });
    return made;
  }
  await made.join(await founder.workspace.invite({ role }), label);
  await founder.workspace.admit();
  await made.sync();
  return made;
}

function client(value, what) {
  if (!(value instanceof Client)) throw check.wrong(what, "a Client", value);
  return value;
}

module.exports = { MemoryRelay, member, override };
