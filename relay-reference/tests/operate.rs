//! Operators' commands: a database moves, is copied, checked and pruned without losing what counts.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use agentsecrets_core::{
    encoding::{BatchId, Commitment, EntryHash, MemberId, SealedHash, SecretId},
    log::{
        Body, deliveries,
        entry::{Item, Operation, Push},
    },
};
use common::team::{Device, ENVIRONMENT, Team, delivery, hash_of, root};
use relay_reference::{
    maintain::{backup::backup, export::export, import::import, prune::prune, verify::verify},
    store::{Append, Archive, NewDelivery, NewEntry, Part, SqliteStore, Store},
};

struct Held {
    store: SqliteStore,
    folder: tempfile::TempDir,
    team: Team,
}

impl Held {
    /// A team with pushes of two parts each, an ack, an identity and a reply.
    fn new(pushes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("data")).unwrap();
        let team = Team::new(Device::new(1));
        let bare = |entry: &_| NewEntry { entry: Clone::clone(entry), deliveries: Vec::new() };
        let entries = team.log.iter().map(bare).collect();
        store.append(Append { workspace: team.id(), after: None, entries }).unwrap();
        let mut held = Self { store, folder, team };
        (0..pushes).for_each(|_| {
            let (entry, made) = held.team.push(2, 300);
            held.append(entry, made);
        });
        let founder = held.team.founder.id();
        held.store.put_ack(held.team.id(), founder, (1, 4, 7), vec![4; 60]).unwrap();
        held.store.put_identity(MemberId([2; 32]), vec![2; 40]).unwrap();
        held.store.put_reply(EntryHash([3; 32]), held.team.id(), vec![3; 50]).unwrap();
        held
    }

    fn append(
        &mut self,
        entry: agentsecrets_core::log::SignedEntry,
        made: Vec<agentsecrets_core::wire::Delivery>,
    ) {
        let parts = made.iter().map(|one| {
            let bytes = one.ciphertext.as_ref().unwrap().0.clone();
            Part::Inline(hash_of(one), bytes)
        });
        let parts: Vec<_> = parts.collect();
        let hashes: Vec<_> = parts.iter().map(Part::hash).collect();
        let recipient = self.team.founder.id();
        let leaf = deliveries::leaf(&recipient, &hashes);
        let deliveries = vec![NewDelivery { recipient, leaf, parts }];
        let after = Some(self.team.state.head());
        self.team.take(&entry);
        let entries = vec![NewEntry { entry, deliveries }];
        self.store.append(Append { workspace: self.team.id(), after, entries }).unwrap();
    }

    /// The next version of the first secret.
    fn push_again(&mut self, version: u64) {
        let seq = self.team.state.head().seq + 1;
        let made = vec![delivery(self.team.founder.id(), seq, 0, 200)];
        let item = Item {
            secret: SecretId(1u128.to_le_bytes()),
            version,
            operation: Operation::Put(Commitment([version as u8; 32])),
            create: None,
            policy: None,
            differs_from: Vec::new(),
        };
        let push = Push {
            batch: BatchId([6; 16]),
            environment: ENVIRONMENT,
            items: vec![item],
            strays: Vec::new(),
            root: root(&made),
        };
        let entry = self.team.draft(Body::Push(push));
        self.append(entry, made);
    }

    fn exported(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        export(&self.store, &mut lines).unwrap();
        lines
    }
}

/// All that a database holds, in words.
fn contents(store: &dyn Archive) -> String {
    let workspaces = store.workspaces(None, 100).unwrap();
    let mut text = format!("{:?}{:?}", store.identities(None, 9), store.replies(None, 9));
    for workspace in workspaces {
        let listed = store.listed(&workspace, 0, 1_000).unwrap();
        let hashes = listed.iter().flat_map(|one| &one.deliveries).flat_map(|(_, hashes)| hashes);
        let sealed: Vec<_> = hashes.map(|hash| store.sealed(&workspace, hash).unwrap()).collect();
        let acks = store.ranked_acks(&workspace).unwrap();
        let founder = listed[0].deliveries.first().map(|(id, _)| *id);
        text += &format!("{workspace}{listed:?}{sealed:?}{acks:?}{founder:?}");
        text += &format!("{:?}{:?}", store.head(&workspace), store.usage(&workspace));
    }
    text
}

fn moves_to(held: &Held, other: &dyn Archive) {
    let lines = held.exported();
    let count = import(other, lines.as_slice()).unwrap();
    assert_eq!(count as usize, lines.iter().filter(|byte| **byte == b'\n').count() - 2);
    assert_eq!(contents(other), contents(&held.store));
    let founder = held.team.founder.id();
    let read = |store: &dyn Archive| store.deliveries(&held.team.id(), &founder, 0, 1 << 20);
    assert_eq!(read(other), read(&held.store));
    assert_eq!(verify(other).unwrap().wrong, Vec::<String>::new());
    // A second time there is something in the way.
    let error = import(other, lines.as_slice()).unwrap_err().to_string();
    assert!(error.contains("already"), "{error}");
}

#[test]
fn sqlite_moves_to_sqlite_whole() {
    let folder = tempfile::tempdir().unwrap();
    moves_to(&Held::new(5), &SqliteStore::open(folder.path()).unwrap());
}

#[cfg(feature = "postgres")]
#[test]
fn sqlite_moves_to_postgresql_whole() {
    let schema = common::postgres::Schema::new();
    let mut held = Held::new(450);
    held.push_again(2);
    prune(&held.store).unwrap();
    moves_to(&held, &schema.open());
    let store = schema.open();
    let mut lines = Vec::new();
    export(&store, &mut lines).unwrap();
    assert!(lines == held.exported(), "PostgreSQL writes other lines than SQLite");
}

#[test]
fn what_was_edited_or_cut_off_is_not_imported() {
    let held = Held::new(3);
    let text = String::from_utf8(held.exported()).unwrap();
    let refuses = |text: &str, words: &str| {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        let error = import(&store, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let lines: Vec<_> = text.lines().collect();
    refuses(&lines[..lines.len() - 1].join("\n"), "the end is missing");
    refuses(&lines[1..].join("\n"), "line 1");
    refuses("", "the end is missing");
    let without = |number: usize| [&lines[..number], &lines[number + 1..]].concat().join("\n");
    let entry = lines.iter().position(|line| line.starts_with("{\"entry\"")).unwrap();
    refuses(&without(entry), "line");
    let last = lines.iter().rposition(|line| line.starts_with("{\"sealed\"")).unwrap();
    refuses(&without(last), "counts other lines");
    let swapped = text.replacen("{\"entry\":[\"", "{\"entry\":[\"f", 1);
    refuses(&swapped, "line");
}

#[test]
fn a_backup_is_whole_and_a_byte_that_changed_is_named() {
    let held = Held::new(5);
    let data = held.folder.path().join("data");
    let copy = held.folder.path().join("copy");
    let report = backup(&data, &copy).unwrap();
    assert_eq!((report.workspaces, report.entries, report.sealed), (1, 7, 10));
    let files: Vec<_> = std::fs::read_dir(&copy).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files, ["relay.sqlite"]);
    assert!(backup(&data, &copy).unwrap_err().to_string().contains("already"));
    assert_eq!(contents(&SqliteStore::open(&copy).unwrap()), contents(&held.store));
    for (table, words) in [
        ("UPDATE entries SET bytes = zeroblob(length(bytes)) WHERE seq = 3", "entry 3"),
        ("UPDATE sealed SET bytes = zeroblob(length(bytes)) WHERE rowid = 2", "has other bytes"),
        ("UPDATE workspaces SET head_seq = 5", "the head is another one"),
        ("DELETE FROM entries WHERE seq = 6", "the head is another one"),
    ] {
        let broken = tempfile::tempdir().unwrap();
        std::fs::copy(copy.join("relay.sqlite"), broken.path().join("relay.sqlite")).unwrap();
        let connection = rusqlite::Connection::open(broken.path().join("relay.sqlite")).unwrap();
        connection.execute_batch(table).unwrap();
        let report = verify(&SqliteStore::open(broken.path()).unwrap()).unwrap();
        assert!(report.wrong.iter().any(|line| line.contains(words)), "{table}: {report}");
    }
}

fn prunes(store: &dyn Archive, held: &Held) {
    let (workspace, founder) = (held.team.id(), held.team.founder.id());
    let before = store.usage(&workspace).unwrap();
    assert_eq!(prune(store).unwrap(), 3);
    assert_eq!(prune(store).unwrap(), 0);
    assert_eq!(store.usage(&workspace).unwrap(), before - 2 * 300 - 200);
    let (page, _) = store.deliveries(&workspace, &founder, 0, 1 << 20).unwrap();
    let there: Vec<_> = page.iter().map(|one| one.parts.iter().all(Option::is_some)).collect();
    // The first secret's first two versions are gone; the second secret and its third version stay.
    assert_eq!(there, [false, true, false, true]);
    assert_eq!(page.len(), 4);
    let entries = store.entries(&workspace, 0, 500, usize::MAX).unwrap();
    assert!(entries.iter().eq(held.team.log.iter().map(|entry| entry.bytes())));
    let report = verify(store).unwrap();
    assert_eq!((report.sealed, report.absent, report.wrong), (3, 3, Vec::new()));
}

#[test]
fn only_what_is_superseded_as_a_whole_is_pruned() {
    let mut held = Held::new(2);
    assert_eq!(prune(&held.store).unwrap(), 0);
    held.push_again(2);
    held.push_again(3);
    let lines = held.exported();
    #[cfg(feature = "postgres")]
    {
        let schema = common::postgres::Schema::new();
        let store = schema.open();
        import(&store, lines.as_slice()).unwrap();
        prunes(&store, &held);
    }
    assert!(!lines.is_empty());
    prunes(&held.store, &held);
    assert_eq!(held.store.sealed(&held.team.id(), &SealedHash([0; 32])).unwrap(), None);
}
