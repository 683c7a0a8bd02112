//! Sealed boxes eight and sixteen at a time: X25519, BLAKE2b, XSalsa20 and Poly1305 on AVX-512 IFMA.
//!
//! One source, `lanes/`, is compiled over three arithmetics, `vector/`: the instructions, a model of them in
//! plain integers, and intervals. The model runs on every machine and under valgrind; the intervals prove
//! that no limb leaves its bounds. [`Ifma::detect`] gives the only way in, so that nothing here runs on a
//! processor that lacks the instructions.
//!
//! `unsafe` stands in three places: in `vector/avx512.rs`, where arrays become registers; in `ifma.rs`, where
//! a detected processor enters the instructions; and in `wipe.rs`, which clears registers.

pub mod poly1305;
#[cfg(target_arch = "x86_64")]
mod wipe;

#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(not(target_arch = "x86_64"))]
#[path = "no_ifma.rs"]
mod ifma;

#[cfg(any(test, feature = "model"))]
pub mod proof;

#[cfg(test)]
mod tests;

pub use ifma::{Ifma, Table};

/// Bytes of an X25519 key or point.
pub type Bytes32 = [u8; 32];

/// Who messages are sealed to.
#[derive(Clone, Copy)]
pub enum Recipients<'a> {
    /// A public key for each message.
    Each(&'a [Bytes32]),
    /// The same public key for all, with its table.
    Table(&'a Table),
}

/// Boxes that share one inversion; a larger batch is worked off in such parts, so that memory is bounded.
pub const PART: usize = 256;
