//! Walking the whole database.

use std::path::Path;

use agentsecrets_core::encoding::{EntryHash, MemberId, SealedHash, WorkspaceId};
use rusqlite::{Connection, OpenFlags, Row, params};

use super::{
    Result, SqliteStore, failed,
    reads::{self, chunks, number},
    writer::Work,
};
use crate::store::{Archive, Listed, RankedAck};

impl SqliteStore {
    /// Writes a consistent copy of a database, of whatever schema, to a new file while its relay
    /// goes on.
    ///
    /// # Errors
    /// What SQLite refuses, as a file that is there already.
    pub fn copy(from: &Path, to: &Path) -> Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = super::open(from, flags).map_err(failed)?;
        let to = to.to_string_lossy();
        connection.execute("VACUUM INTO ?1", [to]).map(drop).map_err(failed)
    }

    /// What SQLite itself finds wrong with the file; nothing where it is whole.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn integrity(&self) -> Result<Vec<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            let found = statement.query_map([], |row| row.get::<_, String>(0))?;
            let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(found.into_iter().filter(|line| line != "ok").collect())
        })
    }
}

impl Archive for SqliteStore {
    fn workspaces(&self, after: Option<&WorkspaceId>, limit: usize) -> Result<Vec<WorkspaceId>> {
        let after = after.map_or(&[][..], |id| &id.0);
        let sql = "SELECT workspace FROM workspaces WHERE workspace > ?1 ORDER BY 1 LIMIT ?2";
        self.read(|connection| {
            all(connection, sql, params![after, number(limit as u64)], |row| {
                Ok(WorkspaceId(row.get(0)?))
            })
        })
    }

    fn listed(&self, workspace: &WorkspaceId, from: u64, limit: usize) -> Result<Vec<Listed>> {
        self.read(|connection| listed(connection, workspace, from, limit))
    }

    fn sealed(&self, workspace: &WorkspaceId, hash: &SealedHash) -> Result<Option<Vec<u8>>> {
        self.read(|connection| reads::sealed(connection, workspace, hash))
    }

    fn drop_sealed(&self, workspace: &WorkspaceId, hashes: Vec<SealedHash>) -> Result<usize> {
        let workspace = *workspace;
        self.writer.run(0, |reply| Work::Drop { workspace, hashes, reply })
    }

    fn ranked_acks(&self, workspace: &WorkspaceId) -> Result<Vec<RankedAck>> {
        let sql = "SELECT member, adopted, seq, time, bytes FROM acks WHERE workspace = ?1 ORDER BY member";
        let ack = |row: &Row<'_>| {
            let (seq, time): (i64, i64) = (row.get(2)?, row.get(3)?);
            let rank = (row.get(1)?, seq.unsigned_abs(), time.unsigned_abs());
            Ok(RankedAck { member: MemberId(row.get(0)?), rank, bytes: row.get(4)? })
        };
        self.read(|connection| all(connection, sql, params![workspace.0], ack))
    }

    fn identities(
        &self,
        after: Option<&MemberId>,
        limit: usize,
    ) -> Result<Vec<(MemberId, Vec<u8>)>> {
        let after = after.map_or(&[][..], |id| &id.0);
        let sql = "SELECT id, recipient FROM identities WHERE id > ?1 ORDER BY 1 LIMIT ?2";
        let identity = |row: &Row<'_>| Ok((MemberId(row.get(0)?), row.get(1)?));
        self.read(|connection| all(connection, sql, params![after, number(limit as u64)], identity))
    }

    fn replies(
        &self,
        after: Option<&EntryHash>,
        limit: usize,
    ) -> Result<Vec<(EntryHash, WorkspaceId, Vec<u8>)>> {
        let after = after.map_or(&[][..], |id| &id.0);
        let sql =
            "SELECT invite, workspace, bytes FROM replies WHERE invite > ?1 ORDER BY 1 LIMIT ?2";
        let reply =
            |row: &Row<'_>| Ok((EntryHash(row.get(0)?), WorkspaceId(row.get(1)?), row.get(2)?));
        self.read(|connection| all(connection, sql, params![after, number(limit as u64)], reply))
    }
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    one: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(values, one)?.collect()
}

fn listed(
    connection: &Connection,
    workspace: &WorkspaceId,
    from: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Listed>> {
    let Some((id, _)) = reads::workspace(connection, workspace)? else { return Ok(Vec::new()) };
    let sql = "SELECT seq, bytes FROM entries WHERE id = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
    let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?));
    let entries = all(connection, sql, params![id, number(from), number(limit as u64)], row)?;
    let deliveries =
        "SELECT recipient, hashes FROM deliveries WHERE id = ?1 AND seq = ?2 ORDER BY position";
    let delivery = |row: &Row<'_>| {
        let hashes = chunks(row.get(1)?).map(SealedHash).collect();
        Ok((MemberId(row.get(0)?), hashes))
    };
    let one = |(seq, entry): (i64, Vec<u8>)| {
        let deliveries = all(connection, deliveries, params![id, seq], delivery)?;
        Ok(Listed { entry, deliveries })
    };
    entries.into_iter().map(one).collect()
}
