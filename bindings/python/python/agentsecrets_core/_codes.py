"""The stable words of errors, for type checkers: a misspelled one is a type error. Not imported at run time."""
from typing import Literal

Code = Literal[
    "invalid_argument", "internal", "busy", "closed", "unsupported", "poisoned", "no_identity", "malformed_recipient",
    "malformed_identity", "weak_key", "malformed_words", "malformed_invitation", "invitation_expired",
    "invitation_used", "invitation_unknown", "malformed_entry", "bad_signature", "refused_entry", "broken_chain",
    "rollback", "fork", "withheld", "unpinned", "stale", "open_failed", "commitment_mismatch", "parcel_mismatch",
    "delivery_withheld", "unreadable", "grant_mismatch", "duplicate_name", "sent_to_removed", "no_keychain",
    "keychain_locked", "keychain_timeout", "wrong_vault_key", "vault_damaged", "vault_newer", "vault_kind_mismatch",
    "vault_busy", "vault_full", "vault_io", "vault_key_file", "vault_forked", "keychain_failed", "relay_unreachable",
    "relay_timeout", "relay_malformed", "relay_error", "relay_too_large", "relay_refused", "rate_limited",
    "relay_overloaded", "clock_skew", "no_relay", "contended", "relay_storage_full", "not_admitted", "forbidden",
    "out_of_scope", "unknown_member", "ambiguous_member", "already_member", "no_workspace", "workspace_mismatch",
    "workspace_exists", "unknown_environment", "environment_exists", "project_file", "already_published",
    "invalid_name", "value_too_large", "unknown_secret", "conflict", "version_not_held", "missing_secrets",
    "not_an_environment_value", "dotenv_syntax", "no_snapshot",
]
