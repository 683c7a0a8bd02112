"use strict";
// Changes of an environment as they arrive. The wait is on a thread of its own and does not keep the process alive.

const native = require("./native.js");
const { AgentSecretsError, raised, settle } = require("./errors.js");

/** Tells `tell(error, change)` of each change until the function that it returns is called, or until an error. */
function follow({ how, replace }, keepAlive, tell, begun = () => {}) {
  let closed = false;
  let client;
  let watch;
  let turn = Promise.resolve();
  const alive = keepAlive ? setInterval(() => {}, 2 ** 30) : undefined;
  const close = () => {
    if (closed) return;
    closed = true;
    clearInterval(alive);
    watch?.close();
    if (how.own) client?.close();
  };
  const fail = (error) => {
    if (closed) return;
    close();
    tell(error);
  };
  const take = async () => {
    const held = await settle(() => client.secrets(how.environment));
    if (closed) return held.close();
    const change = replace(held);
    if (change.updated.length > 0 || change.deleted.length > 0) tell(undefined, change);
  };
  // The watch is open before the values are read again, so no change falls between. One after the other.
  const hear = (kind, what) => {
    if (closed) return;
    if (kind === "failed") return fail(raised(new Error(what)));
    if (kind === "ready") begun();
    turn = turn.then(take).catch(fail);
  };
  const begin = async () => {
    client = await how.client();
    if (closed) return how.own ? client.close() : undefined;
    watch = new native.Watch(client, how.environment, hear);
  };
  begin().catch((error) => fail(error instanceof AgentSecretsError ? error : raised(error)));
  return close;
}

/** An async iterator over changes. */
class Watch {
  #close;
  #changes = [];
  #waiting = [];
  #end;

  constructor(source, keepAlive, signal) {
    if (signal?.aborted) {
      this.#end = { error: signal.reason };
      return;
    }
    const abort = () => this.#finish({ error: signal.reason });
    signal?.addEventListener("abort", abort, { once: true });
    const close = follow(source, keepAlive, (error, change) => (error === undefined ? this.#arrive(change) : this.#finish({ error })));
    this.#close = () => {
      signal?.removeEventListener("abort", abort);
      close();
    };
  }

  #arrive(value) {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#changes.push(value);
    else waiting.resolve({ value, done: false });
  }

  #finish(end) {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#close();
    for (const waiting of this.#waiting.splice(0)) this.#last(waiting);
  }

  #last({ resolve, reject }) {
    const { error } = this.#end;
    // An error once, then the end.
    this.#end = {};
    if (error === undefined) resolve({ value: undefined, done: true });
    else reject(error);
  }

  next() {
    return new Promise((resolve, reject) => {
      if (this.#changes.length > 0) resolve({ value: this.#changes.shift(), done: false });
      else if (this.#end !== undefined) this.#last({ resolve, reject });
      else this.#waiting.push({ resolve, reject });
    });
  }

  /** Ends it. */
  async return() {
    this.close();
    return { value: undefined, done: true };
  }

  close() {
    this.#changes.length = 0;
    this.#finish({});
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}
if (Symbol.dispose) Watch.prototype[Symbol.dispose] = Watch.prototype.close;
if (Symbol.asyncDispose) Watch.prototype[Symbol.asyncDispose] = Watch.prototype.return;

module.exports = { Watch, follow };
