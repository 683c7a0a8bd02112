//! Sealed boxes by each back end, by libsodium and by the `crypto_box` crate, in turns in one process.

use std::{hint::black_box, thread, time::Instant};

use agentsecrets_core::{
    crypto::{BoxPublicKey, BoxSecretKey, Entropy},
    sealed_box::{Backend, Prepared},
    secret::Key,
};
use crypto_box::aead::OsRng;
use sodiumoxide::crypto::{box_, sealedbox};

/// What is done to a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    SealOne,
    /// As [`Work::SealOne`], with the recipient's table made before.
    SealReady,
    SealMany,
    Open,
}

pub(crate) const WORK: [(Work, &str); 4] = [
    (Work::SealOne, "seal, one recipient"),
    (Work::SealReady, "seal, table ready"),
    (Work::SealMany, "seal, many recipients"),
    (Work::Open, "open"),
];

#[derive(Clone, Copy)]
pub(crate) enum Who {
    Libsodium,
    CryptoBox,
    Ours(Backend),
}

impl Who {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Libsodium => "libsodium",
            Self::CryptoBox => "crypto_box",
            Self::Ours(backend) => backend.name(),
        }
    }
}

/// libsodium first: the others are ratios to it.
pub(crate) fn contenders() -> Vec<Who> {
    let peers = [Who::Libsodium, Who::CryptoBox];
    peers.into_iter().chain(Backend::all().map(Who::Ours)).collect()
}

/// One size and batch, with keys and boxes in everybody's types.
pub(crate) struct Case {
    pub(crate) size: usize,
    pub(crate) batch: usize,
    pub(crate) threads: usize,
    messages: Vec<Vec<u8>>,
    own: BoxSecretKey,
    recipients: Vec<BoxPublicKey>,
    boxes: Vec<Vec<u8>>,
    sodium: (Vec<box_::PublicKey>, box_::SecretKey),
    crypto_box: (Vec<crypto_box::PublicKey>, crypto_box::SecretKey),
    prepared: Vec<(&'static str, Prepared)>,
}

fn random() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    seed
}

impl Case {
    pub(crate) fn new(size: usize, batch: usize, threads: usize) -> Self {
        let own_seed = random();
        let own = BoxSecretKey::new(Key::new(own_seed));
        let recipients: Vec<BoxPublicKey> = std::iter::once(own.public_key())
            .chain((1..batch).map(|_| BoxSecretKey::new(Key::new(random())).public_key()))
            .collect();
        let messages = vec![vec![b'm'; size]; batch];
        let mut entropy = Entropy::new(random());
        let to: Vec<_> =
            messages.iter().map(|message| (&recipients[0], message.as_slice())).collect();
        let boxes = Backend::best().seal_many(&to, &mut entropy);
        let bytes: Vec<[u8; 32]> = recipients.iter().map(|key| *key.as_bytes()).collect();
        Self {
            size,
            batch,
            threads,
            sodium: (
                bytes.iter().map(|key| box_::PublicKey(*key)).collect(),
                box_::SecretKey(own_seed),
            ),
            crypto_box: (
                bytes.iter().map(|key| crypto_box::PublicKey::from(*key)).collect(),
                crypto_box::SecretKey::from(own_seed),
            ),
            prepared: Backend::all().map(|b| (b.name(), b.prepare(&recipients[0]))).collect(),
            messages,
            own,
            recipients,
            boxes,
        }
    }

    /// Medians of µs a box, one of each contender, taken in turns.
    pub(crate) fn measure(&self, work: Work, rounds: usize, sample: f64) -> Vec<f64> {
        let contenders = contenders();
        let repeats: Vec<usize> = contenders
            .iter()
            .map(|who| {
                let once = self.seconds(*who, work, 1);
                (sample / once).clamp(1.0, 1000.0) as usize
            })
            .collect();
        let mut times = vec![Vec::new(); contenders.len()];
        for _ in 0..rounds {
            for (place, who) in contenders.iter().enumerate() {
                let seconds = self.seconds(*who, work, repeats[place]);
                let boxes = self.batch * repeats[place] * self.threads;
                times[place].push(seconds * 1e6 / boxes as f64);
            }
        }
        times.into_iter().map(super::median).collect()
    }

    fn seconds(&self, who: Who, work: Work, repeats: usize) -> f64 {
        let all = || (0..repeats).for_each(|_| self.once(who, work));
        let start = Instant::now();
        match self.threads {
            1 => all(),
            threads => thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(all)))),
        }
        start.elapsed().as_secs_f64()
    }

    fn to(&self, work: Work, place: usize) -> usize {
        if work == Work::SealMany { place } else { 0 }
    }

    /// The batch once, as an application would: entropy from the system for each batch, memory for each box, and all boxes in
    /// hand at the end.
    fn once(&self, who: Who, work: Work) {
        let places = 0..self.batch;
        match (who, work) {
            (Who::Libsodium, Work::Open) => {
                let (keys, secret) = &self.sodium;
                let open = |n: usize| sealedbox::open(&self.boxes[n], &keys[0], secret).unwrap();
                black_box(places.map(open).collect::<Vec<_>>());
            }
            (Who::Libsodium, _) => {
                let keys = &self.sodium.0;
                let seal = |n: usize| sealedbox::seal(&self.messages[n], &keys[self.to(work, n)]);
                black_box(places.map(seal).collect::<Vec<_>>());
            }
            (Who::CryptoBox, Work::Open) => {
                let secret = &self.crypto_box.1;
                black_box(
                    places.map(|n| secret.unseal(&self.boxes[n]).unwrap()).collect::<Vec<_>>(),
                );
            }
            (Who::CryptoBox, _) => {
                let keys = &self.crypto_box.0;
                let seal =
                    |n: usize| keys[self.to(work, n)].seal(&mut OsRng, &self.messages[n]).unwrap();
                black_box(places.map(seal).collect::<Vec<_>>());
            }
            (Who::Ours(backend), Work::Open) => {
                let boxes: Vec<&[u8]> = self.boxes.iter().map(Vec::as_slice).collect();
                assert!(
                    black_box(backend.open_many(&self.own, &boxes)).iter().all(Option::is_some)
                );
            }
            (Who::Ours(backend), Work::SealReady) => {
                let prepared =
                    &self.prepared.iter().find(|(name, _)| *name == backend.name()).unwrap().1;
                let messages: Vec<&[u8]> = self.messages.iter().map(Vec::as_slice).collect();
                black_box(prepared.seal_many(&messages, &mut Entropy::new(random())));
            }
            (Who::Ours(backend), _) => {
                let messages: Vec<_> = places
                    .map(|n| (&self.recipients[self.to(work, n)], self.messages[n].as_slice()))
                    .collect();
                black_box(backend.seal_many(&messages, &mut Entropy::new(random())));
            }
        }
    }
}

/// µs that a recipient's table takes to make, for each back end.
pub(crate) fn tables() -> Vec<(&'static str, f64)> {
    let to = BoxSecretKey::new(Key::new([9; 32])).public_key();
    Backend::all()
        .map(|backend| {
            let once = || {
                let start = Instant::now();
                drop(black_box(backend.prepare(&to)));
                start.elapsed().as_secs_f64() * 1e6
            };
            (backend.name(), super::median((0..21).map(|_| once()).collect()))
        })
        .collect()
}
