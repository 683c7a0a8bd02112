//! Everything in a database as lines of JSON, for another database: sealed bytes stand before the
//! entry that lists them, and the last line says how many lines there were.

use std::io::Write;

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    wire::Bytes,
};
use serde::{Deserialize, Serialize};

use super::{Failure, PAGE, Result, each_workspace};
use crate::store::{Archive, Listed};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// The first one.
    Format(String),
    /// Sealed bytes of the entries that follow.
    Sealed(WorkspaceId, Bytes),
    /// An entry, and for whom it lists which hashes.
    Entry(WorkspaceId, Bytes, Vec<(MemberId, Vec<SealedHash>)>),
    /// An ack with its rank.
    Ack(WorkspaceId, MemberId, (u32, u64, u64), Bytes),
    /// A recipient under its id.
    Identity(MemberId, Bytes),
    /// A reply to an invitation.
    Reply(EntryHash, WorkspaceId, Bytes),
    /// The last one: how many stand between it and the first.
    End(u64),
}

/// What the first line says.
pub const FORMAT: &str = "agentsecrets-relay-export 1";

struct Lines<W> {
    out: W,
    count: u64,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, line: &Line) -> Result<()> {
        let text = serde_json::to_string(line).map_err(|error| Failure::new(error.to_string()))?;
        writeln!(self.out, "{text}")?;
        self.count += 1;
        Ok(())
    }
}

/// Writes all of a database; how many lines. What is committed meanwhile may or may not be there.
///
/// # Errors
/// What the database or the output refuses.
pub fn export(store: &dyn Archive, out: impl Write) -> Result<u64> {
    let mut lines = Lines { out, count: 0 };
    lines.write(&Line::Format(FORMAT.to_owned()))?;
    each_workspace(store, |workspace| log(store, workspace, &mut lines))?;
    identities(store, &mut lines)?;
    replies(store, &mut lines)?;
    let count = lines.count - 1;
    lines.write(&Line::End(count))?;
    lines.out.flush()?;
    Ok(count)
}

fn log<W: Write>(store: &dyn Archive, workspace: WorkspaceId, lines: &mut Lines<W>) -> Result<()> {
    let mut next = 0;
    loop {
        let page = store.listed(&workspace, next, PAGE)?;
        if page.is_empty() {
            break;
        }
        next += page.len() as u64;
        page.into_iter().try_for_each(|listed| entry(store, workspace, listed, lines))?;
    }
    for ack in store.ranked_acks(&workspace)? {
        lines.write(&Line::Ack(workspace, ack.member, ack.rank, Bytes(ack.bytes)))?;
    }
    Ok(())
}

fn entry<W: Write>(
    store: &dyn Archive,
    workspace: WorkspaceId,
    listed: Listed,
    lines: &mut Lines<W>,
) -> Result<()> {
    for hash in listed.deliveries.iter().flat_map(|(_, hashes)| hashes) {
        if let Some(bytes) = store.sealed(&workspace, hash)? {
            lines.write(&Line::Sealed(workspace, Bytes(bytes)))?;
        }
    }
    lines.write(&Line::Entry(workspace, Bytes(listed.entry), listed.deliveries))
}

fn identities<W: Write>(store: &dyn Archive, lines: &mut Lines<W>) -> Result<()> {
    let mut after = None;
    loop {
        let page = store.identities(after.as_ref(), PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (id, recipient) in page {
            lines.write(&Line::Identity(id, Bytes(recipient)))?;
        }
    }
}

fn replies<W: Write>(store: &dyn Archive, lines: &mut Lines<W>) -> Result<()> {
    let mut after = None;
    loop {
        let page = store.replies(after.as_ref(), PAGE)?;
        let Some((last, ..)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (invite, workspace, reply) in page {
            lines.write(&Line::Reply(invite, workspace, Bytes(reply)))?;
        }
    }
}
