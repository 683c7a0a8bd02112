//! The workspace's signed, hash-chained history and the pure fold over it.
//!
//! Spec: `spec/log.md`. No input or output, no clock, no randomness of its own.

/// A member's signed "I have seen this head".
pub mod ack;
/// The log as a text that is verified offline.
pub mod archive;
mod changes;
/// The Merkle tree over what an entry delivers.
pub mod deliveries;
/// Signed entries and their bodies.
pub mod entry;
/// Who could read what, by the log alone.
pub mod exposure;
/// Roles, scopes, members.
pub mod membership;
mod rules;
/// What the log says now: the fold.
pub mod state;

pub use crate::encoding::Head;
pub use entry::{Body, Entry, SignedEntry};
pub use membership::{Member, Role, Scope, ScopeItem};
pub use rules::{MAX_MEMBERS, person_proof};
pub use state::State;
