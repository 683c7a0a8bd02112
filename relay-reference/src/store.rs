//! What a database has to do for the relay. Calls block; every backend passes one conformance suite.

use std::{fmt, sync::Arc};

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    log::{Head, SignedEntry, deliveries::Node},
};

use crate::watch::Watch;

/// Walking a whole database.
pub mod archive;
/// Everything in memory, gone with the process: for tests.
pub mod memory;
/// PostgreSQL, shared by relays.
#[cfg(feature = "postgres")]
pub mod postgres;
/// SQLite, embedded.
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use archive::{Archive, Listed, RankedAck};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

/// Why a store did not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Too much is queued, or this work waited too long. Nothing was stored.
    Overloaded,
    /// No room on the disk. Nothing was stored.
    Full,
    /// The database does not answer. What was asked of it may have been done; doing it again is safe.
    Unreachable,
    /// Anything else, in words without contents.
    Failed(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overloaded => f.write_str("too much is queued"),
            Self::Full => f.write_str("the disk is full"),
            Self::Unreachable => f.write_str("the database does not answer"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StoreError {}

/// What a store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// One commit, checked by the rules: the entries and what each delivers.
#[derive(Clone, Debug)]
pub struct Append {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The head that it follows; `None` begins the workspace.
    pub after: Option<Head>,
    /// Entries in order, at least one.
    pub entries: Vec<NewEntry>,
}

impl Append {
    /// The head after it.
    pub fn head(&self) -> Option<Head> {
        self.entries.last().map(|new| new.entry.head())
    }

    /// Hashes of uploads that it names, as often as it does.
    pub fn uploaded(&self) -> impl Iterator<Item = SealedHash> {
        let parts = self.entries.iter().flat_map(|new| &new.deliveries).flat_map(|d| &d.parts);
        parts.filter_map(|part| match part {
            Part::Uploaded(hash) => Some(*hash),
            Part::Inline(..) | Part::Gone(_) => None,
        })
    }

    /// Bytes that it brings along.
    pub fn size(&self) -> usize {
        let parts = self.entries.iter().flat_map(|new| &new.deliveries).flat_map(|d| &d.parts);
        let sealed: usize = parts.filter_map(Part::bytes).map(Vec::len).sum();
        sealed + self.entries.iter().map(|new| new.entry.bytes().len()).sum::<usize>()
    }
}

/// An entry and all that it delivers, sorted by recipient.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The entry.
    pub entry: SignedEntry,
    /// In the order of the leaves.
    pub deliveries: Vec<NewDelivery>,
}

/// What one recipient gets.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Who.
    pub recipient: MemberId,
    /// Its leaf.
    pub leaf: Node,
    /// Sealed parts in order.
    pub parts: Vec<Part>,
}

/// One sealed part.
#[derive(Clone, Debug)]
pub enum Part {
    /// Comes along with the commit.
    Inline(SealedHash, Vec<u8>),
    /// Was uploaded before.
    Uploaded(SealedHash),
    /// Nobody has it any more: an older database is taken over that had dropped it.
    Gone(SealedHash),
}

impl Part {
    /// Its hash.
    pub fn hash(&self) -> SealedHash {
        match self {
            Self::Inline(hash, _) | Self::Uploaded(hash) | Self::Gone(hash) => *hash,
        }
    }

    /// Its bytes, where they came along.
    pub fn bytes(&self) -> Option<&Vec<u8>> {
        match self {
            Self::Inline(_, bytes) => Some(bytes),
            Self::Uploaded(_) | Self::Gone(_) => None,
        }
    }
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Durable.
    Committed,
    /// The head is another one; nothing was stored.
    Moved,
    /// These uploads are not there; nothing was stored.
    Missing(Vec<SealedHash>),
}

/// What one entry delivered to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Number of the entry.
    pub seq: u64,
    /// The recipient's place among the leaves.
    pub position: usize,
    /// All leaves of the entry.
    pub leaves: Vec<Node>,
    /// Hashes of the parts.
    pub hashes: Vec<SealedHash>,
    /// The parts; `None` for one that is not there any more.
    pub parts: Vec<Option<Vec<u8>>>,
}

/// What decides between two acks of one member: adoptions, entry, time.
pub type AckRank = (u32, u64, u64);

/// What became of a reply to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replied {
    /// Stored now.
    Stored,
    /// The very same bytes were there.
    Same,
    /// Another reply was there; it stays.
    Taken,
}

/// A database of the relay. What a call returned as done survives a crash.
pub trait Store: Send + Sync {
    /// Commits atomically if the head is still `append.after`.
    fn append(&self, append: Append) -> Result<Appended>;
    /// The newest entry; `None` for an unknown workspace.
    fn head(&self, workspace: &WorkspaceId) -> Result<Option<Head>>;
    /// Entries from number `from` on: at most `limit`, at most `bytes`, at least one if there is one.
    fn entries(
        &self,
        workspace: &WorkspaceId,
        from: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Vec<u8>>>;
    /// Keeps sealed bytes, of a workspace that may not be there yet, until a commit names them or
    /// they expire.
    fn put_sealed(
        &self,
        workspace: &WorkspaceId,
        hash: SealedHash,
        bytes: Vec<u8>,
        now: u64,
    ) -> Result<()>;
    /// What a member got by entries from `from` on, within `bytes` but at least one; and whether
    /// there is more.
    fn deliveries(
        &self,
        workspace: &WorkspaceId,
        recipient: &MemberId,
        from: u64,
        bytes: usize,
    ) -> Result<(Vec<Delivered>, bool)>;
    /// Keeps a recipient under its id.
    fn put_identity(&self, id: MemberId, recipient: Vec<u8>) -> Result<()>;
    /// A recipient by its id.
    fn identity(&self, id: &MemberId) -> Result<Option<Vec<u8>>>;
    /// Keeps the first reply to an invitation.
    fn put_reply(
        &self,
        invite: EntryHash,
        workspace: WorkspaceId,
        reply: Vec<u8>,
    ) -> Result<Replied>;
    /// The reply to an invitation and its workspace.
    fn reply(&self, invite: &EntryHash) -> Result<Option<(WorkspaceId, Vec<u8>)>>;
    /// Keeps a member's ack, unless one of a greater rank is there.
    fn put_ack(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
        rank: AckRank,
        ack: Vec<u8>,
    ) -> Result<()>;
    /// The newest ack of each member.
    fn acks(&self, workspace: &WorkspaceId) -> Result<Vec<Vec<u8>>>;
    /// Remembers that somebody was admitted to a workspace, or founded one.
    fn admit(&self, ids: Vec<MemberId>) -> Result<()>;
    /// Whether somebody ever was.
    fn is_admitted(&self, id: &MemberId) -> Result<bool>;
    /// Bytes that a workspace holds: entries, and sealed parts that commits name.
    fn usage(&self, workspace: &WorkspaceId) -> Result<u64>;
    /// Drops uploads from before `before` (seconds) that no commit named; how many.
    fn prune(&self, before: u64) -> Result<usize>;
    /// Writes something small, durably: fails where a commit would fail.
    fn beat(&self) -> Result<()>;
    /// Writes that wait.
    fn queue_depth(&self) -> usize;
    /// Bytes on the disk.
    fn disk_bytes(&self) -> u64;
    /// From now on tells `watch` of commits by other processes, as hints. Where one process has the
    /// database to itself there are none.
    fn follow(&self, _watch: &Arc<Watch>) {}
    /// Finishes what is queued and tidies up; later writes are refused.
    fn close(&self);
}
