//! Statements of the writer, all inside its transaction.

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    log::Head,
};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::reads::{self, number};
use crate::store::{AckRank, Append, Appended, NewDelivery, NewEntry, Part, Replied};

pub(super) fn append(connection: &Connection, append: &Append) -> Result<Appended> {
    if reads::head(connection, &append.workspace)? != append.after {
        return Ok(Appended::Moved);
    }
    let missing = missing(connection, append)?;
    if !missing.is_empty() {
        return Ok(Appended::Missing(missing));
    }
    if let Some(head) = append.head() {
        let id = advance(connection, &append.workspace, head)?;
        let place = Place { id, workspace: &append.workspace };
        append.entries.iter().try_for_each(|new| entry(connection, &place, new))?;
    }
    Ok(Appended::Committed)
}

/// A workspace's row number and its id.
struct Place<'a> {
    id: i64,
    workspace: &'a WorkspaceId,
}

fn missing(connection: &Connection, append: &Append) -> Result<Vec<SealedHash>> {
    let sql = "SELECT 1 FROM sealed WHERE workspace = ?1 AND hash = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut missing = Vec::new();
    for part in append.entries.iter().flat_map(|new| &new.deliveries).flat_map(|d| &d.parts) {
        let Part::Uploaded(hash) = part else { continue };
        if !statement.exists(params![append.workspace.0, hash.0])? {
            missing.push(*hash);
        }
    }
    Ok(missing)
}

fn advance(connection: &Connection, workspace: &WorkspaceId, head: Head) -> Result<i64> {
    let sql = "INSERT INTO workspaces (workspace, head_seq, head_hash) VALUES (?1, ?2, ?3)
        ON CONFLICT (workspace) DO UPDATE SET head_seq = ?2, head_hash = ?3 RETURNING id";
    let values = params![workspace.0, number(head.seq), head.hash.0];
    connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))
}

fn entry(connection: &Connection, place: &Place<'_>, new: &NewEntry) -> Result<()> {
    let seq = number(new.entry.head().seq);
    let leaves: Vec<u8> = new.deliveries.iter().flat_map(|delivery| delivery.leaf).collect();
    let sql = "INSERT INTO entries (id, seq, bytes, leaves) VALUES (?1, ?2, ?3, ?4)";
    let values = params![place.id, seq, new.entry.bytes(), leaves];
    connection.prepare_cached(sql)?.execute(values)?;
    for (position, found) in new.deliveries.iter().enumerate() {
        delivery(connection, place, (seq, position as i64), found)?;
    }
    Ok(())
}

fn delivery(
    connection: &Connection,
    place: &Place<'_>,
    (seq, position): (i64, i64),
    delivery: &NewDelivery,
) -> Result<()> {
    let hashes: Vec<u8> = delivery.parts.iter().flat_map(|part| part.hash().0).collect();
    let sql = "INSERT INTO deliveries (id, recipient, seq, position, hashes)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![place.id, delivery.recipient.0, seq, position, hashes];
    connection.prepare_cached(sql)?.execute(values)?;
    delivery.parts.iter().try_for_each(|part| match part {
        Part::Inline(hash, bytes) => sealed(connection, place.workspace, hash, bytes, None),
        Part::Uploaded(hash) => sealed(connection, place.workspace, hash, &[], None),
    })
}

/// Keeps sealed bytes, for good or, `uploaded` at a time, until they expire. Bytes that are there
/// stay, and an upload never un-marks what a commit named.
pub(super) fn sealed(
    connection: &Connection,
    workspace: &WorkspaceId,
    hash: &SealedHash,
    bytes: &[u8],
    uploaded: Option<u64>,
) -> Result<()> {
    let sql =
        "INSERT INTO sealed (workspace, hash, used, stored, bytes) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (workspace, hash) DO UPDATE SET used = MAX(used, ?3), stored = ?4";
    let stored = number(uploaded.unwrap_or_default());
    let values = params![workspace.0, hash.0, uploaded.is_none(), stored, bytes];
    connection.prepare_cached(sql)?.execute(values).map(|_| ())
}

pub(super) fn identity(connection: &Connection, id: &MemberId, recipient: &[u8]) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO identities (id, recipient) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![id.0, recipient]).map(|_| ())
}

pub(super) fn ack(
    connection: &Connection,
    workspace: &WorkspaceId,
    member: &MemberId,
    (adopted, seq, time): AckRank,
    bytes: &[u8],
) -> Result<()> {
    let sql = "INSERT INTO acks (workspace, member, adopted, seq, time, bytes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (workspace, member) DO UPDATE
        SET adopted = ?3, seq = ?4, time = ?5, bytes = ?6
        WHERE (?3, ?4, ?5) > (adopted, seq, time)";
    let values = params![workspace.0, member.0, adopted, number(seq), number(time), bytes];
    connection.prepare_cached(sql)?.execute(values).map(|_| ())
}

pub(super) fn reply(
    connection: &Connection,
    invite: &EntryHash,
    workspace: &WorkspaceId,
    bytes: &[u8],
) -> Result<Replied> {
    if let Some(known) = reads::reply(connection, invite)? {
        let same = known.0 == *workspace && known.1 == bytes;
        return Ok(if same { Replied::Same } else { Replied::Taken });
    }
    let sql = "INSERT INTO replies (invite, workspace, bytes) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![invite.0, workspace.0, bytes])?;
    Ok(Replied::Stored)
}

pub(super) fn prune(connection: &Connection, before: u64) -> Result<usize> {
    let sql = "DELETE FROM sealed WHERE used = 0 AND stored < ?1";
    connection.prepare_cached(sql)?.execute([number(before)])
}

/// Another value each time: SQLite writes nothing where nothing changes.
pub(super) fn beat(connection: &Connection) -> Result<()> {
    let sql = "INSERT INTO beat (one, count) VALUES (1, 1)
        ON CONFLICT DO UPDATE SET count = count + 1";
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// Moves what the log of writes holds into the database file.
pub(super) fn checkpoint(connection: &Connection) -> Result<()> {
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    connection.query_row(sql, [], |_| Ok(())).optional().map(|_| ())
}
