/// <reference lib="esnext.disposable" />
// Environment secrets of a team, end-to-end encrypted. Times are milliseconds throughout.

/** A value as it is handed in. */
export type Value = string | Uint8Array | Secret;
/** Milliseconds, or text like "90s", "30m", "24h", "7d". */
export type Duration = number | string;

export interface Signalled {
  /** Aborted before the call, nothing is read; aborted during it, the promise rejects with the signal's reason at once. */
  signal?: AbortSignal;
}

export interface InEnvironment extends Signalled {
  /** Label of an environment; without it, the configured one. */
  env?: string;
}

export interface Settings {
  vault?: "auto" | "keychain" | "file" | "memory";
  vaultKeyFile?: string;
  vaultPassphraseFile?: string;
  home?: string;
  /** An identity string. */
  identity?: string | Secret;
  environment?: string;
  /** 64 hexadecimal digits. */
  workspace?: string;
  relay?: string;
}

/** Settings by hand. */
export class Config {
  constructor(settings?: Settings);
  /** From AGENTSECRETS_* and the project file from the working folder upward. */
  static discover(): Config;
}

export interface LoadOptions extends InEnvironment {
  /** Names that must be there; `missing_secrets` names all that are not, in `names`. */
  require?: readonly string[];
  /** Syncs first where the last sync is longer ago. */
  maxAge?: Duration;
  /** Never touches the network, whatever the age. */
  offline?: boolean;
  /** Without it, what AGENTSECRETS_* and the project file say. */
  config?: Config | Settings;
}

/** The values of the configured environment, from the vault; no network where it is warm. */
export function load(options?: LoadOptions): Promise<Secrets>;
/** As `load`, at once: for configuration files. */
export function loadSync(options?: LoadOptions): Secrets;

/** A value that is shown to nobody who does not ask by name. Text, JSON, copies and messages of it throw a TypeError. */
export class Secret {
  constructor(value: Value);
  /** The value as text; `invalid_argument` where it is not UTF-8. */
  reveal(): string;
  /** The value as bytes; yours to wipe. */
  revealBytes(): Uint8Array;
  /** How many bytes. */
  readonly size: number;
  /** Compares in a time that depends on the lengths alone. */
  equals(other: Value): boolean;
  /** Lets go of the value: later calls throw `closed`. The bytes are wiped with their last holder: Secrets hold theirs. */
  wipe(): void;
  toString(): never;
  toJSON(): never;
  valueOf(): never;
  [Symbol.toPrimitive](hint: string): never;
  [Symbol.dispose](): void;
}

/** What a refresh or a watch found: names alone. */
export interface Change {
  readonly environment: string;
  readonly version: number;
  readonly updated: readonly string[];
  readonly deleted: readonly string[];
}

export interface Watch extends AsyncIterableIterator<Change> {
  next(): Promise<IteratorResult<Change, undefined>>;
  return(): Promise<IteratorResult<Change, undefined>>;
  /** Ends it. */
  close(): void;
  [Symbol.asyncIterator](): Watch;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The values of one environment by name. */
export class Secrets implements Iterable<[string, Secret]> {
  private constructor();
  /** A value; throws `unknown_secret` where there is none of this name. */
  get(name: string): Secret;
  /** Whether there is one. */
  has(name: string): boolean;
  /** A secret to be used and not read, where its policy says so. */
  handle(name: string): Handle;
  /** All names, sorted. */
  readonly names: string[];
  /** How many. */
  readonly size: number;
  /** Milliseconds since the environment was pulled last. */
  readonly age: number;
  /** Number of the log entry up to which the environment was pulled. */
  readonly version: number;
  /** Label of the environment. */
  readonly environment: string;
  /** Syncs, and takes the newer values; says what changed. */
  refresh(options?: Signalled): Promise<Change>;
  /** Changes as they arrive. Waiting for one does not keep the process alive, unless `keepAlive`. */
  watch(options?: Signalled & { keepAlive?: boolean }): Watch;
  /** Calls back with each change, or with the error that ended the watch. */
  on(event: "change", listener: (change: Change) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  /** As `on`, once. */
  once(event: "change", listener: (change: Change) => void): this;
  once(event: "error", listener: (error: Error) => void): this;
  /** Takes a listener away; the last one ends the watch. */
  off(event: "change", listener: (change: Change) => void): this;
  off(event: "error", listener: (error: Error) => void): this;
  /** Puts values into process.env, for libraries that read nothing else; the names set. Child processes inherit them. */
  applyEnv(options?: { only?: readonly string[]; override?: boolean }): string[];
  /** Ends what `on` began and lets go of the values. */
  close(): void;
  [Symbol.iterator](): IterableIterator<[string, Secret]>;
  toString(): never;
  toJSON(): never;
  valueOf(): never;
  [Symbol.toPrimitive](hint: string): never;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where one secret may go, and how. */
export interface SecretRule {
  scheme?: "https" | "http";
  host: string;
  port?: number;
  /** Whether the host's name may lead to an address of a private network. */
  private?: boolean;
  methods: readonly string[];
  /** `*` is one segment, `**` at the end the rest. */
  paths: readonly string[];
  /** "bearer", "basic[:USER]", "header:NAME[:WORD]", "query:NAME", "json:/POINTER", "form:NAME". */
  places: readonly string[];
  /** Longest answer in bytes. */
  response_limit?: number;
}

/** What one secret may be used for. */
export interface SecretPolicy {
  access: "readable" | "use-only";
  /** Whether messages may be signed with it. */
  sign?: boolean;
  /** Whether commands may get it in their environment. */
  environment?: boolean;
  rules?: readonly SecretRule[];
}

/** What a request brought back, without the secret in any form. */
export interface Answer {
  readonly status: number;
  /** Whether the status is 2xx. */
  readonly ok: boolean;
  /** Without cookies. */
  readonly headers: Headers;
  /** The body, decoded. */
  readonly body: Uint8Array;
  /** How often the secret was taken out. */
  readonly redactions: number;
  text(): string;
  json(): unknown;
}

export interface RequestOptions extends Signalled {
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** A value to be sent as JSON. */
  json?: unknown;
  /** Where the secret stands; needed where the policy allows several places. */
  place?: string;
  /** For the whole answer; two minutes unless given. */
  timeout?: Duration;
}

/**
 * A secret that may be used and not read, where its policy says so. In the program's own process it stops accidents, not
 * code that looks into memory: for that, the value belongs into another process (`agentsecrets broker`).
 */
export class Handle {
  private constructor();
  /** Name of the secret. */
  readonly name: string;
  /** Uses that are left; null for any number. */
  readonly usesLeft: number | null;
  /** When it ends; null for never. */
  readonly until: Date | null;
  /** The secret's policy; null for none. */
  readonly policy: SecretPolicy | null;
  /** Throws `read_forbidden`. */
  reveal(): never;
  /** Sends a request with the secret in it, and waits for the whole answer. Whatever the status, it is an answer. */
  request(method: string, url: string, options?: RequestOptions): Promise<Answer>;
  /** A handle that allows less; its uses count against this one too. `lease_wider` where it would allow more. */
  attenuate(options: { methods?: readonly string[]; paths?: readonly string[]; ttl?: Duration; uses?: number }): Handle;
  /** HMAC-SHA256 of a message, as webhooks are signed; hexadecimal unless asked for otherwise. */
  sign(message: Value, options?: { encoding?: "hex" | "base64" }): string;
}

/** A text that comes in pieces. */
export interface Redaction {
  push(piece: Uint8Array): Uint8Array;
  finish(): Uint8Array;
}

/** Takes values out of texts in every form in which programs echo them: logs, a model's context, answers. */
export class Redactor {
  /** Every value of an environment, of five bytes and more; or these values. */
  constructor(values: Secrets | Readonly<Record<string, Value>>);
  /** A text with `[redacted NAME]` in the place of every value. */
  redact(text: string): string;
  redact(text: Uint8Array): Uint8Array;
  /** For bytes that come in pieces. */
  stream(): Redaction;
}

/** A command that was started. It runs on when nobody holds this. */
export interface Child {
  readonly pid: number;
  /** Its exit code, 128 and the signal's number where it was killed. */
  wait(options?: Signalled): Promise<number>;
  kill(): void;
}

/** Starts a command with chosen names in its environment, which it can read; its streams are this process's own. */
export function spawn(command: readonly string[], options: { only: readonly string[]; secrets?: Secrets }): Child;

/** Why a call failed; no text of it holds a value. */
export class AgentSecretsError extends Error {
  /** For transports and vaults of your own: an error of a code. */
  constructor(message: string, how?: { code?: ErrorCode; hint?: string; retryable?: boolean; retryAfter?: number });
  readonly code: ErrorCode;
  /** Whether the same call may succeed later with nothing else changed. */
  readonly retryable: boolean;
  /** Milliseconds to wait before that, where the relay said so. */
  readonly retryAfter?: number;
  /** The command that helps in most cases. */
  readonly hint: string;
  /** Of `missing_secrets`: all of them. */
  readonly names?: readonly string[];
}

/** Private half and public half of a device, agent or job. */
export class Identity {
  private constructor();
  /** A fresh one; a human's without a kind. */
  static generate(kind?: "human" | "agent" | "ci" | "recovery"): Identity;
  /** From its identity string. */
  static parse(string: string | Secret): Identity;
  /** Its identity string, which is secret. */
  string(): Secret;
  /** Its recipient string, which is public. */
  readonly recipient: string;
  /** Its fingerprint. */
  readonly fingerprint: string;
}

/** A fresh X25519 pair, as libsodium and NaCl have it: 32 bytes each. */
export function generateKeys(): { publicKey: Uint8Array; secretKey: Secret };
/** The public half of a secret key. */
export function publicKey(secretKey: Uint8Array | Secret): Uint8Array;
/** Seals a message to a public key or a recipient string. */
export function seal(to: Uint8Array | string, message: Value): Uint8Array;
/** Seals many messages to one key, faster than one by one. */
export function sealMany(to: Uint8Array | string, messages: readonly Value[]): Uint8Array[];
/** Opens a box with a secret key or an identity. */
export function unseal(by: Uint8Array | Secret | Identity, box: Uint8Array): Secret;
/** Opens many boxes: for each the value, or the error that says why not. */
export function unsealMany(by: Uint8Array | Secret | Identity, boxes: readonly Uint8Array[]): Array<Secret | AgentSecretsError>;

/** Makes this device's identity in the vault, unless there is one; whether it did. */
export function init(label: string, options?: Signalled & { config?: Config | Settings }): Promise<boolean>;
/** Folds an exported log entry by entry; needs no secret. With a `head`, the log must reach exactly that far. */
export function verify(log: string, options?: Signalled & { head?: string }): Promise<Verified>;

/** A device's client. Reading the vault or asking the relay never blocks the event loop. */
export class Client {
  private constructor();
  /** Opens what the settings say; without any, what AGENTSECRETS_* and the project file say. */
  static open(settings?: Config | Settings, options?: Signalled): Promise<Client>;
  /** Lets go of vault and keys; later calls throw `closed`. */
  close(): void;
  /** This device's recipient string. */
  readonly recipient: string;
  /** The workspace, with its log, its members and what they could read. */
  readonly workspace: Workspace;
  /** Begins a workspace, local without a relay. */
  create(name: string, label: string, options?: Signalled & { relay?: string }): Promise<Workspace>;
  /** Answers an invitation. */
  join(code: string | Secret, label: string, options?: Signalled): Promise<Workspace>;
  /** Follows the log, pulls everything in scope, admits and shares; says what it did. */
  sync(options?: Signalled): Promise<Synced>;
  /** Brings one environment up to the log, as a whole or not at all; `theirs` gives up changes here that clash. */
  pull(options?: InEnvironment & { theirs?: boolean }): Promise<void>;
  /** Pushes what was set and deleted here; how many names. With `mine` it wins over somebody else's change. */
  push(options?: InEnvironment & { mine?: boolean }): Promise<number>;
  /** Sets a value in the vault, to be pushed. */
  set(name: string, value: Value, options?: InEnvironment): Promise<void>;
  /** Deletes a value in the vault, to be pushed. */
  delete(name: string, options?: InEnvironment): Promise<void>;
  /** A secret's policy; null where it has none. */
  secretPolicy(name: string, options?: InEnvironment): Promise<SecretPolicy | null>;
  /** Sets a secret's policy, at once and for everybody; null takes it away. Admins only. */
  setSecretPolicy(name: string, policy: SecretPolicy | null, options?: InEnvironment): Promise<void>;
  /** The values of an environment, as the vault holds them. */
  secrets(options?: InEnvironment): Promise<Secrets>;
  /** What the vault holds, without values. */
  list(options?: InEnvironment): Promise<SecretRow[]>;
  /** The vault against the log that it knows; or one environment against an `other`. */
  diff(options?: InEnvironment & { other?: string }): Promise<Drift>;
  /** Versions of a name, without values. */
  history(name: string, options?: InEnvironment): Promise<VersionRow[]>;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export type Role = "owner" | "admin" | "writer" | "reader";
/** Items of "ENV" or "ENV:NAME,NAME"; an empty array is everything. */
export type Scope = readonly string[];

/** A team's workspace: who is in it, and its log. */
export class Workspace {
  private constructor();
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Name, relay, environment and head, as they are known here. */
  status(options?: Signalled): Promise<Status>;
  /** Publishes a local workspace. */
  connect(relay: string, options?: Signalled): Promise<void>;
  /** A code for one newcomer, secret until it is used. `expires` is a Date or milliseconds since 1970; without it, never. */
  invite(options?: Signalled & { role?: Role; scope?: Scope; expires?: Date | number }): Promise<Secret>;
  /** Open invitations. */
  invitations(options?: Signalled): Promise<InvitationRow[]>;
  /** Withdraws the open invitation whose id begins so. */
  uninvite(id: string, options?: Signalled): Promise<void>;
  /** Admits whoever answered an invitation made here; how many. */
  admit(options?: Signalled): Promise<number>;
  /** Admits a recipient whose string came out of band; its label. */
  admitRecipient(recipient: string, label: string, options?: Signalled & { role?: Role; scope?: Scope }): Promise<string>;
  /** Members. */
  members(options?: Signalled): Promise<MemberRow[]>;
  /** Ends the memberships of a member's person, or of this one `device`; with a new workspace key, unless `rekey` is false. */
  remove(
    member: string,
    options?: Signalled & { reason?: "departed" | "lost-device" | "compromised" | "retired"; device?: boolean; rekey?: boolean },
  ): Promise<void>;
  /** Ends this device's own membership. */
  leave(options?: Signalled): Promise<void>;
  /** Begins the next generation of the workspace key. */
  rekey(options?: Signalled): Promise<void>;
  setRole(member: string, role: Role, options?: Signalled): Promise<void>;
  /** Another scope; an empty one is everything. */
  setScope(member: string, scope: Scope, options?: Signalled): Promise<void>;
  /** The 60 digits that both devices must show. */
  safetyNumber(member: string, options?: Signalled): Promise<string>;
  /** Records that the safety number was compared. */
  confirm(member: string, options?: Signalled): Promise<void>;
  /** Who is how many entries behind. */
  team(options?: Signalled): Promise<TeamRow[]>;
  /** Environments. */
  environments(options?: Signalled): Promise<EnvironmentRow[]>;
  /** A new environment. */
  createEnvironment(label: string, options?: Signalled): Promise<void>;
  /** Another label. */
  renameEnvironment(label: string, to: string, options?: Signalled): Promise<void>;
  /** It takes no more pushes. */
  archiveEnvironment(label: string, options?: Signalled): Promise<void>;
  /** The owner's policy. */
  policy(options?: Signalled): Promise<Policy>;
  /** After how many seconds without news a head is stale, and what that does. */
  setPolicy(freshSeconds: number, stale: Policy["stale"], options?: Signalled): Promise<void>;
  /** The log as the trail of who could read what, since when. */
  audit(options?: Signalled): Promise<AuditRow[]>;
  /** Who could read what and needs rotation; of one `member`, or of all. */
  exposure(options?: Signalled & { member?: string }): Promise<ExposureRow[]>;
  /** The newest entry known here, as SEQ:HEX. */
  head(options?: Signalled): Promise<string>;
  /** Eight words for it, to compare by voice. */
  headWords(options?: Signalled): Promise<string>;
  /** Follows the log alone, waiting up to `wait` for news; whether there was any. */
  follow(options?: Signalled & { wait?: Duration }): Promise<boolean>;
  /** Brings back to a restored relay what it lost; how many entries. */
  repush(options?: Signalled): Promise<number>;
  /** Leaves this history for the relay's, if that contains a confirmed head. */
  adopt(head: string, options?: Signalled): Promise<void>;
  /** The log as a file that `verify` reads on any machine; it holds no value. */
  export(options?: Signalled): Promise<string>;
}

// Listings keep to docs/schemas; new fields may come.

export interface Status {
  workspace: string;
  name: string | null;
  relay: string | null;
  environment: string;
  head: string | null;
  joining: boolean;
}
export interface Synced {
  admitted: string[];
  shared_with: string[];
  freshness: string;
  pulled: Array<{ environment: string; updated: string[]; deleted: string[]; error: ErrorCode | null }>;
}
export interface MemberRow {
  label: string;
  id: string;
  fingerprint: string;
  kind: string;
  role: Role;
  scope: string[];
  how: string;
  admitted_by: string;
  since: number;
  active: boolean;
  me: boolean;
}
export interface InvitationRow {
  id: string;
  role: Role;
  scope: string[];
  author: string;
  expires: string;
}
export interface EnvironmentRow {
  name: string;
  id: string;
  secrets: number;
  in_scope: boolean;
  archived: boolean;
}
export interface SecretRow {
  name: string;
  version: number;
  environment: string;
  updated_at: string;
  author: string;
}
export interface Drift {
  environment: string;
  in_sync: boolean;
  changes: Array<{ name: string; state: string }>;
}
export interface VersionRow {
  version: number;
  time: string;
  author: string;
  operation: string;
  held: boolean;
  live: boolean;
}
export interface AuditRow {
  seq: number;
  time: string;
  author: string;
  kind: string;
  environment: string | null;
  names: string[];
  recipients: string[];
}
export interface ExposureRow {
  environment: string;
  name: string;
  versions: number[];
  live: boolean;
  needs_rotation: boolean;
  readers: string[];
}
export interface TeamRow {
  member: string;
  seq: number | null;
  behind: number | null;
  seen_at: string | null;
  missing: number;
}
export interface Policy {
  fresh_seconds: number;
  stale: "warns" | "blocks-push" | "blocks-both";
}
export interface Verified {
  workspace: string;
  entries: number;
  head: string;
  members: number;
}

/** The stable words of what can go wrong, with their numbers; the table is docs/errors.md. */
export interface ErrorCodes {
  readonly invalid_argument: 1;
  readonly internal: 2;
  readonly busy: 3;
  readonly closed: 4;
  readonly unsupported: 5;
  readonly poisoned: 6;
  readonly no_identity: 101;
  readonly malformed_recipient: 102;
  readonly malformed_identity: 103;
  readonly weak_key: 104;
  readonly malformed_words: 105;
  readonly malformed_invitation: 110;
  readonly invitation_expired: 111;
  readonly invitation_used: 112;
  readonly invitation_unknown: 113;
  readonly malformed_entry: 201;
  readonly bad_signature: 202;
  readonly refused_entry: 203;
  readonly broken_chain: 204;
  readonly rollback: 205;
  readonly fork: 206;
  readonly withheld: 207;
  readonly unpinned: 208;
  readonly stale: 209;
  readonly open_failed: 301;
  readonly commitment_mismatch: 302;
  readonly parcel_mismatch: 303;
  readonly delivery_withheld: 304;
  readonly unreadable: 305;
  readonly grant_mismatch: 306;
  readonly duplicate_name: 307;
  readonly sent_to_removed: 308;
  readonly no_keychain: 401;
  readonly keychain_locked: 402;
  readonly keychain_timeout: 403;
  readonly wrong_vault_key: 404;
  readonly vault_damaged: 405;
  readonly vault_newer: 406;
  readonly vault_kind_mismatch: 407;
  readonly vault_busy: 408;
  readonly vault_full: 409;
  readonly vault_io: 410;
  readonly vault_key_file: 411;
  readonly vault_forked: 412;
  readonly keychain_failed: 413;
  readonly relay_unreachable: 501;
  readonly relay_timeout: 502;
  readonly relay_malformed: 503;
  readonly relay_error: 504;
  readonly relay_too_large: 505;
  readonly relay_refused: 506;
  readonly rate_limited: 507;
  readonly relay_overloaded: 508;
  readonly clock_skew: 509;
  readonly no_relay: 510;
  readonly contended: 511;
  readonly relay_storage_full: 512;
  readonly not_admitted: 601;
  readonly forbidden: 602;
  readonly out_of_scope: 603;
  readonly unknown_member: 604;
  readonly ambiguous_member: 605;
  readonly already_member: 606;
  readonly no_workspace: 701;
  readonly workspace_mismatch: 702;
  readonly workspace_exists: 703;
  readonly unknown_environment: 704;
  readonly environment_exists: 705;
  readonly project_file: 706;
  readonly already_published: 707;
  readonly invalid_name: 801;
  readonly value_too_large: 802;
  readonly unknown_secret: 803;
  readonly conflict: 804;
  readonly version_not_held: 805;
  readonly missing_secrets: 806;
  readonly not_an_environment_value: 807;
  readonly dotenv_syntax: 808;
  readonly no_snapshot: 809;
  readonly read_forbidden: 901;
  readonly use_forbidden: 902;
  readonly lease_wider: 903;
  readonly lease_over: 904;
  readonly invalid_request: 905;
  readonly address_forbidden: 906;
  readonly redirect_refused: 907;
  readonly upstream_unreachable: 908;
  readonly upstream_timeout: 909;
  readonly upstream_malformed: 910;
  readonly answer_too_large: 911;
  readonly answer_unreadable: 912;
  readonly not_injectable: 913;
  readonly malformed_policy: 914;
  readonly secret_too_short: 921;
  readonly call_record_broken: 931;
  readonly broker_unreachable: 932;
  readonly lease_unknown: 933;
}
export type ErrorCode = keyof ErrorCodes;
export const errorCodes: ErrorCodes;
