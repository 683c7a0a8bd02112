//! Acks: each member's signed "I have seen this head", outside of the chain.
//!
//! Spec: `spec/log.md`, "Acks and freshness".

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{State, entry::VersionRef, membership::Member};
use crate::{
    crypto::{Signature, VerifyingKey},
    encoding::{self, EntryHash, Head, Header, MemberId, PersonId, WorkspaceId, encode, tag},
    error::{Error, ErrorCode, Result},
    identity::{Identity, Kind},
    weakened,
};

/// Longest ack, in bytes.
pub const MAX_ACK: usize = 64 << 10;
/// Most missing versions that an ack names.
pub const MAX_MISSING: usize = 1000;
const SIGNATURE: usize = 64;

/// What a member says of the log.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ack {
    header: Header<{ tag::ACK }>,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who says it.
    pub member: MemberId,
    /// How often it adopted another history by hand: a later one may be shorter.
    pub adopted: u32,
    /// Number of its newest entry.
    pub seq: u64,
    /// That entry's hash.
    pub hash: EntryHash,
    /// Milliseconds since 1970 by its clock.
    pub time: u64,
    /// Live versions in its scope that it could not get, sorted.
    pub missing: Vec<VersionRef>,
}

impl Ack {
    /// What `member` says of `head`.
    pub fn new(
        workspace: WorkspaceId,
        member: MemberId,
        head: Head,
        time: u64,
        mut missing: Vec<VersionRef>,
    ) -> Self {
        missing.sort_unstable();
        missing.truncate(MAX_MISSING);
        let Head { seq, hash } = head;
        Self { header: Header, workspace, member, adopted: 0, seq, hash, time, missing }
    }

    /// The same after so many adoptions.
    #[must_use]
    pub fn after_adoptions(self, adopted: u32) -> Self {
        Self { adopted, ..self }
    }

    /// What decides between two of one member: the greater stays.
    pub fn rank(&self) -> (u32, u64, u64) {
        (self.adopted, self.seq, self.time)
    }

    /// The head that it names.
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }

    /// Its bytes with the signature.
    pub fn sign(&self, identity: &Identity) -> Vec<u8> {
        let mut bytes = encode(self);
        let signature = identity.sign(&bytes);
        bytes.extend_from_slice(&signature.0);
        bytes
    }

    /// Reads and verifies an ack by the key of whoever it names.
    ///
    /// # Errors
    /// `malformed_entry`; `bad_signature`.
    pub fn open(bytes: &[u8], key_of: impl Fn(&MemberId) -> Option<VerifyingKey>) -> Result<Self> {
        let bad = |why: &'static str| Error::new(ErrorCode::MalformedEntry, why);
        if bytes.len() > MAX_ACK {
            return Err(bad("an ack has at most 64 KiB"));
        }
        let split = bytes.split_last_chunk::<SIGNATURE>();
        let (body, signature) = split.ok_or_else(|| bad("an ack is cut off"))?;
        let ack: Self = encoding::parse(body, ErrorCode::MalformedEntry, "ack")?;
        if ack.missing.len() > MAX_MISSING || !ack.missing.is_sorted_by(|a, b| a < b) {
            return Err(bad("an ack lists what is missing in order"));
        }
        let key = key_of(&ack.member);
        let key =
            key.ok_or_else(|| Error::new(ErrorCode::BadSignature, "an ack is by nobody known"))?;
        key.verify(body, &Signature(*signature))?;
        Ok(ack)
    }

    /// Whether it replaces an older one of the same member.
    pub fn supersedes(&self, other: &Self) -> bool {
        self.rank() > other.rank()
    }
}

/// How old the news is that others have of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Others have seen this head, or an earlier one, within the limit.
    Fresh {
        /// How long ago, in milliseconds.
        age: u64,
    },
    /// Nobody has been heard of for longer than the limit.
    Stale {
        /// For how long, in milliseconds.
        age: u64,
    },
    /// There is nobody whose word counts.
    Unknown,
    /// Nobody else is a member.
    Solo,
}

impl Freshness {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh { .. } => "fresh",
            Self::Stale { .. } => "stale",
            Self::Unknown => "unknown",
            Self::Solo => "solo",
        }
    }
}

/// What freshness is judged by.
pub struct Witness<'a> {
    /// My folded log.
    pub state: &'a State,
    /// This device.
    pub me: &'a MemberId,
    /// Newest verified ack of each member.
    pub acks: &'a BTreeMap<MemberId, Ack>,
    /// Newest time that each author signed an entry with.
    pub entries: &'a BTreeMap<MemberId, u64>,
    /// Persons who were active members at my last fresh head.
    pub known: &'a BTreeSet<PersonId>,
    /// Members whose safety number was compared here.
    pub confirmed: &'a BTreeSet<MemberId>,
}

impl Witness<'_> {
    /// Age of the second-newest sign of life among other persons; of the newest where there is one
    /// other. Times to come count for nothing.
    pub fn freshness(&self, now: u64) -> Freshness {
        let Some(me) = self.state.active(self.me) else { return Freshness::Unknown };
        let others: Vec<_> = self
            .state
            .members()
            .iter()
            .filter(|(_, member)| member.is_active() && member.person != me.person)
            .collect();
        if others.iter().all(|(_, member)| member.kind() == Kind::Ci) {
            return if others.is_empty() { Freshness::Solo } else { Freshness::Unknown };
        }
        // Of each person who counts, the newest sign of life; `None` where there is none.
        let mut signs: BTreeMap<PersonId, Option<u64>> = BTreeMap::new();
        for (id, member) in others.into_iter().filter(|(id, member)| self.counts(id, member, me)) {
            let newest = signs.entry(member.person).or_default();
            *newest = self.sign_of_life(id, now).max(*newest);
        }
        self.judge(signs.into_values().collect(), now)
    }

    /// The newest sign of each person, `None` of who gave none: where two count, one alone, who may
    /// have been removed since, vouches for nothing.
    fn judge(&self, mut signs: Vec<Option<u64>>, now: u64) -> Freshness {
        signs.sort_unstable_by(|a, b| b.cmp(a));
        let second = if weakened::skips(21) { None } else { signs.get(1) };
        let decisive = second.or(signs.first()).copied().flatten();
        let Some(decisive) = decisive else { return Freshness::Unknown };
        let age = now.saturating_sub(decisive);
        let limit = self.state.policy().freshness_seconds.saturating_mul(1000);
        match age > limit && !weakened::skips(21) {
            true => Freshness::Stale { age },
            false => Freshness::Fresh { age },
        }
    }

    fn counts(&self, id: &MemberId, member: &Member, me: &Member) -> bool {
        let by_me =
            self.state.members().get(&member.admitted_by).is_some_and(|by| by.person == me.person);
        let known = by_me || self.known.contains(&member.person) || self.confirmed.contains(id);
        known && member.kind() != Kind::Ci
    }

    fn sign_of_life(&self, id: &MemberId, now: u64) -> Option<u64> {
        let times = [self.acks.get(id).map(|ack| ack.time), self.entries.get(id).copied()];
        let counts = |time: &u64| *time <= now || weakened::skips(22);
        times.into_iter().flatten().filter(counts).max()
    }
}

#[cfg(test)]
mod tests;
