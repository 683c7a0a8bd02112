//! Writes but for commits, a statement each.

use std::result::Result;

use agentsecrets_core::encoding::{EntryHash, MemberId, SealedHash, WorkspaceId};
use deadpool_postgres::Client;
use tokio_postgres::{Error, types::ToSql};

use super::reads::number;
use crate::store::AckRank;

/// Rows that one statement of `prune` deletes, so that no lock is held for long.
const CHUNK: i64 = 1_000;

/// Runs a prepared statement; how many rows it changed.
async fn execute(client: &Client, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
    client.execute(&client.prepare_cached(sql).await?, values).await
}

/// Bytes that are there stay, and an upload never un-marks what a commit named.
pub(super) async fn sealed(
    client: &Client,
    workspace: &WorkspaceId,
    hash: &SealedHash,
    bytes: &[u8],
    now: u64,
) -> Result<(), Error> {
    let sql = "INSERT INTO sealed (workspace, hash, used, stored, bytes)
        VALUES ($1, $2, FALSE, $3, $4)
        ON CONFLICT (workspace, hash) DO UPDATE SET stored = $3";
    let values: [&(dyn ToSql + Sync); 4] = [&&workspace.0[..], &&hash.0[..], &number(now), &bytes];
    execute(client, sql, &values).await.map(drop)
}

pub(super) async fn identity(
    client: &Client,
    id: &MemberId,
    recipient: &[u8],
) -> Result<(), Error> {
    let sql = "INSERT INTO identities (id, recipient) VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE SET recipient = $2";
    execute(client, sql, &[&&id.0[..], &recipient]).await.map(drop)
}

pub(super) async fn ack(
    client: &Client,
    workspace: &WorkspaceId,
    member: &MemberId,
    (adopted, seq, time): AckRank,
    bytes: &[u8],
) -> Result<(), Error> {
    let sql = "INSERT INTO acks (workspace, member, adopted, seq, time, bytes)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace, member) DO UPDATE
        SET adopted = $3, seq = $4, time = $5, bytes = $6
        WHERE ($3, $4, $5) > (acks.adopted, acks.seq, acks.time)";
    let (workspace, member) = (&workspace.0[..], &member.0[..]);
    let values: [&(dyn ToSql + Sync); 6] =
        [&workspace, &member, &i64::from(adopted), &number(seq), &number(time), &bytes];
    execute(client, sql, &values).await.map(drop)
}

/// Whether this reply is the first.
pub(super) async fn reply(
    client: &Client,
    invite: &EntryHash,
    workspace: &WorkspaceId,
    bytes: &[u8],
) -> Result<bool, Error> {
    let sql = "INSERT INTO replies (invite, workspace, bytes) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    let stored = execute(client, sql, &[&&invite.0[..], &&workspace.0[..], &bytes]).await?;
    Ok(stored == 1)
}

/// Leaves rows that a commit is naming just now.
pub(super) async fn prune(client: &Client, before: u64) -> Result<usize, Error> {
    let sql = "DELETE FROM sealed WHERE (workspace, hash) IN (
            SELECT workspace, hash FROM sealed WHERE NOT used AND stored < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED
        ) AND NOT used";
    let mut pruned = 0;
    loop {
        let count = execute(client, sql, &[&number(before), &CHUNK]).await?;
        pruned += count as usize;
        if count < CHUNK as u64 {
            return Ok(pruned);
        }
    }
}

pub(super) async fn beat(client: &Client) -> Result<(), Error> {
    let sql = "INSERT INTO beat (one, count) VALUES (1, 1)
        ON CONFLICT (one) DO UPDATE SET count = beat.count + 1";
    execute(client, sql, &[]).await.map(drop)
}

pub(super) async fn drop_sealed(
    client: &Client,
    workspace: &WorkspaceId,
    hashes: &[SealedHash],
) -> Result<usize, Error> {
    let hashes: Vec<_> = hashes.iter().map(|hash| &hash.0[..]).collect();
    let sql = "WITH dropped AS (
            DELETE FROM sealed WHERE workspace = $1 AND hash = ANY ($2) RETURNING length(bytes) AS size
        ), counted AS (
            UPDATE workspaces SET bytes = greatest(0, bytes - (SELECT coalesce(sum(size), 0) FROM dropped))
            WHERE workspace = $1
        ) SELECT count(*) FROM dropped";
    let statement = client.prepare_cached(sql).await?;
    let row = client.query_one(&statement, &[&&workspace.0[..], &hashes]).await?;
    Ok(usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or_default())
}

pub(super) async fn admit(client: &Client, ids: &[MemberId]) -> Result<(), Error> {
    let ids: Vec<_> = ids.iter().map(|id| &id.0[..]).collect();
    let sql = "INSERT INTO admitted SELECT unnest($1::bytea[]) ON CONFLICT DO NOTHING";
    execute(client, sql, &[&ids]).await.map(drop)
}
