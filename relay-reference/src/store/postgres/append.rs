//! The one statement of a commit. Autocommitted, it is atomic and leaves no transaction behind in
//! the pool, whatever happens to its connection.

use std::{collections::BTreeMap, result::Result};

use agentsecrets_core::{encoding::SealedHash, log::Head};
use deadpool_postgres::Client;
use tokio_postgres::{Error, types::ToSql};

use super::reads::{head_of, number};
use crate::store::{Append, Appended};

/// Moves the head if it is still the expected one: the row lock orders writers, and who waited for
/// it compares again.
const FOLLOW: &str = "UPDATE workspaces SET head_seq = $2, head_hash = $3,
            bytes = bytes + $16 + (SELECT coalesce(sum(size), 0) FROM found)
        WHERE workspace = $1 AND head_seq = $4 AND head_hash = $5
        AND (SELECT count(*) FROM found) = cardinality($6::bytea[]) RETURNING workspace";
const BEGIN: &str = "INSERT INTO workspaces (workspace, head_seq, head_hash, bytes)
        SELECT $1, $2, $3, $16 + (SELECT coalesce(sum(size), 0) FROM found) WHERE $4::bigint IS NULL AND $5::bytea IS NULL
        AND (SELECT count(*) FROM found) = cardinality($6::bytea[])
        ON CONFLICT DO NOTHING RETURNING workspace";

/// Uploads are locked first, so that none expires under the commit; what follows writes nothing
/// where the head did not move.
fn statement(moved: &str) -> String {
    format!(
        "WITH found AS (
            SELECT hash, length(bytes) AS size FROM sealed WHERE workspace = $1 AND hash = ANY ($6)
            ORDER BY hash FOR UPDATE
        ), moved AS ({moved}), new_entries AS (
            INSERT INTO entries (workspace, seq, bytes, leaves)
            SELECT $1, e.seq, e.bytes, e.leaves
            FROM moved, unnest($7::bigint[], $8::bytea[], $9::bytea[]) AS e (seq, bytes, leaves)
        ), new_deliveries AS (
            INSERT INTO deliveries (workspace, recipient, seq, position, hashes)
            SELECT $1, d.recipient, d.seq, d.position, d.hashes
            FROM moved, unnest($10::bytea[], $11::bigint[], $12::integer[], $13::bytea[])
                AS d (recipient, seq, position, hashes)
        ), new_sealed AS (
            INSERT INTO sealed (workspace, hash, used, stored, bytes)
            SELECT $1, s.hash, TRUE, 0, s.bytes
            FROM moved, unnest($14::bytea[], $15::bytea[]) AS s (hash, bytes)
            ON CONFLICT (workspace, hash) DO UPDATE SET used = TRUE
        ), named AS (
            UPDATE sealed SET used = TRUE FROM moved
            WHERE sealed.workspace = $1 AND sealed.hash = ANY ($6)
            AND NOT sealed.used AND sealed.hash <> ALL ($14)
        )
        SELECT EXISTS (SELECT FROM moved), ARRAY (SELECT hash FROM found),
            head_seq, head_hash
        FROM (SELECT) AS one LEFT JOIN workspaces ON workspace = $1"
    )
}

/// A commit by columns, as the statement takes it.
#[derive(Default)]
struct Columns<'a> {
    uploaded: Vec<&'a [u8]>,
    seqs: Vec<i64>,
    entries: Vec<&'a [u8]>,
    leaves: Vec<Vec<u8>>,
    recipients: Vec<&'a [u8]>,
    delivered: Vec<i64>,
    positions: Vec<i32>,
    hashes: Vec<Vec<u8>>,
    sealed_hashes: Vec<Vec<u8>>,
    sealed: Vec<&'a [u8]>,
}

pub(super) async fn append(client: &Client, append: &Append) -> Result<Appended, Error> {
    let Some(head) = append.head() else { return Ok(Appended::Committed) };
    let uploaded = uploaded(append);
    let columns = columns(append, &uploaded);
    let after = append.after;
    let (seq, hash) = (after.map(|head| number(head.seq)), after.map(|head| head.hash.0));
    let hash = hash.as_ref().map(<[u8; 32]>::as_slice);
    let (workspace, head_seq, head_hash) =
        (&append.workspace.0[..], number(head.seq), &head.hash.0[..]);
    let values: [&(dyn ToSql + Sync); 16] = [
        &workspace,
        &head_seq,
        &head_hash,
        &seq,
        &hash,
        &columns.uploaded,
        &columns.seqs,
        &columns.entries,
        &columns.leaves,
        &columns.recipients,
        &columns.delivered,
        &columns.positions,
        &columns.hashes,
        &columns.sealed_hashes,
        &columns.sealed,
        &(append.size() as i64),
    ];
    let sql = statement(if after.is_some() { FOLLOW } else { BEGIN });
    let row = client.query_one(&client.prepare_cached(&sql).await?, &values).await?;
    if row.try_get(0)? {
        return Ok(Appended::Committed);
    }
    let found: Vec<Vec<u8>> = row.try_get(1)?;
    Ok(refused(append, &found, head_of(&row, 2)?))
}

/// Why nothing was written, by what the statement saw when it began.
fn refused(append: &Append, found: &[Vec<u8>], head: Option<Head>) -> Appended {
    let is_missing = |hash: &SealedHash| !found.iter().any(|found| found[..] == hash.0);
    let missing: Vec<_> = append.uploaded().filter(is_missing).collect();
    match head == append.after && !missing.is_empty() {
        true => Appended::Missing(missing),
        false => Appended::Moved,
    }
}

fn uploaded(append: &Append) -> Vec<SealedHash> {
    let mut uploaded: Vec<_> = append.uploaded().collect();
    uploaded.sort_unstable();
    uploaded.dedup();
    uploaded
}

fn columns<'a>(append: &'a Append, uploaded: &'a [SealedHash]) -> Columns<'a> {
    let uploaded = uploaded.iter().map(|hash| &hash.0[..]).collect();
    let mut columns = Columns { uploaded, ..Columns::default() };
    let mut sealed = BTreeMap::new();
    for new in &append.entries {
        let seq = number(new.entry.head().seq);
        columns.seqs.push(seq);
        columns.entries.push(new.entry.bytes());
        columns.leaves.push(new.deliveries.iter().flat_map(|delivery| delivery.leaf).collect());
        for (position, delivery) in new.deliveries.iter().enumerate() {
            columns.recipients.push(&delivery.recipient.0);
            columns.delivered.push(seq);
            columns.positions.push(position as i32);
            columns.hashes.push(delivery.parts.iter().flat_map(|part| part.hash().0).collect());
            let inline =
                delivery.parts.iter().filter_map(|part| Some((part.hash(), part.bytes()?)));
            sealed.extend(inline);
        }
    }
    columns.sealed_hashes = sealed.keys().map(|hash| hash.0.to_vec()).collect();
    columns.sealed = sealed.into_values().map(Vec::as_slice).collect();
    columns
}
