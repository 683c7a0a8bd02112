//! X25519 by three implementations that give the same bytes.

use curve25519_dalek::{
    EdwardsPoint, MontgomeryPoint, edwards::EdwardsBasepointTable, traits::BasepointTable,
};
use zeroize::Zeroizing;

use super::{
    backend::{Opening, Sealing},
    boxes::{ephemeral, open_with, seal_with},
};
use crate::secret::SecretBytes;

/// What makes and opens boxes. The first two are X25519 (RFC 7748); the batches follow from them, and an
/// implementation that has a better way says so.
pub(super) trait Curve: Sync {
    /// What people read: `avx512ifma`, `graviola` or `dalek`.
    fn name(&self) -> &'static str;

    /// The public key of a secret one.
    fn public_key(&self, secret: &[u8; 32]) -> [u8; 32];

    /// All zeros for a point of low order.
    fn shared_secret(&self, secret: &[u8; 32], point: &[u8; 32]) -> Zeroizing<[u8; 32]>;

    /// One secret with each point, in their order.
    fn shared_secrets(&self, secret: &[u8; 32], points: &[[u8; 32]]) -> Zeroizing<Vec<[u8; 32]>> {
        Zeroizing::new(points.iter().map(|point| *self.shared_secret(secret, point)).collect())
    }

    /// Boxes to one recipient from which a table pays, its making included.
    fn table_pays(&self) -> usize {
        TABLE_PAYS
    }

    /// The table of a recipient; none where its point has none.
    fn table(&self, point: &[u8; 32]) -> Option<Table> {
        let point = MontgomeryPoint(*point).to_edwards(0)?;
        Some(Table::Dalek(Box::new(EdwardsBasepointTable::create(&point))))
    }

    /// Seals each message; with a table, all are to its recipient.
    fn seal(&self, batch: &[Sealing<'_>], table: Option<&Table>) -> Vec<Vec<u8>> {
        let shared = match table {
            Some(Table::Dalek(table)) => shared_by(table, batch),
            _ => {
                let one = |one: &Sealing<'_>| *self.shared_secret(one.ephemeral, one.to.as_bytes());
                Zeroizing::new(batch.iter().map(one).collect())
            }
        };
        let seal = |(sealing, shared): (&Sealing<'_>, &[u8; 32])| {
            let public = self.public_key(sealing.ephemeral);
            seal_with(&public, shared, sealing.to, sealing.message)
        };
        batch.iter().zip(shared.iter()).map(seal).collect()
    }

    /// Opens each box; `None` for every one that does not open.
    fn open(&self, own: &Opening<'_>, sealed: &[&[u8]]) -> Vec<Option<SecretBytes>> {
        // With the point 0 the secret is zero, which opens nothing.
        let point = |sealed: &&[u8]| ephemeral(sealed).copied().unwrap_or_default();
        let points: Vec<[u8; 32]> = sealed.iter().map(point).collect();
        let shared = self.shared_secrets(own.secret, &points);
        let open = |(sealed, shared): (&&[u8], &[u8; 32])| open_with(shared, own.public, sealed);
        sealed.iter().zip(shared.iter()).map(open).collect()
    }
}

/// Boxes that share one inversion.
const PART: usize = 256;

/// The secret of each ephemeral key with a table's recipient. One inversion serves many boxes; what it leaves in freed memory
/// is 1/(Z - Y) of points whose Z is gone.
fn shared_by(table: &EdwardsBasepointTable, batch: &[Sealing<'_>]) -> Zeroizing<Vec<[u8; 32]>> {
    let mut shared = Zeroizing::new(Vec::with_capacity(batch.len()));
    for part in batch.chunks(PART) {
        let point = |one: &Sealing<'_>| table.mul_base_clamped(*one.ephemeral);
        let points: Zeroizing<Vec<_>> = Zeroizing::new(part.iter().map(point).collect());
        let secrets = Zeroizing::new(EdwardsPoint::to_montgomery_batch(&points));
        shared.extend(secrets.iter().map(|secret| secret.0));
    }
    shared
}

/// A table takes as long to make as eighty boxes save with it.
const TABLE_PAYS: usize = 160;

/// Multiples of one recipient's point. Nothing in it is secret.
pub(super) enum Table {
    /// 30 KiB.
    Dalek(Box<EdwardsBasepointTable>),
    /// 165 KiB.
    #[cfg(all(feature = "fast", target_arch = "x86_64"))]
    Ifma(agentsecrets_batch::Table),
}

/// curve25519-dalek: on every machine.
pub(super) struct Dalek;

impl Curve for Dalek {
    fn name(&self) -> &'static str {
        "dalek"
    }

    fn public_key(&self, secret: &[u8; 32]) -> [u8; 32] {
        EdwardsPoint::mul_base_clamped(*secret).to_montgomery().0
    }

    fn shared_secret(&self, secret: &[u8; 32], point: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        let point = MontgomeryPoint(*point);
        // With AVX2 the way over the Edwards curve is the faster one, its square root included. Which way is
        // taken depends on the point alone, which is public.
        let shared = match point.to_edwards(0).filter(|_| has_avx2()) {
            Some(point) => point.mul_clamped(*secret).to_montgomery(),
            None => point.mul_clamped(*secret),
        };
        Zeroizing::new(shared.0)
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

#[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) use fast::Graviola;
#[cfg(all(feature = "fast", target_arch = "x86_64"))]
pub(super) use ifma::Ifma;

#[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod fast {
    use graviola::key_agreement::x25519::{PublicKey, StaticPrivateKey};
    use zeroize::Zeroizing;

    use super::Curve;

    /// graviola: formally verified assembly for x86-64 and aarch64.
    pub(in super::super) struct Graviola(());

    impl Graviola {
        /// Where the processor has what graviola insists on.
        #[cfg(target_arch = "x86_64")]
        pub(in super::super) fn detect() -> Option<Self> {
            let there = is_x86_feature_detected!("adx")
                && is_x86_feature_detected!("aes")
                && is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("pclmulqdq");
            there.then_some(Self(()))
        }

        /// Where the processor has what graviola insists on.
        #[cfg(target_arch = "aarch64")]
        pub(in super::super) fn detect() -> Option<Self> {
            use std::arch::is_aarch64_feature_detected as detected;
            let there =
                detected!("aes") && detected!("neon") && detected!("pmull") && detected!("sha2");
            there.then_some(Self(()))
        }
    }

    fn shared(secret: &StaticPrivateKey, point: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        let shared = secret.diffie_hellman(&PublicKey::from_array(point));
        Zeroizing::new(shared.map_or([0; 32], |shared| shared.0))
    }

    impl Curve for Graviola {
        fn name(&self) -> &'static str {
            "graviola"
        }

        fn public_key(&self, secret: &[u8; 32]) -> [u8; 32] {
            StaticPrivateKey::from_array(secret).public_key().as_bytes()
        }

        fn shared_secret(&self, secret: &[u8; 32], point: &[u8; 32]) -> Zeroizing<[u8; 32]> {
            shared(&StaticPrivateKey::from_array(secret), point)
        }

        fn shared_secrets(
            &self,
            secret: &[u8; 32],
            points: &[[u8; 32]],
        ) -> Zeroizing<Vec<[u8; 32]>> {
            let secret = StaticPrivateKey::from_array(secret);
            Zeroizing::new(points.iter().map(|point| *shared(&secret, point)).collect())
        }
    }
}

#[cfg(all(feature = "fast", target_arch = "x86_64"))]
mod ifma {
    use agentsecrets_batch::{Ifma as Batch, Recipients};
    use zeroize::Zeroizing;

    use super::{Curve, Dalek, Graviola, Opening, Sealing, Table, ephemeral};
    use crate::secret::SecretBytes;

    /// Eight at a time with AVX-512 IFMA; a single one as `single` does it.
    pub(in super::super) struct Ifma {
        batch: Batch,
        single: Box<dyn Curve + Send>,
    }

    impl Ifma {
        /// Where the processor has AVX-512 IFMA.
        pub(in super::super) fn detect() -> Option<Self> {
            let single: Box<dyn Curve + Send> = match Graviola::detect() {
                Some(graviola) => Box::new(graviola),
                None => Box::new(Dalek),
            };
            Some(Self { batch: Batch::detect()?, single })
        }
    }

    impl Curve for Ifma {
        fn name(&self) -> &'static str {
            "avx512ifma"
        }

        fn public_key(&self, secret: &[u8; 32]) -> [u8; 32] {
            self.single.public_key(secret)
        }

        fn shared_secret(&self, secret: &[u8; 32], point: &[u8; 32]) -> Zeroizing<[u8; 32]> {
            self.single.shared_secret(secret, point)
        }

        fn shared_secrets(
            &self,
            secret: &[u8; 32],
            points: &[[u8; 32]],
        ) -> Zeroizing<Vec<[u8; 32]>> {
            if let [point] = points {
                return Zeroizing::new(vec![*self.shared_secret(secret, point)]);
            }
            let mut shared = Zeroizing::new(vec![[0; 32]; points.len()]);
            let secrets = Zeroizing::new(vec![*secret; points.len()]);
            self.batch.shared_secrets(&secrets, points, &mut shared);
            shared
        }

        fn table_pays(&self) -> usize {
            // 127 µs to make, 4 µs saved for each box; three times as much with fresh pages.
            64
        }

        fn table(&self, point: &[u8; 32]) -> Option<Table> {
            self.batch.table(point).map(Table::Ifma)
        }

        fn seal(&self, batch: &[Sealing<'_>], table: Option<&Table>) -> Vec<Vec<u8>> {
            let table = match table {
                Some(Table::Ifma(table)) => Some(table),
                _ => None,
            };
            // The second would take as long as eight.
            if batch.len() < 2 && table.is_none() {
                return self.single.seal(batch, None);
            }
            let messages: Vec<&[u8]> = batch.iter().map(|sealing| sealing.message).collect();
            let secrets: Zeroizing<Vec<[u8; 32]>> =
                Zeroizing::new(batch.iter().map(|sealing| *sealing.ephemeral).collect());
            let sealed = match table {
                Some(table) => self.batch.seal(Recipients::Table(table), &secrets, &messages),
                None => {
                    let to: Vec<[u8; 32]> =
                        batch.iter().map(|sealing| *sealing.to.as_bytes()).collect();
                    self.batch.seal(Recipients::Each(&to), &secrets, &messages)
                }
            };
            // A key that was parsed is never of low order; were it, the one by one way decides what follows.
            let one = |(sealing, sealed): (&Sealing<'_>, Option<Vec<u8>>)| {
                sealed.unwrap_or_else(|| self.single.seal(&[*sealing], None).concat())
            };
            batch.iter().zip(sealed).map(one).collect()
        }

        fn open(&self, own: &Opening<'_>, sealed: &[&[u8]]) -> Vec<Option<SecretBytes>> {
            if sealed.len() < 2 {
                return self.single.open(own, sealed);
            }
            let sealed: Vec<&[u8]> = sealed
                .iter()
                .map(|sealed| ephemeral(sealed).map_or(&[][..], |_| *sealed))
                .collect();
            let opened = self.batch.open(own.secret, own.public.as_bytes(), &sealed);
            opened.into_iter().map(|plain| plain.map(SecretBytes::new)).collect()
        }
    }
}
