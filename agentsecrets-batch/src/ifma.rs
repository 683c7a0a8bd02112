//! The way into the instructions: only a processor that has them gets here.

#![allow(unsafe_code)] // One of the crate's places; see lib.rs.

use self::{
    table::table,
    x25519::{Scalars, x25519, x25519_table},
};
use crate::{Bytes32, PART, Recipients, wipe};
use std::sync::OnceLock;

macro_rules! lanes {
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<const $param:ident: $kind:ty>)? ($($args:tt)*) $(-> $out:ty)? $body:block
    )*) => {$(
        $(#[$meta])*
        #[target_feature(enable = "avx512f,avx512ifma,avx512dq,avx512vl,avx512bw")]
        $vis fn $name $(<const $param: $kind>)? ($($args)*) $(-> $out)? $body
    )*};
}

#[path = "lanes/blake2b.rs"]
mod blake2b;
#[path = "lanes/boxes.rs"]
mod boxes;
#[path = "lanes/edwards.rs"]
mod edwards;
#[path = "lanes/field.rs"]
mod field;
#[path = "lanes/ladder.rs"]
mod ladder;
#[path = "lanes/salsa.rs"]
mod salsa;
#[path = "lanes/table.rs"]
mod table;
#[path = "vector/avx512.rs"]
mod vector;
#[path = "lanes/x25519.rs"]
mod x25519;

/// Proof that this processor has AVX-512 IFMA.
#[derive(Clone, Copy, Debug)]
pub struct Ifma(());

/// The multiples of one public key, with which sealing to it takes a third of the time. 165 KB; it pays from
/// about fifty boxes on. Nothing in it is secret.
pub struct Table {
    point: Bytes32,
    multiples: table::Table,
}

/// The multiples of the base point; made once, when first needed.
static BASE: OnceLock<table::Table> = OnceLock::new();

impl Ifma {
    /// Asks the processor.
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw");
        there.then_some(Self(()))
    }

    /// The table of a public key; none where its point lies on the curve's twist.
    pub fn table(self, point: &Bytes32) -> Option<Table> {
        // SAFETY: the processor has the instructions: `self` proves it.
        let multiples = unsafe { table(point) }?;
        Some(Table { point: *point, multiples })
    }

    fn base(self) -> &'static table::Table {
        BASE.get_or_init(|| {
            let mut nine = [0; 32];
            nine[0] = 9;
            // SAFETY: as above. The base point is no twist point.
            unsafe { table(&nine) }.unwrap_or_else(|| unreachable!("9 is on the curve"))
        })
    }

    /// The public keys of secret keys, each clamped when used; in the same order.
    pub fn public_keys(self, secrets: &[Bytes32], publics: &mut [Bytes32]) {
        for (secrets, publics) in secrets.chunks(PART).zip(publics.chunks_mut(PART)) {
            // SAFETY: as above.
            unsafe { x25519_table(self.base(), secrets, publics) };
            wipe::wipe();
        }
    }

    /// X25519 of each secret with its point, in the same order; all zeros for a point of low order.
    pub fn shared_secrets(self, secrets: &[Bytes32], points: &[Bytes32], shared: &mut [Bytes32]) {
        let parts = secrets.chunks(PART).zip(points.chunks(PART));
        for ((secrets, points), shared) in parts.zip(shared.chunks_mut(PART)) {
            let count = secrets.len().min(points.len());
            // SAFETY: as above.
            unsafe { x25519(Scalars::Each(&secrets[..count]), &points[..count], shared) };
            wipe::wipe();
        }
    }

    /// X25519 of each secret with the point of a table.
    pub fn shared_secrets_with(self, table: &Table, secrets: &[Bytes32], shared: &mut [Bytes32]) {
        for (secrets, shared) in secrets.chunks(PART).zip(shared.chunks_mut(PART)) {
            // SAFETY: as above.
            unsafe { x25519_table(&table.multiples, secrets, shared) };
            wipe::wipe();
        }
    }

    /// Seals each message with the ephemeral secret of its place: libsodium's `crypto_box_seal`, byte for byte.
    /// None where a recipient's point is of low order. As many come back as the shortest list holds.
    pub fn seal(
        self,
        to: Recipients<'_>,
        ephemeral: &[Bytes32],
        messages: &[&[u8]],
    ) -> Vec<Option<Vec<u8>>> {
        let mut sealed = Vec::with_capacity(messages.len());
        for (place, (ephemeral, messages)) in
            ephemeral.chunks(PART).zip(messages.chunks(PART)).enumerate()
        {
            let (to, count) = part(to, place, ephemeral.len().min(messages.len()));
            // SAFETY: as above.
            let part =
                unsafe { boxes::seal(self.base(), to, &ephemeral[..count], &messages[..count]) };
            sealed.extend(part);
            wipe::wipe();
        }
        sealed
    }

    /// Opens boxes sealed to one key; a bad box spoils no other.
    pub fn open(
        self,
        secret: &Bytes32,
        public: &Bytes32,
        sealed: &[&[u8]],
    ) -> Vec<Option<Vec<u8>>> {
        let mut opened = Vec::with_capacity(sealed.len());
        for sealed in sealed.chunks(PART) {
            // SAFETY: as above.
            opened.extend(unsafe { boxes::open(secret, public, sealed) });
            wipe::wipe();
        }
        opened
    }
}

/// The recipients of one part, and how many boxes it has.
fn part(to: Recipients<'_>, place: usize, count: usize) -> (boxes::Recipients<'_>, usize) {
    match to {
        Recipients::Table(table) => {
            (boxes::Recipients::Table(&table.point, &table.multiples), count)
        }
        Recipients::Each(keys) => {
            let keys = keys.get(PART * place..).unwrap_or_default();
            let count = count.min(keys.len());
            (boxes::Recipients::Each(&keys[..count]), count)
        }
    }
}
