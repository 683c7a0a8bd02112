//! Tables and how the file is kept durable.

use rusqlite::Connection;

use super::{Result, StoreError, failed};

/// Step N leads from schema N to N + 1. What was released is never edited.
const STEPS: [&str; 2] = [FIRST, SECOND];

/// Who may begin workspaces where only known members may, and what a workspace holds.
const SECOND: &str = "
CREATE TABLE admitted (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO admitted SELECT DISTINCT recipient FROM deliveries;
ALTER TABLE workspaces ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE workspaces SET bytes =
    (SELECT coalesce(sum(length(bytes)), 0) FROM entries WHERE entries.id = workspaces.id)
    + (SELECT coalesce(sum(length(bytes)), 0) FROM sealed
        WHERE sealed.workspace = workspaces.workspace AND used = 1);
";

const FIRST: &str = "
CREATE TABLE workspaces (
    id INTEGER PRIMARY KEY, workspace BLOB NOT NULL UNIQUE,
    head_seq INTEGER NOT NULL, head_hash BLOB NOT NULL
) STRICT;
CREATE TABLE entries (
    id INTEGER NOT NULL, seq INTEGER NOT NULL, bytes BLOB NOT NULL, leaves BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_by_seq ON entries (id, seq);
CREATE TABLE deliveries (
    id INTEGER NOT NULL, recipient BLOB NOT NULL, seq INTEGER NOT NULL,
    position INTEGER NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (id, recipient, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE sealed (
    workspace BLOB NOT NULL, hash BLOB NOT NULL, used INTEGER NOT NULL,
    stored INTEGER NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX sealed_by_hash ON sealed (workspace, hash);
CREATE INDEX sealed_unused ON sealed (stored) WHERE used = 0;
CREATE TABLE identities (id BLOB PRIMARY KEY, recipient BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE replies (
    invite BLOB PRIMARY KEY, workspace BLOB NOT NULL, bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE acks (
    workspace BLOB NOT NULL, member BLOB NOT NULL, adopted INTEGER NOT NULL,
    seq INTEGER NOT NULL, time INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (workspace, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE beat (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL) STRICT;
";

/// Sets durability and brings the tables up to date, in one transaction; refuses a newer schema.
pub(super) fn prepare(connection: &Connection) -> Result<()> {
    settings(connection).map_err(failed)?;
    let known = STEPS.len() as i64;
    match version(connection).map_err(failed)? {
        current if current == known => Ok(()),
        older if (0..known).contains(&older) => upgrade(connection).map_err(failed),
        other => Err(StoreError::Failed(format!(
            "the database has schema {other}, and this relay knows up to {known}"
        ))),
    }
}

/// Whether the tables are those of this release.
pub(super) fn is_current(connection: &Connection) -> Result<bool> {
    Ok(version(connection).map_err(failed)? == STEPS.len() as i64)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// FULL: a commit returns after its bytes are on the disk, so an acknowledgement is a promise.
fn settings(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    debug_assert_eq!(mode, "wal");
    connection.pragma_update(None, "synchronous", synchronous())?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)
}

#[cfg(not(feature = "weakened"))]
fn synchronous() -> String {
    "FULL".to_owned()
}

/// The negative control of `tests/durable.rs`.
#[cfg(feature = "weakened")]
fn synchronous() -> String {
    std::env::var("RELAY_SYNCHRONOUS").unwrap_or_else(|_| "FULL".to_owned())
}

/// Reads the version again under the lock: another process may have been here first.
fn upgrade(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let from = usize::try_from(version(connection)?).unwrap_or_default();
    STEPS.iter().skip(from).try_for_each(|step| connection.execute_batch(step))?;
    connection.pragma_update(None, "user_version", STEPS.len() as i64)?;
    connection.execute_batch("COMMIT")
}
