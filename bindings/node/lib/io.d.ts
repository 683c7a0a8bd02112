// Operations with a store and a way to the relay of your own.

import type { Duration, ErrorCode, Identity, Role, Scope, Secret, Secrets, Signalled, Value } from "./index.js";

/** What to send, as it is: the headers are signed. */
export interface Request {
  method: string;
  url: string;
  headers: Array<[string, string]>;
  body: Uint8Array;
  /** Milliseconds for which the relay may hold its answer back, beside the time of a usual request. */
  wait: number;
}

/** What came back. */
export interface Response {
  status: number;
  body: Uint8Array;
  /** Milliseconds, of the Retry-After header. */
  retryAfter?: number;
}

type Maybe<T> = T | Promise<T>;

/** Where things are kept, durably. Bytes are secret, and wiped after `store`: keep a copy. Throw an AgentSecretsError to report a
 * failure as what it is. */
export interface Vault {
  load(key: string, how: Signalled): Maybe<Uint8Array | null | undefined>;
  store(key: string, bytes: Uint8Array, how: Signalled): Maybe<void>;
  remove(key: string, how: Signalled): Maybe<void>;
}

/** The way to the relay. */
export interface Transport {
  send(request: Request, how: Signalled): Maybe<Response>;
}

/** What the host is to do. */
export type Task =
  | { kind: "load" | "remove"; step: number; key: string }
  | { kind: "store"; step: number; key: string; bytes: Uint8Array }
  | ({ kind: "send"; step: number } & Request)
  | { kind: "sleep"; until: number }
  | { kind: "wait" | "done" };

/** An operation under way; `run` drives it. */
export class Machine<Outcome = undefined | string | Secret | Secrets> {
  private constructor();
  /** What to do now, at a time in milliseconds since 1970. */
  next(now?: number): Task;
  loaded(step: number, bytes?: Uint8Array | null): void;
  stored(step: number): void;
  answered(step: number, response: Response): void;
  failed(step: number, code: ErrorCode): void;
  /** Gives the operation up; what was stored stays whole. */
  close(): void;
  /** The outcome, once, after `done`. */
  outcome(): Outcome;
  [Symbol.dispose](): void;
}

/** Begins a workspace; its id is the outcome. */
export function operation(name: "create", identity: Identity, how: { name: string; label: string; relay?: string }): Machine<string>;
/** Answers an invitation; the workspace's id is the outcome. */
export function operation(name: "join", identity: Identity, how: { code: string | Secret; label: string }): Machine<string>;
/** A code for one newcomer. */
export function operation(
  name: "invite",
  identity: Identity,
  how: { workspace: string; role?: Role; scope?: Scope; expires?: Date | number },
): Machine<Secret>;
/** Admits whoever answered; how many, as text. */
export function operation(name: "admit", identity: Identity, how: { workspace: string }): Machine<string>;
/** Follows, pulls, admits, shares. */
export function operation(name: "sync", identity: Identity, how: { workspace: string }): Machine<undefined>;
/** Sets a value in the vault, to be pushed. */
export function operation(
  name: "set",
  identity: Identity,
  how: { workspace: string; env: string; name: string; value: Value },
): Machine<undefined>;
/** Deletes a value in the vault, to be pushed. */
export function operation(name: "delete", identity: Identity, how: { workspace: string; env: string; name: string }): Machine<undefined>;
/** Pushes what was changed. */
export function operation(name: "push", identity: Identity, how: { workspace: string; env: string }): Machine<undefined>;
/** The values of an environment. */
export function operation(name: "load", identity: Identity, how: { workspace: string; env: string }): Machine<Secrets>;

/** Drives an operation to its end. An aborted signal gives it up before the next step. */
export function run<Outcome>(machine: Machine<Outcome>, edges: Signalled & { vault: Vault; transport?: Transport }): Promise<Outcome>;

/** A transport over `fetch`. `timeout` is of one request, beside the time for which the relay may hold its answer back. */
export function fetchTransport(options?: { timeout?: Duration; fetch?: typeof globalThis.fetch }): Transport;
