//! Seal and open, beside the `crypto_box` crate: the same bytes by somebody else's composition.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use agentsecrets_benches::identity;
use agentsecrets_core::{
    crypto::{BoxSecretKey, Entropy},
    sealed_box,
    secret::Key,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crypto_box::{PublicKey, SecretKey, aead::OsRng};

const SIZES: [usize; 4] = [256, 4 << 10, 64 << 10, 1 << 20];

fn seal(criterion: &mut Criterion) {
    let recipient = identity(1).recipient().clone();
    let (ours, theirs) = (recipient.box_key(), PublicKey::from(*recipient.box_key().as_bytes()));
    let mut entropy = Entropy::new([1; 32]);
    let mut group = criterion.benchmark_group("seal");
    for size in SIZES {
        let message = vec![b'm'; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("agentsecrets", size), |bencher| {
            bencher.iter(|| sealed_box::seal(ours, &message, &mut entropy));
        });
        group.bench_function(BenchmarkId::new("crypto_box", size), |bencher| {
            bencher.iter(|| theirs.seal(&mut OsRng, &message).unwrap());
        });
    }
    group.finish();
}

fn open(criterion: &mut Criterion) {
    let (ours, theirs) = (BoxSecretKey::new(Key::new([1; 32])), SecretKey::from([1; 32]));
    let mut entropy = Entropy::new([2; 32]);
    let mut group = criterion.benchmark_group("open");
    for size in SIZES {
        let sealed = sealed_box::seal(&ours.public_key(), &vec![b'm'; size], &mut entropy);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("agentsecrets", size), |bencher| {
            bencher.iter(|| sealed_box::open(&ours, &sealed).unwrap());
        });
        group.bench_function(BenchmarkId::new("crypto_box", size), |bencher| {
            bencher.iter(|| theirs.unseal(&sealed).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, seal, open);
criterion_main!(benches);
