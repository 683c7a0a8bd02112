//! What no other process can show: a change cut off at each of its points, and a fork.

#![allow(clippy::unwrap_used)]

use std::{path::Path, time::Duration};

use super::{
    StoredIdentity, Vault, VaultKind, VaultOptions, files, files::crash, move_to, open, rekey,
    sealed::SealedVault,
};
use crate::{
    error::{ErrorCode, Result},
    identity::Kind,
    secret::{Key, SecretBytes},
};

const KEYS: [&str; 3] = ["a", "b", "c"];

fn identity() -> StoredIdentity {
    StoredIdentity { seed: Key::new([0xA5; 32]), kind: Kind::Human, label: "laptop".into() }
}

/// The vault under the key file of a byte.
fn under(folder: &Path, byte: u8) -> VaultOptions {
    VaultOptions {
        kind: VaultKind::File,
        home: folder.join("home"),
        key_file: Some(folder.join(format!("key-{byte}"))),
        passphrase_file: None,
        unattended: true,
    }
}

/// The vault's own way of writing makes a key file its owner's alone.
fn key_files(folder: &Path) {
    [1, 2].iter().for_each(|byte| {
        files::replace(&folder.join(format!("key-{byte}")), &[*byte; 32]).unwrap();
    });
}

fn set(vault: &dyn Vault, key: &str, text: &str) -> Result<()> {
    vault.store(key, &SecretBytes::copy_of(text.as_bytes()))
}

fn filled(folder: &Path) {
    key_files(folder);
    let vault = open(&under(folder, 1)).unwrap();
    vault.store_identity(&identity()).unwrap();
    KEYS.iter().for_each(|key| set(&*vault, key, key).unwrap());
}

fn holds(vault: &dyn Vault, first: &str) {
    assert_eq!(vault.keys("").unwrap(), KEYS);
    for (key, text) in KEYS.into_iter().zip([first, "b", "c"]) {
        assert!(vault.load(key).unwrap().unwrap().ct_eq(text.as_bytes()), "{key}");
    }
    assert!(vault.identity().unwrap().unwrap().seed.ct_eq(&identity().seed));
}

/// Runs a change cut off after 0, 1, 2… points, each in a new folder, until it reaches its end.
fn cut_off_everywhere(
    prepare: impl Fn(&Path),
    change: impl Fn(&Path) -> Result<()>,
    check: impl Fn(&Path),
) -> u32 {
    let mut points = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        crash::after(Some(points));
        let changed = change(folder.path());
        crash::after(None);
        check(folder.path());
        if changed.is_ok() {
            return points;
        }
        points += 1;
    }
}

/// One of both keys opens it, and what is written now outlives the change's second try.
fn survives(folder: &Path, again: impl Fn() -> Result<()>) {
    let (old, new) = (under(folder, 1), under(folder, 2));
    let opening = match open(&old).unwrap().identity() {
        Ok(_) => &old,
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::WrongVaultKey);
            &new
        }
    };
    let vault = open(opening).unwrap();
    holds(&*vault, "a");
    set(&*vault, "a", "newer").unwrap();
    again().unwrap();
    holds(&*open(&new).unwrap(), "newer");
    assert_eq!(open(&old).unwrap().identity().unwrap_err().code(), ErrorCode::WrongVaultKey);
}

#[test]
fn a_rekey_may_be_cut_off_at_each_point() {
    let change = |folder: &Path| rekey(&under(folder, 1), under(folder, 2).key_file, None);
    let check = |folder: &Path| {
        survives(folder, || change(folder));
        let sealed = files::names(&folder.join("home/sealed")).unwrap();
        assert_eq!(sealed.len(), KEYS.len(), "strays");
    };
    let points = cut_off_everywhere(filled, change, check);
    assert!(points >= 24, "{points} points");
}

#[test]
fn a_move_may_be_cut_off_at_each_point() {
    let change = |folder: &Path| move_to(&under(folder, 1), &under(folder, 2));
    let again = |folder: &Path| match change(folder) {
        // It was done before it was cut off.
        Err(error) if error.code() == ErrorCode::WrongVaultKey => Ok(()),
        moved => moved,
    };
    let check = |folder: &Path| survives(folder, || again(folder));
    let points = cut_off_everywhere(filled, change, check);
    assert!(points >= 6, "{points} points");
}

#[test]
fn a_first_store_may_be_cut_off_at_each_point() {
    let change = |folder: &Path| set(&*open(&under(folder, 1))?, "a", "1");
    let check = |folder: &Path| {
        let options = under(folder, 1);
        let before = open(&options).unwrap().load("a").unwrap();
        assert!(before.is_none_or(|bytes| bytes.ct_eq(b"1")));
        set(&*open(&options).unwrap(), "a", "2").unwrap();
        assert!(open(&options).unwrap().load("a").unwrap().unwrap().ct_eq(b"2"));
    };
    let points = cut_off_everywhere(key_files, change, check);
    assert!(points >= 12, "{points} points");
}

#[test]
fn a_vault_opened_before_a_fork_does_nothing_after_it() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let mut vault = SealedVault::open(&under(folder.path(), 1)).unwrap();
    vault.process += 1;
    let root = std::fs::read(folder.path().join("home/root")).unwrap();
    let answers = [
        vault.identity().map(drop),
        vault.store_identity(&identity()),
        vault.load("a").map(drop),
        set(&vault, "a", "2"),
        vault.remove("a"),
        vault.keys("").map(drop),
        vault.lock(Duration::ZERO).map(drop),
    ];
    for (at, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.err().map(|e| e.code()), Some(ErrorCode::VaultForked), "call {at}");
    }
    assert_eq!(std::fs::read(folder.path().join("home/root")).unwrap(), root);
}
