//! Who could read what: derived from the log alone.
//!
//! Spec: `spec/log.md`, "Removal and exposure".

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Member, State,
    entry::{Operation, VersionRef},
    state::{SecretState, VersionState},
};
use crate::{
    encoding::{MemberId, SecretId},
    weakened,
};

/// Every version that the log says was sealed to a member, strayed to it, or written by it.
pub fn exposure(state: &State, id: &MemberId) -> BTreeSet<VersionRef> {
    let Some(member) = state.members().get(id) else { return BTreeSet::new() };
    let mut exposed: BTreeSet<VersionRef> = BTreeSet::new();
    for (secret, history) in state.secrets() {
        exposed.extend(of_secret(member, id, *secret, history));
    }
    let to_it = state.shares().iter().filter(|share| share.recipients.binary_search(id).is_ok());
    exposed.extend(to_it.flat_map(|share| share.versions.iter().copied()));
    exposed.extend(
        state
            .strays()
            .iter()
            .filter(|stray| stray.member == *id && !weakened::skips(32))
            .map(|stray| stray.version),
    );
    exposed
}

fn of_secret(
    member: &Member,
    id: &MemberId,
    secret: SecretId,
    history: &SecretState,
) -> Vec<VersionRef> {
    let versions = history.versions.iter().zip(1..);
    let readable = versions.filter(|(version, _)| {
        let put = matches!(version.operation, Operation::Put(_));
        put && (version.author == *id
            || member.received(version.seq, &history.environment, &secret))
    });
    readable.map(|(_, version)| VersionRef { secret, version }).collect()
}

/// A secret whose value somebody knows who may no longer read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The secret.
    pub secret: SecretId,
    /// Versions that they could read and that the live value is not known to differ from.
    pub versions: BTreeSet<u64>,
    /// Who could read them.
    pub readers: BTreeSet<MemberId>,
}

impl Rotation {
    /// Takes in what another history says of the same secret.
    pub fn add(&mut self, other: Self) {
        self.versions.extend(other.versions);
        self.readers.extend(other.readers);
    }
}

/// Secrets that need a new value, by id. Deleting clears nothing: the credential still works.
pub fn rotations(state: &State) -> BTreeMap<SecretId, Rotation> {
    let mut rotations = BTreeMap::new();
    let differs = Differs::of(state);
    for (id, member) in state.members() {
        if !lost_something(state, id, member) {
            continue;
        }
        for version in exposure(state, id) {
            let Some(secret) = state.secrets().get(&version.secret) else { continue };
            let reads = member.reads(&secret.environment, &version.secret);
            if reads || differs.live_from(secret, version) {
                continue;
            }
            let fresh = || Rotation {
                secret: version.secret,
                versions: BTreeSet::new(),
                readers: BTreeSet::new(),
            };
            let rotation = rotations.entry(version.secret).or_insert_with(fresh);
            rotation.versions.insert(version.version);
            rotation.readers.insert(*id);
        }
    }
    rotations
}

/// Whether nobody ever lost a right: then nothing needs rotation, and that costs no work per secret.
pub fn nobody_lost(state: &State) -> bool {
    !state.members().iter().any(|(id, member)| lost_something(state, id, member))
}

/// Whether a member ever lost a right, or was sent what the log did not give: most never did.
fn lost_something(state: &State, id: &MemberId, member: &Member) -> bool {
    !member.is_active()
        || member.spans.len() > 1
        || state.strays().iter().any(|stray| stray.member == *id)
}

/// Pairs of versions that a holder of both found to differ.
struct Differs(BTreeSet<(VersionRef, VersionRef)>);

impl Differs {
    fn of(state: &State) -> Self {
        let mut pairs: BTreeSet<_> =
            state.shares().iter().flat_map(|share| share.differs.iter().copied()).collect();
        for (id, secret) in state.secrets() {
            for (version, number) in secret.versions.iter().zip(1..) {
                let new = VersionRef { secret: *id, version: number };
                pairs.extend(version.differs_from.iter().map(|old| (new, *old)));
            }
        }
        Self(pairs)
    }

    /// Whether the live value of a secret is claimed to differ from an exposed version of it.
    fn live_from(&self, secret: &SecretState, exposed: VersionRef) -> bool {
        let Some((number, live)) = secret.live() else { return false };
        let live_ref = VersionRef { secret: exposed.secret, version: number };
        let pair = [(live_ref, exposed), (exposed, live_ref)];
        // A claim that a version differs from itself is false on its face.
        let other = live_ref != exposed && live.operation != Operation::Delete;
        if weakened::skips(33) {
            return weakened_live_from(live, number, exposed);
        }
        other && pair.iter().any(|pair| self.0.contains(pair))
    }
}

/// What the suite of hostile relays must notice: a number or an end that counts as another value.
fn weakened_live_from(live: &VersionState, number: u64, exposed: VersionRef) -> bool {
    live.operation == Operation::Delete || number != exposed.version
}
