//! A database of an earlier release is brought up to date without losing anything. The fixtures are
//! what those releases wrote; they are never made anew.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use std::path::Path;

use agentsecrets_core::encoding::{EntryHash, MemberId};
use common::team::{Device, Team};
use relay_reference::{
    maintain::backup::{backup, check},
    store::{SqliteStore, Store},
};

const FIRST: &str = include_str!("fixtures/schema-1.sql");

/// The team of the fixture.
fn team() -> Team {
    let mut team = Team::new(Device::new(1));
    for _ in 0..3 {
        let (entry, _) = team.push(2, 300);
        team.take(&entry);
    }
    team
}

fn write(folder: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(folder.join("relay.sqlite")).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn version(folder: &Path) -> i64 {
    let connection = rusqlite::Connection::open(folder.join("relay.sqlite")).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn the_first_released_schema_is_upgraded_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), FIRST);
    let team = team();
    for _ in 0..2 {
        let store = SqliteStore::open(folder.path()).unwrap();
        assert_eq!(store.head(&team.id()).unwrap(), Some(team.state.head()));
        let entries = store.entries(&team.id(), 0, 500, usize::MAX).unwrap();
        assert!(entries.iter().eq(team.log.iter().map(|entry| entry.bytes())));
        let (page, more) = store.deliveries(&team.id(), &team.founder.id(), 0, 1 << 20).unwrap();
        let parts = page.iter().flat_map(|one| &one.parts).filter(|part| part.is_some()).count();
        assert_eq!((page.len(), parts, more), (3, 6, false));
        assert_eq!(store.identity(&MemberId([2; 32])).unwrap(), Some(vec![2; 40]));
        let reply = (team.id(), vec![3; 50]);
        assert_eq!(store.reply(&EntryHash([3; 32])).unwrap(), Some(reply));
        assert_eq!(store.acks(&team.id()).unwrap(), [vec![4; 60]]);
        // What the second schema added is filled from what was there.
        let entries: usize = team.log.iter().map(|entry| entry.bytes().len()).sum();
        assert_eq!(store.usage(&team.id()).unwrap(), entries as u64 + 6 * 300);
        assert!(store.is_admitted(&team.founder.id()).unwrap());
        assert!(!store.is_admitted(&MemberId([9; 32])).unwrap());
    }
    let report = check(folder.path()).unwrap();
    assert_eq!((report.entries, report.sealed, report.wrong), (5, 6, Vec::new()));
    // An upload that no commit named still expires.
    let store = SqliteStore::open(folder.path()).unwrap();
    assert_eq!(store.prune(1_800_000_001).unwrap(), 1);
}

#[test]
fn looking_at_an_older_database_or_copying_it_does_not_upgrade_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    std::fs::create_dir(&data).unwrap();
    write(&data, FIRST);
    let report = backup(&data, &copy).unwrap();
    assert_eq!((report.entries, report.sealed, report.wrong), (5, 6, Vec::new()));
    for folder in [&data, &copy] {
        assert_eq!(version(folder), 1);
        assert!(SqliteStore::open_existing(folder).is_err());
        assert!(check(folder).unwrap_err().to_string().contains("another schema"));
        assert_eq!(version(folder), 1);
    }
    let files: Vec<_> = std::fs::read_dir(&copy).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(files, ["relay.sqlite"]);
    // A folder without a database is none that has nothing wrong.
    let nothing = folder.path().join("nothing");
    assert!(check(&nothing).is_err() && !nothing.exists());
}

#[test]
fn a_schema_of_a_later_release_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), FIRST);
    write(folder.path(), "PRAGMA user_version = 99");
    let error = SqliteStore::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("schema 99"), "{error}");
    assert_eq!(version(folder.path()), 99);
}
