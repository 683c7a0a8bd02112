//! Fold of 10,000 entries, and diff of 10,000 secrets.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use agentsecrets_benches::{Log, identity};
use agentsecrets_core::{
    drift::{self, Names},
    log::{Body, SignedEntry, State},
    policy::Policy,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ENTRIES: usize = 10_000;
const SECRETS: usize = 10_000;

fn fold(criterion: &mut Criterion) {
    let log = Log::of_length(ENTRIES).unwrap();
    let bytes: Vec<&[u8]> = log.entries.iter().map(SignedEntry::bytes).collect();
    let mut group = criterion.benchmark_group("fold");
    group.sample_size(10).throughput(Throughput::Elements(ENTRIES as u64));
    group.bench_function("10000 entries, from bytes", |bencher| {
        bencher.iter(|| {
            let mut state = State::genesis(&SignedEntry::parse(bytes[0]).unwrap()).unwrap();
            for entry in &bytes[1..] {
                state.apply(&SignedEntry::parse(entry).unwrap()).unwrap();
            }
            assert_eq!(state.head(), log.state.head());
        });
    });
    group.finish();
}

fn diff(criterion: &mut Criterion) {
    let (mut log, snapshot) = Log::with_secrets(SECRETS).unwrap();
    let me = identity(1).id();
    let mut group = criterion.benchmark_group("diff");
    group.bench_function("10000 secrets, heads equal", |bencher| {
        bencher.iter(|| assert!(drift::in_step(&log.state, &snapshot)));
    });
    log.add(Body::Policy(Policy::default())).unwrap();
    group.sample_size(20).throughput(Throughput::Elements(SECRETS as u64));
    group.bench_function("10000 secrets, heads differ", |bencher| {
        bencher.iter(|| {
            let changes = drift::against_log(&log.state, &snapshot, &me, &Names::new());
            assert!(changes.is_empty());
        });
    });
    group.finish();
}

criterion_group!(benches, fold, diff);
criterion_main!(benches);
