//! Queries.

use std::{collections::HashMap, result::Result};

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    log::{Head, deliveries::Node},
};
use deadpool_postgres::Client;
use tokio_postgres::{
    Error, Row,
    types::{FromSqlOwned, ToSql},
};

use crate::store::Delivered;

/// Rows that one query of deliveries looks at.
const CHUNK: i64 = 256;

/// Rows of a prepared query.
pub(super) async fn rows(
    client: &Client,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Error> {
    client.query(&client.prepare_cached(sql).await?, values).await
}

async fn column<T: FromSqlOwned>(
    client: &Client,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<T>, Error> {
    rows(client, sql, values).await?.iter().map(|row| row.try_get(0)).collect()
}

/// A head in two columns, from `first` on, that may be NULL.
pub(super) fn head_of(row: &Row, first: usize) -> Result<Option<Head>, Error> {
    let (seq, hash): (Option<i64>, Option<Vec<u8>>) =
        (row.try_get(first)?, row.try_get(first + 1)?);
    Ok(seq
        .zip(hash)
        .map(|(seq, hash)| Head { seq: seq.unsigned_abs(), hash: EntryHash(node(&hash)) }))
}

pub(super) async fn head(client: &Client, workspace: &WorkspaceId) -> Result<Option<Head>, Error> {
    let sql = "SELECT head_seq, head_hash FROM workspaces WHERE workspace = $1";
    let rows = rows(client, sql, &[&&workspace.0[..]]).await?;
    rows.first().map_or(Ok(None), |row| head_of(row, 0))
}

/// The numbers of the heads of some workspaces.
pub(super) async fn heads(
    client: &Client,
    workspaces: &[WorkspaceId],
) -> Result<Vec<(WorkspaceId, u64)>, Error> {
    let ids: Vec<_> = workspaces.iter().map(|workspace| &workspace.0[..]).collect();
    let sql = "SELECT workspace, head_seq FROM workspaces WHERE workspace = ANY ($1)";
    let rows = rows(client, sql, &[&ids]).await?;
    let one = |row: &Row| {
        let id: &[u8] = row.try_get(0)?;
        Ok((WorkspaceId(node(id)), row.try_get::<_, i64>(1)?.unsigned_abs()))
    };
    rows.iter().map(one).collect()
}

pub(super) async fn entries(
    client: &Client,
    workspace: &WorkspaceId,
    from: u64,
    limit: usize,
    bytes: usize,
) -> Result<Vec<Vec<u8>>, Error> {
    // Without the upper end the sums would run over the whole rest of the log.
    let sql = "SELECT bytes FROM (
            SELECT seq, bytes, sum(length(bytes)) OVER (ORDER BY seq) AS total
            FROM entries WHERE workspace = $1 AND seq >= $2 AND seq < $3
        ) AS page WHERE total <= $4 OR seq = $2 ORDER BY seq";
    let (from, bytes) = (number(from), number(bytes as u64));
    let to = from.saturating_add(number(limit as u64));
    column(client, sql, &[&&workspace.0[..], &from, &to, &bytes]).await
}

pub(super) async fn deliveries(
    client: &Client,
    workspace: &WorkspaceId,
    recipient: &MemberId,
    from: u64,
    bytes: usize,
) -> Result<(Vec<Delivered>, bool), Error> {
    let (mut page, mut total, mut next) = (Vec::new(), 0, number(from));
    loop {
        let found = listed(client, workspace, recipient, next).await?;
        let last_chunk = (found.len() as i64) < CHUNK;
        next = found.last().map_or(next, |listed| listed.seq.saturating_add(1));
        let count = fitting(client, workspace, &found, bytes, !page.is_empty(), &mut total).await?;
        page.extend(with_parts(client, workspace, &found[..count]).await?);
        if count < found.len() || last_chunk {
            return Ok((page, count < found.len()));
        }
    }
}

/// A delivery without its bytes.
struct Listed {
    seq: i64,
    position: i32,
    hashes: Vec<SealedHash>,
}

async fn listed(
    client: &Client,
    workspace: &WorkspaceId,
    recipient: &MemberId,
    from: i64,
) -> Result<Vec<Listed>, Error> {
    let sql = "SELECT seq, position, hashes FROM deliveries
        WHERE workspace = $1 AND recipient = $2 AND seq >= $3 ORDER BY seq LIMIT $4";
    let values: [&(dyn ToSql + Sync); 4] = [&&workspace.0[..], &&recipient.0[..], &from, &CHUNK];
    let rows = rows(client, sql, &values).await?;
    let one = |row: &Row| {
        let hashes = chunks(row.try_get(2)?).map(SealedHash).collect();
        Ok(Listed { seq: row.try_get(0)?, position: row.try_get(1)?, hashes })
    };
    rows.iter().map(one).collect()
}

/// How many of these fit beside `total` bytes, at least one on a page without any.
async fn fitting(
    client: &Client,
    workspace: &WorkspaceId,
    found: &[Listed],
    bytes: usize,
    started: bool,
    total: &mut usize,
) -> Result<usize, Error> {
    let sql = "SELECT hash, length(bytes) FROM sealed WHERE workspace = $1 AND hash = ANY ($2)";
    let rows = rows(client, sql, &[&&workspace.0[..], &all_hashes(found)]).await?;
    let mut sizes = HashMap::new();
    for row in &rows {
        let (hash, size): (&[u8], i32) = (row.try_get(0)?, row.try_get(1)?);
        sizes.insert(SealedHash(node(hash)), size as usize);
    }
    for (place, listed) in found.iter().enumerate() {
        *total += listed.hashes.iter().filter_map(|hash| sizes.get(hash)).sum::<usize>();
        if *total > bytes && (started || place > 0) {
            return Ok(place);
        }
    }
    Ok(found.len())
}

async fn with_parts(
    client: &Client,
    workspace: &WorkspaceId,
    found: &[Listed],
) -> Result<Vec<Delivered>, Error> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let sealed = sealed(client, workspace, &all_hashes(found)).await?;
    let mut leaves = leaves(client, workspace, found).await?;
    let one = |listed: &Listed| Delivered {
        seq: listed.seq.unsigned_abs(),
        position: usize::try_from(listed.position).unwrap_or_default(),
        leaves: leaves.remove(&listed.seq).unwrap_or_default(),
        parts: listed.hashes.iter().map(|hash| sealed.get(hash).cloned()).collect(),
        hashes: listed.hashes.clone(),
    };
    Ok(found.iter().map(one).collect())
}

async fn sealed(
    client: &Client,
    workspace: &WorkspaceId,
    hashes: &[&[u8]],
) -> Result<HashMap<SealedHash, Vec<u8>>, Error> {
    let sql = "SELECT hash, bytes FROM sealed WHERE workspace = $1 AND hash = ANY ($2)";
    let rows = rows(client, sql, &[&&workspace.0[..], &hashes]).await?;
    let one = |row: &Row| Ok((SealedHash(node(row.try_get(0)?)), row.try_get(1)?));
    rows.iter().map(one).collect()
}

async fn leaves(
    client: &Client,
    workspace: &WorkspaceId,
    found: &[Listed],
) -> Result<HashMap<i64, Vec<Node>>, Error> {
    let seqs: Vec<_> = found.iter().map(|listed| listed.seq).collect();
    let sql = "SELECT seq, leaves FROM entries WHERE workspace = $1 AND seq = ANY ($2)";
    let rows = rows(client, sql, &[&&workspace.0[..], &seqs]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, chunks(row.try_get(1)?).collect()))).collect()
}

fn all_hashes(found: &[Listed]) -> Vec<&[u8]> {
    found.iter().flat_map(|listed| &listed.hashes).map(|hash| &hash.0[..]).collect()
}

pub(super) async fn identity(client: &Client, id: &MemberId) -> Result<Option<Vec<u8>>, Error> {
    let sql = "SELECT recipient FROM identities WHERE id = $1";
    Ok(column(client, sql, &[&&id.0[..]]).await?.pop())
}

pub(super) async fn acks(client: &Client, workspace: &WorkspaceId) -> Result<Vec<Vec<u8>>, Error> {
    let sql = "SELECT bytes FROM acks WHERE workspace = $1 ORDER BY member";
    column(client, sql, &[&&workspace.0[..]]).await
}

pub(super) async fn reply(
    client: &Client,
    invite: &EntryHash,
) -> Result<Option<(WorkspaceId, Vec<u8>)>, Error> {
    let sql = "SELECT workspace, bytes FROM replies WHERE invite = $1";
    let rows = rows(client, sql, &[&&invite.0[..]]).await?;
    let one = |row: &Row| Ok((WorkspaceId(node(row.try_get(0)?)), row.try_get(1)?));
    rows.first().map(one).transpose()
}

pub(super) async fn is_admitted(client: &Client, id: &MemberId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM admitted WHERE id = $1";
    Ok(!rows(client, sql, &[&&id.0[..]]).await?.is_empty())
}

pub(super) async fn usage(client: &Client, workspace: &WorkspaceId) -> Result<u64, Error> {
    let sql = "SELECT bytes FROM workspaces WHERE workspace = $1";
    let bytes: Vec<i64> = column(client, sql, &[&&workspace.0[..]]).await?;
    Ok(bytes.first().map_or(0, |bytes| bytes.unsigned_abs()))
}

pub(super) async fn disk_bytes(client: &Client) -> Result<u64, Error> {
    let bytes: Vec<i64> =
        column(client, "SELECT pg_database_size(current_database())", &[]).await?;
    Ok(bytes.first().map_or(0, |bytes| bytes.unsigned_abs()))
}

/// Numbers of entries stay far below 2^63; a larger one asks for what cannot be there.
pub(super) fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// 32 bytes of a column that holds nothing else.
pub(super) fn node(bytes: &[u8]) -> Node {
    bytes.try_into().unwrap_or_default()
}

pub(super) fn chunks(bytes: &[u8]) -> impl Iterator<Item = Node> {
    bytes.as_chunks::<32>().0.iter().copied()
}
