//! Writes the vectors of `testkit/vectors`, or holds the committed ones to what this code makes.
//!
//! Seeds, ids, times and randomness are fixed, so every run makes the same bytes.

#![allow(clippy::unwrap_used)]

#[path = "../story/mod.rs"]
mod story;

mod boxes;
mod log;
mod people;
mod rules;

use std::{collections::BTreeMap, path::PathBuf};

use agentsecrets_core::encoding::to_hex;
use serde_json::Value;

const WRITE: &str = "AGENTSECRETS_WRITE_VECTORS=1 cargo test -p agentsecrets-core --test vectors";

/// Scenarios by the names of their files.
type Vectors = BTreeMap<&'static str, Value>;

fn all() -> Vectors {
    [log::vectors(), rules::vectors(), boxes::vectors(), people::vectors()]
        .into_iter()
        .flatten()
        .collect()
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    to_hex(bytes.as_ref())
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/vectors")
}

fn text(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

#[test]
fn the_committed_vectors_are_current() {
    let (all, folder) = (all(), folder());
    if std::env::var_os("AGENTSECRETS_WRITE_VECTORS").is_some() {
        for (name, value) in &all {
            std::fs::write(folder.join(format!("{name}.json")), text(value)).unwrap();
        }
    }
    for (name, value) in &all {
        let committed = std::fs::read_to_string(folder.join(format!("{name}.json")));
        let current = committed.is_ok_and(|committed| committed == text(value));
        assert!(current, "testkit/vectors/{name}.json is not current; write it again:\n{WRITE}");
    }
    let files = std::fs::read_dir(&folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let unknown: Vec<_> = names
        .filter(|name| !name.strip_suffix(".json").is_some_and(|name| all.contains_key(name)))
        .collect();
    assert!(unknown.is_empty(), "nothing makes {unknown:?}");
}

#[test]
fn every_run_makes_the_same_vectors() {
    assert_eq!(all(), all());
}
