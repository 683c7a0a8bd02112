//! The committed header and the committed list of symbols are what the code says.

#![allow(clippy::unwrap_used)] // Test code, though outside of `#[test]`.

use std::{collections::BTreeSet, fmt::Write, fs, path::PathBuf};

use agentsecrets_core::ErrorCode;

const WRITE: &str = "AGENTSECRETS_WRITE_HEADER=1 cargo test -p agentsecrets-ffi --test header";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every code as a constant: append-only, like the table that it is made of.
fn codes() -> String {
    let mut lines = "/* Error codes, see docs/errors.md. 0 is success. */\n".to_owned();
    for code in ErrorCode::ALL {
        let name = code.as_str().to_uppercase();
        writeln!(lines, "#define AGENTSECRETS_ERROR_{name} {}", *code as i32).unwrap();
    }
    lines
}

fn header() -> String {
    let mut config = cbindgen::Config::from_file(folder().join("cbindgen.toml")).unwrap();
    config.after_includes = Some(codes());
    let bindings = cbindgen::generate_with_config(folder(), config).unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    for_c(&String::from_utf8(header).unwrap())
}

/// Without the paragraphs that Rust wants at unsafe functions: in C every pointer is one.
fn for_c(header: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut skipping = false;
    for line in header.lines() {
        if line.trim() == "// # Safety" {
            skipping = true;
            lines.pop();
        }
        skipping &= line.trim_start().starts_with("//");
        if !skipping {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}

/// Names of all functions in a header.
fn functions(header: &str) -> BTreeSet<&str> {
    let words = header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| word.starts_with("agentsecrets_"));
    names.filter(|name| header.contains(&format!("{name}("))).collect()
}

fn current(file: &str, wanted: &str) {
    let committed = folder().join("../include").join(file);
    if std::env::var_os("AGENTSECRETS_WRITE_HEADER").is_some() {
        fs::write(&committed, wanted).unwrap();
    }
    let found = fs::read_to_string(&committed).unwrap_or_default();
    let first = difference(&found, wanted);
    assert!(first.is_none(), "include/{file} is out of date at {first:?}; run: {WRITE}");
}

/// The first line that differs.
fn difference(committed: &str, wanted: &str) -> Option<String> {
    let end = std::iter::once("end of file");
    let lines = committed.lines().chain(end.clone()).zip(wanted.lines().chain(end));
    lines.into_iter().find(|(ours, theirs)| ours != theirs).map(|(ours, _)| ours.to_owned())
}

#[test]
fn committed_header_is_current() {
    current("agentsecrets.h", &header());
}

#[test]
fn a_changed_header_is_noticed() {
    let header = header();
    for (before, after) in [
        ("uint64_t wait_ms", "uint32_t wait_ms"),
        ("AGENTSECRETS_ERROR_BUSY 3", "AGENTSECRETS_ERROR_BUSY 4"),
        ("int32_t agentsecrets_open(", "int32_t agentsecrets_open2("),
    ] {
        assert!(header.contains(before), "{before}");
        assert!(difference(&header.replace(before, after), &header).is_some(), "{after}");
    }
    let shorter = &header[..header.len() - 20];
    assert!(difference(shorter, &header).is_some() && difference(&header, shorter).is_some());
}

#[test]
fn committed_symbols_are_those_of_the_header() {
    let header = header();
    let names: Vec<&str> = functions(&header).into_iter().collect();
    assert!(names.len() > 80, "{}", names.len());
    current("agentsecrets.symbols", &(names.join("\n") + "\n"));
}

#[test]
fn every_function_has_a_comment() {
    let header = header();
    for name in functions(&header) {
        let at = header.find(&format!("{name}(")).unwrap();
        let block = header[..at].rsplit("\n\n").next().unwrap();
        assert!(block.trim_start().starts_with("// "), "{name} has no comment");
        // What it returns is the code, not a result.
        let returns_code = name == "agentsecrets_error_code";
        let can_fail = block.contains("\nint32_t ") && !returns_code;
        let says_how = block.replace("\n//", "").contains("Fails ");
        assert!(says_how || !can_fail, "{name} does not say how it fails");
    }
}

#[test]
fn every_error_code_has_its_word_in_c() {
    for code in ErrorCode::ALL {
        let described = agentsecrets::model::describe(*code as i32).unwrap();
        assert_eq!(described.word.to_str().unwrap(), code.as_str());
    }
    assert!(agentsecrets::capi::agentsecrets_error_code_name(-1).is_null());
}

#[test]
fn the_soname_is_the_abi_version() {
    let version = agentsecrets::model::AGENTSECRETS_ABI_VERSION;
    let build = fs::read_to_string(folder().join("build.rs")).unwrap();
    assert!(build.contains(&format!("libagentsecrets.so.{version}\"")));
}
