//! The vault of sealed files: what it keeps, what it refuses, what survives a crash.

#![allow(clippy::unwrap_used)]

mod vault_home;

use std::{fs, time::Duration};

use agentsecrets_core::{
    ErrorCode,
    secret::SecretBytes,
    vault::{self, Vault, VaultKind, VaultOptions},
};
use vault_home::{
    Place, WAIT, code, files_under, get, identity, own_alone, set, succeeds, until_ready,
};

const KEYS: [&str; 5] = ["head/a", "head/b", "pin/a", "value/a", "value/b"];

fn holds_everything(vault: &dyn Vault) {
    assert_eq!(vault.keys("").unwrap(), KEYS);
    KEYS.iter().for_each(|key| assert_eq!(get(vault, key).as_deref(), Some(*key)));
    let stored = vault.identity().unwrap().unwrap();
    assert!(stored.seed.ct_eq(&identity().seed));
    assert_eq!((stored.kind, stored.label), (identity().kind, identity().label));
}

#[test]
fn everything_comes_back_after_it_is_opened_anew() {
    let place = Place::filled(&KEYS);
    holds_everything(&*place.open());
    assert_eq!(place.open().keys("value/").unwrap(), ["value/a", "value/b"]);
    set(&*place.open(), "value/a", "new");
    place.open().remove("value/b").unwrap();
    place.open().remove("never there").unwrap();
    assert_eq!(get(&*place.open(), "value/a").as_deref(), Some("new"));
    assert_eq!(get(&*place.open(), "value/b"), None);
    assert_eq!(place.open().keys("value/").unwrap(), ["value/a"]);
}

#[test]
fn reading_leaves_an_empty_home_untouched() {
    let place = Place::new();
    let vault = place.open();
    assert!(vault.identity().unwrap().is_none() && vault.load("a").unwrap().is_none());
    assert!(vault.keys("").unwrap().is_empty() && !vault.facts().is_empty());
    vault.remove("a").unwrap();
    assert!(!place.home().exists());
}

/// Every flipped bit is refused; which error may depend on the byte's place.
fn every_flip(place: &Place, file: &std::path::Path, expect: impl Fn(usize, u8) -> ErrorCode) {
    let bytes = fs::read(file).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            fs::write(file, &changed).unwrap();
            let answer = place.open().load("a");
            assert_eq!(code(answer), Some(expect(at, changed[at])), "byte {at}, bit {bit}");
        }
    }
    fs::write(file, &bytes).unwrap();
    assert_eq!(get(&*place.open(), "a").as_deref(), Some("a"));
}

fn every_truncation(place: &Place, file: &std::path::Path) {
    let bytes = fs::read(file).unwrap();
    for length in 0..bytes.len() {
        fs::write(file, &bytes[..length]).unwrap();
        assert_eq!(code(place.open().load("a")), Some(ErrorCode::VaultDamaged), "{length} bytes");
    }
    fs::write(file, &bytes).unwrap();
}

fn damaged_or_newer(at: usize, byte: u8) -> ErrorCode {
    if at == 8 && byte > 1 { ErrorCode::VaultNewer } else { ErrorCode::VaultDamaged }
}

#[test]
fn every_flipped_bit_of_a_sealed_file_is_refused() {
    let place = Place::filled(&["a"]);
    every_flip(&place, &place.sealed_files()[0], damaged_or_newer);
    every_truncation(&place, &place.sealed_files()[0]);
}

#[test]
fn every_flipped_bit_of_the_root_is_refused() {
    let place = Place::filled(&["a"]);
    let root = place.home().join("root");
    every_flip(&place, &root, |at, byte| match at {
        9..42 => ErrorCode::WrongVaultKey, // Way of unlocking, salt, check.
        _ => damaged_or_newer(at, byte),
    });
    every_truncation(&place, &root);
}

#[test]
fn files_under_each_others_names_are_refused() {
    let place = Place::filled(&["a", "b"]);
    let files = place.sealed_files();
    let (one, two) = (fs::read(&files[0]).unwrap(), fs::read(&files[1]).unwrap());
    fs::write(&files[0], two).unwrap();
    fs::write(&files[1], one).unwrap();
    for key in ["a", "b"] {
        assert_eq!(code(place.open().load(key)), Some(ErrorCode::VaultDamaged));
    }
    assert_eq!(code(place.open().keys("")), Some(ErrorCode::VaultDamaged));
}

#[test]
fn files_without_their_root_are_damage_and_no_empty_vault() {
    let place = Place::filled(&["a"]);
    fs::remove_file(place.home().join("root")).unwrap();
    let vault = place.open();
    assert_eq!(code(vault.load("a")), Some(ErrorCode::VaultDamaged));
    assert_eq!(code(vault.identity()), Some(ErrorCode::VaultDamaged));
    let bytes = SecretBytes::copy_of(b"b");
    assert_eq!(code(vault.store("b", &bytes)), Some(ErrorCode::VaultDamaged));
    assert_eq!(code(vault.store_identity(&identity())), Some(ErrorCode::VaultDamaged));
    assert_eq!(place.sealed_files().len(), 1);
}

#[test]
fn another_kind_is_an_error_and_no_second_vault() {
    let place = Place::filled(&["a"]);
    let other = vault::open(&place.bare(VaultKind::Keychain));
    assert_eq!(code(other), Some(ErrorCode::VaultKindMismatch));
}

#[test]
fn another_key_does_not_open() {
    let place = Place::filled(&["a"]);
    for options in [place.with_key("other-key"), place.with_passphrase("passphrase")] {
        let answer = vault::open(&options).unwrap().load("a");
        assert_eq!(code(answer), Some(ErrorCode::WrongVaultKey));
    }
}

#[test]
fn a_passphrase_opens_with_any_line_end_and_another_does_not() {
    let place = Place::new();
    let vault = vault::open(&place.with_passphrase("passphrase")).unwrap();
    set(&*vault, "a", "1");
    for (text, opens) in [("correct horse\r\n", true), ("correct horse", true), ("wrong", false)] {
        fs::write(place.file("passphrase"), text).unwrap();
        let answer = vault::open(&place.with_passphrase("passphrase")).unwrap().load("a");
        assert_eq!(code(answer), (!opens).then_some(ErrorCode::WrongVaultKey));
    }
}

fn refused(options: &VaultOptions) {
    let answer = vault::open(options).and_then(|vault| vault.store_identity(&identity()));
    assert_eq!(code(answer), Some(ErrorCode::VaultKeyFile));
    assert!(files_under(&options.home).is_empty(), "written in spite of the key file");
}

#[test]
fn key_files_that_cannot_be_right_are_refused() {
    let place = Place::new();
    refused(&place.bare(VaultKind::File));
    refused(&place.with_key("missing"));
    let both = place.with_key("key");
    refused(&VaultOptions { passphrase_file: Some(place.file("passphrase")), ..both });
    for size in [0, 1, 31, 33, 63, 65, 4096] {
        fs::write(place.file("key"), vec![7; size]).unwrap();
        refused(&place.options());
    }
    for empty in ["", "\n", "\r\n"] {
        fs::write(place.file("passphrase"), empty).unwrap();
        refused(&place.with_passphrase("passphrase"));
    }
}

#[test]
fn a_key_file_in_hexadecimal_is_the_same_key() {
    let place = Place::filled(&["a"]);
    fs::write(place.file("hex"), "07".repeat(32) + "\n").unwrap();
    own_alone(&place.file("hex"));
    assert_eq!(get(&*vault::open(&place.with_key("hex")).unwrap(), "a").as_deref(), Some("a"));
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_refused() {
    let place = Place::new();
    for mode in [0o640, 0o604, 0o644, 0o666] {
        vault_home::mode(&place.file("key"), mode);
        refused(&place.options());
    }
}

#[cfg(unix)]
#[test]
fn files_and_folders_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::filled(&["a"]);
    let _lock = place.open().lock(WAIT).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.home()), mode(&place.home().join("sealed"))), (0o700, 0o700));
    files_under(&place.home()).iter().for_each(|file| assert_eq!(mode(file), 0o600, "{file:?}"));
}

#[test]
fn two_holders_of_the_lock_exclude_each_other() {
    let place = Place::new();
    let held = place.open().lock(WAIT).unwrap();
    let since = std::time::Instant::now();
    let second = place.open().lock(Duration::from_millis(100));
    assert_eq!(code(second), Some(ErrorCode::VaultBusy));
    assert!((100..2000).contains(&since.elapsed().as_millis()));
    drop(held);
    place.open().lock(Duration::ZERO).unwrap();
}

#[test]
fn a_lock_holds_against_other_processes_until_its_holder_dies() {
    if let Some(place) =
        Place::of_child("a_lock_holds_against_other_processes_until_its_holder_dies")
    {
        let _lock = place.open().lock(WAIT).unwrap();
        fs::write(place.file("ready"), "").unwrap();
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let place = Place::new();
    let part = "a_lock_holds_against_other_processes_until_its_holder_dies";
    let mut child = place.child(part).spawn().unwrap();
    until_ready(&place, &mut child);
    let busy = place.open().lock(Duration::from_millis(50));
    assert_eq!(code(busy), Some(ErrorCode::VaultBusy));
    child.kill().unwrap();
    child.wait().unwrap();
    place.open().lock(WAIT).unwrap();
}

/// Limits what a file may hold to 1 KiB, which says the same as a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_old_value() {
    if let Some(place) = Place::of_child("a_full_disk_leaves_the_old_value") {
        let large = SecretBytes::new(vec![1; 8192]);
        for key in ["a", "new"] {
            assert_eq!(code(place.open().store(key, &large)), Some(ErrorCode::VaultFull));
        }
        assert_eq!(get(&*place.open(), "a").as_deref(), Some("a"));
        return;
    }
    let place = Place::filled(&["a"]);
    let limit = "trap '' XFSZ; ulimit -f 2";
    succeeds(&mut place.child_under(limit, "a_full_disk_leaves_the_old_value"));
    assert_eq!(place.open().keys("").unwrap(), ["a"]);
    assert_eq!(place.sealed_files().len(), 1, "a stray file takes room");
}

#[test]
fn a_rekey_keeps_everything_and_the_old_key_opens_no_more() {
    let place = Place::filled(&KEYS);
    let before = place.sealed_files();
    vault::rekey(&place.options(), Some(place.file("other-key")), None).unwrap();
    let vault = vault::open(&place.with_key("other-key")).unwrap();
    holds_everything(&*vault);
    assert_eq!(code(place.open().load("a")), Some(ErrorCode::WrongVaultKey));
    assert_eq!(place.sealed_files().len(), KEYS.len());
    assert!(before.iter().all(|file| !file.exists()), "sealed under the old root key");
}

#[test]
fn a_rekey_to_another_key_may_be_repeated() {
    let place = Place::filled(&KEYS);
    for _ in 0..2 {
        vault::rekey(&place.options(), None, Some(place.file("passphrase"))).unwrap();
    }
    holds_everything(&*vault::open(&place.with_passphrase("passphrase")).unwrap());
}

#[test]
fn an_open_vault_follows_a_rekey() {
    let place = Place::filled(&KEYS);
    let vault = place.open();
    holds_everything(&*vault);
    vault::rekey(&place.options(), None, None).unwrap();
    holds_everything(&*vault);
    vault::rekey(&place.options(), None, None).unwrap();
    set(&*vault, "value/a", "value/a");
    holds_everything(&*vault);
    holds_everything(&*place.open());
}

#[test]
fn a_move_keeps_everything() {
    let place = Place::filled(&KEYS);
    vault::move_to(&place.options(), &place.with_passphrase("passphrase")).unwrap();
    holds_everything(&*vault::open(&place.with_passphrase("passphrase")).unwrap());
    assert_eq!(code(place.open().load("a")), Some(ErrorCode::WrongVaultKey));
    let memory = place.bare(VaultKind::Memory);
    let refused = vault::move_to(&place.with_passphrase("passphrase"), &memory);
    assert_eq!(code(refused), Some(ErrorCode::InvalidArgument));
}

/// Killed at some moment of one rekey after the other, 40 times; values change in between.
#[test]
fn a_rekey_may_be_killed_at_any_moment() {
    if let Some(place) = Place::of_child("a_rekey_may_be_killed_at_any_moment") {
        fs::write(place.file("ready"), "").unwrap();
        while vault::rekey(&place.options(), None, None).is_ok() {}
        return;
    }
    let place = Place::filled(&KEYS);
    set(&*place.open(), "extra", "0");
    for round in 0_u64..40 {
        let mut child = place.child("a_rekey_may_be_killed_at_any_moment").spawn().unwrap();
        until_ready(&place, &mut child);
        std::thread::sleep(Duration::from_micros(round * 7919 % 40_000));
        child.kill().unwrap();
        child.wait().unwrap();
        changed_in_between(&place, round);
    }
    vault::rekey(&place.options(), None, None).unwrap();
    place.open().remove("extra").unwrap();
    holds_everything(&*place.open());
    assert_eq!(place.sealed_files().len(), KEYS.len(), "strays of killed rekeys");
}

#[test]
fn an_open_vault_reads_on_while_another_process_rekeys() {
    let place = Place::filled(&KEYS);
    let vault = place.open();
    let mut child = place.child("a_rekey_may_be_killed_at_any_moment").spawn().unwrap();
    until_ready(&place, &mut child);
    let since = std::time::Instant::now();
    while since.elapsed() < Duration::from_millis(1500) {
        holds_everything(&*vault);
    }
    assert!(child.try_wait().unwrap().is_none(), "the rekeys ended early");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_key_file_is_no_part_of_a_keychain() {
    let place = Place::new();
    let rekeyed = vault::rekey(&place.bare(VaultKind::Keychain), Some(place.file("key")), None);
    assert_eq!(code(rekeyed), Some(ErrorCode::InvalidArgument));
}

/// `extra` is replaced, or removed every third time, and never comes back as it was.
fn changed_in_between(place: &Place, round: u64) {
    let vault = place.open();
    let _lock = vault.lock(WAIT).unwrap();
    let before = round.checked_sub(1).map_or(Some(0), |last| (last % 3 != 0).then_some(last));
    assert_eq!(get(&*vault, "extra"), before.map(|number| number.to_string()), "round {round}");
    KEYS.iter().for_each(|key| assert_eq!(get(&*vault, key).as_deref(), Some(*key)));
    match round % 3 {
        0 => vault.remove("extra").unwrap(),
        _ => set(&*vault, "extra", &round.to_string()),
    }
}

#[test]
fn no_file_tells_a_value_a_key_or_the_seed() {
    let (key, value) = ("value/SENTINEL-KEY-4711", "SENTINEL-VALUE-31337-QUITE-LONG");
    let place = Place::filled(&[]);
    set(&*place.open(), key, value);
    vault::rekey(&place.options(), None, None).unwrap();
    let files = files_under(&place.home());
    assert!(files.len() >= 3, "root, kind, sealed file");
    for file in files {
        let mut bytes = file.as_os_str().as_encoded_bytes().to_vec();
        bytes.extend(fs::read(&file).unwrap());
        for hidden in [key.as_bytes(), value.as_bytes(), &[0xA5; 32], &[7; 32]] {
            assert!(!tells(&bytes, hidden), "{file:?}");
        }
    }
    assert!(tells(b"xx U0VOVElORUwtVkFMVUUtMzEzMzctUVVJVEUtTE9ORw", value.as_bytes()));
}

/// Raw, in hexadecimal, or in base64 at any of its three offsets.
fn tells(bytes: &[u8], hidden: &[u8]) -> bool {
    let hex: String = hidden.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = (0..3).map(|skip| base64(&hidden[skip..][..(hidden.len() - skip) / 3 * 3]));
    let forms = [hidden.to_vec(), hex.to_uppercase().into(), hex.into()];
    forms
        .into_iter()
        .chain(base64)
        .any(|form| bytes.windows(form.len()).any(|window| window == form))
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |three: &[u8]| {
        let number = three.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| alphabet[number >> shift & 63])
    };
    bytes.chunks(3).flat_map(digits).collect()
}
