//! Tables and how the file is kept durable.

use rusqlite::Connection;

use super::{Result, StoreError, failed};

const VERSION: i64 = 1;

const TABLES: &str = "
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

/// Sets durability and makes the tables of a new file; refuses a schema that it does not know.
pub(super) fn prepare(connection: &Connection) -> Result<()> {
    settings(connection).map_err(failed)?;
    let version: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    match version {
        VERSION => Ok(()),
        0 => create(connection).map_err(failed),
        other => Err(StoreError::Failed(format!(
            "the database has schema {other}, and this relay knows {VERSION} only"
        ))),
    }
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

fn create(connection: &Connection) -> rusqlite::Result<()> {
    let script = format!("BEGIN IMMEDIATE;{TABLES}PRAGMA user_version = {VERSION};COMMIT;");
    connection.execute_batch(&script)
}
