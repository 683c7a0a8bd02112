//! Statements of the writer, all inside its transaction.

use std::collections::BTreeMap;

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
    let (missing, uploaded) = missing(connection, append)?;
    if !missing.is_empty() {
        return Ok(Appended::Missing(missing));
    }
    if let Some(head) = append.head() {
        let bytes = (append.size() + uploaded) as i64;
        let id = advance(connection, &append.workspace, head, bytes)?;
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

/// Uploads that are not there, and the size of those that are.
fn missing(connection: &Connection, append: &Append) -> Result<(Vec<SealedHash>, usize)> {
    let sql = "SELECT length(bytes) FROM sealed WHERE workspace = ?1 AND hash = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut missing, mut sizes) = (Vec::new(), BTreeMap::new());
    for hash in append.uploaded() {
        let values = params![append.workspace.0, hash.0];
        match statement.query_row(values, |row| row.get::<_, u32>(0)).optional()? {
            Some(size) => drop(sizes.insert(hash, size as usize)),
            None => missing.push(hash),
        }
    }
    Ok((missing, sizes.values().sum()))
}

fn advance(
    connection: &Connection,
    workspace: &WorkspaceId,
    head: Head,
    bytes: i64,
) -> Result<i64> {
    let sql = "INSERT INTO workspaces (workspace, head_seq, head_hash, bytes)
        VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (workspace) DO UPDATE
        SET head_seq = ?2, head_hash = ?3, bytes = bytes + ?4 RETURNING id";
    let values = params![workspace.0, number(head.seq), head.hash.0, bytes];
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
        Part::Gone(_) => Ok(()),
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

pub(super) fn drop_sealed(
    connection: &Connection,
    workspace: &WorkspaceId,
    hashes: &[SealedHash],
) -> Result<usize> {
    let sql = "DELETE FROM sealed WHERE workspace = ?1 AND hash = ?2 RETURNING length(bytes)";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut dropped, mut bytes) = (0, 0);
    for hash in hashes {
        let size = statement.query_row(params![workspace.0, hash.0], |row| row.get::<_, i64>(0));
        if let Some(size) = size.optional()? {
            (dropped, bytes) = (dropped + 1, bytes + size);
        }
    }
    let sql = "UPDATE workspaces SET bytes = MAX(0, bytes - ?2) WHERE workspace = ?1";
    connection.prepare_cached(sql)?.execute(params![workspace.0, bytes])?;
    Ok(dropped)
}

pub(super) fn admit(connection: &Connection, ids: &[MemberId]) -> Result<()> {
    let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO admitted VALUES (?1)")?;
    ids.iter().try_for_each(|id| statement.execute([id.0]).map(drop))
}
