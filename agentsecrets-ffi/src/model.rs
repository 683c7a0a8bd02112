//! The objects that bindings hand out. All of their policy lives here once: C, Python, Node and Swift
//! convert, call, convert. Every object is `Send + Sync`; listings are JSON that keeps to
//! `docs/schemas`; values of secrets are never in one.

mod client;
mod codes;
mod config;
mod governance;
mod handle;
mod identity;
mod keys;
mod machine;
mod operations;
mod people;
mod redactor;
mod secrets;
mod spawn;
#[cfg(feature = "testing")]
mod testing;
mod watch;

pub use agentsecrets_core::{Error, ErrorCode, Result, handle::Answer, secret::SecretBytes};
pub use client::{Client, init};
pub use codes::{AGENTSECRETS_ABI_VERSION, Described, describe};
pub use config::Config;
pub use governance::verify;
pub use handle::{Asking, Handle, Narrowing};
pub use identity::{Identity, kind, seal, seal_many};
pub use keys::{
    generate_keys, open_many_with_key, open_with_key, public_key, seal_many_to_key, seal_to_key,
};
pub use machine::{Machine, Outcome, Reply, Task, url};
pub use redactor::{Redaction, Redactor};
pub use secrets::{Loading, Secrets, load};
pub use spawn::{Child, spawn};
#[cfg(feature = "testing")]
pub use testing::MemoryRelay;
pub use watch::Watch;

/// Rows as JSON.
fn json<T: serde::Serialize>(rows: &T) -> Result<String> {
    serde_json::to_string(rows)
        .map_err(|_| Error::new(ErrorCode::Internal, "a listing cannot be written as JSON"))
}
