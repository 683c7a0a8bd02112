//! The vault whose root lies in a real keychain: a Secret Service in a session of its own.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod vault_home;

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use agentsecrets_core::{
    ErrorCode,
    vault::{self, Vault, VaultKind, VaultOptions},
};
use vault_home::{Place, code, files_under, get, identity, set, succeeds};

/// What an unattended vault waits, and a second more.
const DEADLINE: Duration = Duration::from_secs(4);
/// For what is refused without waiting for anybody.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Runs a test as a process of its own in such a session; see `tools/secret-service`.
fn in_session(mode: &str, test: &str, body: impl FnOnce(&Place)) {
    if let Some(place) = Place::of_child(test) {
        return body(&place);
    }
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/secret-service");
    succeeds(Place::new().child_by(Command::new(tool).arg(mode), test));
}

fn options(place: &Place) -> VaultOptions {
    place.bare(VaultKind::Keychain)
}

fn open(place: &Place) -> Box<dyn Vault> {
    vault::open(&options(place)).unwrap()
}

/// Reading and writing are refused so, each within this time, and nothing is left in the home.
fn refuses(place: &Place, within: Duration, expected: ErrorCode) {
    let since = Instant::now();
    assert_eq!(code(open(place).identity()), Some(expected));
    assert_eq!(code(open(place).store_identity(&identity())), Some(expected));
    assert!(since.elapsed() < 2 * within, "{:?}", since.elapsed());
    assert!(files_under(&place.home()).is_empty());
}

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().unwrap().success());
}

fn service() -> String {
    std::env::var("SECRET_SERVICE_PID").unwrap()
}

/// Another service in the place of the one before, with no keyring unlocked or the one of `test`.
fn replace_service(unlock: bool) -> Child {
    signal("-TERM", &service());
    let mut command = Command::new("gnome-keyring-daemon");
    command.args(["--foreground", "--components=secrets"]);
    let password = Path::new(&std::env::var("XDG_RUNTIME_DIR").unwrap()).join("password");
    let stdin =
        if unlock { Stdio::from(std::fs::File::open(password).unwrap()) } else { Stdio::null() };
    let child = command.args(unlock.then_some("--unlock")).stdin(stdin).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    child
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_keeps_the_root_from_process_to_process() {
    in_session("unlocked", "keychain_keeps_the_root_from_process_to_process", |place| {
        open(place).store_identity(&identity()).unwrap();
        set(&*open(place), "a", "1");
        let part = "keychain_is_read_by_a_second_process";
        succeeds(&mut place.child(part));
        assert_eq!(get(&*open(place), "a").as_deref(), Some("2"));
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_is_read_by_a_second_process() {
    let Some(place) = Place::of_child("keychain_is_read_by_a_second_process") else { return };
    let vault = open(&place);
    assert!(vault.identity().unwrap().unwrap().seed.ct_eq(&identity().seed));
    assert_eq!(get(&*vault, "a").as_deref(), Some("1"));
    set(&*vault, "a", "2");
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_tells_homes_apart_and_reading_makes_nothing() {
    in_session("unlocked", "keychain_tells_homes_apart_and_reading_makes_nothing", |place| {
        let other = VaultOptions { home: place.file("other"), ..options(place) };
        open(place).store_identity(&identity()).unwrap();
        let vault = vault::open(&other).unwrap();
        assert!(vault.identity().unwrap().is_none() && vault.load("a").unwrap().is_none());
        assert!(!other.home.exists());
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_without_its_item_is_damage() {
    in_session("unlocked", "keychain_without_its_item_is_damage", |place| {
        open(place).store_identity(&identity()).unwrap();
        let clear = Command::new("secret-tool").args(["clear", "service", "agentsecrets"]).status();
        assert!(clear.unwrap().success());
        assert_eq!(code(open(place).identity()), Some(ErrorCode::VaultDamaged));
        assert_eq!(code(open(place).store_identity(&identity())), Some(ErrorCode::VaultDamaged));
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_moves_to_a_file_and_back_and_is_rekeyed() {
    in_session("unlocked", "keychain_moves_to_a_file_and_back_and_is_rekeyed", |place| {
        open(place).store_identity(&identity()).unwrap();
        set(&*open(place), "a", "1");
        vault::rekey(&options(place), None, None).unwrap();
        assert_eq!(get(&*open(place), "a").as_deref(), Some("1"));
        vault::move_to(&options(place), &place.options()).unwrap();
        assert_eq!(get(&*place.open(), "a").as_deref(), Some("1"));
        let gone = Command::new("secret-tool").args(["lookup", "service", "agentsecrets"]).output();
        assert!(gone.unwrap().stdout.is_empty());
        vault::move_to(&place.options(), &options(place)).unwrap();
        assert_eq!(get(&*open(place), "a").as_deref(), Some("1"));
        assert!(!place.home().join("root").exists());
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_without_any_keyring_is_no_keychain() {
    in_session("locked", "keychain_without_any_keyring_is_no_keychain", |place| {
        let since = Instant::now();
        assert!(open(place).identity().unwrap().is_none());
        let answer = open(place).store_identity(&identity());
        assert_eq!(code(answer), Some(ErrorCode::NoKeychain));
        assert!(since.elapsed() < AT_ONCE);
        assert!(files_under(&place.home()).is_empty());
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_that_was_locked_again_is_locked() {
    in_session("unlocked", "keychain_that_was_locked_again_is_locked", |place| {
        let warm = open(place);
        warm.store_identity(&identity()).unwrap();
        let mut locked = replace_service(false);
        let since = Instant::now();
        assert_eq!(code(open(place).identity()), Some(ErrorCode::KeychainLocked));
        assert_eq!(code(warm.store_identity(&identity())), Some(ErrorCode::KeychainLocked));
        assert!(since.elapsed() < 2 * DEADLINE);
        assert!(warm.identity().unwrap().is_some(), "read once, and it stays");
        locked.kill().unwrap();
        locked.wait().unwrap();
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_service_may_be_restarted() {
    in_session("unlocked", "keychain_service_may_be_restarted", |place| {
        let vault = open(place);
        vault.store_identity(&identity()).unwrap();
        let mut next = replace_service(true);
        vault.store_identity(&identity()).unwrap();
        assert!(open(place).identity().unwrap().is_some());
        next.kill().unwrap();
        next.wait().unwrap();
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_that_does_not_answer_is_given_up() {
    in_session("unlocked", "keychain_that_does_not_answer_is_given_up", |place| {
        signal("-STOP", &service());
        refuses(place, DEADLINE, ErrorCode::KeychainTimeout);
        signal("-CONT", &service());
        open(place).store_identity(&identity()).unwrap();
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_bus_without_a_service_is_no_keychain() {
    in_session("none", "keychain_bus_without_a_service_is_no_keychain", |place| {
        refuses(place, AT_ONCE, ErrorCode::NoKeychain);
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_without_a_bus_is_no_keychain() {
    let test = "keychain_without_a_bus_is_no_keychain";
    if let Some(place) = Place::of_child(test) {
        return refuses(&place, AT_ONCE, ErrorCode::NoKeychain);
    }
    let place = Place::new();
    let missing = format!("unix:path={}", place.file("no-bus").display());
    for address in [None, Some(missing.as_str()), Some("no address at all"), Some("")] {
        let mut child = place.child(test);
        child.env("XDG_RUNTIME_DIR", place.home()).env_remove("DBUS_SESSION_BUS_ADDRESS");
        child.envs(address.map(|address| ("DBUS_SESSION_BUS_ADDRESS", address)));
        succeeds(&mut child);
    }
    // A socket that nobody listens to: what a bus leaves behind that was killed.
    let socket = place.file("dead-bus");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let address = format!("unix:path={}", socket.display());
    succeeds(place.child(test).env("DBUS_SESSION_BUS_ADDRESS", address));
}

fn warns(vault: &dyn Vault) -> bool {
    vault.facts().iter().any(|(_, fact)| fact.contains("blank password"))
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_with_a_blank_password_is_warned_of() {
    in_session("blank", "keychain_with_a_blank_password_is_warned_of", |place| {
        open(place).store_identity(&identity()).unwrap();
        assert!(warns(&*open(place)));
    });
}

#[test]
#[ignore = "needs a Secret Service: ./test keychain"]
fn keychain_with_a_password_is_not_warned_of() {
    in_session("unlocked", "keychain_with_a_password_is_not_warned_of", |place| {
        open(place).store_identity(&identity()).unwrap();
        assert!(!warns(&*open(place)));
    });
}
