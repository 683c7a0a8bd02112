//! Redaction by what the text is: how many megabytes a second go through, for 1, 20 and 200 secrets.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use agentsecrets_core::{name::SecretName, redact::Redactor};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SIZE: usize = 1 << 20;

/// Forty characters each, as API keys are.
fn redactor(count: usize) -> (Redactor, String) {
    let values: Vec<String> =
        (0..count).map(|at| format!("fake_{:035x}", at * 0x9e37_79b9)).collect();
    let names: Vec<SecretName> =
        (0..count).map(|at| SecretName::parse(&format!("KEY_{at}")).unwrap()).collect();
    let pairs = names.iter().zip(values.iter().map(String::as_bytes));
    (Redactor::new(pairs).unwrap(), values[0].clone())
}

fn texts(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let repeated = |text: &str| text.bytes().cycle().take(SIZE).collect();
    let json = r#"{"id":"evt_1","text":"It said \"no\",\nand left.","url":"https:\/\/api.example\/v1","n":3}"#;
    let base64: Vec<u8> = (0..SIZE as u64)
        .map(|at| {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                [(at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize]
        })
        .collect();
    vec![
        (
            "log lines",
            repeated("2026-01-01T12:00:00Z INFO request served path=/v1/items status=200 ms=12\n"),
        ),
        ("JSON", repeated(json)),
        ("base64", base64),
        ("echoes", repeated(&format!("{{\"key\":\"{value}\",\"ok\":true}}\n"))),
        ("almost echoes", repeated(&value[..39])),
    ]
}

fn redact(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("redact 1 MiB");
    group.throughput(Throughput::Bytes(SIZE as u64)).sample_size(10);
    for count in [1, 20, 200] {
        let (redactor, value) = redactor(count);
        for (name, text) in texts(&value) {
            group.bench_function(BenchmarkId::new(name, format!("{count} secrets")), |bencher| {
                bencher.iter(|| redactor.redact(&text));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, redact);
criterion_main!(benches);
