"use strict";
// A device's client: its vault, its identity, its workspace. Every method that reads the vault gives a promise.

const native = require("./native.js");
const { call, settle } = require("./errors.js");
const check = require("./check.js");
const { config } = require("./config.js");
const { inspect, withBytes, withText } = require("./secret.js");
const { Secrets } = require("./secrets.js");
const { Workspace } = require("./workspace.js");

const SIGNAL = { signal: check.signal };
const PLACE = { env: check.text, ...SIGNAL };
const rows = (text) => JSON.parse(text);

/** As JSON; what a getter throws stays here. */
function written(policy) {
  try {
    return JSON.stringify(policy);
  } catch {
    throw check.invalid("a policy cannot be written as JSON");
  }
}

/** A device's client. `env` in options is a label; without it, the configured environment. */
class Client {
  #native;

  /** @internal */
  constructor(made) {
    if (!(made instanceof native.Client)) throw new TypeError("a Client comes from Client.open()");
    this.#native = made;
  }

  /** Opens what the settings say; without any, what AGENTSECRETS_* and the project file say. */
  static async open(settings, options) {
    const made = settings === undefined ? null : config(settings, "the settings");
    const { signal } = check.options(options, SIGNAL);
    return new Client(await settle(() => native.openClient(made), signal));
  }

  /** Lets go of vault and keys; later calls are refused. */
  close() {
    this.#native.close();
  }

  /** This device's recipient string. */
  get recipient() {
    return call(() => this.#native.recipient());
  }

  /** The workspace, with its log, its members and what they could read. */
  get workspace() {
    return new Workspace(this.#native);
  }

  /** Begins a workspace, local without a relay. */
  async create(name, label, options) {
    check.text(name, "a name"), check.text(label, "a label");
    const { relay = "", signal } = check.options(options, { relay: check.text, ...SIGNAL });
    await settle(() => this.#native.create(name, label, relay), signal);
    return this.workspace;
  }

  /** Answers an invitation: a string or Secret. */
  async join(code, label, options) {
    check.text(label, "a label");
    const { signal } = check.options(options, SIGNAL);
    await settle(() => withText(code, "an invitation", (bytes) => this.#native.join(bytes, label)), signal);
    return this.workspace;
  }

  /** Follows the log, pulls everything in scope, admits and shares; says what it did. */
  async sync(options) {
    const { signal } = check.options(options, SIGNAL);
    return rows(await settle(() => this.#native.sync(), signal));
  }

  /** Brings one environment up to the log, as a whole or not at all; `theirs` gives up changes here that clash. */
  async pull(options) {
    const { env = "", theirs = false, signal } = check.options(options, { theirs: check.flag, ...PLACE });
    await settle(() => this.#native.pull(env, theirs), signal);
  }

  /** Pushes what was set and deleted here; how many names. With `mine` it wins over somebody else's change. */
  async push(options) {
    const { env = "", mine = false, signal } = check.options(options, { mine: check.flag, ...PLACE });
    return settle(() => this.#native.push(env, mine), signal);
  }

  /** Sets a value in the vault, to be pushed: a string, Uint8Array or Secret. */
  async set(name, value, options) {
    check.text(name, "a name");
    const { env = "", signal } = check.options(options, PLACE);
    await settle(() => withBytes(value, "a value", (bytes) => this.#native.set(env, name, bytes)), signal);
  }

  /** Deletes a value in the vault, to be pushed. */
  async delete(name, options) {
    check.text(name, "a name");
    const { env = "", signal } = check.options(options, PLACE);
    await settle(() => this.#native.delete(env, name), signal);
  }

  /** A secret's policy; null where it has none. */
  async secretPolicy(name, options) {
    check.name(name, "a name");
    const { env = "", signal } = check.options(options, PLACE);
    return rows(await settle(() => this.#native.secretPolicy(env, name), signal));
  }

  /** Sets a secret's policy, at once and for everybody; null takes it away. Admins only. */
  async setSecretPolicy(name, policy, options) {
    check.name(name, "a name");
    if (policy !== null && !check.plain(policy)) throw check.wrong("a policy", "an object or null", policy);
    const { env = "", signal } = check.options(options, PLACE);
    await settle(() => this.#native.setSecretPolicy(env, name, written(policy)), signal);
  }

  /** The values of an environment, as the vault holds them. */
  async secrets(options) {
    const { env = "", signal } = check.options(options, PLACE);
    const client = this.#native;
    const how = {
      environment: env,
      own: false,
      refresh: async () => {
        await client.pull(env, false);
        return client.secrets(env);
      },
      client: async () => client,
    };
    return new Secrets(await settle(() => client.secrets(env), signal), how);
  }

  /** What the vault holds, without values. */
  async list(options) {
    const { env = "", signal } = check.options(options, PLACE);
    return rows(await settle(() => this.#native.list(env), signal));
  }

  /** The vault against the log that it knows; or one environment against an `other`. */
  async diff(options) {
    const { env = "", other, signal } = check.options(options, { other: check.text, ...PLACE });
    const drift = () => (other === undefined ? this.#native.drift(env) : this.#native.driftBetween(env, other));
    return rows(await settle(drift, signal));
  }

  /** Versions of a name, without values. */
  async history(name, options) {
    check.text(name, "a name");
    const { env = "", signal } = check.options(options, PLACE);
    return rows(await settle(() => this.#native.history(env, name), signal));
  }

  [inspect]() {
    return "Client(<redacted>)";
  }
}
if (Symbol.dispose) Client.prototype[Symbol.dispose] = Client.prototype.close;
if (Symbol.asyncDispose) {
  Client.prototype[Symbol.asyncDispose] = async function () {
    this.close();
  };
}

/** Makes this device's identity in the vault, unless there is one; whether it did. */
async function init(label, options) {
  check.text(label, "a label");
  const { config: made, signal } = check.options(options, { config, ...SIGNAL });
  return settle(() => native.init(made ?? call(() => native.Config.discover()), label), signal);
}

/** Folds an exported log entry by entry; needs no secret. With a `head`, the log must reach exactly that far. */
async function verify(log, options) {
  check.text(log, "a log");
  const { head = "", signal } = check.options(options, { head: check.text, ...SIGNAL });
  return rows(await settle(() => native.verify(log, head), signal));
}

module.exports = { Client, init, verify };
