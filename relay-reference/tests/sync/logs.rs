//! A log of any length in a vault and on its way to a relay, and what a relay lost of it.

use std::time::Duration;

use agentsecrets_core::{
    ErrorCode,
    encoding::WorkspaceId,
    log::{Role, Scope, SignedEntry, State},
    message::{Method, Request, Response},
    sync::{self, Management, Repushed},
    wire::{Bytes, Commit},
};

use crate::{
    host::Host,
    team::{Team, code, device, twin},
};

/// Adds environments to a local workspace until its log has so many entries.
fn grow(host: &mut Host, workspace: WorkspaceId, from: usize, to: usize) {
    for number in from..to {
        let change = Management::CreateEnvironment(format!("e{number}"));
        host.run(|s| sync::manage(s, workspace, change)).unwrap();
    }
}

fn entries(host: &mut Host, workspace: WorkspaceId) -> Vec<SignedEntry> {
    host.run(|s| sync::entries(s, workspace)).unwrap()
}

/// Entries in a piece of the log, as the vault stores it.
fn piece(host: &Host, workspace: WorkspaceId, number: u64) -> Option<u32> {
    let bytes = host.store.get(&sync::keys::segment(&workspace, number))?;
    Some(u32::from_le_bytes(bytes[..4].try_into().unwrap()))
}

/// What a repush did, and how many entries each of its commits had.
fn repush(team: &Team, host: &mut Host) -> (agentsecrets_core::Result<Repushed>, Vec<usize>) {
    let (done, asked) = team.watch(host, |s| sync::repush(s, team.workspace));
    (done, sizes(&asked))
}

/// A relay that has the beginning of a log alone.
fn restored(team: &Team, by: &Host, entries: &[SignedEntry]) -> Team {
    let relay = team.elsewhere();
    let entries = entries.iter().map(|entry| Bytes(entry.bytes().to_vec())).collect();
    let (deliveries, absent) = (Vec::new(), Vec::new());
    let commit = Commit { workspace: team.workspace, entries, deliveries, absent };
    let request = Request {
        method: Method::Post,
        relay: team.url(),
        target: "/v1/workspaces/sync".into(),
        headers: Vec::new(),
        body: serde_json::to_vec(&commit).unwrap(),
        wait: Duration::ZERO,
    };
    assert_eq!(relay.carry_unsigned(request, by).unwrap().status, 201);
    relay
}

fn create(team: &Team, by: &mut Host, label: &str) {
    let change = Management::CreateEnvironment(label.into());
    team.run(by, |s| sync::manage(s, team.workspace, change)).unwrap();
}

fn sizes(asked: &[Request]) -> Vec<usize> {
    let commits = asked.iter().filter(|one| one.target == "/v1/workspaces/sync");
    let read = |one: &Request| serde_json::from_slice::<Commit>(&one.body).unwrap().entries.len();
    commits.map(read).collect()
}

#[test]
fn a_long_log_is_stored_in_pieces_published_in_pages_and_followed_whole() {
    let (mut team, _) = Team::begin();
    let mut owner = device(2);
    let create = |s| sync::create(s, "long".into(), "laptop".into(), None);
    let workspace = owner.run(create).unwrap();
    // At the edge of a piece, and beyond it.
    grow(&mut owner, workspace, 4, 256);
    assert_eq!((piece(&owner, workspace, 0), piece(&owner, workspace, 1)), (Some(256), None));
    let first = entries(&mut owner, workspace);
    assert_eq!(first.len(), 256);
    grow(&mut owner, workspace, 256, 257);
    assert_eq!((piece(&owner, workspace, 0), piece(&owner, workspace, 1)), (Some(256), Some(1)));
    grow(&mut owner, workspace, 257, 515);
    let pieces = [0, 1, 2, 3].map(|number| piece(&owner, workspace, number));
    assert_eq!(pieces, [Some(256), Some(256), Some(3), None]);
    let all = entries(&mut owner, workspace);
    assert_eq!((all.len(), &all[..256]), (515, &first[..]));
    assert!(all.iter().zip(0..).all(|(entry, seq)| entry.entry().seq == seq));
    // 500 entries are what a relay takes at once.
    team.workspace = workspace;
    let url = team.url();
    let (head, asked) = team.watch(&mut owner, |s| sync::connect(s, workspace, url));
    assert_eq!(head.unwrap(), all[514].head());
    assert_eq!(sizes(&asked), [500, 15]);
    let mut other = team.admit(&mut owner, 3, Role::Reader, Scope::All);
    let all = entries(&mut owner, workspace);
    assert_eq!(entries(&mut other, workspace), all);
    assert_eq!(piece(&other, workspace, 2), Some(all.len() as u32 - 512));
    // A single entry is found in its piece: whoever is told of one that is here has nothing to adopt.
    for seq in [0, 1, 255, 256, 257, 511, 512, all.len() - 1] {
        let head = all[seq].head();
        let known = team.run(&mut other, |s| sync::adopt(s, workspace, head)).unwrap_err();
        assert_eq!(known.code(), ErrorCode::InvalidArgument, "{seq}");
    }
    // The relay lost an end that begins in one piece of the log and ends in another.
    let head = all[all.len() - 1].head();
    for kept in [255, 256, 257, 500] {
        let (done, sizes) = repush(&restored(&team, &owner, &all[..kept]), &mut owner);
        let lacked = all.len() - kept;
        assert_eq!(done.unwrap(), Repushed { head, entries: lacked, absent: 1 }, "{kept}");
        assert_eq!(sizes, [lacked]);
    }
    // A vault that lost a piece says so.
    other.store.remove(&sync::keys::segment(&workspace, 1)).unwrap();
    let error = other.run(|s| sync::entries(s, workspace)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::VaultDamaged);
}

#[test]
fn a_crash_between_log_and_pin_leaves_a_log_that_goes_on() {
    for cut in 0..40 {
        let mut host = device(1);
        let create = |s| sync::create(s, "own".into(), "laptop".into(), None);
        let workspace = host.run(create).unwrap();
        let manage = |label: &str| Management::CreateEnvironment(label.to_owned());
        let (_, done) = host.crash(cut, |s| sync::manage(s, workspace, manage("one")));
        let crashed = done.is_err();
        let count = entries(&mut host, workspace).len();
        host.run(|s| sync::manage(s, workspace, manage("two"))).unwrap();
        let log = entries(&mut host, workspace);
        assert_eq!(log.len(), count + 1, "cut {cut}");
        let mut state = State::genesis(&log[0]).unwrap();
        log[1..].iter().for_each(|entry| state.apply(entry).unwrap());
        if !crashed {
            assert!(cut > 3 && count == 5);
            return;
        }
    }
    panic!("it never ended");
}

#[test]
fn what_a_restored_relay_lacks_is_brought_once_whoever_brings_it() {
    let (team, mut owner) = Team::begin();
    let mut admin = team.admit(&mut owner, 2, Role::Admin, Scope::All);
    let restored = team.fork();
    team.put(&mut owner, "development", "A", "fake-a");
    create(&team, &mut owner, "one");
    let head = team.head(&mut owner);
    // Whoever knows no more than the relay has nothing to bring.
    let (done, sizes) = repush(&team, &mut admin);
    let here = team.head(&mut admin);
    assert_eq!(done.unwrap(), Repushed { head: here, entries: 0, absent: 0 });
    assert!(sizes.is_empty() && here.seq < head.seq);
    team.pull(&mut admin);
    // Two bring it at the same time, and one goes on: the other finds it there.
    let mut way = |request: Request| {
        if request.target == "/v1/workspaces/sync" {
            let (done, sizes) = repush(&restored, &mut admin);
            assert_eq!((done.unwrap().absent, sizes), (1, vec![2]));
            create(&restored, &mut admin, "two");
        }
        restored.carry(request)
    };
    let done = team.run_by(&mut owner, &mut way, |s| sync::repush(s, team.workspace)).unwrap();
    assert_eq!(done.head, head);
    // A relay that always says that somebody else was first is left after eight times.
    let (empty, mut tries) = (team.elsewhere(), 0);
    let mut way = |request: Request| {
        if request.target != "/v1/workspaces/sync" {
            return empty.carry(request);
        }
        tries += 1;
        let body = br#"{"code":"head_moved"}"#.to_vec();
        Ok(Response { status: 409, body, retry_after: None })
    };
    let repush = |s| sync::repush(s, team.workspace);
    let error = team.run_by(&mut owner, &mut way, repush).unwrap_err();
    assert_eq!((error.code(), tries), (ErrorCode::Contended, 8));
    // Another refusal is told as it is, at once.
    for (target, asked) in [("sync", 2), ("log", 1)] {
        let mut count = 0;
        let mut way = |request: Request| {
            count += 1;
            match request.target.contains(target) {
                true => Ok(Response { status: 403, body: b"{}".to_vec(), retry_after: None }),
                false => empty.carry(request),
            }
        };
        let error = team.run_by(&mut owner, &mut way, repush).unwrap_err();
        assert_eq!((error.code(), count), (ErrorCode::RelayRefused, asked));
        assert!(!error.hint().contains("earlier member"), "{}", error.hint());
    }
    let local = owner.run(|s| sync::create(s, "own".into(), "laptop".into(), None)).unwrap();
    assert_eq!(code(owner.run(|s| sync::repush(s, local))), ErrorCode::NoRelay);
}

#[test]
fn a_relay_with_another_entry_in_the_place_of_ours_gets_nothing() {
    let (team, mut owner) = Team::begin();
    let mut early = team.admit(&mut owner, 2, Role::Reader, Scope::All);
    let (backup, other) = (team.fork(), team.fork());
    let (mut twin_of_owner, mut ended) = (twin(&owner, 8), twin(&owner, 9));
    let mut late = team.admit(&mut owner, 3, Role::Writer, Scope::All);
    create(&other, &mut twin_of_owner, "another");
    let seq = team.head(&mut twin_of_owner).seq;
    let refused = |host: &mut Host| {
        let (done, sizes) = repush(&other, host);
        let error = done.unwrap_err();
        assert_eq!((error.code(), sizes), (ErrorCode::Fork, Vec::new()));
        let cause = format!("the relay has another entry {seq} than this device");
        assert_eq!(error.message(), cause);
    };
    // Before the end of this device's log, and at its very end.
    team.follow(&mut early).unwrap();
    assert!(team.head(&mut early).seq > seq);
    refused(&mut early);
    create(&backup.fork(), &mut ended, "mine");
    assert_eq!(team.head(&mut ended).seq, seq);
    refused(&mut ended);
    // Whom the restored relay does not know yet is sent to somebody whom it knows.
    let error = repush(&backup, &mut late).0.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotAdmitted);
    assert!(error.hint().ends_with("# on the device of an earlier member"), "{}", error.hint());
    assert_eq!(repush(&backup, &mut early).0.unwrap().entries, 2);
    assert_eq!(repush(&backup, &mut late).0.unwrap().entries, 0);
}
