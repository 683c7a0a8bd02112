//! What members read, and nobody else.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use std::time::{Duration, Instant};

use agentsecrets_core::{
    encoding::{DeliveriesRoot, EntryHash},
    log::{Body, Role, Scope, SignedEntry, deliveries, entry::Invite},
    wire::{Bytes, DeliveriesPage, LogPage, Reply},
};
use common::{
    Relay,
    client::Answer,
    team::{Device, Team},
};

fn log_page(answer: &Answer) -> LogPage {
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

fn deliveries_page(answer: &Answer) -> DeliveriesPage {
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn the_log_comes_in_pages_that_fold() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    (0..5).for_each(|_| assert_eq!(team.push_to(relay.address, 1, 300).status, 201));
    let whole = team.founder.get(relay.address, &team.path("log"));
    let page = log_page(&whole);
    let sent: Vec<_> = team.log.iter().map(|entry| Bytes(entry.bytes().to_vec())).collect();
    assert_eq!((page.entries, page.more), (sent, false));
    assert!(whole.has_header(&format!("etag: \"{}\"", team.state.head())), "{}", whole.head);
    let page = log_page(&team.founder.get(relay.address, &team.path("log?after=1&limit=2")));
    let numbers = page.entries.iter().map(|bytes| SignedEntry::parse(&bytes.0).unwrap().head().seq);
    assert_eq!((numbers.collect::<Vec<_>>(), page.more, page.head.seq), (vec![2, 3], true, 6));
    let page = log_page(&team.founder.get(relay.address, &team.path("log?after=900")));
    assert_eq!((page.entries.len(), page.more), (0, false));
    for query in ["after=x", "after=1&after=2", "since=1", "after"] {
        let answer = team.founder.get(relay.address, &team.path(&format!("log?{query}")));
        assert!(answer.is(400, "malformed"), "{query}: {answer:?}");
    }
}

#[test]
fn only_members_read_and_from_their_admission_on() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let newcomer = Device::new(2);
    for rest in ["log", "log?wait=5", "deliveries"] {
        let answer = newcomer.get(relay.address, &team.path(rest));
        assert!(answer.is(403, "not_a_member"), "{answer:?}");
        let nowhere = format!("/v1/workspaces/{}/{rest}", EntryHash([1; 32]));
        assert!(team.founder.get(relay.address, &nowhere).is(404, "unknown_workspace"));
    }
    team.join(relay.address, &newcomer, 2, Role::Reader);
    assert_eq!(log_page(&newcomer.get(relay.address, &team.path("log"))).entries.len(), 3);
}

#[test]
fn deliveries_come_with_a_path_to_the_signed_root() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let others: Vec<_> = (2..7).map(Device::new).collect();
    for (device, person) in others.iter().zip(2..) {
        team.join(relay.address, device, person, Role::Reader);
    }
    assert_eq!(team.push_to(relay.address, 2, 300).status, 201);
    let seq = team.state.head().seq;
    let root: DeliveriesRoot = team.state.carriers()[&seq].root;
    let ids: Vec<_> = team.state.members().keys().copied().collect();
    for device in others.iter().chain([&team.founder]) {
        let page = deliveries_page(&device.get(relay.address, &team.path("deliveries")));
        let received = page.deliveries.last().unwrap();
        let path: Vec<_> = received.path.iter().map(|node| node.0).collect();
        let leaf = deliveries::leaf(&device.id(), &received.hashes);
        let index = ids.iter().position(|id| *id == device.id()).unwrap();
        assert!(deliveries::verify(leaf, index, ids.len(), &path, &root));
        let hashes =
            received.parts.iter().map(|part| deliveries::sealed_hash(&part.as_ref().unwrap().0));
        assert!(hashes.eq(received.hashes.iter().copied()) && received.seq == seq);
    }
    // The grant of an admission is its newcomer's delivery.
    let page = deliveries_page(&others[0].get(relay.address, &team.path("deliveries")));
    assert_eq!((page.deliveries[0].seq, page.deliveries[0].path.len()), (2, 0));
    let later = team.path(&format!("deliveries?after={seq}"));
    assert!(deliveries_page(&others[0].get(relay.address, &later)).deliveries.is_empty());
}

#[test]
fn large_deliveries_come_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    (0..3).for_each(|_| assert_eq!(team.push_to(relay.address, 5, 1 << 20).status, 201));
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let path = team.path(&format!("deliveries?after={after}"));
        let answer = team.founder.get(relay.address, &path);
        assert!(answer.body.len() <= 8 << 20);
        let page = deliveries_page(&answer);
        seen.extend(page.deliveries.iter().map(|received| received.seq));
        after = *seen.last().unwrap();
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, [2, 3, 4]);
}

#[test]
fn a_repushed_entry_without_its_parts_is_kept_and_delivers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let (entry, _) = team.push(2, 300);
    let mut commit = team.commit(std::slice::from_ref(&entry), Vec::new());
    commit.absent = vec![0];
    assert_eq!(team.founder.commit(relay.address, &commit).status, 201);
    team.take(&entry);
    assert_eq!(team.push_to(relay.address, 1, 300).status, 201);
    let page = deliveries_page(&team.founder.get(relay.address, &team.path("deliveries")));
    let seqs: Vec<u64> = page.deliveries.iter().map(|received| received.seq).collect();
    assert_eq!(seqs, [entry.entry().seq + 1]);
}

#[test]
fn a_waiting_request_ends_with_the_next_commit_or_empty() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let address = relay.address;
    let mut team = Team::published(Device::new(1), address);
    let path = team.path("log?after=1&wait=25");
    let start = Instant::now();
    let waiting = std::thread::spawn({
        let path = path.clone();
        move || (Device::new(1).get(address, &path), Instant::now())
    });
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(team.push_to(address, 1, 300).status, 201);
    let (answer, woken) = waiting.join().unwrap();
    assert_eq!(log_page(&answer).entries.len(), 1);
    assert!(woken - start < Duration::from_secs(5) && woken - start > Duration::from_millis(400));
    let start = Instant::now();
    let empty = team.founder.get(address, &team.path("log?after=2&wait=1"));
    assert!(log_page(&empty).entries.is_empty() && start.elapsed() >= Duration::from_secs(1));
    assert_eq!(log_page(&empty).head.seq, 2);
}

#[test]
fn one_key_waits_a_bounded_number_of_times() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let address = relay.address;
    let team = Team::published(Device::new(1), address);
    let path = team.path("log?after=1&wait=3");
    let ask = |_| {
        let path = path.clone();
        std::thread::spawn(move || Device::new(1).get(address, &path))
    };
    let answers: Vec<_> = (0..20).map(ask).collect();
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.join().unwrap()).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert_eq!(refused.len(), 4);
    assert!(refused.iter().all(|a| a.is(429, "rate_limited") && a.has_header("retry-after: 1")));
}

#[test]
fn the_first_reply_to_an_invitation_stays() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let key = Device::new(8).key.verifying_key();
    let invite = Invite { key, role: Role::Reader, scope: Scope::All, expires: 0 };
    let invite = team.draft(Body::Invite(invite));
    let path = format!("/v1/invitations/{}", invite.hash());
    let reply = |bytes: &[u8]| {
        let reply = Reply { workspace: team.id(), reply: Bytes(bytes.to_vec()) };
        serde_json::to_vec(&reply).unwrap()
    };
    let (first, other) = (reply(b"first"), reply(b"other"));
    let invitee = Device::new(2);
    let early = invitee.put(relay.address, &path, first.clone());
    assert!(early.is(404, "unknown_invitation"), "{early:?}");
    let commit = team.commit(std::slice::from_ref(&invite), Vec::new());
    assert_eq!(team.founder.commit(relay.address, &commit).status, 201);
    team.take(&invite);
    assert!(team.founder.get(relay.address, &path).is(404, "no_reply"));
    assert_eq!(invitee.put(relay.address, &path, first.clone()).status, 204);
    assert_eq!(invitee.put(relay.address, &path, first.clone()).status, 204);
    assert!(Device::new(3).put(relay.address, &path, other).is(409, "invitation_taken"));
    assert_eq!(team.founder.get(relay.address, &path).body, first);
    assert!(invitee.get(relay.address, &path).is(403, "not_a_member"));
}

#[test]
fn replies_to_expired_invitations_come_too_late() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    for (expires, status) in [(relay_reference::now() * 1000 + 60_000, 204), (1_000, 410)] {
        let key = Device::new(8).key.verifying_key();
        let invite = Invite { key, role: Role::Reader, scope: Scope::All, expires };
        let invite = team.draft(Body::Invite(invite));
        let commit = team.commit(std::slice::from_ref(&invite), Vec::new());
        assert_eq!(team.founder.commit(relay.address, &commit).status, 201);
        team.take(&invite);
        let reply = Reply { workspace: team.id(), reply: Bytes(b"reply".to_vec()) };
        let body = serde_json::to_vec(&reply).unwrap();
        let path = format!("/v1/invitations/{}", invite.hash());
        let answer = Device::new(2).put(relay.address, &path, body);
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[test]
fn identities_are_kept_for_who_signs_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let (device, other) = (Device::new(1), Device::new(2));
    let path = format!("/v1/identities/{}", device.id());
    let recipient = agentsecrets_core::encoding::encode(device.identity.recipient());
    assert!(other.get(relay.address, &path).is(404, "no_identity"));
    assert!(other.put(relay.address, &path, recipient.clone()).is(400, "malformed"));
    assert_eq!(device.put(relay.address, &path, recipient.clone()).status, 204);
    assert_eq!(other.get(relay.address, &path).body, recipient);
}
