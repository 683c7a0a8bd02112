//! Walking the whole database.

use agentsecrets_core::encoding::{EntryHash, MemberId, SealedHash, WorkspaceId};
use tokio_postgres::{Error, Row, types::ToSql};

use super::{
    PostgresStore, reads,
    reads::{chunks, node, number},
    writes,
};
use crate::store::{Archive, Listed, RankedAck, Result};

impl PostgresStore {
    fn all<T>(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
        one: impl Fn(&Row) -> std::result::Result<T, Error>,
    ) -> Result<Vec<T>> {
        self.run(async |client| reads::rows(client, sql, values).await?.iter().map(&one).collect())
    }
}

impl Archive for PostgresStore {
    fn workspaces(&self, after: Option<&WorkspaceId>, limit: usize) -> Result<Vec<WorkspaceId>> {
        let (after, limit) = (after.map_or(&[][..], |id| &id.0), number(limit as u64));
        let sql = "SELECT workspace FROM workspaces WHERE workspace > $1 ORDER BY 1 LIMIT $2";
        self.all(sql, &[&after, &limit], |row| Ok(WorkspaceId(node(row.try_get(0)?))))
    }

    fn listed(&self, workspace: &WorkspaceId, from: u64, limit: usize) -> Result<Vec<Listed>> {
        let sql = "SELECT e.bytes,
                ARRAY (SELECT d.recipient FROM deliveries d
                    WHERE d.workspace = e.workspace AND d.seq = e.seq ORDER BY d.position),
                ARRAY (SELECT d.hashes FROM deliveries d
                    WHERE d.workspace = e.workspace AND d.seq = e.seq ORDER BY d.position)
            FROM entries e WHERE e.workspace = $1 AND e.seq >= $2 ORDER BY e.seq LIMIT $3";
        let one = |row: &Row| {
            let (recipients, hashes): (Vec<&[u8]>, Vec<&[u8]>) = (row.try_get(1)?, row.try_get(2)?);
            let hashes = hashes.into_iter().map(|all| chunks(all).map(SealedHash).collect());
            let recipients = recipients.into_iter().map(|id| MemberId(node(id)));
            Ok(Listed { entry: row.try_get(0)?, deliveries: recipients.zip(hashes).collect() })
        };
        self.all(sql, &[&&workspace.0[..], &number(from), &number(limit as u64)], one)
    }

    fn sealed(&self, workspace: &WorkspaceId, hash: &SealedHash) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT bytes FROM sealed WHERE workspace = $1 AND hash = $2";
        let found = self.all(sql, &[&&workspace.0[..], &&hash.0[..]], |row| row.try_get(0));
        Ok(found?.pop())
    }

    fn drop_sealed(&self, workspace: &WorkspaceId, hashes: Vec<SealedHash>) -> Result<usize> {
        self.run(async |client| writes::drop_sealed(client, workspace, &hashes).await)
    }

    fn ranked_acks(&self, workspace: &WorkspaceId) -> Result<Vec<RankedAck>> {
        let sql =
            "SELECT member, adopted, seq, time, bytes FROM acks WHERE workspace = $1 ORDER BY 1";
        let one = |row: &Row| {
            let number = |column| Ok(row.try_get::<_, i64>(column)?.unsigned_abs());
            let adopted = u32::try_from(number(1)?).unwrap_or(u32::MAX);
            let rank = (adopted, number(2)?, number(3)?);
            Ok(RankedAck { member: MemberId(node(row.try_get(0)?)), rank, bytes: row.try_get(4)? })
        };
        self.all(sql, &[&&workspace.0[..]], one)
    }

    fn identities(
        &self,
        after: Option<&MemberId>,
        limit: usize,
    ) -> Result<Vec<(MemberId, Vec<u8>)>> {
        let (after, limit) = (after.map_or(&[][..], |id| &id.0), number(limit as u64));
        let sql = "SELECT id, recipient FROM identities WHERE id > $1 ORDER BY 1 LIMIT $2";
        let one = |row: &Row| Ok((MemberId(node(row.try_get(0)?)), row.try_get(1)?));
        self.all(sql, &[&after, &limit], one)
    }

    fn replies(
        &self,
        after: Option<&EntryHash>,
        limit: usize,
    ) -> Result<Vec<(EntryHash, WorkspaceId, Vec<u8>)>> {
        let (after, limit) = (after.map_or(&[][..], |id| &id.0), number(limit as u64));
        let sql =
            "SELECT invite, workspace, bytes FROM replies WHERE invite > $1 ORDER BY 1 LIMIT $2";
        let one = |row: &Row| {
            let ids = (EntryHash(node(row.try_get(0)?)), WorkspaceId(node(row.try_get(1)?)));
            Ok((ids.0, ids.1, row.try_get(2)?))
        };
        self.all(sql, &[&after, &limit], one)
    }
}
