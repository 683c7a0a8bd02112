//! The reference relay: it orders signed entries, stores sealed bytes, and can read neither.
//!
//! Everything that it checks is to keep abuse out; clients verify all of it again and rely on none.
//! The contract is `agentsecrets-core/spec/relay.md`.

use std::time::{SystemTime, UNIX_EPOCH};

/// The listener for operators.
pub mod admin;
/// What all requests share.
pub mod app;
/// What the program is asked to do.
pub mod command;
/// Options of serving.
pub mod config;
/// Which database.
pub mod database;
/// One file for each endpoint.
pub mod http;
/// What a key, or everybody, may ask for in a time.
pub mod limits;
/// Commands of an operator.
pub mod maintain;
/// Counters for operators.
pub mod metrics;
/// Errors as `application/problem+json`.
pub mod problem;
/// Who may begin workspaces.
pub mod registration;
/// Lines for the operator.
pub mod report;
/// Which commits the relay takes.
pub mod rules;
/// Connections: accepted, timed, counted, ended.
pub mod server;
/// Folded workspaces, kept for a while.
pub mod states;
/// The database.
pub mod store;
/// TLS of the relay's own.
#[cfg(feature = "tls")]
pub mod tls;
/// Who waits for news of which workspace.
pub mod watch;

pub use config::Config;
pub use problem::Problem;
pub use report::report;

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
