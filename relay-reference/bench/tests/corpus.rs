//! Replays the corpus that fuzzing has left behind, with the compiler that everybody has.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)] // Test code.

#[path = "../../fuzz/src/drive.rs"]
mod drive;

use std::path::Path;

/// How many inputs were replayed.
fn replay(target: &str, drive: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| drive(&std::fs::read(file).unwrap())).count()
}

#[test]
fn no_kept_signature_header_upsets_the_relay() {
    assert!(replay("signature", drive::signature) >= 6);
}

#[test]
fn no_kept_body_upsets_the_relay() {
    assert!(replay("body", drive::body) >= 8);
}

#[test]
fn no_kept_query_upsets_the_relay() {
    assert!(replay("query", drive::query) >= 12);
}
