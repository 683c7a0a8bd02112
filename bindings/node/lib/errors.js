"use strict";
// One error class with a stable code. What the native part throws is taken apart here, and never passed on as it is: an error
// of napi's own may hold the argument.

const native = require("./native.js");

/** Why a call failed; no text of it holds a value. */
class AgentSecretsError extends Error {
  constructor(message, how) {
    super(typeof message === "string" ? message : "an error");
    const { code, hint, retryable, retryAfter } = how ?? {};
    const row = table().get(code) ?? table().get("internal");
    this.code = row.code;
    this.retryable = typeof retryable === "boolean" ? retryable : row.retryable;
    if (typeof retryAfter === "number") this.retryAfter = retryAfter;
    this.hint = typeof hint === "string" ? hint : row.hint;
    if (this.code === "missing_secrets") this.names = named(this.message);
  }
}
Object.defineProperty(AgentSecretsError.prototype, "name", { value: "AgentSecretsError", configurable: true, writable: true });

let rows;
function table() {
  rows ??= new Map(JSON.parse(native.codes()).map((row) => [row.code, row]));
  return rows;
}

/** The names in "...: A, B; looked in ...". */
function named(message) {
  const from = message.indexOf(": ");
  const to = message.lastIndexOf("; looked in");
  return from < 0 || to < from ? [] : message.slice(from + 2, to).split(", ");
}

/** The public error of whatever the native part threw. */
function raised(error) {
  if (error instanceof AgentSecretsError) return error;
  let parts;
  try {
    parts = JSON.parse(error.message);
  } catch {
    return new AgentSecretsError("the native part does not take an argument", { code: "internal" });
  }
  return new AgentSecretsError(parts.message, { ...parts, retryAfter: parts.retryAfter ?? undefined });
}

/** Runs a synchronous call of the native part. */
function call(run) {
  try {
    return run();
  } catch (error) {
    throw raised(error);
  }
}

/** Waits for a call of the native part. Aborted before, it is not begun; aborted later, what it brings is let go. */
function settle(run, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => reject(signal.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const end = () => signal?.removeEventListener("abort", abort);
    run().then(
      (value) => {
        end();
        if (signal?.aborted) letGo(value);
        resolve(value);
      },
      (error) => {
        end();
        reject(raised(error));
      },
    );
  }).catch((error) => {
    throw signal?.aborted && error === signal.reason ? error : raised(error);
  });
}

function letGo(value) {
  value?.close?.();
  value?.wipe?.();
}

module.exports = {
  AgentSecretsError,
  call,
  raised,
  settle,
  errorCodes: () => Object.freeze(Object.fromEntries([...table().values()].map((row) => [row.code, row.number]))),
};
