//! One suite that every store passes: what the relay relies on, whatever the database.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use std::sync::{Arc, Barrier};

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    log::{SignedEntry, deliveries},
};
use common::team::{Device, Team, hash_of};
use relay_reference::store::{
    Append, Appended, MemoryStore, NewDelivery, NewEntry, Part, Replied, SqliteStore, Store,
};

/// Runs a test against every store.
fn each(test: impl Fn(&dyn Store)) {
    test(&MemoryStore::default());
    let folder = tempfile::tempdir().unwrap();
    test(&SqliteStore::open(folder.path()).unwrap());
    #[cfg(feature = "postgres")]
    test(&common::postgres::Schema::new().open());
}

fn bare(entry: &SignedEntry) -> NewEntry {
    NewEntry { entry: entry.clone(), deliveries: Vec::new() }
}

/// A team whose Genesis and environment are stored.
fn stored(store: &dyn Store, byte: u8) -> Team {
    let team = Team::new(Device::new(byte));
    let entries = team.log.iter().map(bare).collect();
    let append = Append { workspace: team.id(), after: None, entries };
    assert_eq!(store.append(append).unwrap(), Appended::Committed);
    team
}

/// The team's next push as a store takes it.
fn push(team: &mut Team, parts: u32, size: usize, part: fn(SealedHash, Vec<u8>) -> Part) -> Append {
    let (entry, made) = team.push(parts, size);
    let parts: Vec<_> = made
        .into_iter()
        .map(|delivery| part(hash_of(&delivery), delivery.ciphertext.unwrap().0))
        .collect();
    let hashes: Vec<_> = parts.iter().map(Part::hash).collect();
    let recipient = team.founder.id();
    let leaf = deliveries::leaf(&recipient, &hashes);
    let deliveries = vec![NewDelivery { recipient, leaf, parts }];
    let after = Some(team.state.head());
    team.take(&entry);
    Append { workspace: team.id(), after, entries: vec![NewEntry { entry, deliveries }] }
}

#[test]
fn a_commit_counts_at_its_own_head_alone() {
    each(|store| {
        let mut team = stored(store, 1);
        assert_eq!(store.head(&team.id()).unwrap(), Some(team.state.head()));
        assert_eq!(store.head(&WorkspaceId([9; 32])).unwrap(), None);
        let first = push(&mut team, 1, 300, Part::Inline);
        assert_eq!(store.append(first.clone()).unwrap(), Appended::Committed);
        assert_eq!(store.append(first).unwrap(), Appended::Moved);
        let begin = Append { workspace: team.id(), after: None, entries: vec![bare(&team.log[0])] };
        assert_eq!(store.append(begin).unwrap(), Appended::Moved);
        assert_eq!(store.head(&team.id()).unwrap(), Some(team.state.head()));
        let all = store.entries(&team.id(), 0, 500, 1 << 20).unwrap();
        assert!(all.iter().eq(team.log.iter().map(|entry| entry.bytes())));
    });
}

#[test]
fn of_concurrent_commits_on_one_head_exactly_one_wins() {
    each(|store| {
        let mut team = stored(store, 1);
        for _ in 0..5 {
            let append = push(&mut team, 1, 300, Part::Inline);
            let barrier = Arc::new(Barrier::new(8));
            let won = std::thread::scope(|scope| {
                let tries: Vec<_> = (0..8)
                    .map(|_| {
                        let (append, barrier) = (append.clone(), Arc::clone(&barrier));
                        scope.spawn(move || {
                            barrier.wait();
                            store.append(append).unwrap()
                        })
                    })
                    .collect();
                let ends = tries.into_iter().map(|one| one.join().unwrap());
                ends.filter(|end| *end == Appended::Committed).count()
            });
            assert_eq!(won, 1);
        }
    });
}

#[test]
fn pages_keep_their_limits_but_hold_one_entry() {
    each(|store| {
        let mut team = stored(store, 1);
        (0..4).for_each(|_| {
            store.append(push(&mut team, 1, 300, Part::Inline)).unwrap();
        });
        let count =
            |from, limit, bytes| store.entries(&team.id(), from, limit, bytes).unwrap().len();
        assert_eq!((count(0, 500, 1 << 20), count(0, 3, 1 << 20), count(2, 500, 1)), (6, 3, 1));
        assert_eq!((count(6, 500, 1 << 20), count(u64::MAX, 500, 1 << 20)), (0, 0));
        let two = team.log[0].bytes().len() + team.log[1].bytes().len();
        assert_eq!((count(0, 500, two), count(0, 500, two - 1)), (2, 1));
        let founder = team.founder.id();
        let page = |from, bytes| store.deliveries(&team.id(), &founder, from, bytes).unwrap();
        assert_eq!((page(0, 600).0.len(), page(0, 600).1), (2, true));
        assert_eq!((page(4, 1).0.len(), page(5, 1).1), (1, false));
        assert!(page(6, 1).0.is_empty());
        let nobody = store.deliveries(&team.id(), &MemberId([9; 32]), 0, 1 << 20).unwrap();
        assert!(nobody.0.is_empty() && !nobody.1);
    });
}

#[test]
fn uploads_are_named_by_commits_or_expire() {
    each(|store| {
        let mut team = stored(store, 1);
        let append = push(&mut team, 2, 300, |hash, _| Part::Uploaded(hash));
        let hashes: Vec<_> = append.entries[0].deliveries[0].parts.iter().map(Part::hash).collect();
        assert_eq!(store.append(append.clone()).unwrap(), Appended::Missing(hashes.clone()));
        let put = |index: usize, now| {
            store.put_sealed(&team.id(), hashes[index], vec![index as u8], now).unwrap();
        };
        put(0, 100);
        put(1, 100);
        assert_eq!((store.prune(100).unwrap(), store.prune(101).unwrap()), (0, 2));
        put(0, 100);
        put(1, 100);
        put(1, 200);
        assert_eq!(store.prune(150).unwrap(), 1);
        let missing = Appended::Missing(vec![hashes[0]]);
        assert_eq!(store.append(append.clone()).unwrap(), missing);
        put(0, 200);
        assert_eq!(store.append(append).unwrap(), Appended::Committed);
        put(0, 300);
        assert_eq!(store.prune(u64::MAX).unwrap(), 0);
        let founder = team.founder.id();
        let (page, _) = store.deliveries(&team.id(), &founder, 0, 1 << 20).unwrap();
        assert_eq!(
            (&page[0].hashes, &page[0].parts),
            (&hashes, &vec![Some(vec![0]), Some(vec![1])])
        );
    });
}

#[test]
fn deliveries_keep_parts_hashes_and_leaves() {
    each(|store| {
        let mut team = stored(store, 1);
        let append = push(&mut team, 2, 300, Part::Inline);
        let given = append.entries[0].deliveries[0].clone();
        store.append(append).unwrap();
        let founder = team.founder.id();
        let (page, more) = store.deliveries(&team.id(), &founder, 0, 1 << 20).unwrap();
        assert_eq!((page.len(), more, page[0].seq, page[0].position), (1, false, 2, 0));
        assert_eq!(page[0].leaves, [given.leaf]);
        let bytes: Vec<_> = given.parts.iter().map(|part| part.bytes().cloned()).collect();
        assert_eq!(page[0].parts, bytes);
    });
}

#[test]
fn the_greatest_ack_of_each_member_stays() {
    each(|store| {
        let (workspace, other) = (WorkspaceId([1; 32]), WorkspaceId([2; 32]));
        let put = |member: u8, rank, byte| {
            store.put_ack(workspace, MemberId([member; 32]), rank, vec![byte]).unwrap();
        };
        put(2, (0, 5, 9), 1);
        put(1, (0, 4, 1), 2);
        put(2, (0, 5, 8), 3);
        put(2, (0, 4, 99), 4);
        assert_eq!(store.acks(&workspace).unwrap(), [vec![2], vec![1]]);
        put(2, (0, 5, 10), 5);
        put(1, (0, 6, 0), 6);
        assert_eq!(store.acks(&workspace).unwrap(), [vec![6], vec![5]]);
        put(2, (1, 3, 0), 7);
        put(2, (0, 9, 9), 8);
        assert_eq!(store.acks(&workspace).unwrap(), [vec![6], vec![7]]);
        assert_eq!(store.acks(&other).unwrap(), Vec::<Vec<u8>>::new());
    });
}

#[test]
fn the_first_reply_stays_and_identities_are_replaced() {
    each(|store| {
        let (invite, workspace) = (EntryHash([1; 32]), WorkspaceId([2; 32]));
        assert_eq!(store.reply(&invite).unwrap(), None);
        assert_eq!(store.put_reply(invite, workspace, vec![1]).unwrap(), Replied::Stored);
        assert_eq!(store.put_reply(invite, workspace, vec![1]).unwrap(), Replied::Same);
        assert_eq!(store.put_reply(invite, workspace, vec![2]).unwrap(), Replied::Taken);
        assert_eq!(store.reply(&invite).unwrap(), Some((workspace, vec![1])));
        let id = MemberId([3; 32]);
        assert_eq!(store.identity(&id).unwrap(), None);
        (1..3).for_each(|byte| store.put_identity(id, vec![byte]).unwrap());
        assert_eq!(store.identity(&id).unwrap(), Some(vec![2]));
    });
}

#[test]
fn one_refused_commit_of_a_group_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let mut teams: Vec<_> = (1..=16).map(|byte| stored(&store, byte)).collect();
    std::thread::scope(|scope| {
        for (index, team) in teams.iter_mut().enumerate() {
            let store = &store;
            scope.spawn(move || {
                for round in 0..20 {
                    let append = push(team, 1, 300, Part::Inline);
                    if (index + round) % 3 == 0 {
                        let mut other = append.clone();
                        other.after = None;
                        assert_eq!(store.append(other).unwrap(), Appended::Moved);
                    }
                    assert_eq!(store.append(append).unwrap(), Appended::Committed);
                }
            });
        }
    });
    store.close();
    assert!(store.put_identity(MemberId([1; 32]), Vec::new()).is_err());
    drop(store);
    let again = SqliteStore::open(folder.path()).unwrap();
    for team in &teams {
        assert_eq!(again.head(&team.id()).unwrap(), Some(team.state.head()));
        let all = again.entries(&team.id(), 0, 500, 1 << 20).unwrap();
        assert!(all.iter().eq(team.log.iter().map(|entry| entry.bytes())));
    }
}
