//! Any sequence of calls gets the same answers from a database as from the store in memory, also
//! when the database is closed and opened in between.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    log::SignedEntry,
};
use common::team::{Device, Team};
use proptest::prelude::*;
use relay_reference::store::{
    self, Append, MemoryStore, NewDelivery, NewEntry, Part, SqliteStore, Store,
};

const ENTRIES: usize = 6;

/// Recipient, hash, kind of a part.
type Parts = Vec<(u8, u8, usize)>;

/// Few workspaces, entries, members, hashes and invitations, so that calls collide.
#[derive(Clone, Debug)]
enum Call {
    /// The next entry.
    Append {
        workspace: u8,
        parts: Parts,
    },
    /// An entry after another one than the head.
    Stale {
        workspace: u8,
        after: usize,
    },
    Upload {
        workspace: u8,
        hash: u8,
        now: u64,
    },
    Prune(u64),
    Reply {
        invite: u8,
        workspace: u8,
        byte: u8,
    },
    Identity {
        id: u8,
        byte: u8,
    },
    Read {
        workspace: u8,
        from: u64,
        limit: usize,
        bytes: usize,
    },
    Deliveries {
        workspace: u8,
        recipient: u8,
        from: u64,
        bytes: usize,
    },
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    let parts = prop::collection::vec((0..3u8, 0..4u8, 0..2usize), 0..4);
    prop_oneof![
        8 => (0..2u8, parts).prop_map(|(workspace, parts)| Call::Append { workspace, parts }),
        2 => (0..2u8, 0..ENTRIES).prop_map(|(workspace, after)| Call::Stale { workspace, after }),
        4 => (0..2u8, 0..4u8, 0..4u64)
            .prop_map(|(workspace, hash, now)| Call::Upload { workspace, hash, now }),
        1 => (0..5u64).prop_map(Call::Prune),
        1 => (0..2u8, 0..2u8, 0..2u8)
            .prop_map(|(invite, workspace, byte)| Call::Reply { invite, workspace, byte }),
        1 => (0..2u8, 0..2u8).prop_map(|(id, byte)| Call::Identity { id, byte }),
        3 => (0..2u8, 0..7u64, 1..5usize, 1..2_000usize).prop_map(
            |(workspace, from, limit, bytes)| Call::Read { workspace, from, limit, bytes }
        ),
        3 => (0..2u8, 0..3u8, 0..7u64, 1..40usize).prop_map(
            |(workspace, recipient, from, bytes)| {
                Call::Deliveries { workspace, recipient, from, bytes }
            }
        ),
        1 => Just(Call::Reopen),
    ]
}

fn log() -> Vec<SignedEntry> {
    let mut team = Team::new(Device::new(1));
    while team.log.len() < ENTRIES {
        let (entry, _) = team.push(1, 64);
        team.take(&entry);
    }
    team.log
}

/// One delivery for each recipient, sorted, as the rules hand them over.
fn deliveries(parts: &Parts) -> Vec<NewDelivery> {
    let of = |id: u8| {
        let own = parts.iter().filter(move |(recipient, ..)| *recipient == id);
        let parts = own.map(|(_, hash, kind)| part(*hash, *kind)).collect();
        NewDelivery { recipient: MemberId([id; 32]), leaf: [id; 32], parts }
    };
    (0..3).map(of).filter(|delivery| !delivery.parts.is_empty()).collect()
}

fn part(hash: u8, kind: usize) -> Part {
    let (bytes, hash) = (vec![hash; 10], SealedHash([hash; 32]));
    [Part::Inline(hash, bytes), Part::Uploaded(hash)][kind].clone()
}

fn id(byte: u8) -> WorkspaceId {
    WorkspaceId([byte; 32])
}

/// Makes one call; the answer in words.
fn make(store: &dyn Store, log: &[SignedEntry], call: Call) -> String {
    match call {
        Call::Append { workspace, parts } => {
            let after = store.head(&id(workspace)).unwrap();
            let next = after.map_or(0, |head| head.seq as usize + 1);
            let Some(entry) = log.get(next).cloned() else { return String::new() };
            let entries = vec![NewEntry { entry, deliveries: deliveries(&parts) }];
            words(store.append(Append { workspace: id(workspace), after, entries }))
        }
        Call::Stale { workspace, after } => {
            let after = Some(log[after].head());
            if store.head(&id(workspace)).unwrap() == after {
                return String::new();
            }
            let entries = vec![NewEntry { entry: log[0].clone(), deliveries: Vec::new() }];
            words(store.append(Append { workspace: id(workspace), after, entries }))
        }
        Call::Upload { workspace, hash, now } => {
            let bytes = vec![hash; 10];
            words(store.put_sealed(&id(workspace), SealedHash([hash; 32]), bytes, now))
        }
        Call::Prune(before) => words(store.prune(before)),
        Call::Reply { invite, workspace, byte } => {
            let invite = EntryHash([invite; 32]);
            let put = words(store.put_reply(invite, id(workspace), vec![byte]));
            put + &words(store.reply(&invite))
        }
        Call::Identity { id, byte } => {
            let id = MemberId([id; 32]);
            words(store.put_identity(id, vec![byte])) + &words(store.identity(&id))
        }
        Call::Read { workspace, from, limit, bytes } => {
            let page = words(store.entries(&id(workspace), from, limit, bytes));
            page + &words(store.head(&id(workspace))) + &words(store.usage(&id(workspace)))
        }
        Call::Deliveries { workspace, recipient, from, bytes } => {
            words(store.deliveries(&id(workspace), &MemberId([recipient; 32]), from, bytes))
        }
        Call::Reopen => String::new(),
    }
}

fn words<T: std::fmt::Debug>(answer: store::Result<T>) -> String {
    format!("{answer:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn sqlite_answers_as_the_store_in_memory(calls in prop::collection::vec(call(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        compare(calls, || SqliteStore::open(folder.path()).unwrap())?;
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn postgresql_answers_as_the_store_in_memory(calls in prop::collection::vec(call(), 1..60)) {
        let schema = common::postgres::Schema::new();
        compare(calls, || schema.open())?;
    }
}

fn compare<S: Store>(calls: Vec<Call>, open: impl Fn() -> S) -> Result<(), TestCaseError> {
    let (log, memory) = (log(), MemoryStore::default());
    let mut store = Some(open());
    for (number, call) in calls.into_iter().enumerate() {
        if matches!(call, Call::Reopen) {
            // Two at a time would be refused by some.
            drop(store.take());
        }
        let store = store.get_or_insert_with(&open);
        let answers = (make(store, &log, call.clone()), make(&memory, &log, call.clone()));
        prop_assert_eq!(answers.0, answers.1, "call {}: {:?}", number, call);
    }
    Ok(())
}
