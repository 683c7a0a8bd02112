//! Checks taken out on purpose, so that the suite of hostile relays can show that it would notice.
//!
//! Nothing is ever skipped without the feature `weakened`, which is for that suite alone and which
//! no shipped artifact has; `./test` holds that.

#[cfg(feature = "weakened")]
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

#[cfg(feature = "weakened")]
static WITHOUT: AtomicU8 = AtomicU8::new(0);

/// Takes the checks of one invariant out, in this whole process; 0 puts all of them back.
#[cfg(feature = "weakened")]
pub fn weaken(invariant: u8) {
    WITHOUT.store(invariant, SeqCst);
}

/// Whether the check of an invariant is taken out.
#[cfg(feature = "weakened")]
pub fn skips(invariant: u8) -> bool {
    WITHOUT.load(SeqCst) == invariant
}

/// Whether the check of an invariant is taken out: never.
#[cfg(not(feature = "weakened"))]
#[inline(always)]
pub const fn skips(_: u8) -> bool {
    false
}

/// Whether the check that several invariants share is taken out.
pub fn skips_any(invariants: &[u8]) -> bool {
    invariants.iter().any(|invariant| skips(*invariant))
}
