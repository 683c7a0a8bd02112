//! One error type: a stable code, the cause, and the one command that fixes it; never a value.

use std::{borrow::Cow, fmt, time::Duration};

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($number:literal $variant:ident $code:literal $retryable:literal $meaning:literal $hint:literal;)*) => {
        /// What went wrong, as a stable number and a stable word. Numbers come in bands and are
        /// never reused; the committed table is `docs/errors.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum ErrorCode {
            $(#[doc = $meaning] $variant = $number,)*
        }

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The stable word, as in `error[conflict]`.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $code,)* }
            }

            /// Whether the same call may succeed later with nothing else changed.
            pub const fn retryable(self) -> bool {
                match self { $(ErrorCode::$variant => $retryable,)* }
            }

            /// One sentence on what the code means.
            pub const fn meaning(self) -> &'static str {
                match self { $(ErrorCode::$variant => $meaning,)* }
            }

            /// The command that helps in most cases.
            pub const fn hint(self) -> &'static str {
                match self { $(ErrorCode::$variant => $hint,)* }
            }
        }
    };
}

codes! {
    1 InvalidArgument "invalid_argument" false "An argument has a form that the call does not take." "agentsecrets help";
    2 Internal "internal" false "A state that the library holds to be impossible." "agentsecrets doctor";
    3 Busy "busy" true "Another operation of the same machine is under way." "run the command again";
    4 Closed "closed" false "The machine was closed in the middle." "start the operation again";
    5 Unsupported "unsupported" false "This build lacks the feature that the call needs." "agentsecrets doctor";
    6 Poisoned "poisoned" false "A call broke down in the middle; its handle can only be freed." "open a new handle, and report what the program did";
    101 NoIdentity "no_identity" false "The vault holds no identity yet." "agentsecrets init";
    102 MalformedRecipient "malformed_recipient" false "The recipient string is damaged or of another kind." "agentsecrets identity   # on the other device, then copy the whole line";
    103 MalformedIdentity "malformed_identity" false "The identity string is damaged or of another kind." "agentsecrets identity new --kind agent --out FILE";
    104 WeakKey "weak_key" false "A public key that gives no security: low order or not canonical." "agentsecrets identity   # ask its owner for a new one";
    105 MalformedWords "malformed_words" false "The recovery words are not 24 words of the list with a right checksum." "agentsecrets identity backup --reveal   # on the device that still works";
    110 MalformedInvitation "malformed_invitation" false "The invitation code is damaged, cut off or of another kind." "agentsecrets invite   # ask the inviter to send the whole code again";
    111 InvitationExpired "invitation_expired" false "The invitation's time is over." "agentsecrets invite   # ask the inviter for a new one";
    112 InvitationUsed "invitation_used" false "The invitation has admitted somebody already." "agentsecrets invite   # ask the inviter for a new one";
    113 InvitationUnknown "invitation_unknown" false "The workspace does not know the invitation, or it was withdrawn." "agentsecrets invite   # ask the inviter for a new one";
    201 MalformedEntry "malformed_entry" false "A log entry is not in canonical form." "agentsecrets audit --offline";
    202 BadSignature "bad_signature" false "A signature does not fit what it stands under." "agentsecrets audit --offline";
    203 RefusedEntry "refused_entry" false "A log entry does what its author may not do." "agentsecrets audit --offline";
    204 BrokenChain "broken_chain" false "An entry does not follow the one before it." "agentsecrets audit --offline";
    205 Rollback "rollback" false "The relay serves a head older than the one this device has seen." "agentsecrets doctor";
    206 Fork "fork" false "The relay serves another history than the one this device has seen." "agentsecrets head --words   # compare with a member by voice, then: agentsecrets head --adopt SEQ:HEX";
    207 Withheld "withheld" true "The relay hides something that it acknowledged." "agentsecrets secrets pull";
    208 Unpinned "unpinned" false "Nothing here says how far the log must reach." "agentsecrets join CODE";
    209 Stale "stale" true "Nobody else has been heard of for longer than the policy allows." "agentsecrets head --words   # compare with another member by voice";
    301 OpenFailed "open_failed" false "A sealed box cannot be opened with this key." "agentsecrets secrets pull";
    302 CommitmentMismatch "commitment_mismatch" false "What was delivered is not what the log commits to." "agentsecrets secrets pull";
    303 ParcelMismatch "parcel_mismatch" false "A parcel's inside contradicts the entry that carries it." "agentsecrets secrets pull";
    304 DeliveryWithheld "delivery_withheld" true "The relay does not hand over a delivery that the log lists." "agentsecrets secrets pull";
    305 Unreadable "unreadable" false "A delivery of a signed entry cannot be read; its author has to send it again." "agentsecrets secrets push   # on the author's device";
    306 GrantMismatch "grant_mismatch" false "The workspace key that was handed over is not the one that the log commits to." "agentsecrets members";
    307 DuplicateName "duplicate_name" false "Two live secrets of one environment have the same name; the later one is not loaded." "agentsecrets secrets history NAME";
    308 SentToRemoved "sent_to_removed" false "The value already left this device for a member who has been removed." "agentsecrets secrets set NAME   # with a fresh value";
    401 NoKeychain "no_keychain" false "This session has no OS keychain." "AGENTSECRETS_VAULT=file AGENTSECRETS_VAULT_KEY_FILE=FILE agentsecrets init";
    402 KeychainLocked "keychain_locked" true "The OS keychain is locked." "unlock the keychain, then run the command again";
    403 KeychainTimeout "keychain_timeout" true "The OS keychain does not answer in time." "agentsecrets doctor";
    404 WrongVaultKey "wrong_vault_key" false "The key or passphrase does not open this vault." "AGENTSECRETS_VAULT_KEY_FILE=FILE agentsecrets doctor";
    405 VaultDamaged "vault_damaged" false "A vault file is truncated or was changed." "agentsecrets doctor";
    406 VaultNewer "vault_newer" false "The vault was written by a newer version of this library." "upgrade agentsecrets to the version that wrote the vault";
    407 VaultKindMismatch "vault_kind_mismatch" false "The vault here is of another kind than the one asked for." "agentsecrets doctor";
    408 VaultBusy "vault_busy" true "Another process is writing this vault." "run the command again when the other one has ended";
    409 VaultFull "vault_full" true "The disk is full; the vault is as it was." "free some disk space, then run the command again";
    410 VaultIo "vault_io" false "The vault's folder cannot be read or written." "agentsecrets doctor";
    411 VaultKeyFile "vault_key_file" false "The vault's key or passphrase file is missing, readable by others or of the wrong size." "head -c 32 /dev/urandom > FILE; chmod 600 FILE";
    412 VaultForked "vault_forked" false "The vault was opened before fork(); the child must open its own." "open the vault again in the child process";
    413 KeychainFailed "keychain_failed" false "The OS keychain refused the call." "agentsecrets doctor";
    501 RelayUnreachable "relay_unreachable" true "No connection to the relay." "agentsecrets doctor";
    502 RelayTimeout "relay_timeout" true "The relay did not answer in time." "run the command again";
    503 RelayMalformed "relay_malformed" true "What answered is not a relay: HTML, half a body, or JSON of another shape." "agentsecrets doctor";
    504 RelayError "relay_error" true "The relay reports an error of its own." "run the command again; the relay's operator finds the cause in its log";
    505 RelayTooLarge "relay_too_large" false "The relay's answer is larger than any right answer can be." "agentsecrets doctor";
    506 RelayRefused "relay_refused" false "The relay refuses the request." "agentsecrets doctor";
    507 RateLimited "rate_limited" true "Too many requests for now." "run the command again after the wait";
    508 RelayOverloaded "relay_overloaded" true "The relay is overloaded for now." "run the command again after the wait";
    509 ClockSkew "clock_skew" false "This device's clock is off by more than five minutes, and the correction did not help." "timedatectl set-ntp true";
    510 NoRelay "no_relay" false "The workspace is local: it has no relay yet." "agentsecrets workspace connect --relay URL";
    511 Contended "contended" true "Others committed first too many times in a row." "run the command again";
    512 RelayStorageFull "relay_storage_full" true "The relay's disk is full; nothing was stored." "run the command again when the relay's operator has made room";
    601 NotAdmitted "not_admitted" true "This device is not (yet) a member of the workspace." "agentsecrets admit   # on an admin's device";
    602 Forbidden "forbidden" false "This member's role does not allow it." "agentsecrets members";
    603 OutOfScope "out_of_scope" false "It lies outside of this member's scope." "agentsecrets members";
    604 UnknownMember "unknown_member" false "No member has this label, fingerprint or id." "agentsecrets members";
    605 AmbiguousMember "ambiguous_member" false "More than one member fits." "agentsecrets members";
    606 AlreadyMember "already_member" false "This identity is or was a member; its keys are not admitted again." "agentsecrets members";
    701 NoWorkspace "no_workspace" false "No workspace here: no project file, and none was named." "agentsecrets workspace create NAME";
    702 WorkspaceMismatch "workspace_mismatch" false "The project file here belongs to another workspace." "agentsecrets join CODE   # in another folder";
    703 WorkspaceExists "workspace_exists" false "There is a workspace here already." "agentsecrets members";
    704 UnknownEnvironment "unknown_environment" false "The workspace has no environment of this name." "agentsecrets env list";
    705 EnvironmentExists "environment_exists" false "The workspace has an environment of this name." "agentsecrets env list";
    706 ProjectFile "project_file" false "The project file `.agentsecrets.toml` cannot be read." "agentsecrets doctor";
    707 AlreadyPublished "already_published" false "The workspace is connected to a relay already." "agentsecrets doctor";
    801 InvalidName "invalid_name" false "A name is letters, digits and underscores and does not begin with a digit." "agentsecrets secrets set NAME";
    802 ValueTooLarge "value_too_large" false "A value has at most 65,536 bytes." "agentsecrets secrets set NAME   # with the file's address as the value";
    803 UnknownSecret "unknown_secret" false "The environment has no secret of this name." "agentsecrets secrets list";
    804 Conflict "conflict" false "The secret was changed here and by somebody else." "agentsecrets secrets push --mine   # or: agentsecrets secrets pull --theirs";
    805 VersionNotHeld "version_not_held" false "This vault does not hold that version's value." "agentsecrets secrets history NAME";
    806 MissingSecrets "missing_secrets" false "Secrets that the program requires are not there." "agentsecrets secrets list";
    807 NotAnEnvironmentValue "not_an_environment_value" false "A value cannot be an environment variable: it holds a zero byte." "agentsecrets run --only NAMES -- COMMAND";
    808 DotenvSyntax "dotenv_syntax" false "A line of the .env file cannot be read." "agentsecrets secrets import FILE   # after mending the line";
    809 NoSnapshot "no_snapshot" false "This vault holds no values of that environment yet." "agentsecrets secrets pull";
    901 ReadForbidden "read_forbidden" false "The secret may be used and not read." "agentsecrets policy NAME   # an admin: agentsecrets policy NAME --readable";
    902 UseForbidden "use_forbidden" false "The secret's policy does not allow this use." "agentsecrets policy NAME";
    903 LeaseWider "lease_wider" false "A narrower handle was asked to allow more than the one it comes from." "ask for less, or take the handle from the secret itself";
    904 LeaseOver "lease_over" false "The handle's time is over or its uses are spent." "ask whoever gave the handle for a new one";
    905 InvalidRequest "invalid_request" false "The request's address, header or body has a form that could be read in two ways." "write the URL in its plain form: https://HOST/PATH?QUERY";
    906 AddressForbidden "address_forbidden" false "The host's name leads to an address that is not public, and the policy names none." "agentsecrets policy NAME --private   # an admin, for hosts of an own network";
    907 RedirectRefused "redirect_refused" false "The answer sends the request to another host." "agentsecrets policy NAME   # an admin may name the other host";
    908 UpstreamUnreachable "upstream_unreachable" true "No connection to the host." "run the command again";
    909 UpstreamTimeout "upstream_timeout" true "The host did not answer in time." "run the command again";
    910 UpstreamMalformed "upstream_malformed" false "What answered does not speak HTTP, or broke off." "run the command again";
    911 AnswerTooLarge "answer_too_large" false "The answer is longer than the policy allows." "agentsecrets policy NAME --response-limit BYTES   # an admin";
    912 AnswerUnreadable "answer_unreadable" false "The answer is encoded in a way that cannot be searched for the secret." "ask the server for plain text or JSON";
    913 NotInjectable "not_injectable" false "The secret's bytes cannot stand at that place of a request." "agentsecrets secrets set NAME   # without line breaks";
    914 MalformedPolicy "malformed_policy" false "A secret's policy is not in its one form." "agentsecrets policy NAME --help";
    921 SecretTooShort "secret_too_short" false "A value is too short to be found in a text without false alarms." "agentsecrets secrets set NAME   # with a longer value";
    931 CallRecordBroken "call_record_broken" false "The record of calls was changed, cut off or put in another order." "agentsecrets calls verify";
    932 BrokerUnreachable "broker_unreachable" true "No broker answers here." "agentsecrets run --broker -- COMMAND";
    933 LeaseUnknown "lease_unknown" false "The broker knows no such lease." "agentsecrets run --broker -- COMMAND";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure: stable code, cause in words, and the command that helps.
///
/// The text holds names, numbers and ids; it never holds a secret's value or a private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    cause: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
}

impl Error {
    /// An error with its cause in lower-case words; the hint is the code's own.
    pub fn new(code: ErrorCode, cause: impl Into<Cow<'static, str>>) -> Self {
        Self { code, cause: cause.into(), hint: None, retry_after: None }
    }

    /// The same error with a hint that fits the case better than the code's own.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with the wait that the other side asked for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What happened, in words.
    pub fn message(&self) -> &str {
        &self.cause
    }

    /// The one command that helps.
    pub fn hint(&self) -> &str {
        self.hint.as_deref().unwrap_or_else(|| self.code.hint())
    }

    /// Whether the same call may succeed later with nothing else changed.
    pub fn retryable(&self) -> bool {
        self.code.retryable()
    }

    /// How long to wait before that, where the relay said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_of_codes_are_unique_and_sorted() {
        let numbers: Vec<i32> = ErrorCode::ALL.iter().map(|c| *c as i32).collect();
        assert!(numbers.windows(2).all(|w| w[0] < w[1]));
        let mut words: Vec<_> = ErrorCode::ALL.iter().map(|c| c.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), numbers.len());
    }
}
