//! What `export` wrote, into an empty database. Every entry is folded and every delivery checked on
//! the way, so a file that somebody edited is refused where the edit begins.

use std::{
    collections::{HashMap, HashSet},
    io::BufRead,
};

use agentsecrets_core::{
    encoding::{SealedHash, WorkspaceId},
    log::{
        Head, SignedEntry, State,
        deliveries::{leaf, sealed_hash},
    },
    wire::Bytes,
};

use super::{
    Failure, Result,
    export::{FORMAT, Line},
    verify::Log,
};
use crate::store::{Append, Appended, Listed, NewDelivery, NewEntry, Part, Store};

/// Entries and bytes of one commit.
const ENTRIES: usize = 200;
const BYTES: usize = 4 << 20;

/// Reads all lines into an empty database; how many. After a failure the database is to be emptied.
///
/// # Errors
/// Another format, a line that is none, a missing end, an entry that does not fold, or a database
/// that holds one of the workspaces already.
pub fn import(store: &dyn Store, lines: impl BufRead) -> Result<u64> {
    let (mut into, mut count, mut ended) = (Into::new(store), 0, false);
    for (number, text) in lines.lines().enumerate() {
        let at = |why: &str| Failure::new(format!("line {}: {why}", number + 1));
        let line = serde_json::from_str(&text?).map_err(|_| at("is none that `export` writes"))?;
        match (number, line) {
            (0, Line::Format(format)) if format == FORMAT => continue,
            (0, _) => return Err(at("is not the first of an export that this relay knows")),
            _ if ended => return Err(at("stands after the end")),
            (_, Line::End(lines)) if lines == count => ended = true,
            (_, Line::End(_)) => return Err(at("counts other lines than there are")),
            (_, line) => {
                into.take(line).map_err(|error| at(&error.to_string()))?;
                count += 1;
            }
        }
    }
    into.flush()?;
    if ended { Ok(count) } else { Err(Failure::new("the end is missing: the file is cut off")) }
}

/// Gathers lines into commits.
struct Into<'a> {
    store: &'a dyn Store,
    workspace: WorkspaceId,
    log: Log,
    after: Option<Head>,
    entries: Vec<NewEntry>,
    sealed: HashMap<SealedHash, Vec<u8>>,
    uploaded: HashSet<SealedHash>,
    bytes: usize,
}

impl<'a> Into<'a> {
    fn new(store: &'a dyn Store) -> Self {
        Self {
            store,
            workspace: WorkspaceId::ZERO,
            log: Log::default(),
            after: None,
            entries: Vec::new(),
            sealed: HashMap::new(),
            uploaded: HashSet::new(),
            bytes: 0,
        }
    }

    fn take(&mut self, line: Line) -> Result<()> {
        match line {
            Line::Sealed(workspace, Bytes(bytes)) => self.sealed(workspace, bytes),
            Line::Entry(workspace, Bytes(entry), deliveries) => {
                self.entry(workspace, &Listed { entry, deliveries })
            }
            Line::Ack(workspace, member, rank, Bytes(ack)) => {
                Ok(self.store.put_ack(workspace, member, rank, ack)?)
            }
            Line::Identity(id, Bytes(recipient)) => Ok(self.store.put_identity(id, recipient)?),
            Line::Reply(invite, workspace, Bytes(reply)) => {
                self.store.put_reply(invite, workspace, reply).map(drop).map_err(Failure::from)
            }
            Line::Format(_) | Line::End(_) => Err(Failure::new("stands in the wrong place")),
        }
    }

    /// Keeps bytes for the next entries; what is more than a commit takes goes ahead of it.
    fn sealed(&mut self, workspace: WorkspaceId, bytes: Vec<u8>) -> Result<()> {
        self.begin(workspace)?;
        self.bytes += bytes.len();
        self.sealed.insert(sealed_hash(&bytes), bytes);
        if self.bytes > BYTES {
            self.flush()?;
            for (hash, bytes) in self.sealed.drain() {
                self.store.put_sealed(&workspace, hash, bytes, crate::now())?;
                self.uploaded.insert(hash);
            }
        }
        Ok(())
    }

    fn entry(&mut self, workspace: WorkspaceId, listed: &Listed) -> Result<()> {
        self.begin(workspace)?;
        let entry = self.log.take(&workspace, listed).map_err(Failure::new)?;
        self.bytes += entry.bytes().len();
        let new = self.with_parts(entry, listed);
        self.entries.push(new);
        if self.entries.len() >= ENTRIES || self.bytes > BYTES { self.flush() } else { Ok(()) }
    }

    fn with_parts(&mut self, entry: SignedEntry, listed: &Listed) -> NewEntry {
        let Self { sealed, uploaded, .. } = self;
        let mut part = |hash: &SealedHash| match sealed.remove(hash) {
            Some(bytes) => Part::Inline(*hash, bytes),
            None if uploaded.contains(hash) => Part::Uploaded(*hash),
            None => Part::Gone(*hash),
        };
        let deliveries = listed.deliveries.iter().map(|(recipient, hashes)| NewDelivery {
            recipient: *recipient,
            leaf: leaf(recipient, hashes),
            parts: hashes.iter().map(&mut part).collect(),
        });
        NewEntry { deliveries: deliveries.collect(), entry }
    }

    fn begin(&mut self, workspace: WorkspaceId) -> Result<()> {
        if self.workspace != workspace {
            self.flush()?;
            *self = Self { workspace, ..Self::new(self.store) };
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let entries = std::mem::take(&mut self.entries);
        self.bytes = self.sealed.values().map(Vec::len).sum();
        if entries.is_empty() {
            return Ok(());
        }
        let append = Append { workspace: self.workspace, after: self.after, entries };
        self.after = self.log.0.as_ref().map(State::head);
        match self.store.append(append)? {
            Appended::Committed => Ok(()),
            Appended::Moved => {
                let why = "is in the database already: import into an empty one";
                Err(Failure::new(format!("workspace {} {why}", self.workspace)))
            }
            Appended::Missing(_) => Err(Failure::new("uploads went away during the import")),
        }
    }
}
