/* agentsecrets: end-to-end encrypted environment secrets. Generated; see agentsecrets-ffi/tests/header.rs.
 *
 * Results    Functions that can fail return 0 or a code AGENTSECRETS_ERROR_*. Outputs are written on success alone.
 *            The last argument is a place for an error object, or NULL; it is written on failure alone.
 * Texts      Pointer and size, UTF-8, no terminating zero. NULL with size 0 is empty. Borrowed for the call, copied
 *            where they are kept.
 * Handles    Whatever is written to a `TYPE **` is the caller's: free it with agentsecrets_TYPE_free. NULL, a handle
 *            of another kind and one that was freed are AGENTSECRETS_ERROR_INVALID_ARGUMENT, never a crash.
 * Borrowing  What is borrowed from a handle lives until that handle is freed.
 * Threads    Any thread may use any handle, at the same time too. Do not free what another thread has borrowed from.
 * Secrets    Secret bytes come as agentsecrets_secret, which is wiped when it is freed. Never print what you borrow.
 * Failures   A call that breaks down in the middle returns AGENTSECRETS_ERROR_POISONED; so does every later call with
 *            its handles, which can only be freed. Nothing unwinds into C.
 */

#ifndef AGENTSECRETS_H
#define AGENTSECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* Error codes, see docs/errors.md. 0 is success. */
#define AGENTSECRETS_ERROR_INVALID_ARGUMENT 1
#define AGENTSECRETS_ERROR_INTERNAL 2
#define AGENTSECRETS_ERROR_BUSY 3
#define AGENTSECRETS_ERROR_CLOSED 4
#define AGENTSECRETS_ERROR_UNSUPPORTED 5
#define AGENTSECRETS_ERROR_POISONED 6
#define AGENTSECRETS_ERROR_NO_IDENTITY 101
#define AGENTSECRETS_ERROR_MALFORMED_RECIPIENT 102
#define AGENTSECRETS_ERROR_MALFORMED_IDENTITY 103
#define AGENTSECRETS_ERROR_WEAK_KEY 104
#define AGENTSECRETS_ERROR_MALFORMED_WORDS 105
#define AGENTSECRETS_ERROR_MALFORMED_INVITATION 110
#define AGENTSECRETS_ERROR_INVITATION_EXPIRED 111
#define AGENTSECRETS_ERROR_INVITATION_USED 112
#define AGENTSECRETS_ERROR_INVITATION_UNKNOWN 113
#define AGENTSECRETS_ERROR_MALFORMED_ENTRY 201
#define AGENTSECRETS_ERROR_BAD_SIGNATURE 202
#define AGENTSECRETS_ERROR_REFUSED_ENTRY 203
#define AGENTSECRETS_ERROR_BROKEN_CHAIN 204
#define AGENTSECRETS_ERROR_ROLLBACK 205
#define AGENTSECRETS_ERROR_FORK 206
#define AGENTSECRETS_ERROR_WITHHELD 207
#define AGENTSECRETS_ERROR_UNPINNED 208
#define AGENTSECRETS_ERROR_STALE 209
#define AGENTSECRETS_ERROR_OPEN_FAILED 301
#define AGENTSECRETS_ERROR_COMMITMENT_MISMATCH 302
#define AGENTSECRETS_ERROR_PARCEL_MISMATCH 303
#define AGENTSECRETS_ERROR_DELIVERY_WITHHELD 304
#define AGENTSECRETS_ERROR_UNREADABLE 305
#define AGENTSECRETS_ERROR_GRANT_MISMATCH 306
#define AGENTSECRETS_ERROR_DUPLICATE_NAME 307
#define AGENTSECRETS_ERROR_SENT_TO_REMOVED 308
#define AGENTSECRETS_ERROR_NO_KEYCHAIN 401
#define AGENTSECRETS_ERROR_KEYCHAIN_LOCKED 402
#define AGENTSECRETS_ERROR_KEYCHAIN_TIMEOUT 403
#define AGENTSECRETS_ERROR_WRONG_VAULT_KEY 404
#define AGENTSECRETS_ERROR_VAULT_DAMAGED 405
#define AGENTSECRETS_ERROR_VAULT_NEWER 406
#define AGENTSECRETS_ERROR_VAULT_KIND_MISMATCH 407
#define AGENTSECRETS_ERROR_VAULT_BUSY 408
#define AGENTSECRETS_ERROR_VAULT_FULL 409
#define AGENTSECRETS_ERROR_VAULT_IO 410
#define AGENTSECRETS_ERROR_VAULT_KEY_FILE 411
#define AGENTSECRETS_ERROR_VAULT_FORKED 412
#define AGENTSECRETS_ERROR_KEYCHAIN_FAILED 413
#define AGENTSECRETS_ERROR_RELAY_UNREACHABLE 501
#define AGENTSECRETS_ERROR_RELAY_TIMEOUT 502
#define AGENTSECRETS_ERROR_RELAY_MALFORMED 503
#define AGENTSECRETS_ERROR_RELAY_ERROR 504
#define AGENTSECRETS_ERROR_RELAY_TOO_LARGE 505
#define AGENTSECRETS_ERROR_RELAY_REFUSED 506
#define AGENTSECRETS_ERROR_RATE_LIMITED 507
#define AGENTSECRETS_ERROR_RELAY_OVERLOADED 508
#define AGENTSECRETS_ERROR_CLOCK_SKEW 509
#define AGENTSECRETS_ERROR_NO_RELAY 510
#define AGENTSECRETS_ERROR_CONTENDED 511
#define AGENTSECRETS_ERROR_RELAY_STORAGE_FULL 512
#define AGENTSECRETS_ERROR_NOT_ADMITTED 601
#define AGENTSECRETS_ERROR_FORBIDDEN 602
#define AGENTSECRETS_ERROR_OUT_OF_SCOPE 603
#define AGENTSECRETS_ERROR_UNKNOWN_MEMBER 604
#define AGENTSECRETS_ERROR_AMBIGUOUS_MEMBER 605
#define AGENTSECRETS_ERROR_ALREADY_MEMBER 606
#define AGENTSECRETS_ERROR_NO_WORKSPACE 701
#define AGENTSECRETS_ERROR_WORKSPACE_MISMATCH 702
#define AGENTSECRETS_ERROR_WORKSPACE_EXISTS 703
#define AGENTSECRETS_ERROR_UNKNOWN_ENVIRONMENT 704
#define AGENTSECRETS_ERROR_ENVIRONMENT_EXISTS 705
#define AGENTSECRETS_ERROR_PROJECT_FILE 706
#define AGENTSECRETS_ERROR_ALREADY_PUBLISHED 707
#define AGENTSECRETS_ERROR_INVALID_NAME 801
#define AGENTSECRETS_ERROR_VALUE_TOO_LARGE 802
#define AGENTSECRETS_ERROR_UNKNOWN_SECRET 803
#define AGENTSECRETS_ERROR_CONFLICT 804
#define AGENTSECRETS_ERROR_VERSION_NOT_HELD 805
#define AGENTSECRETS_ERROR_MISSING_SECRETS 806
#define AGENTSECRETS_ERROR_NOT_AN_ENVIRONMENT_VALUE 807
#define AGENTSECRETS_ERROR_DOTENV_SYNTAX 808
#define AGENTSECRETS_ERROR_NO_SNAPSHOT 809
#define AGENTSECRETS_ERROR_READ_FORBIDDEN 901
#define AGENTSECRETS_ERROR_USE_FORBIDDEN 902
#define AGENTSECRETS_ERROR_LEASE_WIDER 903
#define AGENTSECRETS_ERROR_LEASE_OVER 904
#define AGENTSECRETS_ERROR_INVALID_REQUEST 905
#define AGENTSECRETS_ERROR_ADDRESS_FORBIDDEN 906
#define AGENTSECRETS_ERROR_REDIRECT_REFUSED 907
#define AGENTSECRETS_ERROR_UPSTREAM_UNREACHABLE 908
#define AGENTSECRETS_ERROR_UPSTREAM_TIMEOUT 909
#define AGENTSECRETS_ERROR_UPSTREAM_MALFORMED 910
#define AGENTSECRETS_ERROR_ANSWER_TOO_LARGE 911
#define AGENTSECRETS_ERROR_ANSWER_UNREADABLE 912
#define AGENTSECRETS_ERROR_NOT_INJECTABLE 913
#define AGENTSECRETS_ERROR_MALFORMED_POLICY 914
#define AGENTSECRETS_ERROR_SECRET_TOO_SHORT 921
#define AGENTSECRETS_ERROR_CALL_RECORD_BROKEN 931
#define AGENTSECRETS_ERROR_BROKER_UNREACHABLE 932
#define AGENTSECRETS_ERROR_LEASE_UNKNOWN 933


// Version of the binary interface; grows with every incompatible change, apart from the crate's.
#define AGENTSECRETS_ABI_VERSION 1

// The host is to read what stands under the step's key, and reply with `agentsecrets_machine_loaded`.
#define AGENTSECRETS_TASK_LOAD 1

// The host is to store the step's bytes under its key, durably; then `agentsecrets_machine_stored`.
#define AGENTSECRETS_TASK_STORE 2

// The host is to remove what stands under the step's key; then `agentsecrets_machine_stored`.
#define AGENTSECRETS_TASK_REMOVE 3

// The host is to carry the step's request; then `agentsecrets_machine_answered`.
#define AGENTSECRETS_TASK_SEND 4

// A step is under way: reply to it first.
#define AGENTSECRETS_TASK_WAIT 5

// Nothing before the time given: ask again then.
#define AGENTSECRETS_TASK_SLEEP 6

// The operation has ended: take its outcome.
#define AGENTSECRETS_TASK_DONE 7

// What a request brought back, without the secret. Free it with `agentsecrets_answer_free`.
typedef struct agentsecrets_answer agentsecrets_answer;

// Bytes or a text, not secret, owned by the library. Free them with `agentsecrets_bytes_free`.
typedef struct agentsecrets_bytes agentsecrets_bytes;

// A command that was started. Freed with `agentsecrets_child_free`, it runs on.
typedef struct agentsecrets_child agentsecrets_child;

// A device's client: its vault, its identity, its workspace. Free it with `agentsecrets_client_free`.
typedef struct agentsecrets_client agentsecrets_client;

// Settings, by hand or found. Free them with `agentsecrets_config_free`.
typedef struct agentsecrets_config agentsecrets_config;

// Why a call failed. Free it with `agentsecrets_error_free`.
typedef struct agentsecrets_error agentsecrets_error;

// A secret that may be used and not read. Free it with `agentsecrets_handle_free`.
typedef struct agentsecrets_handle agentsecrets_handle;

// Private and public half of a device, agent or job. Free it with `agentsecrets_identity_free`.
typedef struct agentsecrets_identity agentsecrets_identity;

// An operation under way. Free it with `agentsecrets_machine_free`, at any moment.
typedef struct agentsecrets_machine agentsecrets_machine;

// A text that comes in pieces. Free it with `agentsecrets_redaction_free`.
typedef struct agentsecrets_redaction agentsecrets_redaction;

// Takes values out of texts, in every form in which programs echo them. Free it with
// `agentsecrets_redactor_free`, which wipes what it looks for.
typedef struct agentsecrets_redactor agentsecrets_redactor;

// Secret bytes, owned by the library. Free them with `agentsecrets_secret_free`, which wipes them.
typedef struct agentsecrets_secret agentsecrets_secret;

// The values of one environment. Free them with `agentsecrets_secrets_free`, which wipes them.
typedef struct agentsecrets_secrets agentsecrets_secrets;

// A step that was handed out. What is borrowed from it lives as long as it. Free it with
// `agentsecrets_step_free`, after the reply or without one.
typedef struct agentsecrets_step agentsecrets_step;

// Somebody who waits. Free it with `agentsecrets_watch_free`.
typedef struct agentsecrets_watch agentsecrets_watch;

// Bytes that are borrowed for one call.
typedef struct agentsecrets_slice {
  // Where they are.
  const uint8_t *data;
  // How many.
  size_t size;
} agentsecrets_slice;

// What a request says beside its method and address. Set `size` to `sizeof` of this structure and the
// rest to zero, then what is wanted.
typedef struct agentsecrets_request_options {
  // Size of this structure, as the program knows it.
  uint32_t size;
  // Longest wait for the whole answer in milliseconds; 0 is two minutes.
  uint32_t timeout_ms;
  // Headers: a name and its value, and so on.
  const struct agentsecrets_slice *headers;
  // Names and values together: twice the number of headers.
  size_t header_count;
  // The body.
  const uint8_t *body;
  // Bytes of it.
  size_t body_size;
  // Where the secret stands: bearer, basic, basic:USER, header:NAME, header:NAME:WORD, query:NAME, json:/POINTER or
  // form:NAME; none for the only place that the policy allows.
  const char *place;
  // Bytes of it.
  size_t place_size;
} agentsecrets_request_options;

// In which respects a narrower handle allows less. Set `size` to `sizeof` of this structure and the rest
// to zero, which limits nothing, then what is wanted.
typedef struct agentsecrets_attenuate_options {
  // Size of this structure, as the program knows it.
  uint32_t size;
  // Not 0: only `uses` uses.
  uint32_t limit_uses;
  // How many.
  uint64_t uses;
  // Not 0: only for so many milliseconds from now.
  uint64_t ttl_ms;
  // Only these methods, separated by blanks; none limits nothing.
  const char *methods;
  // Bytes of them.
  size_t methods_size;
  // Only these patterns of paths, separated by blanks; none limits nothing.
  const char *paths;
  // Bytes of them.
  size_t paths_size;
} agentsecrets_attenuate_options;

// What `agentsecrets_load` takes into account. Set `size` to `sizeof` of this structure and the rest
// to zero, then what is wanted.
typedef struct agentsecrets_load_options {
  // Size of this structure, as the program knows it.
  uint32_t size;
  // Not 0: sync first where the last sync is longer ago than `max_age_ms`.
  uint32_t limit_age;
  // Milliseconds.
  uint64_t max_age_ms;
  // Not 0: use what the vault holds, whatever its age, and no network.
  uint32_t offline;
  // Label of the environment; none is the configured one.
  const char *environment;
  // Bytes of it.
  size_t environment_size;
  // Names that must be there, separated by blanks.
  const char *require;
  // Bytes of them.
  size_t require_size;
} agentsecrets_load_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Where the bytes are and how many; they live as long as the handle. Fails with invalid_argument
// alone.
int32_t agentsecrets_bytes_borrow(const struct agentsecrets_bytes *bytes,
                                  const uint8_t **data,
                                  size_t *size,
                                  struct agentsecrets_error **error);

// Frees bytes. `NULL` and what was freed before are fine.
void agentsecrets_bytes_free(struct agentsecrets_bytes *bytes);

// Makes this device's identity in the vault, unless there is one; `made` says whether it did. Fails
// with those of the vault (4xx).
int32_t agentsecrets_init(const struct agentsecrets_config *config,
                          const char *label,
                          size_t label_size,
                          bool *made,
                          struct agentsecrets_error **error);

// Opens vault and identity as the settings say. Fails with no_identity, those of the vault (4xx).
int32_t agentsecrets_client_open(const struct agentsecrets_config *config,
                                 struct agentsecrets_client **client,
                                 struct agentsecrets_error **error);

// Follows the log alone, waiting up to `wait_ms` for news; `news` says whether there was any. Fails
// with no_workspace, those of relay (5xx), log (2xx) and vault (4xx).
int32_t agentsecrets_client_follow(const struct agentsecrets_client *client,
                                   uint64_t wait_ms,
                                   bool *news,
                                   struct agentsecrets_error **error);

// Follows, pulls everything in scope, admits who answered an invitation, shares what others lack. What
// it did as JSON: admitted, shared_with, freshness, pulled. Fails with no_workspace, those of relay
// (5xx), log (2xx) and vault (4xx).
int32_t agentsecrets_client_sync(const struct agentsecrets_client *client,
                                 struct agentsecrets_bytes **result,
                                 struct agentsecrets_error **error);

// Brings one environment up to the log; empty is the configured one. With `theirs`, changes here that
// clash are given up. Fails with conflict, delivery_withheld, unreadable, those of relay and vault.
int32_t agentsecrets_client_pull(const struct agentsecrets_client *client,
                                 const char *environment,
                                 size_t environment_size,
                                 bool theirs,
                                 struct agentsecrets_error **error);

// Pushes what was changed here; `count` gets how many names. With `mine`, changes here win. Fails with
// conflict, sent_to_removed, forbidden, those of relay and vault.
int32_t agentsecrets_client_push(const struct agentsecrets_client *client,
                                 const char *environment,
                                 size_t environment_size,
                                 bool mine,
                                 uint64_t *count,
                                 struct agentsecrets_error **error);

// Sets a value in the vault, to be pushed. The value is copied; wipe your own. Fails with invalid_name,
// value_too_large, forbidden, out_of_scope.
int32_t agentsecrets_client_set(const struct agentsecrets_client *client,
                                const char *environment,
                                size_t environment_size,
                                const char *name,
                                size_t name_size,
                                const uint8_t *value,
                                size_t value_size,
                                struct agentsecrets_error **error);

// Deletes a value in the vault, to be pushed. Fails with unknown_secret.
int32_t agentsecrets_client_delete(const struct agentsecrets_client *client,
                                   const char *environment,
                                   size_t environment_size,
                                   const char *name,
                                   size_t name_size,
                                   struct agentsecrets_error **error);

// The values of an environment; pulled first where the vault holds none yet. Fails with no_workspace,
// unknown_environment; on first use with what a pull does.
int32_t agentsecrets_client_secrets(const struct agentsecrets_client *client,
                                    const char *environment,
                                    size_t environment_size,
                                    struct agentsecrets_secrets **secrets,
                                    struct agentsecrets_error **error);

// What the vault holds, without values: JSON as docs/schemas/secrets-list.json. Fails with
// no_workspace, unknown_environment, those of the vault (4xx).
int32_t agentsecrets_client_list(const struct agentsecrets_client *client,
                                 const char *environment,
                                 size_t environment_size,
                                 struct agentsecrets_bytes **result,
                                 struct agentsecrets_error **error);

// The vault against the log that it knows: JSON as docs/schemas/secrets-diff.json. Fails with
// no_workspace, unknown_environment, not_admitted, those of the vault (4xx).
int32_t agentsecrets_client_drift(const struct agentsecrets_client *client,
                                  const char *environment,
                                  size_t environment_size,
                                  struct agentsecrets_bytes **result,
                                  struct agentsecrets_error **error);

// Two environments: JSON as docs/schemas/environments-diff.json. Fails with no_workspace,
// unknown_environment, those of the vault (4xx).
int32_t agentsecrets_client_drift_between(const struct agentsecrets_client *client,
                                          const char *a,
                                          size_t a_size,
                                          const char *b,
                                          size_t b_size,
                                          struct agentsecrets_bytes **result,
                                          struct agentsecrets_error **error);

// Versions of a name: JSON as docs/schemas/history.json. Fails with unknown_secret,
// unknown_environment, invalid_name.
int32_t agentsecrets_client_history(const struct agentsecrets_client *client,
                                    const char *environment,
                                    size_t environment_size,
                                    const char *name,
                                    size_t name_size,
                                    struct agentsecrets_bytes **result,
                                    struct agentsecrets_error **error);

// Closes a client; calls that are under way end first. `NULL` and what was freed before are fine.
void agentsecrets_client_free(struct agentsecrets_client *client);

// Settings of nothing: no file and no variable is read. Fails with invalid_argument alone.
int32_t agentsecrets_config_new(struct agentsecrets_config **config,
                                struct agentsecrets_error **error);

// Settings from the variables `AGENTSECRETS_*` and the project file from the working folder upward.
// Fails with invalid_argument, malformed_identity, project_file.
int32_t agentsecrets_config_discover(struct agentsecrets_config **config,
                                     struct agentsecrets_error **error);

// Sets one field: `vault` (keychain, file, memory), `vault_key_file`, `vault_passphrase_file`, `home`,
// `identity` (secret: wipe your copy), `environment`, `workspace`, `relay`. Fails with
// invalid_argument, malformed_identity; the value is not repeated.
int32_t agentsecrets_config_set(const struct agentsecrets_config *config,
                                const char *key,
                                size_t key_size,
                                const char *value,
                                size_t value_size,
                                struct agentsecrets_error **error);

// Frees settings and wipes what is secret in them. `NULL` and what was freed before are fine.
void agentsecrets_config_free(struct agentsecrets_config *config);

// Version of the binary interface. A program built for another number must not go on.
uint32_t agentsecrets_abi_version(void);

// The stable word of an error code, as in `error[conflict]`; `NULL` for an unknown number. Static.
const char *agentsecrets_error_code_name(int32_t code);

// The command that helps in most cases of an error code; `NULL` for an unknown number. Static.
const char *agentsecrets_error_code_hint(int32_t code);

// Whether the same call may succeed later with nothing else changed.
bool agentsecrets_error_code_retryable(int32_t code);

// The code of an error; `AGENTSECRETS_ERROR_INVALID_ARGUMENT` for what is no error.
int32_t agentsecrets_error_code(const struct agentsecrets_error *error);

// How many milliseconds to wait before a retry, as the other side asked; -1 for none.
int64_t agentsecrets_error_retry_after_ms(const struct agentsecrets_error *error);

// What happened, in words; never a value of a secret. The text lives as long as the error. Fails with
// invalid_argument for what is no error.
int32_t agentsecrets_error_message(const struct agentsecrets_error *error,
                                   const char **data,
                                   size_t *size);

// The one command that helps. The text lives as long as the error. Fails with invalid_argument for
// what is no error.
int32_t agentsecrets_error_hint(const struct agentsecrets_error *error,
                                const char **data,
                                size_t *size);

// Frees an error. `NULL` and what was freed before are fine.
void agentsecrets_error_free(struct agentsecrets_error *error);

// Which workspace this is and how far it is known: JSON with workspace, name, relay, environment, head
// and joining. Fails with no_workspace, those of the vault (4xx).
int32_t agentsecrets_client_status(const struct agentsecrets_client *client,
                                   struct agentsecrets_bytes **result,
                                   struct agentsecrets_error **error);

// Admits a recipient whose string came out of band, without an invitation; its label. Role and scope as
// for an invitation. Fails with malformed_recipient, already_member, forbidden.
int32_t agentsecrets_client_admit_recipient(const struct agentsecrets_client *client,
                                            const char *recipient,
                                            size_t recipient_size,
                                            const char *role,
                                            size_t role_size,
                                            const char *scope,
                                            size_t scope_size,
                                            const char *label,
                                            size_t label_size,
                                            struct agentsecrets_bytes **result,
                                            struct agentsecrets_error **error);

// Ends this device's own membership; what its vault holds, it still holds. Fails with refused_entry for
// the last owner.
int32_t agentsecrets_client_leave(const struct agentsecrets_client *client,
                                  struct agentsecrets_error **error);

// Begins the next generation of the workspace key. Fails with forbidden.
int32_t agentsecrets_client_rekey(const struct agentsecrets_client *client,
                                  struct agentsecrets_error **error);

// Gives a member another role. Fails with unknown_member, forbidden.
int32_t agentsecrets_client_set_role(const struct agentsecrets_client *client,
                                     const char *member,
                                     size_t member_size,
                                     const char *role,
                                     size_t role_size,
                                     struct agentsecrets_error **error);

// Gives a member another scope, written as for an invitation. Fails with unknown_member, forbidden,
// unknown_environment, unknown_secret.
int32_t agentsecrets_client_set_scope(const struct agentsecrets_client *client,
                                      const char *member,
                                      size_t member_size,
                                      const char *scope,
                                      size_t scope_size,
                                      struct agentsecrets_error **error);

// Open invitations: JSON as docs/schemas/invitations.json. Fails with no_workspace, not_admitted,
// those of the vault (4xx).
int32_t agentsecrets_client_invitations(const struct agentsecrets_client *client,
                                        struct agentsecrets_bytes **result,
                                        struct agentsecrets_error **error);

// Withdraws the open invitation whose id begins so. Fails with invitation_unknown, forbidden.
int32_t agentsecrets_client_uninvite(const struct agentsecrets_client *client,
                                     const char *id,
                                     size_t id_size,
                                     struct agentsecrets_error **error);

// A new environment. Fails with environment_exists, forbidden.
int32_t agentsecrets_client_create_environment(const struct agentsecrets_client *client,
                                               const char *label,
                                               size_t label_size,
                                               struct agentsecrets_error **error);

// Another label for an environment. Fails with unknown_environment, environment_exists, forbidden.
int32_t agentsecrets_client_rename_environment(const struct agentsecrets_client *client,
                                               const char *label,
                                               size_t label_size,
                                               const char *to,
                                               size_t to_size,
                                               struct agentsecrets_error **error);

// The environment takes no more pushes. Fails with unknown_environment, forbidden.
int32_t agentsecrets_client_archive_environment(const struct agentsecrets_client *client,
                                                const char *label,
                                                size_t label_size,
                                                struct agentsecrets_error **error);

// The owner's policy: JSON as docs/schemas/policy.json. Fails with no_workspace, not_admitted.
int32_t agentsecrets_client_policy(const struct agentsecrets_client *client,
                                   struct agentsecrets_bytes **result,
                                   struct agentsecrets_error **error);

// After how many seconds without news a head is stale, and what that does: warns, blocks-push or
// blocks-both. Fails with forbidden.
int32_t agentsecrets_client_set_policy(const struct agentsecrets_client *client,
                                       uint64_t fresh_seconds,
                                       const char *stale,
                                       size_t stale_size,
                                       struct agentsecrets_error **error);

// Records that a member's safety number was compared. Fails with unknown_member.
int32_t agentsecrets_client_confirm(const struct agentsecrets_client *client,
                                    const char *member,
                                    size_t member_size,
                                    struct agentsecrets_error **error);

// Who is how many entries behind, as each member last signed it: JSON. Fails with no_workspace,
// not_admitted.
int32_t agentsecrets_client_team(const struct agentsecrets_client *client,
                                 struct agentsecrets_bytes **result,
                                 struct agentsecrets_error **error);

// The log as a text that agentsecrets_verify reads on any machine; it holds no value. Fails with
// no_workspace, not_admitted, those of the vault (4xx).
int32_t agentsecrets_client_export(const struct agentsecrets_client *client,
                                   struct agentsecrets_bytes **result,
                                   struct agentsecrets_error **error);

// Folds an exported log entry by entry; needs no secret. JSON as docs/schemas/verify.json. With a head,
// the log must reach exactly that far. Fails with the codes of entries, 20x.
int32_t agentsecrets_verify(const char *log,
                            size_t log_size,
                            const char *head,
                            size_t head_size,
                            struct agentsecrets_bytes **result,
                            struct agentsecrets_error **error);

// A secret to be used, whether it may be read or not. Fails with unknown_secret, malformed_policy. The handle
// outlives the values that it is of.
int32_t agentsecrets_secrets_handle(const struct agentsecrets_secrets *secrets,
                                    const char *name,
                                    size_t name_size,
                                    struct agentsecrets_handle **handle,
                                    struct agentsecrets_error **error);

// What a handle allows: JSON with name, version, uses_left, until and policy; what is not limited is null.
// Fails with invalid_argument alone.
int32_t agentsecrets_handle_about(const struct agentsecrets_handle *handle,
                                  struct agentsecrets_bytes **json,
                                  struct agentsecrets_error **error);

// Sends a request with the secret in it, where its policy says so, and waits for the whole answer. `options`
// may be `NULL`. Fails with invalid_request, use_forbidden, lease_over, not_injectable, secret_too_short and
// address_forbidden before anything is sent; with redirect_refused, answer_too_large, answer_unreadable,
// upstream_unreachable, upstream_timeout and upstream_malformed. Whatever the status, an answer is success.
int32_t agentsecrets_handle_request(const struct agentsecrets_handle *handle,
                                    const char *method,
                                    size_t method_size,
                                    const char *url,
                                    size_t url_size,
                                    const struct agentsecrets_request_options *options_,
                                    struct agentsecrets_answer **answer,
                                    struct agentsecrets_error **error);

// A handle that allows less. Uses of it count against the first one too. Needs no network. Fails with
// lease_wider where it would allow more in any respect, and with lease_over.
int32_t agentsecrets_handle_attenuate(const struct agentsecrets_handle *handle,
                                      const struct agentsecrets_attenuate_options *options_,
                                      struct agentsecrets_handle **narrower,
                                      struct agentsecrets_error **error);

// HMAC-SHA256 of a message, 32 bytes, as webhooks are signed. Fails with use_forbidden where the policy names no
// signing or the handle was narrowed to requests, and with lease_over.
int32_t agentsecrets_handle_sign(const struct agentsecrets_handle *handle,
                                 const uint8_t *message,
                                 size_t message_size,
                                 struct agentsecrets_bytes **mac,
                                 struct agentsecrets_error **error);

// Frees a handle. `NULL` and what was freed before are fine.
void agentsecrets_handle_free(struct agentsecrets_handle *handle);

// The status of an answer; 0 for what is no handle.
uint32_t agentsecrets_answer_status(const struct agentsecrets_answer *answer);

// How often the secret was taken out of headers and body; 0 for what is no handle.
uint64_t agentsecrets_answer_redactions(const struct agentsecrets_answer *answer);

// How many headers there are, cookies left out; 0 for what is no handle.
size_t agentsecrets_answer_header_count(const struct agentsecrets_answer *answer);

// The header at a place from 0. Fails with invalid_argument beyond the last.
int32_t agentsecrets_answer_header(const struct agentsecrets_answer *answer,
                                   size_t place,
                                   struct agentsecrets_bytes **name,
                                   struct agentsecrets_bytes **value,
                                   struct agentsecrets_error **error);

// Where the body is and how many bytes; it lives as long as the answer. Fails with invalid_argument alone.
int32_t agentsecrets_answer_body(const struct agentsecrets_answer *answer,
                                 const uint8_t **data,
                                 size_t *size,
                                 struct agentsecrets_error **error);

// Frees an answer. `NULL` and what was freed before are fine.
void agentsecrets_answer_free(struct agentsecrets_answer *answer);

// A fresh identity of kind `human`, `agent`, `ci` or `recovery`; nothing stores it. Fails with
// invalid_argument.
int32_t agentsecrets_identity_generate(const char *kind,
                                       size_t kind_size,
                                       struct agentsecrets_identity **identity,
                                       struct agentsecrets_error **error);

// The identity of an identity string, which is secret: wipe your copy. Fails with malformed_identity.
int32_t agentsecrets_identity_parse(const char *string,
                                    size_t string_size,
                                    struct agentsecrets_identity **identity,
                                    struct agentsecrets_error **error);

// The identity string, which is secret. Fails with invalid_argument alone.
int32_t agentsecrets_identity_string(const struct agentsecrets_identity *identity,
                                     struct agentsecrets_secret **string,
                                     struct agentsecrets_error **error);

// The recipient string, which others seal to. Fails with invalid_argument alone.
int32_t agentsecrets_identity_recipient(const struct agentsecrets_identity *identity,
                                        struct agentsecrets_bytes **recipient,
                                        struct agentsecrets_error **error);

// The fingerprint, for people to compare. Fails with invalid_argument alone.
int32_t agentsecrets_identity_fingerprint(const struct agentsecrets_identity *identity,
                                          struct agentsecrets_bytes **fingerprint,
                                          struct agentsecrets_error **error);

// Frees an identity and wipes its keys. `NULL` and what was freed before are fine.
void agentsecrets_identity_free(struct agentsecrets_identity *identity);

// Seals a message to a recipient string: a box that libsodium's `crypto_box_seal_open` opens.
// Fails with malformed_recipient.
int32_t agentsecrets_seal(const char *recipient,
                          size_t recipient_size,
                          const uint8_t *message,
                          size_t message_size,
                          struct agentsecrets_bytes **sealed,
                          struct agentsecrets_error **error);

// Opens a box. Fails with open_failed, one reason for every failure.
int32_t agentsecrets_open(const struct agentsecrets_identity *identity,
                          const uint8_t *sealed,
                          size_t sealed_size,
                          struct agentsecrets_secret **message,
                          struct agentsecrets_error **error);

// Seals `count` messages to one recipient string; `sealed` has room for as many handles. All or none.
// Fails with malformed_recipient.
int32_t agentsecrets_seal_many(const char *recipient,
                               size_t recipient_size,
                               const struct agentsecrets_slice *messages,
                               size_t count,
                               struct agentsecrets_bytes **sealed,
                               struct agentsecrets_error **error);

// Opens `count` boxes. For each, `codes` gets 0 and `messages` a handle, or an error code and `NULL`.
// Fails with invalid_argument.
int32_t agentsecrets_open_many(const struct agentsecrets_identity *identity,
                               const struct agentsecrets_slice *sealed,
                               size_t count,
                               struct agentsecrets_secret **messages,
                               int32_t *codes,
                               struct agentsecrets_error **error);

// A fresh X25519 pair for sealed boxes without an identity: 32 bytes each. Fails with internal where
// the system has no randomness.
int32_t agentsecrets_keys_generate(struct agentsecrets_bytes **public_key,
                                   struct agentsecrets_secret **secret_key,
                                   struct agentsecrets_error **error);

// Seals a message to an X25519 public key of 32 bytes, as `crypto_box_seal` does. Fails with weak_key.
int32_t agentsecrets_seal_to_key(const uint8_t *public_key,
                                 size_t public_key_size,
                                 const uint8_t *message,
                                 size_t message_size,
                                 struct agentsecrets_bytes **sealed,
                                 struct agentsecrets_error **error);

// Opens a box with an X25519 secret key of 32 bytes, as `crypto_box_seal_open` does. Fails with
// open_failed, one reason for every failure.
int32_t agentsecrets_open_with_key(const uint8_t *secret_key,
                                   size_t secret_key_size,
                                   const uint8_t *sealed,
                                   size_t sealed_size,
                                   struct agentsecrets_secret **message,
                                   struct agentsecrets_error **error);

// The public half of an X25519 secret key of 32 bytes. Fails with invalid_argument for another length.
int32_t agentsecrets_keys_public(const uint8_t *secret_key,
                                 size_t secret_key_size,
                                 struct agentsecrets_bytes **public_key,
                                 struct agentsecrets_error **error);

// Seals `count` messages to one X25519 public key; `sealed` has room for as many handles. All or none.
// Fails with weak_key, invalid_argument.
int32_t agentsecrets_seal_many_to_key(const uint8_t *public_key,
                                      size_t public_key_size,
                                      const struct agentsecrets_slice *messages,
                                      size_t count,
                                      struct agentsecrets_bytes **sealed,
                                      struct agentsecrets_error **error);

// Opens `count` boxes with one X25519 secret key. For each, `codes` gets 0 and `messages` a handle, or
// an error code and `NULL`. Fails with invalid_argument.
int32_t agentsecrets_open_many_with_key(const uint8_t *secret_key,
                                        size_t secret_key_size,
                                        const struct agentsecrets_slice *sealed,
                                        size_t count,
                                        struct agentsecrets_secret **messages,
                                        int32_t *codes,
                                        struct agentsecrets_error **error);

// Begins a workspace; its id is the outcome's text. `now` is in milliseconds since 1970, `entropy` 32
// fresh random bytes: wipe your copy. Fails with invalid_argument; what goes wrong later comes by
// agentsecrets_machine_finish, as for each machine.
int32_t agentsecrets_machine_create(const struct agentsecrets_identity *identity,
                                    uint64_t now,
                                    const uint8_t *entropy,
                                    size_t entropy_size,
                                    const char *name,
                                    size_t name_size,
                                    const char *label,
                                    size_t label_size,
                                    const char *relay,
                                    size_t relay_size,
                                    struct agentsecrets_machine **machine,
                                    struct agentsecrets_error **error);

// A code for one newcomer, as agentsecrets_client_invite; it comes by agentsecrets_machine_finish as a
// secret. Fails with invalid_argument; at its end with forbidden, unknown_environment, unknown_secret.
int32_t agentsecrets_machine_invite(const struct agentsecrets_identity *identity,
                                    uint64_t now,
                                    const uint8_t *entropy,
                                    size_t entropy_size,
                                    const char *workspace,
                                    size_t workspace_size,
                                    const char *role,
                                    size_t role_size,
                                    const char *scope,
                                    size_t scope_size,
                                    uint64_t expires_ms,
                                    struct agentsecrets_machine **machine,
                                    struct agentsecrets_error **error);

// Answers an invitation; the workspace's id is the outcome's text. Fails with malformed_invitation; at
// its end with invitation_expired, workspace_exists.
int32_t agentsecrets_machine_join(const struct agentsecrets_identity *identity,
                                  uint64_t now,
                                  const uint8_t *entropy,
                                  size_t entropy_size,
                                  const char *code,
                                  size_t code_size,
                                  const char *label,
                                  size_t label_size,
                                  struct agentsecrets_machine **machine,
                                  struct agentsecrets_error **error);

// Admits whoever answered an invitation made here; how many is the outcome's text. Fails with
// invalid_argument; at its end with forbidden.
int32_t agentsecrets_machine_admit(const struct agentsecrets_identity *identity,
                                   uint64_t now,
                                   const uint8_t *entropy,
                                   size_t entropy_size,
                                   const char *workspace,
                                   size_t workspace_size,
                                   struct agentsecrets_machine **machine,
                                   struct agentsecrets_error **error);

// Deletes a value in the store, to be pushed. Fails with invalid_argument, invalid_name; at its end
// with unknown_secret.
int32_t agentsecrets_machine_delete(const struct agentsecrets_identity *identity,
                                    uint64_t now,
                                    const uint8_t *entropy,
                                    size_t entropy_size,
                                    const char *workspace,
                                    size_t workspace_size,
                                    const char *environment,
                                    size_t environment_size,
                                    const char *name,
                                    size_t name_size,
                                    struct agentsecrets_machine **machine,
                                    struct agentsecrets_error **error);

// Follows, pulls, admits, shares. Fails with invalid_argument; at its end with those of log (2xx) and
// relay (5xx).
int32_t agentsecrets_machine_sync(const struct agentsecrets_identity *identity,
                                  uint64_t now,
                                  const uint8_t *entropy,
                                  size_t entropy_size,
                                  const char *workspace,
                                  size_t workspace_size,
                                  struct agentsecrets_machine **machine,
                                  struct agentsecrets_error **error);

// Sets a value in the host's store, to be pushed. Fails with invalid_argument, invalid_name; at its
// end with value_too_large, forbidden, out_of_scope.
int32_t agentsecrets_machine_set(const struct agentsecrets_identity *identity,
                                 uint64_t now,
                                 const uint8_t *entropy,
                                 size_t entropy_size,
                                 const char *workspace,
                                 size_t workspace_size,
                                 const char *environment,
                                 size_t environment_size,
                                 const char *name,
                                 size_t name_size,
                                 const uint8_t *value,
                                 size_t value_size,
                                 struct agentsecrets_machine **machine,
                                 struct agentsecrets_error **error);

// Pushes what was set. Fails with invalid_argument; at its end with conflict, forbidden,
// sent_to_removed.
int32_t agentsecrets_machine_push(const struct agentsecrets_identity *identity,
                                  uint64_t now,
                                  const uint8_t *entropy,
                                  size_t entropy_size,
                                  const char *workspace,
                                  size_t workspace_size,
                                  const char *environment,
                                  size_t environment_size,
                                  struct agentsecrets_machine **machine,
                                  struct agentsecrets_error **error);

// Reads the values of an environment from the host's store; they are the outcome's secrets. Fails with
// invalid_argument; at its end with unknown_environment, vault_damaged.
int32_t agentsecrets_machine_load(const struct agentsecrets_identity *identity,
                                  uint64_t now,
                                  const uint8_t *entropy,
                                  size_t entropy_size,
                                  const char *workspace,
                                  size_t workspace_size,
                                  const char *environment,
                                  size_t environment_size,
                                  struct agentsecrets_machine **machine,
                                  struct agentsecrets_error **error);

// What to do now. `task` gets one of `AGENTSECRETS_TASK_*`; `step` a handle for the first four, else
// `NULL`; `wake` the time to ask again at for SLEEP, else 0. A step is handed out once. Fails with
// invalid_argument alone.
int32_t agentsecrets_machine_next(const struct agentsecrets_machine *machine,
                                  uint64_t now,
                                  int32_t *task,
                                  struct agentsecrets_step **step,
                                  uint64_t *wake,
                                  struct agentsecrets_error **error);

// Replies to LOAD: the bytes, or with `found` false nothing. Fails with invalid_argument for a step that is
// not under way (replied to before), closed after the end; the operation does not notice.
int32_t agentsecrets_machine_loaded(const struct agentsecrets_machine *machine,
                                    const struct agentsecrets_step *step,
                                    bool found,
                                    const uint8_t *data,
                                    size_t data_size,
                                    struct agentsecrets_error **error);

// Replies to STORE and REMOVE, after what was stored is durable. Fails as `agentsecrets_machine_loaded`.
int32_t agentsecrets_machine_stored(const struct agentsecrets_machine *machine,
                                    const struct agentsecrets_step *step,
                                    struct agentsecrets_error **error);

// Replies to SEND: the relay's status and body, whatever they are; `retry_after_ms` of its header, or -1.
// Fails as `agentsecrets_machine_loaded`.
int32_t agentsecrets_machine_answered(const struct agentsecrets_machine *machine,
                                      const struct agentsecrets_step *step,
                                      uint16_t status,
                                      int64_t retry_after_ms,
                                      const uint8_t *body,
                                      size_t body_size,
                                      struct agentsecrets_error **error);

// Replies that the step failed, with the code that fits (relay_unreachable, relay_timeout, vault_io, …). The
// operation decides whether it tries again. Fails as `agentsecrets_machine_loaded`.
int32_t agentsecrets_machine_failed(const struct agentsecrets_machine *machine,
                                    const struct agentsecrets_step *step,
                                    int32_t code,
                                    struct agentsecrets_error **error);

// Gives the operation up. What was stored stays; what was sent may have arrived. Fails with
// invalid_argument alone.
int32_t agentsecrets_machine_close(const struct agentsecrets_machine *machine,
                                   struct agentsecrets_error **error);

// The outcome, once, after DONE: 0 or the operation's code. `result` gets a text, `secret` an invitation,
// `secrets` values; `NULL` what the operation has none of. Fails with busy before the end, closed where it was taken.
int32_t agentsecrets_machine_finish(const struct agentsecrets_machine *machine,
                                    struct agentsecrets_bytes **result,
                                    struct agentsecrets_secret **secret,
                                    struct agentsecrets_secrets **secrets,
                                    struct agentsecrets_error **error);

// Ends an operation and wipes what it held. `NULL` and what was freed before are fine.
void agentsecrets_machine_free(struct agentsecrets_machine *machine);

// This device's recipient string. Fails with invalid_argument alone.
int32_t agentsecrets_client_recipient(const struct agentsecrets_client *client,
                                      struct agentsecrets_bytes **result,
                                      struct agentsecrets_error **error);

// The id of the client's workspace. Fails with no_workspace.
int32_t agentsecrets_client_workspace(const struct agentsecrets_client *client,
                                      struct agentsecrets_bytes **result,
                                      struct agentsecrets_error **error);

// Begins a workspace; its id. Local where `relay` is empty. Fails with those of relay (5xx) and
// vault (4xx).
int32_t agentsecrets_client_create(const struct agentsecrets_client *client,
                                   const char *name,
                                   size_t name_size,
                                   const char *label,
                                   size_t label_size,
                                   const char *relay,
                                   size_t relay_size,
                                   struct agentsecrets_bytes **result,
                                   struct agentsecrets_error **error);

// Publishes a local workspace to a relay. Fails with already_published.
int32_t agentsecrets_client_connect(const struct agentsecrets_client *client,
                                    const char *relay,
                                    size_t relay_size,
                                    struct agentsecrets_error **error);

// A code for one newcomer, secret until it is used: hand it over by another way than the relay.
// `scope` has items `ENV` or `ENV:NAME,NAME`, separated by blanks; empty is all. `expires_ms` since
// 1970; 0 is never. Fails with forbidden, unknown_environment, unknown_secret, those of the relay
// (5xx).
int32_t agentsecrets_client_invite(const struct agentsecrets_client *client,
                                   const char *role,
                                   size_t role_size,
                                   const char *scope,
                                   size_t scope_size,
                                   uint64_t expires_ms,
                                   struct agentsecrets_secret **code,
                                   struct agentsecrets_error **error);

// Answers an invitation; the workspace's id. The code is secret: wipe your copy. Fails with 11x.
int32_t agentsecrets_client_join(const struct agentsecrets_client *client,
                                 const char *code,
                                 size_t code_size,
                                 const char *label,
                                 size_t label_size,
                                 struct agentsecrets_bytes **result,
                                 struct agentsecrets_error **error);

// Admits whoever answered an invitation made here; `count` gets how many. Fails with forbidden, those
// of the relay (5xx).
int32_t agentsecrets_client_admit(const struct agentsecrets_client *client,
                                  uint64_t *count,
                                  struct agentsecrets_error **error);

// Ends the memberships of a member's person, or of this one `device`; with `rekey`, a new generation of
// the workspace key begins. `reason` is departed (also where it is empty), lost-device, compromised or retired. Fails with unknown_member, forbidden.
int32_t agentsecrets_client_remove(const struct agentsecrets_client *client,
                                   const char *member,
                                   size_t member_size,
                                   const char *reason,
                                   size_t reason_size,
                                   bool device,
                                   bool rekey,
                                   struct agentsecrets_error **error);

// Members: JSON as docs/schemas/members.json. Fails with no_workspace, not_admitted.
int32_t agentsecrets_client_members(const struct agentsecrets_client *client,
                                    struct agentsecrets_bytes **result,
                                    struct agentsecrets_error **error);

// Environments: JSON as docs/schemas/env-list.json. Fails with no_workspace, not_admitted.
int32_t agentsecrets_client_environments(const struct agentsecrets_client *client,
                                         struct agentsecrets_bytes **result,
                                         struct agentsecrets_error **error);

// Who could read what, since when: JSON as docs/schemas/audit.json. Fails with no_workspace,
// not_admitted, those of the vault (4xx).
int32_t agentsecrets_client_audit(const struct agentsecrets_client *client,
                                  struct agentsecrets_bytes **result,
                                  struct agentsecrets_error **error);

// What a member could read, or (empty) what needs a new value: JSON as docs/schemas/exposure.json.
// Fails with unknown_member, ambiguous_member.
int32_t agentsecrets_client_exposure(const struct agentsecrets_client *client,
                                     const char *member,
                                     size_t member_size,
                                     struct agentsecrets_bytes **result,
                                     struct agentsecrets_error **error);

// The 60 digits that this device and a member's must show alike. Fails with unknown_member,
// ambiguous_member.
int32_t agentsecrets_client_safety_number(const struct agentsecrets_client *client,
                                          const char *member,
                                          size_t member_size,
                                          struct agentsecrets_bytes **result,
                                          struct agentsecrets_error **error);

// The newest entry known here, as `SEQ:HEX`. Fails with not_admitted.
int32_t agentsecrets_client_head(const struct agentsecrets_client *client,
                                 struct agentsecrets_bytes **result,
                                 struct agentsecrets_error **error);

// Eight words for it, for the voice. Fails with not_admitted.
int32_t agentsecrets_client_head_words(const struct agentsecrets_client *client,
                                       struct agentsecrets_bytes **result,
                                       struct agentsecrets_error **error);

// Brings back to a relay that was restored from a backup what it lost; `count` gets how many entries.
// Fails with fork, not_admitted, those of the relay (5xx).
int32_t agentsecrets_client_repush(const struct agentsecrets_client *client,
                                   uint64_t *count,
                                   struct agentsecrets_error **error);

// After a fork: leaves this device's history for the relay's, if that contains a head that a person
// confirmed. Fails with invalid_argument, fork, withheld.
int32_t agentsecrets_client_adopt(const struct agentsecrets_client *client,
                                  const char *head,
                                  size_t head_size,
                                  struct agentsecrets_error **error);

// Looks for values, and puts `[redacted NAME]` in their places. Fails with invalid_name, and with
// secret_too_short for values of under five bytes.
int32_t agentsecrets_redactor_new(const struct agentsecrets_slice *names,
                                  const struct agentsecrets_slice *values,
                                  size_t count,
                                  struct agentsecrets_redactor **redactor,
                                  struct agentsecrets_error **error);

// Looks for every value of an environment, also for what may only be used; values of under five bytes are left
// out. Fails with invalid_argument alone.
int32_t agentsecrets_secrets_redactor(const struct agentsecrets_secrets *secrets,
                                      struct agentsecrets_redactor **redactor,
                                      struct agentsecrets_error **error);

// A whole text without the values. Fails with invalid_argument alone.
int32_t agentsecrets_redactor_redact(const struct agentsecrets_redactor *redactor,
                                     const uint8_t *text,
                                     size_t text_size,
                                     struct agentsecrets_bytes **redacted,
                                     struct agentsecrets_error **error);

// For a text that comes in pieces. Fails with invalid_argument alone.
int32_t agentsecrets_redactor_stream(const struct agentsecrets_redactor *redactor,
                                     struct agentsecrets_redaction **redaction,
                                     struct agentsecrets_error **error);

// Frees a redactor. `NULL` and what was freed before are fine.
void agentsecrets_redactor_free(struct agentsecrets_redactor *redactor);

// Takes the next piece, of any length; gives what is ready. Fails with invalid_argument alone.
int32_t agentsecrets_redaction_push(const struct agentsecrets_redaction *redaction,
                                    const uint8_t *piece,
                                    size_t piece_size,
                                    struct agentsecrets_bytes **redacted,
                                    struct agentsecrets_error **error);

// Gives the rest; another text may follow. Fails with invalid_argument alone.
int32_t agentsecrets_redaction_finish(const struct agentsecrets_redaction *redaction,
                                      struct agentsecrets_bytes **redacted,
                                      struct agentsecrets_error **error);

// Frees a redaction. `NULL` and what was freed before are fine.
void agentsecrets_redaction_free(struct agentsecrets_redaction *redaction);

// A secret's policy as JSON; `null` where it has none. Fails with unknown_environment, unknown_secret,
// malformed_policy, those of the vault.
int32_t agentsecrets_client_secret_policy(const struct agentsecrets_client *client,
                                          const char *environment,
                                          size_t environment_size,
                                          const char *name,
                                          size_t name_size,
                                          struct agentsecrets_bytes **policy,
                                          struct agentsecrets_error **error);

// Sets a secret's policy, JSON, at once and for everybody; an empty text takes it away. Fails with malformed_policy,
// unknown_secret, conflict where the secret has a change that was not pushed, forbidden for all but admins, and
// with what a push fails with.
int32_t agentsecrets_client_set_secret_policy(const struct agentsecrets_client *client,
                                              const char *environment,
                                              size_t environment_size,
                                              const char *name,
                                              size_t name_size,
                                              const char *policy,
                                              size_t policy_size,
                                              struct agentsecrets_error **error);

// Where the bytes are and how many, without a zero at their end; they live as long as the handle.
// Nothing is copied, so nothing else has to be wiped. Fails with invalid_argument alone.
int32_t agentsecrets_secret_borrow(const struct agentsecrets_secret *secret,
                                   const uint8_t **data,
                                   size_t *size,
                                   struct agentsecrets_error **error);

// Copies the bytes into a buffer of the caller, who wipes it. `size` gets how many there are, also
// where `capacity` is too small: then the code is invalid_argument and nothing is copied. Fails with
// invalid_argument.
int32_t agentsecrets_secret_copy(const struct agentsecrets_secret *secret,
                                 uint8_t *buffer,
                                 size_t capacity,
                                 size_t *size,
                                 struct agentsecrets_error **error);

// Wipes and frees secret bytes. `NULL` and what was freed before are fine.
void agentsecrets_secret_free(struct agentsecrets_secret *secret);

// The values of an environment, as an application asks for at start: from the vault, without a
// network where it is warm. `options` may be `NULL`. Fails with no_identity, no_workspace,
// unknown_environment, missing_secrets (which names all that are missing), those of vault and relay.
int32_t agentsecrets_load(const struct agentsecrets_config *config,
                          const struct agentsecrets_load_options *options_,
                          struct agentsecrets_secrets **secrets,
                          struct agentsecrets_error **error);

// How many values there are; 0 for what is no handle.
size_t agentsecrets_secrets_count(const struct agentsecrets_secrets *secrets);

// Number of the log entry up to which the environment was pulled; 0 for what is no handle.
uint64_t agentsecrets_secrets_version(const struct agentsecrets_secrets *secrets);

// When the environment was pulled last, in milliseconds since 1970; 0 for what is no handle.
uint64_t agentsecrets_secrets_synced_at(const struct agentsecrets_secrets *secrets);

// Label of the environment. Fails with invalid_argument alone.
int32_t agentsecrets_secrets_environment(const struct agentsecrets_secrets *secrets,
                                         struct agentsecrets_bytes **label,
                                         struct agentsecrets_error **error);

// The name at a place from 0, in sorted order. Fails with invalid_argument beyond the last.
int32_t agentsecrets_secrets_name(const struct agentsecrets_secrets *secrets,
                                  size_t place,
                                  struct agentsecrets_bytes **name,
                                  struct agentsecrets_error **error);

// A value. Fails with unknown_secret. The handle outlives the values that it is of.
int32_t agentsecrets_secrets_get(const struct agentsecrets_secrets *secrets,
                                 const char *name,
                                 size_t name_size,
                                 struct agentsecrets_secret **secret,
                                 struct agentsecrets_error **error);

// Wipes and frees the values, but for those that are in use by handles of their own. `NULL` and what was freed before are fine.
void agentsecrets_secrets_free(struct agentsecrets_secrets *secrets);

// Starts a command, its program and its arguments, with chosen names in its environment; its streams are this
// process's own. Fails with invalid_argument for one that does not start, unknown_secret, not_an_environment_value,
// and read_forbidden for what may only be used, unless its policy says so.
int32_t agentsecrets_spawn(const struct agentsecrets_secrets *secrets,
                           const struct agentsecrets_slice *command,
                           size_t command_count,
                           const struct agentsecrets_slice *only,
                           size_t only_count,
                           struct agentsecrets_child **child,
                           struct agentsecrets_error **error);

// Number of the process; 0 for what is no handle.
uint32_t agentsecrets_child_pid(const struct agentsecrets_child *child);

// Waits up to `wait_ms` for the command's end. `ended` gets 1 and `code` its exit code (128 and the signal's number
// for one that was killed), or `ended` gets 0. Fails with internal where the system does not say.
int32_t agentsecrets_child_wait(const struct agentsecrets_child *child,
                                uint64_t wait_ms,
                                int32_t *ended,
                                int32_t *code,
                                struct agentsecrets_error **error);

// Ends the command at once. Fails with internal where the system refuses.
int32_t agentsecrets_child_kill(const struct agentsecrets_child *child,
                                struct agentsecrets_error **error);

// Frees a child. `NULL` and what was freed before are fine.
void agentsecrets_child_free(struct agentsecrets_child *child);

// The key of LOAD, STORE and REMOVE; of others empty. Fails with invalid_argument alone.
int32_t agentsecrets_step_key(const struct agentsecrets_step *step,
                              const char **data,
                              size_t *size,
                              struct agentsecrets_error **error);

// The bytes of STORE, which are secret. Fails with invalid_argument for other steps.
int32_t agentsecrets_step_bytes(const struct agentsecrets_step *step,
                                const uint8_t **data,
                                size_t *size,
                                struct agentsecrets_error **error);

// The method of SEND: GET, PUT or POST. Fails with invalid_argument for other steps.
int32_t agentsecrets_step_method(const struct agentsecrets_step *step,
                                 const char **data,
                                 size_t *size,
                                 struct agentsecrets_error **error);

// The address of SEND, whole. Fails with invalid_argument where the step carries no request.
int32_t agentsecrets_step_url(const struct agentsecrets_step *step,
                              const char **data,
                              size_t *size,
                              struct agentsecrets_error **error);

// How many headers SEND has; 0 for other steps.
size_t agentsecrets_step_header_count(const struct agentsecrets_step *step);

// A header of SEND by its place from 0. Fails with invalid_argument for a place that is none.
int32_t agentsecrets_step_header(const struct agentsecrets_step *step,
                                 size_t place,
                                 const char **name,
                                 size_t *name_size,
                                 const char **value,
                                 size_t *value_size,
                                 struct agentsecrets_error **error);

// The body of SEND; it holds nothing secret that is not sealed. Fails with invalid_argument where the
// step carries no request.
int32_t agentsecrets_step_body(const struct agentsecrets_step *step,
                               const uint8_t **data,
                               size_t *size,
                               struct agentsecrets_error **error);

// How many milliseconds the relay may hold the answer of SEND; add them to your own timeout.
uint64_t agentsecrets_step_wait_ms(const struct agentsecrets_step *step);

// Frees a step and wipes what it holds. `NULL` and what was freed before are fine.
void agentsecrets_step_free(struct agentsecrets_step *step);

// Watches the values of an environment from now on. Fails with no_workspace, unknown_environment; where the
// vault holds nothing of it yet, with what a pull does.
int32_t agentsecrets_client_watch(const struct agentsecrets_client *client,
                                  const char *environment,
                                  size_t environment_size,
                                  struct agentsecrets_watch **watch,
                                  struct agentsecrets_error **error);

// Waits up to `wait_ms`, a relay's long poll. `change` gets JSON with environment, version, updated
// and deleted once the vault holds other values, or `NULL` where nothing changed. A relay that cannot
// be reached for now is no error: ask again. Fails with those of vault (4xx) and log (2xx) that
// another try does not change.
int32_t agentsecrets_watch_next(const struct agentsecrets_watch *watch,
                                uint64_t wait_ms,
                                struct agentsecrets_bytes **change,
                                struct agentsecrets_error **error);

// Frees a watch. `NULL` and what was freed before are fine.
void agentsecrets_watch_free(struct agentsecrets_watch *watch);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* AGENTSECRETS_H */
