//! `agentsecrets_<type>_<verb>`. Every fallible function returns 0 or an error code, and takes a place
//! for an error object, which may be `NULL`. Outputs are written on success alone. Texts are pointer
//! and size, UTF-8, without a terminating zero; `NULL` with size 0 is empty.
//!
//! A handle is a number in a table, never an address: `NULL`, one of another kind, and one that was
//! freed are `invalid_argument`. Any thread may use any handle, also at once.

#![allow(non_camel_case_types)] // Names as C writes them.

mod args;
mod table;

/// Non-secret bytes and texts that a call made.
pub mod bytes;
/// A device's client.
pub mod client;
/// Settings.
pub mod config;
/// Versions, codes and error objects.
pub mod error;
/// What a client does about roles, environments, policy and the log.
pub mod governance;
/// Secrets that may be used and not read.
pub mod handle;
/// Identities and sealed boxes.
pub mod identity;
/// Sealed boxes for bare X25519 keys.
pub mod keys;
/// Operations for hosts with their own input and output.
pub mod machine;
#[cfg(all(test, feature = "inject-panic"))]
mod panics;
/// What a client does about members.
pub mod people;
/// Values taken out of texts.
pub mod redactor;
/// What one secret may be used for.
pub mod secret_policy;
/// Secret bytes, and the values of an environment.
pub mod secrets;
/// Commands that get chosen secrets.
pub mod spawn;
/// What a machine asks the host to do.
pub mod step;
#[cfg(test)]
mod threads;
/// Who waits for other values.
pub mod watch;

pub use error::*;
