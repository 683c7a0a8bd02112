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

/** Values by hand, as the native part has them. */
class Held {
  #values;
  #policies;

  constructor(values, policies) {
    [this.#values, this.#policies] = [values, policies];
  }

  #readable(name) {
    const policy = this.#policies.get(name);
    return this.#values.has(name) && (policy === undefined || native.readableUnder(policy));
  }

  get(name) {
    const value = this.#values.get(name);
    if (value === undefined) throw new AgentSecretsError("the environment has no secret of this name", { code: "unknown_secret" });
    if (!this.#readable(name)) throw new AgentSecretsError(`${name} may be used and not read`, { code: "read_forbidden" });
    // Each asker has one of its own: wiping it leaves the others.
    return new native.Secret(value.bytes());
  }

  handle(name) {
    const value = this.#values.get(name);
    if (value === undefined) throw new AgentSecretsError("the environment has no secret of this name", { code: "unknown_secret" });
    return native.handleOf(name, value.bytes(), this.#policies.get(name) ?? null);
  }

  redactor() {
    const long = [...this.#values].filter(([, value]) => value.size() >= 5);
    return native.Redactor.ofValues(long.map(([name]) => name), long.map(([, value]) => value.bytes()));
  }

  has(name) {
    return this.#readable(name);
  }

  names() {
    return [...this.#values.keys()].filter((name) => this.#readable(name)).sort();
  }

  size() {
    return this.names().length;
  }

  differs(other, name) {
    return this !== other && this.has(name) !== other.has(name);
  }

  environment() {
    return "test";
  }

  version() {
    return 0;
  }

  syncedAt() {
    return Date.now();
  }

  close() {
    for (const value of this.#values.values()) value.wipe();
  }
}

/** `load()` and `loadSync()` give exactly these values until `restore()`, each under its policy, if it has one. */
function override(values, options) {
  const { policies = {} } = check.options(options, { policies: objects });
  if (!check.plain(values)) throw check.wrong("the values", "an object of values by name", values);
  const all = Object.keys(values).map((key) => {
    const name = check.name(key, "a name");
    return [name, withBytes(values[key], "a value", (bytes) => new native.Secret(bytes))];
  });
  const written = Object.entries(policies).map(([name, policy]) => [name, JSON.stringify(policy)]);
  for (const [, policy] of written) call(() => native.readableUnder(policy));
  const held = new Held(new Map(all), new Map(written));
  const how = { environment: "", own: false, refresh: async () => held, client: unsupported };
  const secrets = new Secrets(held, how);
  overrides.push(secrets);
  const restore = () => {
    const place = overrides.indexOf(secrets);
    if (place >= 0) overrides.splice(place, 1);
  };
  return Object.assign({ secrets, restore }, Symbol.dispose ? { [Symbol.dispose]: restore } : {});
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
