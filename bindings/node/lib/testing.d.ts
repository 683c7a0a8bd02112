// For the tests of programs that use agentsecrets.

import type { Client, Role, SecretPolicy, Secrets, Value } from "./index.js";

/** `load()` and `loadSync()` give exactly these values until `restore()`, each under its policy, if it has one. */
export function override(
  values: Readonly<Record<string, Value>>,
  options?: { policies?: Readonly<Record<string, SecretPolicy>> },
): {
  readonly secrets: Secrets;
  restore(): void;
  [Symbol.dispose](): void;
};

/** The reference relay, over memory, on a free port of this machine. It forgets everything at its end. */
export class MemoryRelay {
  constructor();
  /** Where it listens. */
  readonly url: string;
  /** Ends it. */
  stop(): void;
  [Symbol.dispose](): void;
}

/** A client over a vault in memory, with a fresh identity: the founder of a workspace, or admitted to that of `founder`. */
export function member(
  relay: MemoryRelay | null,
  label: string,
  options?: { founder?: Client; role?: Role; name?: string },
): Promise<Client>;
