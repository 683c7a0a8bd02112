"use strict";
// A team's workspace: who is in it, and its log.

const { call, settle } = require("./errors.js");
const check = require("./check.js");
const { Secret } = require("./secret.js");

const SIGNAL = { signal: check.signal };
const NEWCOMER = { role: check.text, scope: check.scope, ...SIGNAL };
const rows = (text) => JSON.parse(text);

/** Scopes are arrays of "ENV" or "ENV:NAME,NAME"; an empty one is everything. */
class Workspace {
  #native;

  /** @internal */
  constructor(client) {
    this.#native = client;
  }

  /** A call with no options but a signal. */
  #ask(options, run) {
    const { signal } = check.options(options, SIGNAL);
    return settle(() => run(this.#native), signal);
  }

  async #rows(options, run) {
    return rows(await this.#ask(options, run));
  }

  /** 64 hexadecimal digits. */
  get id() {
    return call(() => this.#native.workspace());
  }

  /** Name, relay, environment and head, as they are known here. */
  async status(options) {
    return this.#rows(options, (client) => client.status());
  }

  /** Publishes a local workspace. */
  async connect(relay, options) {
    check.text(relay, "a relay");
    await this.#ask(options, (client) => client.connect(relay));
  }

  /** A code for one newcomer, secret until it is used. `expires` is a Date or milliseconds since 1970; without it, never. */
  async invite(options) {
    const { role = "reader", scope = "", expires = 0, signal } = check.options(options, { expires: check.time, ...NEWCOMER });
    return new Secret(await settle(() => this.#native.invite(role, scope, expires), signal));
  }

  /** Open invitations. */
  async invitations(options) {
    return this.#rows(options, (client) => client.invitations());
  }

  /** Withdraws the open invitation whose id begins so. */
  async uninvite(id, options) {
    check.text(id, "an id");
    await this.#ask(options, (client) => client.uninvite(id));
  }

  /** Admits whoever answered an invitation made here; how many. */
  async admit(options) {
    return this.#ask(options, (client) => client.admit());
  }

  /** Admits a recipient whose string came out of band; its label. */
  async admitRecipient(recipient, label, options) {
    check.text(recipient, "a recipient"), check.text(label, "a label");
    const { role = "reader", scope = "", signal } = check.options(options, NEWCOMER);
    return settle(() => this.#native.admitRecipient(recipient, role, scope, label), signal);
  }

  /** Members. */
  async members(options) {
    return this.#rows(options, (client) => client.members());
  }

  /** Ends the memberships of a member's person, or of this one `device`. */
  async remove(member, options) {
    check.text(member, "a member");
    const checks = { reason: check.text, device: check.flag, rekey: check.flag, ...SIGNAL };
    const { reason = "departed", device = false, rekey = true, signal } = check.options(options, checks);
    await settle(() => this.#native.remove(member, reason, device, rekey), signal);
  }

  /** Ends this device's own membership. */
  async leave(options) {
    await this.#ask(options, (client) => client.leave());
  }

  /** Begins the next generation of the workspace key. */
  async rekey(options) {
    await this.#ask(options, (client) => client.rekey());
  }

  /** "owner", "admin", "writer" or "reader". */
  async setRole(member, role, options) {
    check.text(member, "a member"), check.text(role, "a role");
    await this.#ask(options, (client) => client.setRole(member, role));
  }

  /** Another scope; an empty one is everything. */
  async setScope(member, scope, options) {
    check.text(member, "a member");
    const items = check.scope(scope, "a scope");
    await this.#ask(options, (client) => client.setScope(member, items));
  }

  /** The 60 digits that both devices must show. */
  async safetyNumber(member, options) {
    check.text(member, "a member");
    return this.#ask(options, (client) => client.safetyNumber(member));
  }

  /** Records that the safety number was compared. */
  async confirm(member, options) {
    check.text(member, "a member");
    await this.#ask(options, (client) => client.confirm(member));
  }

  /** Who is how many entries behind. */
  async team(options) {
    return this.#rows(options, (client) => client.team());
  }

  /** Environments. */
  async environments(options) {
    return this.#rows(options, (client) => client.environments());
  }

  /** A new environment. */
  async createEnvironment(label, options) {
    check.text(label, "a label");
    await this.#ask(options, (client) => client.createEnvironment(label));
  }

  /** Another label. */
  async renameEnvironment(label, to, options) {
    check.text(label, "a label"), check.text(to, "the new label");
    await this.#ask(options, (client) => client.renameEnvironment(label, to));
  }

  /** It takes no more pushes. */
  async archiveEnvironment(label, options) {
    check.text(label, "a label");
    await this.#ask(options, (client) => client.archiveEnvironment(label));
  }

  /** The owner's policy. */
  async policy(options) {
    return this.#rows(options, (client) => client.policy());
  }

  /** After how many seconds without news a head is stale: "warns", "blocks-push" or "blocks-both". */
  async setPolicy(freshSeconds, stale, options) {
    check.count(freshSeconds, "the seconds"), check.text(stale, "what a stale head does");
    await this.#ask(options, (client) => client.setPolicy(freshSeconds, stale));
  }

  /** The log as the trail of who could read what, since when. */
  async audit(options) {
    return this.#rows(options, (client) => client.audit());
  }

  /** Who could read what and needs rotation; of one `member`, or of all. */
  async exposure(options) {
    const { member = "", signal } = check.options(options, { member: check.text, ...SIGNAL });
    return rows(await settle(() => this.#native.exposure(member), signal));
  }

  /** The newest entry known here, as SEQ:HEX. */
  async head(options) {
    return this.#ask(options, (client) => client.head());
  }

  /** Eight words for it, to compare by voice. */
  async headWords(options) {
    return this.#ask(options, (client) => client.headWords());
  }

  /** Follows the log alone, waiting up to `wait` for news; whether there was any. */
  async follow(options) {
    const { wait = 0, signal } = check.options(options, { wait: check.duration, ...SIGNAL });
    return settle(() => this.#native.follow(wait), signal);
  }

  /** Brings back to a restored relay what it lost; how many entries. */
  async repush(options) {
    return this.#ask(options, (client) => client.repush());
  }

  /** Leaves this history for the relay's, if that contains a confirmed head. */
  async adopt(head, options) {
    check.text(head, "a head");
    await this.#ask(options, (client) => client.adopt(head));
  }

  /** The log as a file that `verify` reads on any machine; it holds no value. */
  async export(options) {
    return this.#ask(options, (client) => client.export());
  }
}

module.exports = { Workspace };
