//! Runs the model under valgrind with secrets that memcheck takes for uninitialised: every jump and every
//! address that depends on one is reported. `check.py constant-time` runs it, and `leak` to see a report.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use agentsecrets_batch::{Bytes32, proof, proof::model};
use std::hint::black_box;

mod valgrind;

fn row(seed: u8) -> Bytes32 {
    std::array::from_fn(|i| (i as u8).wrapping_mul(7).wrapping_add(seed.wrapping_mul(31)))
}

fn main() {
    assert!(valgrind::running(), "to be run by valgrind");
    proof::PUBLISHED.get_or_init(|| valgrind::public::<u16>);
    let mut nine = [0; 32];
    nine[0] = 9;
    let base = model::table(&nine).unwrap();
    let mut own = [[0; 32]];
    model::shared_secrets_with(&base, &[row(1)], &mut own);

    let mut secrets: Vec<Bytes32> = (2..19).map(row).collect();
    secrets.iter_mut().for_each(valgrind::secret);
    let points = vec![own[0]; secrets.len()];
    let mut shared = points.clone();
    model::shared_secrets(&secrets, &points, &mut shared);
    println!("ladder: done");
    model::shared_secrets_with(&base, &secrets, &mut shared);
    println!("table: done");

    let mut plain = vec![[7_u8; 700]; secrets.len()];
    plain.iter_mut().for_each(valgrind::secret);
    let messages: Vec<&[u8]> = plain.iter().enumerate().map(|(n, m)| &m[..n * 40]).collect();
    let mut sealed = model::seal(&base, &points, &secrets, &messages);
    println!("seal: done");

    sealed.iter_mut().flatten().flatten().for_each(valgrind::public);
    let boxes: Vec<&[u8]> = sealed.iter().flatten().map(Vec::as_slice).collect();
    let mut key = row(1);
    valgrind::secret(&mut key);
    let opened = model::open(&key, &own[0], &boxes);
    assert!(opened.iter().all(Option::is_some));
    println!("open: done");

    if std::env::args().nth(1).as_deref() == Some("leak") {
        leak(&shared[0]);
    }
}

/// An address that depends on a secret, as tables of multiples that are indexed have it.
fn leak(secret: &Bytes32) {
    let table: [u8; 256] = std::array::from_fn(|i| i as u8);
    println!("leak: {}", black_box(black_box(&table)[usize::from(secret[0])]) > 0);
}
