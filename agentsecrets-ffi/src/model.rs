//! The objects that bindings hand out. All of their policy lives here once: C, Python, Node and Swift
//! convert, call, convert. Every object is `Send + Sync`; listings are JSON that keeps to
//! `docs/schemas`; values of secrets are never in one.

mod client;
mod codes;
mod config;
mod identity;
mod machine;
mod operations;
mod people;
mod secrets;

pub use agentsecrets_core::{Error, ErrorCode, Result, secret::SecretBytes};
pub use client::{Client, init};
pub use codes::{AGENTSECRETS_ABI_VERSION, Described, describe};
pub use config::Config;
pub use identity::{Identity, kind, seal, seal_many};
pub use machine::{Machine, Outcome, Reply, Task, url};
pub use secrets::{Secrets, load};

/// Rows as JSON.
fn json<T: serde::Serialize>(rows: &T) -> Result<String> {
    serde_json::to_string(rows)
        .map_err(|_| Error::new(ErrorCode::Internal, "a listing cannot be written as JSON"))
}
