//! A relay that lies on demand, devices that it lies to, and members who work with it.
//!
//! The relay is the reference relay over its store in memory, behind a door that may change every
//! request and every answer. Clients speak HTTP to it, as they do to any.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // Tests alone use it.

/// Devices: clients with a vault in memory.
pub mod device;
/// Members who do what no honest client does.
pub mod forger;
/// Ready lies.
pub mod lies;
/// The relay behind its door.
pub mod relay;
/// A team on such a relay.
pub mod team;

pub use device::Device;
pub use forger::Forger;
pub use relay::{Answer, Asked, LyingRelay};
pub use team::Team;

/// From here on the clients of this process lack the check that the environment names, where it
/// names one: what comes before is the setting, what comes after is the attack.
pub fn attack() {
    #[cfg(feature = "weakened")]
    if let Some(number) = std::env::var("AGENTSECRETS_WEAKEN").ok().and_then(|n| n.parse().ok()) {
        agentsecrets_core::weakened::weaken(number);
    }
    eprintln!("the attack begins");
}

/// The code of a failure; a success is shown.
pub fn code<T: std::fmt::Debug>(
    result: agentsecrets_core::Result<T>,
) -> agentsecrets_core::ErrorCode {
    match result {
        Err(error) => error.code(),
        Ok(value) => panic!("believed: {value:?}"),
    }
}
