//! Runs what the core does with secrets under valgrind, which takes the secrets for uninitialised: every jump and every address
//! that depends on one is reported. `tools/constant-time` runs it once for each operation, and `leak` to see a report.
//!
//! Beside `capi`, where `unsafe` may stand: the requests to valgrind are instructions.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, missing_docs)]

use std::hint::black_box;

use agentsecrets_core::{
    crypto::{self, BoxSecretKey, Entropy, SigningKey},
    encoding,
    identity::{Identity, Kind},
    secret::{Key, SecretBytes},
};

#[path = "../../../agentsecrets-batch/examples/valgrind/mod.rs"]
mod valgrind;

type Bytes32 = [u8; 32];

fn row(seed: u8) -> Bytes32 {
    std::array::from_fn(|i| (i as u8).wrapping_mul(7).wrapping_add(seed.wrapping_mul(31)))
}

fn secret_row(seed: u8) -> Bytes32 {
    let mut bytes = row(seed);
    valgrind::secret(&mut bytes);
    bytes
}

fn secret_key(seed: u8) -> Key {
    Key::new(secret_row(seed))
}

/// A verdict is public once it was reached.
fn verdict(mut holds: bool) -> bool {
    valgrind::public(&mut holds);
    holds
}

fn published<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    valgrind::public(&mut bytes);
    bytes
}

fn main() {
    assert!(valgrind::running(), "to be run by valgrind");
    let operation = std::env::args().nth(1).unwrap_or_default();
    match operation.as_str() {
        "compare-values" => {
            let value = SecretBytes::copy_of(&secret_row(1));
            assert!(verdict(value.ct_eq(&row(1))) && !verdict(value.ct_eq(&row(2))));
        }
        "compare-keys" => {
            assert!(verdict(secret_key(1).ct_eq(&secret_key(1))));
            assert!(!verdict(secret_key(1).ct_eq(&secret_key(2))));
        }
        "compare-commitments" => {
            assert!(verdict(crypto::same(&secret_row(1), &row(1))));
        }
        "commit" => {
            black_box(published(crypto::commit(
                crypto::label::ITEM_COMMITMENT,
                &secret_row(1),
                &secret_row(2),
            )));
        }
        "derive" => {
            black_box(crypto::derive_key(crypto::label::LABEL_KEY, &secret_row(1)));
        }
        "encrypt" => {
            let message = [secret_row(2), secret_row(3)].concat();
            black_box(crypto::encrypt(&secret_key(1), [7; 24], b"public", &message));
        }
        "sign" => {
            let signing = SigningKey::from_seed(&secret_key(1));
            black_box(signing.sign(b"public"));
        }
        "seal" => {
            let to = BoxSecretKey::new(Key::new(row(4))).public_key();
            let message = [secret_row(2), secret_row(3)].concat();
            black_box(agentsecrets_core::sealed_box::seal(
                &to,
                &message,
                &mut Entropy::new(secret_row(1)),
            ));
        }
        "identity" => {
            black_box(Identity::from_seed(secret_key(1), Kind::Agent));
        }
        "hexadecimal" => {
            black_box(encoding::to_hex(&secret_row(1)));
        }
        "words" => {
            black_box(Identity::from_seed(secret_key(1), Kind::Agent).expose_words());
        }
        "leak" => {
            let table: [u8; 256] = std::array::from_fn(|i| i as u8);
            println!("{}", black_box(black_box(&table)[usize::from(secret_row(1)[0])]) > 0);
        }
        other => panic!("no operation {other}"),
    }
    println!("{operation}: done");
}
