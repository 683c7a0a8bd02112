//! What the engine's operations do for a team at a relay, told device by device: the relay's routes over
//! its store in memory, in this process, without sockets and without sleeping.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

#[path = "../../../agentsecrets-core/tests/host/mod.rs"]
mod host;
#[path = "../common/in_process.rs"]
mod in_process;
mod team;

mod acks;
mod branches;
mod deliveries;
mod joining;
mod logs;
mod membership;
mod races;
mod views;
