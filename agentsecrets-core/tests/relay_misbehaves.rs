//! What the engine makes of a relay that answers oddly, in memory and by hand.

#![allow(clippy::unwrap_used)]

mod host;
#[path = "host/relay.rs"]
mod relay;

use std::time::Duration;

use agentsecrets_core::{
    ErrorCode,
    crypto::Entropy,
    encoding::{EntryHash, Head, encode},
    identity::{Destination, Identity, Kind},
    log::{
        SignedEntry,
        entry::{Body, Entry},
    },
    policy::Policy,
    secret::Key,
    sync,
};
use host::Host;
use relay::{Relay, URL, invite, run, workspace};

#[test]
fn a_log_comes_whole_however_short_its_pages_are() {
    let (mut host, mut relay, workspace) = workspace();
    let mut other = Host::new(1);
    other.store.clone_from(&host.store);
    for _ in 0..5 {
        invite(&mut other, &mut relay, workspace);
    }
    // The pinned entry fills the first page: an entry may be as long as a page.
    relay.page = 1;
    let follow = |start| sync::follow_log(start, workspace, Duration::ZERO);
    assert!(run(&mut host, &mut relay, follow).unwrap());
    let entries = host.run(|start| sync::entries(start, workspace)).unwrap();
    assert!(entries.iter().map(SignedEntry::bytes).eq(relay.entries.iter().map(Vec::as_slice)));
}

#[test]
fn a_relay_that_always_promises_more_is_left() {
    let (mut host, mut relay, workspace) = workspace();
    relay.always_more = true;
    for wait in [Duration::ZERO, Duration::from_secs(25)] {
        let follow = |start| sync::follow_log(start, workspace, wait);
        let error = run(&mut host, &mut relay, follow).unwrap_err();
        assert_eq!(error.code(), ErrorCode::RelayMalformed);
    }
    // A device without a pin, and a relay that shows nothing of what it promises.
    let mut fresh = Host::new(1);
    let settings = host.store.iter().filter(|(key, _)| key.ends_with("/settings"));
    fresh.store = settings.map(|(key, bytes)| (key.clone(), bytes.clone())).collect();
    relay.page = 0;
    let follow = |start| sync::follow_log(start, workspace, Duration::ZERO);
    assert!(run(&mut fresh, &mut relay, follow).is_err());
}

#[test]
fn one_identity_that_answers_two_invitations_is_admitted_once_and_stops_nobody() {
    let (mut host, mut relay, workspace) = workspace();
    let twice = Identity::from_seed(Key::new([7; 32]), Kind::Human);
    let other = Identity::from_seed(Key::new([8; 32]), Kind::Human);
    for identity in [&twice, &twice, &other] {
        let code = invite(&mut host, &mut relay, workspace);
        let invite: EntryHash = code.invite;
        let mut entropy = Entropy::new([9; 32]);
        let reply = code.accept(identity, "desk", &mut entropy);
        relay.replies.insert(invite.to_string(), encode(&reply));
    }
    let admit = |start| sync::admit_replies(start, workspace, false);
    let admitted = run(&mut host, &mut relay, admit).unwrap();
    let mut ids: Vec<_> = admitted.iter().map(|admitted| admitted.member).collect();
    ids.sort_unstable();
    let mut expected = vec![twice.id(), other.id()];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert!(run(&mut host, &mut relay, admit).unwrap().is_empty());
    // Another kind of the same seed has another id and the same keys.
    let agent = Identity::from_seed(Key::new([7; 32]), Kind::Agent);
    assert_ne!(agent.id(), twice.id());
    let code = invite(&mut host, &mut relay, workspace);
    let invite = code.invite.to_string();
    let reply = code.accept(&agent, "desk", &mut Entropy::new([9; 32]));
    relay.replies.insert(invite, encode(&reply));
    assert!(run(&mut host, &mut relay, admit).unwrap().is_empty());
}

#[test]
fn a_head_of_an_identity_string_counts_in_a_vault_that_knows_the_workspace() {
    let (mut host, mut relay, workspace) = workspace();
    let pin = SignedEntry::parse(relay.entries.last().unwrap()).unwrap().head();
    let relay_url = URL.to_owned();
    let before = host.store.clone();
    let destination = |head| Destination { workspace, relay: relay_url.clone(), head };
    let other = Head { hash: EntryHash([1; 32]), ..pin };
    let error = host.run(|start| sync::attach(start, destination(other))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Fork);
    host.run(|start| sync::attach(start, destination(pin))).unwrap();
    let follow = |start| sync::follow_log(start, workspace, Duration::ZERO);
    run(&mut host, &mut relay, follow).unwrap();
    let later = Head { seq: pin.seq + 1, hash: EntryHash([1; 32]) };
    host.run(|start| sync::attach(start, destination(later))).unwrap();
    let error = run(&mut host, &mut relay, follow).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Rollback);
    // The log reaches it, by another entry.
    let mut honest = Host::new(1);
    honest.store.clone_from(&before);
    invite(&mut honest, &mut relay, workspace);
    let error = run(&mut host, &mut relay, follow).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Fork);
    assert!(error.message().contains("told of"), "{}", error.message());
}

#[test]
fn requests_name_the_authority_in_the_form_that_the_relay_compares() {
    use agentsecrets_core::request_signature::{Incoming, verify};
    let (_, relay, _) = workspace();
    for request in &relay.requests {
        let header = |name| &request.headers.iter().find(|(n, _)| *n == name).unwrap().1;
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let incoming = Incoming {
            method: request.method.as_str(),
            authority: "relay.example",
            path,
            query,
            body: &request.body,
            content_digest: header("Content-Digest"),
            signature_input: header("Signature-Input"),
            signature: header("Signature"),
        };
        verify(&incoming).unwrap();
    }
    assert!(!relay.requests.is_empty());
}

#[test]
fn an_address_with_a_path_is_no_relay() {
    for url in ["http://relay.example/x", "http://relay.example?x", "ftp://relay.example", "relay"]
    {
        let mut host = Host::new(1);
        let create = |start| sync::create(start, "acme".into(), "laptop".into(), Some(url.into()));
        let error = run(&mut host, &mut Relay::default(), create).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{url}");
        assert!(host.store.is_empty(), "{url}");
    }
}

#[test]
fn another_entry_in_the_pins_place_is_evidence_only_where_a_member_signed_it() {
    for (author, kept) in [(1, true), (2, false)] {
        let (mut host, mut relay, workspace) = workspace();
        invite(&mut host, &mut relay, workspace);
        let entries: Vec<_> =
            relay.entries.iter().map(|bytes| SignedEntry::parse(bytes).unwrap()).collect();
        let [.., before, pin] = entries.as_slice() else { unreachable!("a log of entries") };
        let author = Identity::from_seed(Key::new([author; 32]), Kind::Human);
        let body = Body::Policy(Policy { first_use: true, ..Policy::default() });
        let entry = Entry::after(workspace, before.head(), 1_000_000, author.id(), body);
        let other = entry.sign(&author).unwrap();
        assert_eq!(other.entry().seq, pin.entry().seq);
        *relay.entries.last_mut().unwrap() = other.bytes().to_vec();
        let follow = |start| sync::follow_log(start, workspace, Duration::ZERO);
        let error = run(&mut host, &mut relay, follow).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Fork);
        let evidence = host.store.keys().any(|key| key.ends_with("/evidence"));
        assert_eq!(evidence, kept);
    }
}
