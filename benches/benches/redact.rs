//! Redaction by what the text is: how many megabytes a second go through, for 1, 20 and 200 secrets.
//! `benches/run-table agents` prints the same beside what other means reach.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use agentsecrets_benches::texts::{redactor, texts, values};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SIZE: usize = 1 << 20;

fn redact(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("redact 1 MiB");
    group.throughput(Throughput::Bytes(SIZE as u64)).sample_size(10);
    for count in [1, 20, 200] {
        let values = values(count);
        let redactor = redactor(&values).unwrap();
        for (name, text) in texts(&values[0], SIZE) {
            group.bench_function(BenchmarkId::new(name, format!("{count} secrets")), |bencher| {
                bencher.iter(|| redactor.redact(&text));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, redact);
criterion_main!(benches);
