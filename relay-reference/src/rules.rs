//! Which commits the relay takes: the public fold, complete deliveries, a signer who belongs there.

use std::collections::BTreeMap;

use agentsecrets_core::{
    crypto::VerifyingKey,
    encoding::{MemberId, SealedHash},
    log::{SignedEntry, State, deliveries, membership::How},
    wire::{Bytes, Delivery},
};

use crate::{
    problem::Problem,
    states::fold,
    store::{Append, NewDelivery, NewEntry, Part},
};

/// Longest sealed part, in bytes: 1 MiB and what sealing adds.
pub const MAX_SEALED: usize = (1 << 20) + 64;
/// Most entries of one commit.
pub const MAX_ENTRIES: usize = 500;

/// A commit that may be stored, and the state that it leads to.
pub struct Checked {
    /// The state after it.
    pub state: State,
    /// What is to be stored.
    pub append: Append,
}

/// What a commit brings.
pub struct Batch {
    /// Entries in order.
    pub entries: Vec<SignedEntry>,
    /// Sealed parts of each.
    pub deliveries: Vec<Delivery>,
    /// Places of entries whose sealed parts are lost.
    pub absent: Vec<u32>,
}

/// The parts of each entry, by recipient.
type Parts = BTreeMap<MemberId, Vec<Part>>;

/// Checks everything that can be checked without the database.
///
/// # Errors
/// `refused_entry`, `malformed`, `not_a_member`.
pub fn check(
    before: Option<&State>,
    batch: Batch,
    signer: &VerifyingKey,
) -> Result<Checked, Problem> {
    let Batch { entries, deliveries, absent } = batch;
    let after = before.map(State::head);
    let mut state = before.cloned();
    let mut parts = sort(entries.len(), deliveries)?.into_iter();
    check_absent(&entries, &absent)?;
    let mut new = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let parts = parts.next().unwrap_or_default();
        let delivered = match absent.contains(&(index as u32)) {
            true => without(index, &parts)?,
            false => complete(index, state.as_ref(), &entry, parts)?,
        };
        let folded = fold(state, &entry);
        state = Some(folded.map_err(|error| {
            Problem::refused_entry(index, error.message()).with("reason", error.code().as_str())
        })?);
        new.push(NewEntry { entry, deliveries: delivered });
    }
    let state = state.ok_or_else(|| Problem::malformed("a commit without entries"))?;
    if !may_commit(before, &state, signer) {
        return Err(Problem::not_a_member());
    }
    Ok(Checked { append: Append { workspace: state.workspace(), after, entries: new }, state })
}

/// Whether a key belongs to a member who is one now.
pub fn is_member(state: &State, key: &VerifyingKey) -> bool {
    state.member_by_key(key).is_some_and(|(_, member)| member.is_active())
}

/// Members before or after it, and the founder: others may bring a chain that they did not write
/// alone, when they publish a local workspace or restore what a relay lost.
fn may_commit(before: Option<&State>, after: &State, key: &VerifyingKey) -> bool {
    let founder =
        || after.member_by_key(key).is_some_and(|(_, member)| matches!(member.how, How::Founder));
    is_member(after, key) || before.is_some_and(|before| is_member(before, key)) || founder()
}

/// Deliveries by entry and recipient, parts in order and without gaps.
fn sort(entries: usize, deliveries: Vec<Delivery>) -> Result<Vec<Parts>, Problem> {
    let mut sorted: Vec<BTreeMap<MemberId, BTreeMap<u32, Part>>> = vec![BTreeMap::new(); entries];
    for (index, delivery) in deliveries.into_iter().enumerate() {
        let bad = |why: &str| Problem::malformed(why).with("index", index);
        let of_entry = sorted.get_mut(delivery.entry as usize);
        let of_entry = of_entry.ok_or_else(|| bad("a delivery of no entry of this commit"))?;
        let place = of_entry.entry(delivery.recipient).or_default();
        if place.insert(delivery.part, part(index, delivery)?).is_some() {
            return Err(bad("two deliveries of one place"));
        }
    }
    sorted.into_iter().map(|of_entry| of_entry.into_iter().map(in_order).collect()).collect()
}

fn in_order(
    (id, parts): (MemberId, BTreeMap<u32, Part>),
) -> Result<(MemberId, Vec<Part>), Problem> {
    if parts.keys().copied().ne(0..parts.len() as u32) {
        return Err(Problem::malformed("a recipient's parts are not numbered from 0 without gaps"));
    }
    Ok((id, parts.into_values().collect()))
}

/// One of two shapes: the bytes, or the hash of uploaded bytes.
fn part(index: usize, delivery: Delivery) -> Result<Part, Problem> {
    match (delivery.ciphertext, delivery.hash) {
        (Some(Bytes(bytes)), None) if bytes.len() > MAX_SEALED => {
            Err(Problem::too_large("sealed_bytes", MAX_SEALED, Some(index)))
        }
        (Some(Bytes(bytes)), None) => Ok(Part::Inline(deliveries::sealed_hash(&bytes), bytes)),
        (None, Some(hash)) => Ok(Part::Uploaded(hash)),
        _ => {
            let why = "a delivery is `ciphertext`, or `hash`";
            Err(Problem::malformed(why).with("index", index))
        }
    }
}

/// Only what delivers can lack its deliveries.
fn check_absent(entries: &[SignedEntry], absent: &[u32]) -> Result<(), Problem> {
    let lacks = |place: &u32| {
        entries.get(*place as usize).is_some_and(|entry| entry.entry().body.delivers())
    };
    match absent.len() <= entries.len() && absent.iter().all(lacks) {
        true => Ok(()),
        false => Err(Problem::malformed("`absent` names an entry that delivers nothing")),
    }
}

fn without(index: usize, parts: &Parts) -> Result<Vec<NewDelivery>, Problem> {
    match parts.is_empty() {
        true => Ok(Vec::new()),
        false => Err(Problem::refused_entry(index, "absent deliveries are there")),
    }
}

/// Holds the parts against what the state before the entry expects and what the entry lists.
fn complete(
    index: usize,
    before: Option<&State>,
    entry: &SignedEntry,
    parts: Parts,
) -> Result<Vec<NewDelivery>, Problem> {
    let refused = |why: &str| Problem::refused_entry(index, why);
    match before {
        None if parts.is_empty() => Ok(()),
        None => Err(refused("Genesis delivers nothing")),
        Some(state) => {
            let hashes = parts.iter().map(|(id, parts)| (*id, hashes(parts))).collect();
            state.check_deliveries(entry.entry(), &hashes).map_err(|e| refused(e.message()))
        }
    }?;
    Ok(parts.into_iter().map(delivery).collect())
}

fn delivery((recipient, parts): (MemberId, Vec<Part>)) -> NewDelivery {
    NewDelivery { recipient, leaf: deliveries::leaf(&recipient, &hashes(&parts)), parts }
}

fn hashes(parts: &[Part]) -> Vec<SealedHash> {
    parts.iter().map(Part::hash).collect()
}
