//! What operators' commands need of a database beside what the relay does: to walk all of it.

use agentsecrets_core::encoding::{EntryHash, MemberId, SealedHash, WorkspaceId};

use super::{AckRank, Result, Store};

/// An entry with the hashes of what it delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The entry as it was signed.
    pub entry: Vec<u8>,
    /// Recipients in the order of the leaves, each with the hashes of its parts; none where an entry
    /// came without its deliveries.
    pub deliveries: Vec<(MemberId, Vec<SealedHash>)>,
}

/// A member's ack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedAck {
    /// Whose.
    pub member: MemberId,
    /// What decides between two.
    pub rank: AckRank,
    /// As it was signed.
    pub bytes: Vec<u8>,
}

/// A store that can be walked from one end to the other. Pages begin after what came last.
pub trait Archive: Store {
    /// Workspaces, sorted.
    fn workspaces(&self, after: Option<&WorkspaceId>, limit: usize) -> Result<Vec<WorkspaceId>>;
    /// Entries from `from` on with what they deliver, but not the bytes of that.
    fn listed(&self, workspace: &WorkspaceId, from: u64, limit: usize) -> Result<Vec<Listed>>;
    /// Sealed bytes; `None` where they are not there.
    fn sealed(&self, workspace: &WorkspaceId, hash: &SealedHash) -> Result<Option<Vec<u8>>>;
    /// Forgets sealed bytes; how many were there.
    fn drop_sealed(&self, workspace: &WorkspaceId, hashes: Vec<SealedHash>) -> Result<usize>;
    /// All acks of a workspace, sorted by member.
    fn ranked_acks(&self, workspace: &WorkspaceId) -> Result<Vec<RankedAck>>;
    /// Recipients, sorted by id.
    fn identities(
        &self,
        after: Option<&MemberId>,
        limit: usize,
    ) -> Result<Vec<(MemberId, Vec<u8>)>>;
    /// Replies, sorted by invitation.
    fn replies(
        &self,
        after: Option<&EntryHash>,
        limit: usize,
    ) -> Result<Vec<(EntryHash, WorkspaceId, Vec<u8>)>>;
}
