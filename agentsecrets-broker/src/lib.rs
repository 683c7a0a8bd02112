//! Lets agents use secrets that never enter their process.
//!
//! A [`Service`] holds the vault, and answers what an agent asks within its [`Lease`]: which names there
//! are, how vault and log differ, a request that carries a secret, a signature, a command. It writes
//! one record of each use. Three fronts ask it: [`socket`] (a Unix socket, `docs/agents.md`),
//! [`base_url`] (for SDKs that take a base URL), [`mcp`] (Model Context Protocol on stdio).

/// A loopback listener for SDKs that take a base URL.
pub mod base_url;
mod calls;
/// A command with secrets among its variables, and its output without them.
mod command;
mod http;
/// What an agent may do, and how often.
mod lease;
/// Model Context Protocol on stdio.
pub mod mcp;
mod service;
/// The broker's Unix socket, and a client of it.
#[cfg(unix)]
pub mod socket;
/// What is asked and answered, as JSON.
pub mod wire;

pub use calls::CallLog;
pub use command::KEPT_FROM_CHILD;
pub use lease::{Lease, Terms};
pub use service::Service;

/// Keeps other programs of the same user from reading this process's memory, and crashes from writing it
/// to disk. On Linux alone; elsewhere it is left to the system's settings.
pub fn protect_memory() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Without it the broker is as open as every program of the user's; there is nothing to tell.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
