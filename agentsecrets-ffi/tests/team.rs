//! What the model does for a team, over a relay in memory.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)] // Test code, though outside of `#[test]`.

use std::{sync::Arc, time::Duration};

use agentsecrets::model::{
    Client, Config, ErrorCode, Identity, MemoryRelay, SecretBytes, Watch, kind, verify,
};

fn device() -> Arc<Client> {
    let mut config = Config::empty();
    let identity = Identity::generate(kind("human").unwrap()).unwrap();
    config.set("vault", "memory").unwrap();
    let string = identity.string();
    config.set("identity", std::str::from_utf8(string.expose()).unwrap()).unwrap();
    Arc::new(Client::open(&config).unwrap())
}

fn joined(founder: &Client, role: &str, scope: &str, label: &str) -> Arc<Client> {
    let (code, newcomer) = (founder.invite(role, scope, 0).unwrap(), device());
    newcomer.join(std::str::from_utf8(code.expose()).unwrap(), label).unwrap();
    assert_eq!(founder.admit().unwrap(), 1);
    newcomer.sync().unwrap();
    newcomer
}

fn team() -> (MemoryRelay, Arc<Client>) {
    let (relay, founder) = (MemoryRelay::start().unwrap(), device());
    founder.create("acme", "laptop", relay.url()).unwrap();
    (relay, founder)
}

fn set(client: &Client, name: &str, value: &str) {
    client.set("", name, SecretBytes::copy_of(value.as_bytes())).unwrap();
    client.push("", false).unwrap();
}

fn code(result: agentsecrets::model::Result<()>) -> Option<ErrorCode> {
    result.err().map(|error| error.code())
}

#[test]
fn roles_scopes_and_endings() {
    let (_relay, founder) = team();
    set(&founder, "URL", "fake-1");
    let reader = joined(&founder, "reader", "development", "phone");
    assert_eq!(code(reader.create_environment("test")), Some(ErrorCode::Forbidden));
    founder.set_role("phone", "admin").unwrap();
    founder.set_scope("phone", "").unwrap();
    reader.follow(Duration::ZERO).unwrap();
    reader.create_environment("test").unwrap();
    reader.rename_environment("test", "trial").unwrap();
    reader.archive_environment("trial").unwrap();
    assert!(reader.environments().unwrap().contains("trial"));
    reader.rekey().unwrap();
    founder.sync().unwrap();
    founder.confirm("phone").unwrap();
    assert!(founder.team().unwrap().contains("phone"));
    reader.leave().unwrap();
    founder.sync().unwrap();
    assert_eq!(code(founder.set_role("phone", "reader").map(drop)), Some(ErrorCode::UnknownMember));
    assert!(founder.leave().is_err(), "the last owner");
}

#[test]
fn invitations_are_listed_and_withdrawn() {
    let (_relay, founder) = team();
    let invitation = founder.invite("reader", "", 0).unwrap();
    let listed = founder.invitations().unwrap();
    let id = listed.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    founder.uninvite(&id[..12]).unwrap();
    assert_eq!(founder.invitations().unwrap(), "[]");
    assert_eq!(code(founder.uninvite(&id)), Some(ErrorCode::InvitationUnknown));
    let late = device().join(std::str::from_utf8(invitation.expose()).unwrap(), "late");
    let admitted = founder.admit().unwrap();
    assert!(late.is_err() || admitted == 0);
}

#[test]
fn a_recipient_is_admitted_without_an_invitation() {
    let (_relay, founder) = team();
    let newcomer = device();
    let label = founder.admit_recipient(&newcomer.recipient(), "reader", "", "job").unwrap();
    assert_eq!(label, "job");
    assert!(founder.members().unwrap().contains("\"job\""));
    founder.remove("job", "lost-device", true, true).unwrap();
    assert_eq!(code(founder.remove("job", "", true, true)), Some(ErrorCode::UnknownMember));
    let unknown = founder.remove("laptop", "bored", true, true);
    assert_eq!(code(unknown), Some(ErrorCode::InvalidArgument));
}

#[test]
fn policy_export_and_verification() {
    let (_relay, founder) = team();
    founder.set_policy(3600, "blocks-push").unwrap();
    assert!(founder.policy().unwrap().contains("3600"));
    assert_eq!(code(founder.set_policy(1, "shrugs")), Some(ErrorCode::InvalidArgument));
    let (log, head) = (founder.export().unwrap(), founder.head().unwrap());
    assert!(verify(&log, &head).unwrap().contains(&head));
    assert!(founder.status().unwrap().contains(&head));
    set(&founder, "URL", "fake-2");
    assert!(verify(&log, &founder.head().unwrap()).is_err(), "a log that ends too early");
}

#[test]
fn a_watch_sees_a_push_elsewhere_within_its_wait() {
    let (_relay, founder) = team();
    set(&founder, "URL", "fake-1");
    let writer = joined(&founder, "writer", "", "phone");
    let watch = Watch::new(Arc::clone(&founder), "").unwrap();
    assert_eq!(watch.next(Duration::from_millis(10)).unwrap(), None);
    let pushing = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        set(&writer, "URL", "fake-2");
        set(&writer, "NEW", "fake-3");
    });
    let began = std::time::Instant::now();
    let mut seen = String::new();
    while !seen.contains("NEW") && began.elapsed() < Duration::from_secs(20) {
        seen.extend(watch.next(Duration::from_secs(10)).unwrap());
    }
    pushing.join().unwrap();
    assert!(seen.contains("\"URL\"") && seen.contains("\"NEW\""), "{seen}");
    let values = founder.secrets("").unwrap();
    assert_eq!(values.get("URL").unwrap().expose(), b"fake-2");
}

#[test]
fn a_watch_outlives_a_relay_that_is_away_and_locks_nobody_out() {
    let (relay, founder) = team();
    set(&founder, "URL", "fake-1");
    let watch = Watch::new(Arc::clone(&founder), "").unwrap();
    let waiting = std::thread::spawn(move || {
        let first = watch.next(Duration::from_secs(3));
        (first, watch)
    });
    std::thread::sleep(Duration::from_millis(200));
    let began = std::time::Instant::now();
    founder.set("", "LOCAL", SecretBytes::copy_of(b"fake-4")).unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "the vault was locked");
    relay.stop();
    let (first, watch) = waiting.join().unwrap();
    let rest = watch.next(Duration::from_millis(50)).unwrap();
    assert!(first.is_ok());
    let seen = format!("{first:?} {rest:?}");
    assert!(seen.contains("LOCAL"), "{seen}");
}
