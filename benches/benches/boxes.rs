//! Sealed boxes by each back end, by libsodium and by the `crypto_box` crate: one and many recipients, and opening, by size
//! and batch. `benches/run-table` measures the same in turns and writes the tables.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use agentsecrets_core::{
    crypto::{BoxPublicKey, BoxSecretKey, Entropy},
    sealed_box::Backend,
    secret::Key,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crypto_box::{PublicKey, SecretKey, aead::OsRng};
use sodiumoxide::crypto::{box_, sealedbox};

const SIZES: [usize; 4] = [32, 64, 1 << 10, 64 << 10];
const BATCHES: [usize; 3] = [1, 16, 256];

fn key(number: usize) -> [u8; 32] {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

fn public(number: usize) -> BoxPublicKey {
    BoxSecretKey::new(Key::new(key(number))).public_key()
}

fn seal(criterion: &mut Criterion) {
    for (name, recipients) in [("seal, one recipient", 1), ("seal, many recipients", 256)] {
        let mut group = criterion.benchmark_group(name);
        let keys: Vec<BoxPublicKey> = (0..recipients).map(public).collect();
        for (size, batch) in SIZES.into_iter().flat_map(|size| BATCHES.map(|batch| (size, batch))) {
            let message = vec![b'm'; size];
            let to = |n: usize| &keys[n % recipients];
            group.throughput(Throughput::Elements(batch as u64));
            let id = |name: &str| BenchmarkId::new(format!("{name}, {size} B"), batch);
            let messages: Vec<_> = (0..batch).map(|n| (to(n), message.as_slice())).collect();
            for backend in Backend::all() {
                let mut entropy = Entropy::new([1; 32]);
                group.bench_function(id(backend.name()), |bencher| {
                    bencher.iter(|| backend.seal_many(&messages, &mut entropy));
                });
            }
            let theirs: Vec<_> = (0..batch).map(|n| PublicKey::from(*to(n).as_bytes())).collect();
            group.bench_function(id("crypto_box"), |bencher| {
                bencher.iter(|| {
                    theirs
                        .iter()
                        .map(|to| to.seal(&mut OsRng, &message).unwrap())
                        .collect::<Vec<_>>()
                });
            });
            let theirs: Vec<_> = (0..batch).map(|n| box_::PublicKey(*to(n).as_bytes())).collect();
            group.bench_function(id("libsodium"), |bencher| {
                bencher.iter(|| {
                    theirs.iter().map(|to| sealedbox::seal(&message, to)).collect::<Vec<_>>()
                });
            });
        }
        group.finish();
    }
}

fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open");
    let (own, to) = (BoxSecretKey::new(Key::new(key(0))), public(0));
    for (size, batch) in SIZES.into_iter().flat_map(|size| BATCHES.map(|batch| (size, batch))) {
        let message = vec![b'm'; size];
        let sealed = Backend::best()
            .seal_many(&vec![(&to, message.as_slice()); batch], &mut Entropy::new([2; 32]));
        let boxes: Vec<&[u8]> = sealed.iter().map(Vec::as_slice).collect();
        group.throughput(Throughput::Elements(batch as u64));
        let id = |name: &str| BenchmarkId::new(format!("{name}, {size} B"), batch);
        for backend in Backend::all() {
            group.bench_function(id(backend.name()), |bencher| {
                bencher.iter(|| backend.open_many(&own, &boxes))
            });
        }
        let theirs = SecretKey::from(key(0));
        group.bench_function(id("crypto_box"), |bencher| {
            bencher.iter(|| {
                boxes.iter().map(|sealed| theirs.unseal(sealed).unwrap()).collect::<Vec<_>>()
            });
        });
        let (public, secret) = (box_::PublicKey(*to.as_bytes()), box_::SecretKey(key(0)));
        group.bench_function(id("libsodium"), |bencher| {
            bencher.iter(|| {
                boxes
                    .iter()
                    .map(|sealed| sealedbox::open(sealed, &public, &secret).unwrap())
                    .collect::<Vec<_>>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, seal, open);
criterion_main!(benches);
