//! A batch of entries under construction, and its commit: to the relay, or to the vault of a local
//! workspace.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{
    relay::{Outcome, Relay},
    replica::{Replica, Unpublished, keys, load, store},
    session::Session,
};
use crate::{
    crypto::Entropy,
    encoding::{BatchId, DeliveriesRoot, EnvironmentId, MemberId, SealedHash},
    error::{Error, ErrorCode, Result},
    log::{
        Body, Entry, SignedEntry, State,
        deliveries::{leaf, root, sealed_hash},
        membership::Member,
    },
    parcel::{self, Envelope, ParcelItem},
    sealed_box, weakened,
    wire::{Bytes, Commit, Delivery},
};

/// Sealed bytes over this size in one commit are uploaded ahead of it.
const INLINE: usize = 2 << 20;
/// How often a batch is built again because others came first.
pub(super) const REBASES: usize = 8;

/// Sealed parts by recipient.
pub(super) type Parts = BTreeMap<MemberId, Vec<Vec<u8>>>;

/// Entries on top of a state, each applied to it by the same fold that everybody runs.
pub(super) struct Batch {
    pub(super) state: State,
    pub(super) entries: Vec<SignedEntry>,
    deliveries: Vec<Parts>,
}

impl Batch {
    pub(super) fn on(state: &State) -> Self {
        Self { state: state.clone(), entries: Vec::new(), deliveries: Vec::new() }
    }

    /// Number of the entry that comes next.
    pub(super) fn next_seq(&self) -> u64 {
        self.state.head().seq + 1
    }

    /// Signs an entry, applies it, and keeps what it delivers.
    pub(super) fn add(&mut self, session: &Session, body: Body, parts: Parts) -> Result<()> {
        let (workspace, head) = (self.state.workspace(), self.state.head());
        let author = session.identity.id();
        let entry = Entry::after(workspace, head, session.io.now(), author, body);
        let signed = entry.sign(&session.identity)?;
        self.state.check_deliveries(signed.entry(), &hashes(&parts))?;
        self.state.apply(&signed)?;
        self.entries.push(signed);
        self.deliveries.push(parts);
        Ok(())
    }

    /// Commits; on [`Outcome::Accepted`] log and pin have advanced.
    pub(super) async fn commit(
        &self,
        session: &mut Session,
        replica: &mut Replica,
    ) -> Result<Outcome> {
        if replica.is_local() {
            self.keep_deliveries(session, replica).await?;
        } else {
            let commit = message(session, replica, &self.entries, Some(&self.deliveries)).await?;
            let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
            match relay.commit(&commit).await? {
                Outcome::Moved => return Ok(Outcome::Moved),
                Outcome::Accepted(head) if head != self.state.head() => return Err(another_head()),
                Outcome::Accepted(_) => {}
            }
        }
        if !weakened::skips(23) {
            replica.advance(session, self.state.clone(), &self.entries).await?;
        }
        Ok(Outcome::Accepted(self.state.head()))
    }

    async fn keep_deliveries(&self, session: &Session, replica: &Replica) -> Result<()> {
        let mut kept: Unpublished =
            load(session, keys::unpublished(&replica.id)).await?.unwrap_or_default();
        let Some(first) = self.entries.first().map(|entry| entry.entry().seq) else {
            return Ok(());
        };
        // What a crash left beyond the pin belongs to no entry.
        kept.deliveries.retain(|(seq, _, _)| *seq < first);
        for (entry, parts) in self.entries.iter().zip(&self.deliveries) {
            let of_entry = parts.iter().map(|(id, parts)| (entry.entry().seq, *id, parts.clone()));
            kept.deliveries.extend(of_entry);
        }
        store(session, keys::unpublished(&replica.id), &kept).await
    }
}

/// The commit of entries with what they deliver, or without it, where nobody has it any more. Many
/// sealed bytes are uploaded ahead of it.
pub(super) async fn message(
    session: &mut Session,
    replica: &Replica,
    entries: &[SignedEntry],
    deliveries: Option<&[Parts]>,
) -> Result<Commit> {
    let absent = entries.iter().zip(0..).filter(|(entry, _)| entry.entry().body.delivers());
    let absent = match deliveries {
        Some(_) => Vec::new(),
        None => absent.map(|(_, place)| place).collect(),
    };
    let deliveries = list(session, replica, deliveries.unwrap_or_default()).await?;
    let entries = entries.iter().map(|entry| Bytes(entry.bytes().to_vec())).collect();
    Ok(Commit { workspace: replica.id, entries, deliveries, absent })
}

async fn list(
    session: &mut Session,
    replica: &Replica,
    deliveries: &[Parts],
) -> Result<Vec<Delivery>> {
    let size: usize = deliveries.iter().flat_map(BTreeMap::values).flatten().map(Vec::len).sum();
    let ahead = size > INLINE;
    let mut listed = Vec::new();
    for (index, parts) in deliveries.iter().enumerate() {
        for (recipient, parts) in parts {
            for (part, sealed) in parts.iter().enumerate() {
                let hash = if ahead { Some(upload(session, replica, sealed).await?) } else { None };
                let ciphertext = (!ahead).then(|| Bytes(sealed.clone()));
                let (entry, part) = (index as u32, part as u32);
                listed.push(Delivery { entry, part, recipient: *recipient, ciphertext, hash });
            }
        }
    }
    Ok(listed)
}

async fn upload(session: &mut Session, replica: &Replica, sealed: &[u8]) -> Result<SealedHash> {
    let hash = sealed_hash(sealed);
    let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
    relay.upload(&hash, sealed).await?;
    Ok(hash)
}

fn another_head() -> Error {
    Error::new(ErrorCode::RelayMalformed, "the relay confirms a head that was not sent")
}

pub(super) fn contended() -> Error {
    Error::new(ErrorCode::Contended, format!("others committed first {REBASES} times in a row"))
}

fn hashes(parts: &Parts) -> BTreeMap<MemberId, Vec<SealedHash>> {
    parts
        .iter()
        .map(|(id, parts)| (*id, parts.iter().map(|part| sealed_hash(part)).collect()))
        .collect()
}

/// The root over parts.
pub(super) fn root_of(parts: &Parts) -> DeliveriesRoot {
    let leaves: Vec<_> = hashes(parts).iter().map(|(id, hashes)| leaf(id, hashes)).collect();
    root(&leaves)
}

/// Where parcels go and what they carry along.
pub(super) struct Consignment<'a> {
    pub(super) batch: BatchId,
    pub(super) author: MemberId,
    pub(super) environment: EnvironmentId,
    pub(super) label: &'a str,
}

/// Bytes of parcels that are sealed in one go: all members' together, and bounded in memory.
const TOGETHER: usize = 8 << 20;

/// Seals to each recipient the items that lie in its scope.
pub(super) fn seal_parcels(
    state: &State,
    consignment: &Consignment<'_>,
    recipients: &[MemberId],
    items: &[&ParcelItem],
    entropy: &mut Entropy,
) -> Result<Parts> {
    let mut parts: Parts = recipients.iter().map(|id| (*id, Vec::new())).collect();
    let (mut waiting, mut size) = (Vec::new(), 0);
    for id in recipients {
        for parcel in parcels_of(state, consignment, id, items)? {
            size += parcel.len();
            waiting.push((*id, parcel));
        }
        if size >= TOGETHER {
            seal_waiting(state, &mut parts, std::mem::take(&mut waiting), entropy)?;
            size = 0;
        }
    }
    seal_waiting(state, &mut parts, waiting, entropy)?;
    Ok(parts)
}

fn recipient<'s>(state: &'s State, id: &MemberId) -> Result<&'s Member> {
    state
        .members()
        .get(id)
        .filter(|member| member.is_active() || weakened::skips(29))
        .ok_or_else(|| Error::new(ErrorCode::Internal, "a recipient is no member"))
}

fn parcels_of(
    state: &State,
    consignment: &Consignment<'_>,
    id: &MemberId,
    items: &[&ParcelItem],
) -> Result<Vec<Zeroizing<Vec<u8>>>> {
    let Consignment { batch, author, environment, label } = *consignment;
    let scope = recipient(state, id)?.scope();
    let holds = |item: &&ParcelItem| {
        scope.holds(&environment, &item.secret) || weakened::skips_any(&[28, 36])
    };
    let own: Vec<&ParcelItem> = items.iter().copied().filter(holds).collect();
    let workspace = state.workspace();
    let envelope = Envelope { workspace, batch, author, recipient: *id, environment };
    Ok(parcel::pack(&envelope, label, &own))
}

/// Seals parcels in their order, so that the random bytes of each are those of its place.
fn seal_waiting(
    state: &State,
    parts: &mut Parts,
    waiting: Vec<(MemberId, Zeroizing<Vec<u8>>)>,
    entropy: &mut Entropy,
) -> Result<()> {
    let messages: Result<Vec<_>> = waiting
        .iter()
        .map(|(id, parcel)| Ok((recipient(state, id)?.recipient.box_key(), parcel.as_slice())))
        .collect();
    for ((id, _), sealed) in waiting.iter().zip(sealed_box::seal_many(&messages?, entropy)) {
        parts.entry(*id).or_default().push(sealed?);
    }
    Ok(())
}
