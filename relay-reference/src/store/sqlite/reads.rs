//! Queries of the read-only connections.

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    log::{Head, deliveries::Node},
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::store::Delivered;

/// The row number and head of a workspace.
pub(super) fn workspace(
    connection: &Connection,
    workspace: &WorkspaceId,
) -> rusqlite::Result<Option<(i64, Head)>> {
    let sql = "SELECT id, head_seq, head_hash FROM workspaces WHERE workspace = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        Ok((
            row.get(0)?,
            Head { seq: row.get::<_, i64>(1)?.unsigned_abs(), hash: EntryHash(row.get(2)?) },
        ))
    };
    connection.prepare_cached(sql)?.query_row([workspace.0], row).optional()
}

pub(super) fn head(
    connection: &Connection,
    workspace_id: &WorkspaceId,
) -> rusqlite::Result<Option<Head>> {
    Ok(workspace(connection, workspace_id)?.map(|(_, head)| head))
}

pub(super) fn entries(
    connection: &Connection,
    workspace_id: &WorkspaceId,
    from: u64,
    limit: usize,
    bytes: usize,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    let Some((id, _)) = workspace(connection, workspace_id)? else { return Ok(Vec::new()) };
    let sql = "SELECT bytes FROM entries WHERE id = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![id, number(from), limit as i64])?;
    let (mut page, mut total) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let entry: Vec<u8> = row.get(0)?;
        total += entry.len();
        if total > bytes && !page.is_empty() {
            break;
        }
        page.push(entry);
    }
    Ok(page)
}

pub(super) fn deliveries(
    connection: &Connection,
    workspace_id: &WorkspaceId,
    recipient: &MemberId,
    from: u64,
    bytes: usize,
) -> rusqlite::Result<(Vec<Delivered>, bool)> {
    let mut page = Vec::new();
    let Some((id, _)) = workspace(connection, workspace_id)? else { return Ok((page, false)) };
    let sql = "SELECT d.seq, d.position, d.hashes, e.leaves
        FROM deliveries d JOIN entries e ON e.id = d.id AND e.seq = d.seq
        WHERE d.id = ?1 AND d.recipient = ?2 AND d.seq >= ?3 ORDER BY d.seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![id, recipient.0, number(from)])?;
    let mut total = 0;
    while let Some(row) = rows.next()? {
        let delivered = delivered(connection, workspace_id, row)?;
        total += delivered.parts.iter().flatten().map(Vec::len).sum::<usize>();
        if total > bytes && !page.is_empty() {
            return Ok((page, true));
        }
        page.push(delivered);
    }
    Ok((page, false))
}

fn delivered(
    connection: &Connection,
    workspace: &WorkspaceId,
    row: &rusqlite::Row<'_>,
) -> rusqlite::Result<Delivered> {
    let hashes: Vec<SealedHash> = chunks(row.get(2)?).map(SealedHash).collect();
    let parts = hashes.iter().map(|hash| sealed(connection, workspace, hash));
    Ok(Delivered {
        seq: row.get::<_, i64>(0)?.unsigned_abs(),
        position: row.get::<_, u32>(1)? as usize,
        leaves: chunks(row.get(3)?).collect(),
        parts: parts.collect::<rusqlite::Result<_>>()?,
        hashes,
    })
}

pub(super) fn sealed(
    connection: &Connection,
    workspace: &WorkspaceId,
    hash: &SealedHash,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = "SELECT bytes FROM sealed WHERE workspace = ?1 AND hash = ?2";
    let values = params![workspace.0, hash.0];
    connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()
}

pub(super) fn identity(
    connection: &Connection,
    id: &MemberId,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = "SELECT recipient FROM identities WHERE id = ?1";
    connection.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()
}

pub(super) fn is_admitted(connection: &Connection, id: &MemberId) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM admitted WHERE id = ?1")?.exists([id.0])
}

pub(super) fn usage(connection: &Connection, workspace: &WorkspaceId) -> rusqlite::Result<u64> {
    let sql = "SELECT bytes FROM workspaces WHERE workspace = ?1";
    let bytes = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let found = connection.prepare_cached(sql)?.query_row([workspace.0], bytes).optional()?;
    Ok(found.map_or(0, i64::unsigned_abs))
}

pub(super) fn acks(
    connection: &Connection,
    workspace: &WorkspaceId,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    let sql = "SELECT bytes FROM acks WHERE workspace = ?1 ORDER BY member";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([workspace.0], |row| row.get(0))?;
    rows.collect()
}

pub(super) fn reply(
    connection: &Connection,
    invite: &EntryHash,
) -> rusqlite::Result<Option<(WorkspaceId, Vec<u8>)>> {
    let sql = "SELECT workspace, bytes FROM replies WHERE invite = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok((WorkspaceId(row.get(0)?), row.get(1)?));
    connection.prepare_cached(sql)?.query_row([invite.0], row).optional()
}

/// Numbers of entries stay far below 2^63; a larger one asks for what cannot be there.
pub(super) fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn chunks(bytes: Vec<u8>) -> impl Iterator<Item = Node> {
    bytes.as_chunks::<32>().0.to_vec().into_iter()
}
