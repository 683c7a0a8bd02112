//! What is dropped is gone: of every type that holds a key or a value the whole memory of this process is searched, with it
//! held (it must be found, or the search is worth nothing) and after it was dropped. The allocator is the system's, which
//! clears nothing by itself: a plain vector's bytes are found after its drop. `bindings/c/canary.c` does it for the libraries.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::{any::Any, fs, hint::black_box, ops::Range, os::unix::fs::FileExt, sync::Mutex};

use agentsecrets_core::{
    crypto::{BoxSecretKey, Entropy, SigningKey},
    dotenv,
    encoding::{EnvironmentId, WorkspaceId, encode, parse},
    error::ErrorCode,
    export,
    identity::{Identity, Kind},
    invitation::Token,
    name::SecretName,
    sealed_box,
    secret::{Key, SecretBytes},
    snapshot::Snapshot,
    vault::{MemoryVault, StoredIdentity, Vault},
    workspace_key::WorkspaceKey,
};
use borsh::{BorshDeserialize, BorshSerialize};
use zeroize::{Zeroize, Zeroizing};

const LENGTH: usize = 32;
/// Bytes that are read at a time, with `LENGTH` of the next.
const CHUNK: usize = 1 << 12;
const UNTOUCHED: [u8; CHUNK + LENGTH] = [0; CHUNK + LENGTH];
/// One search at a time: another's buffer holds what it has just read.
static SEARCH: Mutex<()> = Mutex::new(());

/// A value that stands nowhere else in memory: kept changed.
struct Canary([u8; LENGTH]);

impl Canary {
    fn new(number: u8) -> Self {
        let seed = std::array::from_fn(|i| (i as u8).wrapping_mul(29) ^ number.wrapping_mul(97));
        Self(*black_box(&seed))
    }

    fn byte(&self, at: usize) -> u8 {
        black_box(self.0[at]) ^ 0xA5
    }

    /// The bytes, for a type to take.
    fn bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new((0..LENGTH).map(|at| self.byte(at)).collect())
    }

    /// The same as letters, where a type takes text alone.
    fn text(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new((0..LENGTH).map(|at| b'a' + self.byte(at) % 26).collect())
    }

    fn is_at(&self, memory: &[u8], text: bool) -> bool {
        let wanted = |at: usize| if text { b'a' + self.byte(at) % 26 } else { self.byte(at) };
        (0..LENGTH).all(|at| memory[at] == wanted(at))
    }

    /// How often it stands in this process's memory that can be written.
    fn found(&self, text: bool) -> usize {
        let _one = SEARCH.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let memory = fs::File::open("/proc/self/mem").unwrap();
        let mut buffer = vec![0_u8; CHUNK + LENGTH];
        let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + buffer.len() as u64;
        let mut found = 0;
        for line in maps.lines().filter(|line| line.contains(" rw")) {
            let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let from = u64::from_str_radix(from, 16).unwrap();
            let to = u64::from_str_radix(to, 16).unwrap();
            // Everything but the buffer of the search itself.
            for part in [from..to.min(own.start), from.max(own.end)..to] {
                let whole = if own.start >= to || own.end <= from { from..to } else { part };
                found += self.found_in(&memory, whole.clone(), &mut buffer, text);
                if whole == (from..to) {
                    break;
                }
            }
        }
        found
    }

    fn found_in(
        &self,
        memory: &fs::File,
        range: Range<u64>,
        buffer: &mut [u8],
        text: bool,
    ) -> usize {
        let mut found = 0;
        for at in range.clone().step_by(CHUNK) {
            let wanted = buffer.len().min((range.end - at) as usize);
            let read = memory.read_at(&mut buffer[..wanted], at).unwrap_or(0);
            if buffer[..read] == UNTOUCHED[..read] {
                continue;
            }
            let windows = buffer[..read].windows(LENGTH);
            found += windows.filter(|window| self.is_at(window, text)).count();
            buffer.zeroize();
        }
        found
    }
}

/// Overwrites the stack beneath: a move may leave bytes there that no type can reach.
#[inline(never)]
fn scrub() {
    black_box([0_u8; 256 << 10]);
}

/// Found while it is held, not found once it is dropped.
fn wiped(canary: &Canary, text: bool, make: fn(&Canary) -> Box<dyn Any>) -> (usize, usize) {
    let held = make(canary);
    scrub();
    let before = canary.found(text);
    drop(black_box(held));
    scrub();
    (before, canary.found(text))
}

fn proven(number: u8, text: bool, make: fn(&Canary) -> Box<dyn Any>) {
    let (held, left) = wiped(&Canary::new(number), text, make);
    assert!(held > 0, "the search does not find what is held");
    assert_eq!(left, 0, "copies after the drop");
}

fn decode<T: BorshDeserialize + BorshSerialize>(bytes: &[u8]) -> T {
    parse(bytes, ErrorCode::Internal, "bytes of a test").unwrap()
}

fn key(canary: &Canary) -> Key {
    Key::from_slice(&canary.bytes()).unwrap()
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::copy_of(bytes)
}

/// The positive control: without wiping the search finds the freed block.
#[test]
fn what_is_not_wiped_is_found() {
    let make = |canary: &Canary| Box::new(canary.bytes().to_vec()) as Box<dyn Any>;
    // The first bytes of a freed block are the allocator's; so several blocks in one.
    let make_long = |canary: &Canary| {
        Box::new([canary.bytes().to_vec(), canary.bytes().to_vec()].concat()) as Box<dyn Any>
    };
    let short = wiped(&Canary::new(1), false, make);
    let long = wiped(&Canary::new(2), false, make_long);
    assert!(short.0 > 0 && long.1 > 0, "{short:?} {long:?}");
}

#[test]
fn secret_bytes_are_wiped() {
    proven(10, false, |canary| Box::new(secret(&canary.bytes())));
}

#[test]
fn the_spare_room_of_a_vector_that_became_secret_bytes_is_wiped() {
    proven(11, false, |canary| {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend_from_slice(&canary.bytes());
        Box::new(SecretBytes::new(bytes))
    });
}

#[test]
fn a_key_is_wiped() {
    proven(12, false, |canary| Box::new(key(canary)));
}

#[test]
fn a_key_from_an_array_leaves_none_of_it() {
    proven(13, false, |canary| {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&canary.bytes());
        Box::new(Key::new(bytes))
    });
}

#[test]
fn a_signing_key_is_wiped() {
    proven(14, false, |canary| Box::new(SigningKey::from_seed(&key(canary))));
}

#[test]
fn a_box_secret_key_is_wiped() {
    proven(15, false, |canary| Box::new(BoxSecretKey::new(key(canary))));
}

#[test]
fn an_identity_is_wiped() {
    proven(16, false, |canary| Box::new(Identity::from_seed(key(canary), Kind::Human)));
}

#[test]
fn a_stored_identity_is_wiped() {
    proven(17, false, |canary| {
        Box::new(StoredIdentity { seed: key(canary), kind: Kind::Human, label: "d".into() })
    });
}

#[test]
fn entropy_is_wiped() {
    proven(18, false, |canary| {
        let mut seed = [0; 32];
        seed.copy_from_slice(&canary.bytes());
        let entropy = Entropy::new(seed);
        seed.zeroize();
        Box::new(entropy)
    });
}

#[test]
fn an_invitations_token_is_wiped() {
    proven(19, false, |canary| Box::new(decode::<Token>(&canary.bytes())));
}

#[test]
fn every_generation_of_a_workspace_key_is_wiped() {
    proven(20, false, |canary| {
        let generations = vec![key(canary), key(canary)];
        let bytes = Zeroizing::new(encode(&generations));
        Box::new(decode::<WorkspaceKey>(&bytes))
    });
}

#[test]
fn recovery_words_are_wiped_with_the_seed() {
    proven(21, false, |canary| {
        let identity = Identity::from_seed(key(canary), Kind::Human);
        let words = identity.expose_words();
        let again = Identity::from_words(std::str::from_utf8(words.expose()).unwrap(), Kind::Human);
        Box::new((words, again.unwrap()))
    });
}

#[test]
fn values_of_an_env_file_are_wiped() {
    proven(22, true, |canary| {
        let mut file = Zeroizing::new(Vec::with_capacity(256));
        file.extend_from_slice(b"A='");
        file.extend_from_slice(&canary.text());
        file.extend_from_slice(b"'\n");
        Box::new(dotenv::parse(&file).unwrap())
    });
}

#[test]
fn an_exported_environment_is_wiped() {
    proven(23, true, |canary| {
        let name = SecretName::parse("A").unwrap();
        let value = secret(&canary.text());
        let texts: Vec<_> = [export::Format::Dotenv, export::Format::Json]
            .into_iter()
            .map(|format| export::write(format, &[(&name, &value)]).unwrap())
            .collect();
        Box::new(texts)
    });
}

#[test]
fn a_vault_in_memory_is_wiped() {
    proven(24, false, |canary| {
        let vault = MemoryVault::default();
        vault.store("k", &secret(&canary.bytes())).unwrap();
        let read = vault.load("k").unwrap();
        Box::new((vault, read))
    });
}

#[test]
fn what_a_box_gave_is_wiped() {
    proven(25, false, |canary| {
        let identity = Identity::from_seed(Key::new([9; 32]), Kind::Human);
        let mut entropy = Entropy::new([7; 32]);
        let sealed =
            sealed_box::seal(identity.recipient().box_key(), &canary.bytes(), &mut entropy);
        Box::new(identity.open(&sealed).unwrap())
    });
}

#[test]
fn a_snapshots_values_are_wiped() {
    proven(26, false, |canary| {
        let mut snapshot = Snapshot::empty(WorkspaceId([1; 32]), EnvironmentId([2; 16]));
        snapshot.change(SecretName::parse("A").unwrap(), Some(secret(&canary.bytes())), 1).unwrap();
        Box::new(snapshot)
    });
}
