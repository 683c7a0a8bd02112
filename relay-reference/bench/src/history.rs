//! What happened, as lines of JSON: who asked for what, when, and what came back.

use std::io::{self, BufRead, Write};

use agentsecrets_core::{
    encoding::{EntryHash, WorkspaceId},
    log::{Body, SignedEntry},
};
use serde::{Deserialize, Serialize};

/// Nanoseconds since the recorder started, by one clock that never steps.
pub type Nanos = u64;

/// An entry's place in the chain, computed from its bytes and not taken from any relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: EntryHash,
    /// The hash of the one before it; zero in Genesis.
    pub prev: EntryHash,
}

impl Link {
    /// Of an entry.
    pub fn of(entry: &SignedEntry) -> Self {
        let head = entry.head();
        Self { seq: head.seq, hash: head.hash, prev: entry.entry().prev }
    }
}

/// The workspace that an entry belongs to.
pub fn workspace_of(entry: &SignedEntry) -> WorkspaceId {
    match entry.entry().body {
        Body::Genesis(_) => WorkspaceId(entry.hash().0),
        _ => entry.entry().workspace,
    }
}

/// What the one who wrote knows about what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 201 or 200: it is there and stays.
    Acknowledged,
    /// An answer that promises that it is not there and never will be.
    Refused,
    /// No answer, or one that promises nothing.
    Unknown,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Event {
    /// Entries were sent to follow one another; several times where the outcome stayed unknown.
    Append {
        /// The workspace.
        workspace: WorkspaceId,
        /// Entries in order.
        links: Vec<Link>,
        /// Before the first attempt.
        invoked: Nanos,
        /// After the answer that settled it, or after the last attempt.
        done: Nanos,
        /// What is known.
        outcome: Outcome,
        /// The head that the relay named, where it acknowledged.
        head: Option<(u64, EntryHash)>,
    },
    /// A page of the log came.
    Read {
        /// Who read: readers and watchers have numbers.
        reader: u32,
        /// The workspace.
        workspace: WorkspaceId,
        /// The last entry known before; `None` for none.
        after: Option<u64>,
        /// Before it was asked for.
        invoked: Nanos,
        /// After it came.
        done: Nanos,
        /// The page.
        links: Vec<Link>,
        /// The head that the relay named.
        head: (u64, EntryHash),
    },
    /// Somebody waited for news all this time, by reads with the same number.
    Watch {
        /// Who.
        reader: u32,
        /// The workspace.
        workspace: WorkspaceId,
        /// The last entry known at the start; `None` for none.
        after: Option<u64>,
        /// Start.
        from: Nanos,
        /// End.
        until: Nanos,
    },
    /// The fault kept watchers from a relay; their time does not run.
    Outage {
        /// Start.
        from: Nanos,
        /// End.
        until: Nanos,
    },
    /// The whole log, read after everything had ended.
    Final {
        /// The workspace.
        workspace: WorkspaceId,
        /// All of its entries.
        links: Vec<Link>,
    },
}

/// Writes events, one a line.
///
/// # Errors
/// What the writer refuses.
pub fn write(events: &[Event], mut to: impl Write) -> io::Result<()> {
    for event in events {
        serde_json::to_writer(&mut to, event)?;
        to.write_all(b"\n")?;
    }
    to.flush()
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// What the reader refuses, or a line that is no event.
pub fn read(from: impl BufRead) -> io::Result<Vec<Event>> {
    from.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}
