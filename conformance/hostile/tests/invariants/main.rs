//! The 51 invariants of the protocol, each against a relay that breaks it where it can.
//!
//! Tests are named as claims with their numbers; `conformance/hostile.py` runs each a second time
//! with a client that lacks the check, and expects it to fail.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod admission;
mod boxes;

mod bytes;
mod history;
mod policies;
mod rules;
