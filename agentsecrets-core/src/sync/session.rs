//! What every operation holds: the way to the host, the identity, the randomness.

use std::sync::Arc;

use super::io::{Io, Machine};
use crate::{crypto::Entropy, error::Result, identity::Identity};

/// How an operation begins: who acts, when, and with which randomness.
pub struct Start {
    /// Who acts.
    pub identity: Arc<Identity>,
    /// Milliseconds since 1970.
    pub now: u64,
    /// 32 fresh random bytes, used for this operation alone.
    pub entropy: [u8; 32],
}

impl Start {
    pub(super) fn machine<T, F>(self, operation: impl FnOnce(Session) -> F) -> Machine<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let Self { identity, now, entropy } = self;
        Machine::new(now, |io| {
            operation(Session { io, identity, entropy: Entropy::new(entropy), clock_offset: 0 })
        })
    }
}

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { identity, now, entropy: _ } = self;
        f.debug_struct("Start")
            .field("identity", identity)
            .field("now", now)
            .finish_non_exhaustive()
    }
}

/// An operation under way.
pub(super) struct Session {
    pub(super) io: Io,
    pub(super) identity: Arc<Identity>,
    pub(super) entropy: Entropy,
    /// Seconds to add to this device's clock for the relay; touches `created` of requests alone.
    pub(super) clock_offset: i64,
}
