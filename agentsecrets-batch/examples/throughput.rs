//! Microseconds a box on this processor, and the program whose machine code `check.py` reads.

#![allow(clippy::print_stdout)]

use agentsecrets_batch::{Bytes32, Ifma, Recipients};
use std::{hint::black_box, time::Instant};

fn main() {
    let Some(ifma) = Ifma::detect() else {
        println!("not measured: no avx512ifma");
        return;
    };
    println!(
        "{:>6} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "boxes", "seal, table", "seal, each", "open", "ladder", "base"
    );
    for count in [1, 2, 8, 16, 64, 256] {
        let row = |seed: usize| -> Bytes32 { std::array::from_fn(|i| (i * 7 + seed * 31) as u8) };
        let (secret, ephemeral): (Bytes32, Vec<Bytes32>) = (row(0), (1..=count).map(row).collect());
        let mut public = [[0; 32]];
        ifma.public_keys(&[secret], &mut public);
        let messages = vec![&[7_u8; 64][..]; count];
        let to = vec![public[0]; count];
        let Some(table) = ifma.table(&public[0]) else { return };
        let sealed = ifma.seal(Recipients::Table(&table), &ephemeral, &messages);
        let boxes: Vec<&[u8]> = sealed.iter().flatten().map(Vec::as_slice).collect();
        let each = micros(count, || {
            drop(black_box(ifma.seal(Recipients::Each(&to), &ephemeral, &messages)))
        });
        let with = micros(count, || {
            drop(black_box(ifma.seal(Recipients::Table(&table), &ephemeral, &messages)))
        });
        let open = micros(count, || drop(black_box(ifma.open(&secret, &public[0], &boxes))));
        let mut out = vec![[0; 32]; count];
        let ladder = micros(count, || ifma.shared_secrets(&ephemeral, &to, black_box(&mut out)));
        let base = micros(count, || ifma.public_keys(&ephemeral, black_box(&mut out)));
        println!("{count:>6} {with:>12.2} {each:>12.2} {open:>12.2} {ladder:>12.2} {base:>12.2}");
    }
    let mut point = [[0; 32]];
    ifma.public_keys(&[[1; 32]], &mut point);
    println!("table: {:.0} µs", micros(1, || drop(black_box(ifma.table(&point[0])))));
}

/// The least of many rounds, for one box.
fn micros(count: usize, mut work: impl FnMut()) -> f64 {
    let mut round = || {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e6 / count as f64
    };
    (0..4000 / count + 20).map(|_| round()).fold(f64::INFINITY, f64::min)
}
