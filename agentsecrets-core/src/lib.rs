//! End-to-end encrypted environment secrets for teams, through a relay that nobody has to trust.

// Layer 1: bytes.
/// All algorithms and all labels.
pub mod crypto;
/// Canonical binary encoding, ids, text forms.
pub mod encoding;
/// One error type with stable codes.
pub mod error;
/// Bytes that must not spread.
pub mod secret;

// Layer 2: values.
/// `.env` text.
pub mod dotenv;
/// Names of secrets.
pub mod name;

pub use error::{Error, ErrorCode, Result};
