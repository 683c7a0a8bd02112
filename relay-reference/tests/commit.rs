//! What a commit does, and what it may not.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use agentsecrets_core::{
    log::Role,
    message::Method,
    wire::{Bytes, Commit},
};
use common::{
    Relay,
    team::{Device, Team, hash_of},
};

#[test]
fn a_commit_is_stored_and_its_retry_gets_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let (entry, deliveries) = team.push(1, 300);
    let commit = team.commit(std::slice::from_ref(&entry), deliveries);
    let first = team.founder.commit(relay.address, &commit);
    team.take(&entry);
    assert_eq!((first.status, &first.json()["head"]), (201, &team.head()));
    let again = team.founder.commit(relay.address, &commit);
    assert_eq!((again.status, again.body), (200, first.body));
    assert!(team.push_to(relay.address, 1, 300).status == 201);
    let late = team.founder.commit(relay.address, &commit);
    assert_eq!((late.status, late.json()["head"]["seq"].as_u64()), (200, Some(2)));
}

#[test]
fn a_commit_on_an_old_head_gets_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let (stale, deliveries) = team.push(1, 300);
    assert_eq!(team.push_to(relay.address, 1, 301).status, 201);
    let commit = team.commit(&[stale], deliveries);
    let answer = team.founder.commit(relay.address, &commit);
    assert!(answer.is(409, "head_moved"), "{answer:?}");
    let problem = answer.json();
    let missing: Vec<Bytes> = serde_json::from_value(problem["entries"].clone()).unwrap();
    assert_eq!(problem["head"], team.head());
    assert_eq!(missing, [Bytes(team.log[2].bytes().to_vec())]);
    // Somebody outside learns nothing of the log by it.
    assert!(Device::new(9).commit(relay.address, &commit).is(403, "not_a_member"));
}

#[test]
fn only_members_commit_and_only_to_workspaces_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::new(Device::new(1));
    let genesis = team.commit(&team.log, Vec::new());
    assert!(Device::new(9).commit(relay.address, &genesis).is(403, "not_a_member"));
    let (entry, deliveries) = team.push(1, 300);
    let push = team.commit(&[entry], deliveries);
    assert!(team.founder.commit(relay.address, &push).is(404, "unknown_workspace"));
    assert_eq!(team.founder.commit(relay.address, &genesis).status, 201);
    assert!(Device::new(9).commit(relay.address, &push).is(403, "not_a_member"));
    assert_eq!(team.founder.commit(relay.address, &push).status, 201);
}

#[test]
fn entries_and_deliveries_that_break_the_rules_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    team.join(relay.address, &Device::new(2), 2, Role::Reader);
    let (entry, deliveries) = team.push(2, 300);
    let send = |entry: &agentsecrets_core::log::SignedEntry, change: &dyn Fn(&mut Commit)| {
        let parts = deliveries
            .iter()
            .map(|d| agentsecrets_core::wire::Delivery { ciphertext: d.ciphertext.clone(), ..*d });
        let mut commit = team.commit(std::slice::from_ref(entry), parts.collect());
        change(&mut commit);
        team.founder.commit(relay.address, &commit)
    };
    assert!(send(&entry, &|c| c.deliveries.truncate(2)).is(422, "refused_entry"));
    assert!(send(&entry, &|c| c.deliveries.clear()).is(422, "refused_entry"));
    assert!(send(&entry, &|c| c.deliveries[0].part = 2).is(400, "malformed"));
    assert!(send(&entry, &|c| c.deliveries[0].part = 1).is(400, "malformed"));
    assert!(send(&entry, &|c| c.deliveries[0].entry = 1).is(400, "malformed"));
    assert!(
        send(&entry, &|c| c.deliveries[0].hash = Some(common::team::hash_of(&c.deliveries[0])))
            .is(400, "malformed")
    );
    assert!(send(&entry, &|c| c.absent = vec![1]).is(400, "malformed"));
    assert!(send(&entry, &|c| c.absent = vec![0]).is(422, "refused_entry"));
    assert!(send(&entry, &|c| c.entries.clear()).is(400, "malformed"));
    assert!(send(&entry, &|c| c.entries[0].0[9] ^= 1).is(400, "malformed"));
    let forged = send(&entry, &|c| *c.entries[0].0.last_mut().unwrap() ^= 1);
    assert!(forged.is(422, "refused_entry") && forged.json()["index"] == 0, "{forged:?}");
    let changed = send(&entry, &|c| c.deliveries[3].ciphertext = Some(Bytes(vec![1])));
    assert!(changed.is(422, "refused_entry"), "{changed:?}");
    assert_eq!(send(&entry, &|_| ()).status, 201);
}

#[test]
fn large_commits_name_what_was_uploaded_before() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let (entry, mut deliveries) = team.push(3, 1 << 20);
    let sealed: Vec<_> = deliveries
        .iter_mut()
        .map(|delivery| {
            delivery.hash = Some(hash_of(delivery));
            (hash_of(delivery), delivery.ciphertext.take().unwrap().0)
        })
        .collect();
    let commit = team.commit(&[entry], deliveries);
    let put = |index: usize, device: &Device| {
        let (hash, bytes) = &sealed[index];
        let path = team.path(&format!("sealed/{hash}"));
        device.put(relay.address, &path, bytes.clone())
    };
    assert!(put(0, &Device::new(9)).is(403, "not_a_member"));
    assert_eq!([put(0, &team.founder).status, put(2, &team.founder).status], [204, 204]);
    let missing = team.founder.commit(relay.address, &commit);
    assert!(missing.is(409, "missing_sealed"), "{missing:?}");
    assert_eq!(missing.json()["hashes"], serde_json::json!([sealed[1].0.to_string()]));
    assert_eq!([put(1, &team.founder).status, put(1, &team.founder).status], [204, 204]);
    assert_eq!(team.founder.commit(relay.address, &commit).status, 201);
    let other = team.path(&format!("sealed/{}", sealed[0].0));
    assert!(team.founder.put(relay.address, &other, vec![1]).is(400, "malformed"));
    let page = team.founder.get(relay.address, &team.path("deliveries"));
    assert_eq!(page.json()["deliveries"][0]["parts"].as_array().unwrap().len(), 3);
}

#[test]
fn a_first_commit_may_be_large_too() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::new(Device::new(1));
    let (entry, mut deliveries) = team.push(1, 1 << 20);
    let bytes = deliveries[0].ciphertext.take().unwrap().0;
    let hash = agentsecrets_core::log::deliveries::sealed_hash(&bytes);
    (deliveries[0].hash, deliveries[0].entry) = (Some(hash), 2);
    team.take(&entry);
    let commit = team.commit(&team.log, deliveries);
    assert!(team.founder.commit(relay.address, &commit).is(409, "missing_sealed"));
    let path = team.path(&format!("sealed/{hash}"));
    assert_eq!(team.founder.put(relay.address, &path, bytes).status, 204);
    let log = team.founder.get(relay.address, &team.path("log"));
    assert!(log.is(404, "unknown_workspace"), "{log:?}");
    assert_eq!(team.founder.commit(relay.address, &commit).status, 201);
}

#[test]
fn what_is_too_large_is_refused_with_limit_and_place() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path());
    let mut team = Team::published(Device::new(1), relay.address);
    let body = vec![b' '; (8 << 20) + 1];
    let answer = team.founder.send(relay.address, Method::Post, "/v1/workspaces/sync", body);
    assert!(answer.is(413, "too_large"), "{answer:?}");
    assert_eq!(answer.json()["limit"], "body_bytes");
    let chunked = common::client::raw(
        relay.address,
        &[
            b"POST /v1/workspaces/sync HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                .as_slice(),
            b"900000\r\n",
            &vec![b' '; 0x90_0000],
        ]
        .concat(),
    );
    assert!(chunked.unwrap().is(413, "too_large"));
    let (entry, mut deliveries) = team.push(2, 300);
    deliveries[1].ciphertext = Some(Bytes(vec![0; (1 << 20) + 65]));
    let answer = team.founder.commit(relay.address, &team.commit(&[entry], deliveries));
    assert!(answer.is(413, "too_large"), "{answer:?}");
    assert_eq!(
        (&answer.json()["limit"], &answer.json()["index"]),
        (&"sealed_bytes".into(), &1.into())
    );
    let mut commit = team.commit(&team.log, Vec::new());
    commit.entries.push(Bytes(vec![0; (1 << 20) + 1]));
    let answer = team.founder.commit(relay.address, &commit);
    assert_eq!(
        (&answer.json()["limit"], &answer.json()["index"]),
        (&"entry_bytes".into(), &2.into())
    );
}

#[test]
fn a_workspace_that_is_full_is_told_and_read_and_others_are_not_held_up() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start_with(folder.path(), &["--quota", "1"]);
    let mut team = Team::published(Device::new(1), relay.address);
    let refused = loop {
        let answer = team.push_to(relay.address, 1, 100_000);
        if answer.status != 201 {
            break answer;
        }
    };
    assert!(refused.is(413, "too_large"), "{refused:?}");
    assert_eq!(refused.json()["limit"], "workspace_bytes");
    assert_eq!(refused.json()["most"], 1 << 20);
    assert_eq!(team.log.len(), 2 + 10, "ten pushes of 100 KB fit into a MiB");
    assert_eq!(team.founder.get(relay.address, &team.path("log")).status, 200);
    // Small commits are looked at now and then, and then refused for good.
    let mut small = 0;
    team.undo_push();
    while team.push_to(relay.address, 1, 1_000).status == 201 {
        small += 1;
    }
    assert!(small < 64, "{small}");
    team.undo_push();
    assert_eq!(team.push_to(relay.address, 1, 1_000).status, 413);
    let mut other = Team::published(Device::new(2), relay.address);
    assert_eq!(other.push_to(relay.address, 1, 100_000).status, 201);
}
