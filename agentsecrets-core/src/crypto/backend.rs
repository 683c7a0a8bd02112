//! Which implementation makes and opens boxes: the fastest that this processor has, chosen once at run time.
//!
//! All give the same bytes and refuse the same boxes; they differ in time alone.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use super::{
    BoxPublicKey, BoxSecretKey, Entropy,
    curve::{Curve, Dalek, Table},
};
use crate::secret::SecretBytes;

/// One message on its way into a box.
#[derive(Clone, Copy)]
pub(super) struct Sealing<'a> {
    pub(super) to: &'a BoxPublicKey,
    pub(super) ephemeral: &'a [u8; 32],
    pub(super) message: &'a [u8],
}

/// Whose boxes are opened.
pub(super) struct Opening<'a> {
    pub(super) secret: &'a [u8; 32],
    pub(super) public: &'a BoxPublicKey,
}

/// An implementation of boxes that this processor can run.
#[derive(Clone, Copy)]
pub struct Backend(&'static (dyn Curve + Send));

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backend({})", self.name())
    }
}

/// Usable here, the fastest first.
#[allow(clippy::vec_init_then_push)] // Without the feature nothing stands between the two.
static ALL: LazyLock<Vec<Box<dyn Curve + Send>>> = LazyLock::new(|| {
    #[allow(unused_mut)]
    let mut all: Vec<Box<dyn Curve + Send>> = Vec::new();
    #[cfg(all(feature = "fast", target_arch = "x86_64"))]
    all.extend(super::curve::Ifma::detect().map(|curve| Box::new(curve) as Box<dyn Curve + Send>));
    #[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
    all.extend(
        super::curve::Graviola::detect().map(|curve| Box::new(curve) as Box<dyn Curve + Send>),
    );
    all.push(Box::new(Dalek));
    all
});

impl Backend {
    /// Those that this processor can run, the fastest first; never empty.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|curve| Self(&**curve))
    }

    /// The fastest.
    pub fn best() -> Self {
        // Checks that the suite of hostile relays takes out stand in the one by one way alone.
        if cfg!(feature = "weakened") {
            return Self::portable();
        }
        Self::all().next().unwrap_or_else(Self::portable)
    }

    /// The one that every machine has.
    pub fn portable() -> Self {
        Self(&Dalek)
    }

    /// `avx512ifma`, `graviola` or `dalek`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    pub(super) fn curve(self) -> &'static dyn Curve {
        self.0
    }

    /// Seals one message; the ephemeral key is the next 32 bytes of `entropy`.
    pub fn seal(self, to: &BoxPublicKey, message: &[u8], entropy: &mut Entropy) -> Vec<u8> {
        let ephemeral = entropy.key();
        self.0.seal(&[Sealing { to, ephemeral: ephemeral.expose(), message }], None).concat()
    }

    /// Opens one box; `None` for every one that does not open.
    pub fn open(self, key: &BoxSecretKey, sealed: &[u8]) -> Option<SecretBytes> {
        let opening = Opening { secret: key.expose(), public: &key.public_key() };
        self.0.open(&opening, &[sealed]).pop().flatten()
    }

    /// Seals each message to its recipient; each takes the next 32 bytes of `entropy`, in their order.
    ///
    /// Recipients with many messages get a table, one after the other, so that memory stays bounded.
    pub fn seal_many(
        self,
        messages: &[(&BoxPublicKey, &[u8])],
        entropy: &mut Entropy,
    ) -> Vec<Vec<u8>> {
        let ephemeral = entropy.rows(messages.len());
        let batch: Vec<Sealing<'_>> = messages
            .iter()
            .zip(ephemeral.iter())
            .map(|((to, message), ephemeral)| Sealing { to, ephemeral, message })
            .collect();
        if batch.len() < self.0.table_pays() {
            return parts(&batch, |batch| self.0.seal(batch, None));
        }
        self.seal_grouped(&batch)
    }

    fn seal_grouped(self, batch: &[Sealing<'_>]) -> Vec<Vec<u8>> {
        let mut places: BTreeMap<&BoxPublicKey, Vec<usize>> = BTreeMap::new();
        for (place, sealing) in batch.iter().enumerate() {
            places.entry(sealing.to).or_default().push(place);
        }
        let mut sealed = vec![Vec::new(); batch.len()];
        let mut seal = |places: &[usize], table: Option<&Table>| {
            let part: Vec<Sealing<'_>> = places.iter().map(|place| batch[*place]).collect();
            let boxes = parts(&part, |part| self.0.seal(part, table));
            places.iter().zip(boxes).for_each(|(place, one)| sealed[*place] = one);
        };
        let mut single = Vec::new();
        for (to, places) in places {
            let pays = places.len() >= self.0.table_pays();
            match pays.then(|| self.0.table(to.as_bytes())).flatten() {
                Some(table) => seal(&places, Some(&table)),
                None => single.extend(places),
            }
        }
        seal(&single, None);
        sealed
    }

    /// Opens each box with one key; a bad box spoils no other.
    pub fn open_many(self, key: &BoxSecretKey, sealed: &[&[u8]]) -> Vec<Option<SecretBytes>> {
        let opening = Opening { secret: key.expose(), public: &key.public_key() };
        parts(sealed, |sealed| self.0.open(&opening, sealed))
    }

    /// A recipient with its table made, for programs that seal to it again and again.
    pub fn prepare(self, to: &BoxPublicKey) -> Prepared {
        Prepared { backend: self, to: *to, table: self.0.table(to.as_bytes()) }
    }
}

/// A recipient with the multiples of its public key, at most 165 KB; nothing in it is secret.
pub struct Prepared {
    backend: Backend,
    to: BoxPublicKey,
    table: Option<Table>,
}

impl Prepared {
    /// Seals each message, as [`Backend::seal_many`] would.
    pub fn seal_many(&self, messages: &[&[u8]], entropy: &mut Entropy) -> Vec<Vec<u8>> {
        let ephemeral = entropy.rows(messages.len());
        let batch: Vec<Sealing<'_>> = messages
            .iter()
            .zip(ephemeral.iter())
            .map(|(message, ephemeral)| Sealing { to: &self.to, ephemeral, message })
            .collect();
        parts(&batch, |batch| self.backend.0.seal(batch, self.table.as_ref()))
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, to, table } = self;
        let mut shown = f.debug_struct("Prepared");
        shown.field("backend", backend).field("to", to).field("table", &table.is_some()).finish()
    }
}

/// Works a batch off in parts: one after the other, on the thread that called.
#[cfg(not(feature = "rayon"))]
fn parts<T, U>(batch: &[T], work: impl Fn(&[T]) -> Vec<U>) -> Vec<U> {
    work(batch)
}

/// Works a batch off in parts on rayon's pool: the feature asks for its threads.
#[cfg(feature = "rayon")]
fn parts<T: Sync, U: Send>(batch: &[T], work: impl Fn(&[T]) -> Vec<U> + Send + Sync) -> Vec<U> {
    use rayon::prelude::*;
    const PART: usize = 64;
    batch.par_chunks(PART).flat_map_iter(work).collect()
}
