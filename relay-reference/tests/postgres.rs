//! What only a database of several relays has to show. Runs under `tools/postgres DIR run`.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use std::{
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use agentsecrets_core::encoding::{SealedHash, WorkspaceId};
use common::{
    postgres::Schema,
    team::{Device, Team},
};
use relay_reference::{
    store::{
        Append, Appended, NewDelivery, NewEntry, Part, PostgresStore, Store, StoreError,
        postgres::Watching,
    },
    watch::Watch,
};

/// The team's whole log as one commit.
fn publish(team: &Team) -> Append {
    let bare = |entry: &_| NewEntry { entry: Clone::clone(entry), deliveries: Vec::new() };
    let entries = team.log.iter().map(bare).collect();
    Append { workspace: team.id(), after: None, entries }
}

/// The team's next entry, with one delivery of the given part.
fn next(team: &mut Team, part: Part) -> Append {
    let (entry, _) = team.push(1, 64);
    let after = Some(team.state.head());
    let recipient = team.founder.id();
    team.take(&entry);
    let deliveries = vec![NewDelivery { recipient, leaf: [1; 32], parts: vec![part] }];
    Append { workspace: team.id(), after, entries: vec![NewEntry { entry, deliveries }] }
}

fn inline(byte: u8) -> Part {
    Part::Inline(SealedHash([byte; 32]), vec![byte; 100])
}

#[test]
fn relays_that_start_at_once_make_the_tables_once() {
    let schema = Schema::new();
    let barrier = Arc::new(Barrier::new(6));
    std::thread::scope(|scope| {
        let opening: Vec<_> = (0..6)
            .map(|_| {
                let (schema, barrier) = (&schema, Arc::clone(&barrier));
                scope.spawn(move || {
                    barrier.wait();
                    schema.open().head(&WorkspaceId([1; 32]))
                })
            })
            .collect();
        for one in opening {
            assert_eq!(one.join().unwrap(), Ok(None));
        }
    });
}

#[test]
fn a_newer_schema_and_a_server_that_forgets_are_refused() {
    let schema = Schema::new();
    let refused = |url: &str, words: &str| {
        let error = PostgresStore::open(url, Watching::Listen).err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    };
    let forgetful = format!("{}%20-csynchronous_commit%3Doff", schema.url());
    refused(&forgetful, "synchronous_commit = off");
    drop(schema.open());
    schema.execute("INSERT INTO relay_schema (version) VALUES (99)");
    refused(&schema.url(), "schema 99");
    // A URL that cannot be read is not repeated.
    let url = "postgres://user:fake-password@[broken";
    let error = PostgresStore::open(url, Watching::Listen).err().unwrap().to_string();
    assert!(!error.contains("fake-password"), "{error}");
}

/// Eight threads race for each of the team's next entries, through both stores in turn.
fn race(stores: &[PostgresStore; 2], rounds: u8) {
    let mut team = Team::new(Device::new(1));
    assert_eq!(stores[0].append(publish(&team)).unwrap(), Appended::Committed);
    for round in 0..rounds {
        let append = next(&mut team, inline(round));
        let barrier = Arc::new(Barrier::new(8));
        let won = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|number| {
                    let (append, barrier) = (append.clone(), Arc::clone(&barrier));
                    let store = &stores[number % 2];
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
    let stored = stores[1].entries(&team.id(), 0, 500, usize::MAX).unwrap();
    assert!(stored.iter().eq(team.log.iter().map(|entry| entry.bytes())));
}

#[test]
fn of_commits_through_two_relays_exactly_one_wins() {
    let schema = Schema::new();
    race(&[schema.open(), schema.open()], 20);
}

#[test]
fn where_everything_is_serializable_conflicts_are_tried_again() {
    let schema = Schema::new();
    let url = format!("{}%20-cdefault_transaction_isolation%3Dserializable", schema.url());
    race(&[0, 1].map(|_| PostgresStore::open(&url, Watching::Listen).unwrap()), 10);
}

#[test]
fn an_upload_that_a_commit_names_never_expires_under_it() {
    let schema = Schema::new();
    let store = schema.open();
    let mut team = Team::new(Device::new(1));
    store.append(publish(&team)).unwrap();
    for round in 0..40 {
        let hash = SealedHash([round; 32]);
        store.put_sealed(&team.id(), hash, vec![round], 1).unwrap();
        let append = next(&mut team, Part::Uploaded(hash));
        let done = std::thread::scope(|scope| {
            let pruning = scope.spawn(|| store.prune(2).unwrap());
            let done = store.append(append.clone()).unwrap();
            pruning.join().unwrap();
            done
        });
        if done == Appended::Missing(vec![hash]) {
            store.put_sealed(&team.id(), hash, vec![round], 5).unwrap();
            assert_eq!(store.append(append).unwrap(), Appended::Committed);
        }
        let (found, _) =
            store.deliveries(&team.id(), &team.founder.id(), u64::from(round) + 2, 100).unwrap();
        assert_eq!(found[0].parts, [Some(vec![round])]);
    }
}

/// Waits for news of a workspace through one store while `act` runs; how long it took.
fn heard(listening: &PostgresStore, workspace: WorkspaceId, act: impl FnOnce()) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let watch = Arc::new(Watch::default());
    listening.follow(&watch);
    let key = Device::new(9).key.verifying_key();
    let mut waiter = watch.wait(key, workspace).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    runtime.block_on(async {
        // Listening begins with a wake-up of everybody.
        let _ = tokio::time::timeout(Duration::from_millis(100), waiter.news()).await;
    });
    let start = Instant::now();
    act();
    runtime.block_on(waiter.news());
    start.elapsed()
}

#[test]
fn a_commit_through_one_relay_wakes_who_waits_at_another() {
    for (watching, most) in [(Watching::Listen, 1_000), (Watching::Poll, 2_500)] {
        let schema = Schema::new();
        let (one, other) = (schema.open(), PostgresStore::open(&schema.url(), watching).unwrap());
        let mut team = Team::new(Device::new(1));
        one.append(publish(&team)).unwrap();
        let append = next(&mut team, inline(1));
        let took = heard(&other, team.id(), || drop(one.append(append).unwrap()));
        assert!(took < Duration::from_millis(most), "{watching:?}: {took:?}");
    }
}

#[test]
fn killed_backends_are_replaced_without_a_lost_or_doubled_commit() {
    let schema = Schema::new();
    let store = schema.open();
    let mut team = Team::new(Device::new(1));
    store.append(publish(&team)).unwrap();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = current_schema() AND pid <> pg_backend_pid()";
    for round in 0..10 {
        schema.execute(kill);
        let append = next(&mut team, inline(round));
        // The answer may have been lost with the connection after the commit was done.
        let done = store.append(append).unwrap();
        assert!(matches!(done, Appended::Committed | Appended::Moved), "{done:?}");
        assert_eq!(store.head(&team.id()).unwrap(), Some(team.state.head()));
    }
    let stored = store.entries(&team.id(), 0, 500, usize::MAX).unwrap();
    assert!(stored.iter().eq(team.log.iter().map(|entry| entry.bytes())));
}

#[test]
fn an_error_of_the_database_is_told_and_passes_with_its_cause() {
    let schema = Schema::new();
    let store = schema.open();
    schema.execute("ALTER TABLE workspaces RENAME TO hidden");
    assert!(matches!(store.head(&WorkspaceId([1; 32])), Err(StoreError::Failed(_))));
    schema.execute("ALTER TABLE hidden RENAME TO workspaces");
    assert_eq!(store.head(&WorkspaceId([1; 32])).unwrap(), None);
    store.close();
    let start = Instant::now();
    assert!(store.head(&WorkspaceId([1; 32])).is_err());
    assert!(start.elapsed() < Duration::from_secs(6));
}
