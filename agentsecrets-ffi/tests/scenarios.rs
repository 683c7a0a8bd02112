//! Plays the scenarios of `conformance/scenarios` on the model and writes down every step, byte for
//! byte; the committed transcripts are what it wrote. Runners in other languages play the same lines.
//!
//! Clock, randomness and replies are fixed. The language of the lines is in
//! `conformance/scenarios/README.md`.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

#[path = "scenarios/plays.rs"]
mod plays;
#[path = "scenarios/stage.rs"]
mod stage;

use std::{collections::BTreeSet, fs, path::PathBuf};

const WRITE: &str =
    "AGENTSECRETS_WRITE_SCENARIOS=1 cargo test -p agentsecrets-ffi --test scenarios";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../conformance/scenarios")
}

#[test]
fn the_committed_transcripts_are_what_the_model_does() {
    let plays = plays::all();
    assert!(plays.len() >= 40, "{}", plays.len());
    for (name, claim, play) in &plays {
        let mut stage = stage::Stage::new(claim);
        play(&mut stage);
        let (path, text) = (folder().join(format!("{name}.txt")), stage.transcript());
        if std::env::var_os("AGENTSECRETS_WRITE_SCENARIOS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{name} is not current; write it again:\n{WRITE}");
    }
    let known: BTreeSet<String> = plays.iter().map(|(name, ..)| format!("{name}.txt")).collect();
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name());
    let unknown: Vec<_> = files
        .map(|name| name.into_string().unwrap())
        .filter(|name| name.ends_with(".txt") && !known.contains(name))
        .collect();
    assert!(unknown.is_empty(), "nothing plays {unknown:?}");
}
