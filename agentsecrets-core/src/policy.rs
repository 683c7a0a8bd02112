//! What the owner decides for the whole workspace; signed in the log.

use borsh::{BorshDeserialize, BorshSerialize};

/// What a stale head blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Staleness {
    /// Nothing; the caller is told.
    #[default]
    Warns,
    /// Pushing.
    BlocksPush,
    /// Pushing and pulling.
    BlocksBoth,
}

/// The workspace's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Policy {
    /// After how many seconds without news a head is stale.
    pub freshness_seconds: u64,
    /// What that blocks.
    pub staleness: Staleness,
    /// Whether a member may be admitted on first sight, without code or comparison.
    pub first_use: bool,
    /// For how many days superseded deliveries are kept; 0 is for ever.
    pub retention_days: u32,
}

impl Default for Policy {
    fn default() -> Self {
        let week = 7 * 24 * 3600;
        Self {
            freshness_seconds: week,
            staleness: Staleness::Warns,
            first_use: false,
            retention_days: 0,
        }
    }
}
