//! Load for a relay, and a checker that says whether what it acknowledged is true.
//!
//! Two commands: `relay-bench` makes load and writes histories, `relay-history` checks them.

/// The laws that every history has to keep.
pub mod check;
/// One connection that is kept: bytes out, an answer in.
pub mod connection;
/// How long a durable write takes on this disk, now.
pub mod disk;
/// The first sync of a long log.
pub mod first_sync;
/// What happened, as lines of JSON.
pub mod history;
/// Signed requests at a fixed rate.
pub mod load;
/// How much memory a process has.
pub mod memory;
/// Many who wait at once.
pub mod polls;
/// Writers, readers and watchers who note all that they see.
pub mod record;
/// Requests, signed and complete.
pub mod request;
/// A workspace that exists, for tools that would only guess.
pub mod sample;
/// Slow connections.
pub mod slow;
/// Devices and the logs that they write.
pub mod team;
