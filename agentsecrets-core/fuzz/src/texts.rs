//! Files that people edit: `.env`, exports, the project file.

use std::cell::OnceCell;

use agentsecrets_core::{
    config::ProjectFile,
    dotenv,
    export::{self, Format},
    import,
    name::SecretName,
    secret::SecretBytes,
};
use tempfile::TempDir;

type Entries = Vec<(SecretName, SecretBytes)>;

/// `.env` text and exports: what is written reads back as the same values, and has one form.
pub fn dotenv(data: &[u8]) {
    if let Ok(entries) = dotenv::parse(data) {
        rewritten(Format::Dotenv, &entries);
        rewritten(Format::Json, &entries);
        let _ = export::write(Format::Shell, &borrowed(&entries));
    }
    for name in [None, Some(".env"), Some("values.json"), Some("values.sh")] {
        if let Ok(entries) = import::read(None, name, data) {
            rewritten(Format::Json, &entries);
            rewritten(Format::Dotenv, &entries);
        }
    }
}

fn borrowed(entries: &Entries) -> Vec<(&SecretName, &SecretBytes)> {
    entries.iter().map(|(name, value)| (name, value)).collect()
}

/// Values that a format cannot hold are refused when they are written, never changed; what looks like ciphertext of
/// dotenvx or SOPS is refused when it is read.
fn rewritten(format: Format, entries: &Entries) {
    let Ok(text) = export::write(format, &borrowed(entries)) else { return };
    let name = if format == Format::Json { "values.json" } else { ".env" };
    let again = match import::read(None, Some(name), text.expose()) {
        Err(error) if error.to_string().contains("is sealed by ") => {
            let sealed =
                |value: &[u8]| value.starts_with(b"encrypted:") || value.starts_with(b"ENC[");
            return assert!(entries.iter().any(|(name, value)| {
                name.as_str().starts_with("sops") || sealed(value.expose())
            }));
        }
        again => again.expect("what was written"),
    };
    let mut expected = borrowed(entries);
    if format == Format::Json {
        expected.sort_by_key(|(name, _)| *name);
    }
    assert!(same(&borrowed(&again), &expected), "other values");
    let twice = export::write(format, &borrowed(&again)).expect("what was read");
    assert!(twice.ct_eq(text.expose()), "a second form");
}

fn same(one: &[(&SecretName, &SecretBytes)], other: &[(&SecretName, &SecretBytes)]) -> bool {
    let mut pairs = one.iter().zip(other);
    one.len() == other.len() && pairs.all(|(a, b)| a.0 == b.0 && a.1.ct_eq(b.1.expose()))
}

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// A project file: what is written says the same.
pub fn project_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(file) = ProjectFile::parse(text) else { return };
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(crate::vaults::folder).path();
        let path = file.write(folder).expect("a file");
        let written = std::fs::read_to_string(&path).expect("the file");
        assert_eq!(ProjectFile::parse(&written).expect("what was written"), file);
        let (found, again) = ProjectFile::find(folder).expect("a file").expect("the file");
        assert_eq!((found, again), (path, file));
    });
}
