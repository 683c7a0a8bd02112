//! Everything in memory, gone with the process: for tests.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    log::{Head, deliveries::Node},
};

use super::{AckRank, Append, Appended, Delivered, NewEntry, Part, Replied, Result, Store};

#[derive(Default)]
struct Workspace {
    head: Option<Head>,
    entries: Vec<Vec<u8>>,
    leaves: BTreeMap<u64, Vec<Node>>,
    deliveries: BTreeMap<(MemberId, u64), (usize, Vec<SealedHash>)>,
    sealed: HashMap<SealedHash, Sealed>,
    bytes: u64,
}

struct Sealed {
    bytes: Vec<u8>,
    stored: u64,
    used: bool,
}

#[derive(Default)]
struct Tables {
    workspaces: HashMap<WorkspaceId, Workspace>,
    identities: HashMap<MemberId, Vec<u8>>,
    acks: BTreeMap<(WorkspaceId, MemberId), Ranked>,
    replies: HashMap<EntryHash, (WorkspaceId, Vec<u8>)>,
    admitted: HashSet<MemberId>,
}

/// An ack with its rank.
type Ranked = (AckRank, Vec<u8>);

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore(Mutex<Tables>);

impl MemoryStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workspace {
    fn missing(&self, append: &Append) -> Vec<SealedHash> {
        append.uploaded().filter(|hash| !self.sealed.contains_key(hash)).collect()
    }

    fn uploaded_size(&self, append: &Append) -> usize {
        let named: HashSet<_> = append.uploaded().collect();
        named.iter().filter_map(|hash| self.sealed.get(hash)).map(|found| found.bytes.len()).sum()
    }

    fn take(&mut self, new: NewEntry) {
        let head = new.entry.head();
        self.head = Some(head);
        self.entries.push(new.entry.bytes().to_vec());
        self.leaves.insert(head.seq, new.deliveries.iter().map(|d| d.leaf).collect());
        for (position, delivery) in new.deliveries.into_iter().enumerate() {
            let hashes = delivery.parts.iter().map(Part::hash).collect();
            self.deliveries.insert((delivery.recipient, head.seq), (position, hashes));
            delivery.parts.into_iter().for_each(|part| self.take_part(part));
        }
    }

    fn take_part(&mut self, part: Part) {
        match part {
            Part::Inline(hash, bytes) => {
                self.sealed.insert(hash, Sealed { bytes, stored: 0, used: true });
            }
            Part::Uploaded(hash) => {
                if let Some(sealed) = self.sealed.get_mut(&hash) {
                    sealed.used = true;
                }
            }
            Part::Gone(_) => {}
        }
    }

    fn delivered(&self, seq: u64, position: usize, hashes: &[SealedHash]) -> Delivered {
        let part = |hash| self.sealed.get(hash).map(|sealed| sealed.bytes.clone());
        Delivered {
            seq,
            position,
            leaves: self.leaves.get(&seq).cloned().unwrap_or_default(),
            hashes: hashes.to_vec(),
            parts: hashes.iter().map(part).collect(),
        }
    }
}

impl Store for MemoryStore {
    fn append(&self, append: Append) -> Result<Appended> {
        let mut tables = self.tables();
        let known = tables.workspaces.get(&append.workspace);
        if known.and_then(|workspace| workspace.head) != append.after {
            return Ok(Appended::Moved);
        }
        let nothing = Workspace::default();
        let missing = known.unwrap_or(&nothing).missing(&append);
        if !missing.is_empty() {
            return Ok(Appended::Missing(missing));
        }
        let workspace = tables.workspaces.entry(append.workspace).or_default();
        workspace.bytes += (append.size() + workspace.uploaded_size(&append)) as u64;
        append.entries.into_iter().for_each(|new| workspace.take(new));
        Ok(Appended::Committed)
    }

    fn head(&self, workspace: &WorkspaceId) -> Result<Option<Head>> {
        Ok(self.tables().workspaces.get(workspace).and_then(|workspace| workspace.head))
    }

    fn entries(
        &self,
        workspace: &WorkspaceId,
        from: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Vec<u8>>> {
        let tables = self.tables();
        let Some(workspace) = tables.workspaces.get(workspace) else { return Ok(Vec::new()) };
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let mut total = 0;
        let page = workspace.entries.iter().skip(from).take(limit).take_while(|entry| {
            let first = total == 0;
            total += entry.len();
            first || total <= bytes
        });
        Ok(page.cloned().collect())
    }

    fn put_sealed(
        &self,
        workspace: &WorkspaceId,
        hash: SealedHash,
        bytes: Vec<u8>,
        now: u64,
    ) -> Result<()> {
        let mut tables = self.tables();
        let sealed = &mut tables.workspaces.entry(*workspace).or_default().sealed;
        let fresh = Sealed { bytes, stored: now, used: false };
        sealed.entry(hash).or_insert(fresh).stored = now;
        Ok(())
    }

    fn deliveries(
        &self,
        workspace: &WorkspaceId,
        recipient: &MemberId,
        from: u64,
        bytes: usize,
    ) -> Result<(Vec<Delivered>, bool)> {
        let tables = self.tables();
        let mut page: Vec<Delivered> = Vec::new();
        let Some(workspace) = tables.workspaces.get(workspace) else { return Ok((page, false)) };
        let mut total = 0;
        let range = (*recipient, from)..=(*recipient, u64::MAX);
        for ((_, seq), (position, hashes)) in workspace.deliveries.range(range) {
            let delivered = workspace.delivered(*seq, *position, hashes);
            total += delivered.parts.iter().flatten().map(Vec::len).sum::<usize>();
            if total > bytes && !page.is_empty() {
                return Ok((page, true));
            }
            page.push(delivered);
        }
        Ok((page, false))
    }

    fn put_ack(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
        rank: AckRank,
        ack: Vec<u8>,
    ) -> Result<()> {
        let mut tables = self.tables();
        let slot = tables.acks.entry((workspace, member)).or_default();
        if slot.1.is_empty() || rank > slot.0 {
            *slot = (rank, ack);
        }
        Ok(())
    }

    fn acks(&self, workspace: &WorkspaceId) -> Result<Vec<Vec<u8>>> {
        let tables = self.tables();
        let of_it = tables.acks.iter().filter(|((of, _), _)| of == workspace);
        Ok(of_it.map(|(_, (_, ack))| ack.clone()).collect())
    }

    fn put_identity(&self, id: MemberId, recipient: Vec<u8>) -> Result<()> {
        self.tables().identities.insert(id, recipient);
        Ok(())
    }

    fn identity(&self, id: &MemberId) -> Result<Option<Vec<u8>>> {
        Ok(self.tables().identities.get(id).cloned())
    }

    fn put_reply(
        &self,
        invite: EntryHash,
        workspace: WorkspaceId,
        reply: Vec<u8>,
    ) -> Result<Replied> {
        let mut tables = self.tables();
        match tables.replies.get(&invite) {
            Some(known) if *known == (workspace, reply.clone()) => Ok(Replied::Same),
            Some(_) => Ok(Replied::Taken),
            None => {
                tables.replies.insert(invite, (workspace, reply));
                Ok(Replied::Stored)
            }
        }
    }

    fn reply(&self, invite: &EntryHash) -> Result<Option<(WorkspaceId, Vec<u8>)>> {
        Ok(self.tables().replies.get(invite).cloned())
    }

    fn admit(&self, ids: Vec<MemberId>) -> Result<()> {
        self.tables().admitted.extend(ids);
        Ok(())
    }

    fn is_admitted(&self, id: &MemberId) -> Result<bool> {
        Ok(self.tables().admitted.contains(id))
    }

    fn usage(&self, workspace: &WorkspaceId) -> Result<u64> {
        Ok(self.tables().workspaces.get(workspace).map_or(0, |found| found.bytes))
    }

    fn prune(&self, before: u64) -> Result<usize> {
        let mut pruned = 0;
        for workspace in self.tables().workspaces.values_mut() {
            let held = workspace.sealed.len();
            workspace.sealed.retain(|_, sealed| sealed.used || sealed.stored >= before);
            pruned += held - workspace.sealed.len();
        }
        Ok(pruned)
    }

    fn beat(&self) -> Result<()> {
        Ok(())
    }

    fn queue_depth(&self) -> usize {
        0
    }

    fn disk_bytes(&self) -> u64 {
        0
    }

    fn close(&self) {}
}
