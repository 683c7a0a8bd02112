//! How vault and log, or two environments, differ: found from metadata, without a single download.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    encoding::{EnvironmentId, MemberId, SecretId},
    log::{
        State,
        entry::Operation,
        exposure::{nobody_lost, rotations},
        state::SecretState,
    },
    name::SecretName,
    secret::SecretBytes,
    snapshot::{Held, Snapshot},
};

/// How one secret differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Drift {
    /// The log has a newer version, or deleted it.
    RemoteAhead,
    /// Changed here and not pushed.
    LocalModified,
    /// Changed here and by somebody else.
    Conflict,
    /// In the log and not in this vault.
    MissingHere,
    /// In this vault and not in the log.
    MissingThere,
    /// Somebody who may no longer read it could read the live value.
    NeedsRotation,
    /// The vault's value no longer fits its commitment.
    Tampered,
    /// It cannot be told.
    Unknown,
}

impl Drift {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RemoteAhead => "remote_ahead",
            Self::LocalModified => "local_modified",
            Self::Conflict => "conflict",
            Self::MissingHere => "missing_here",
            Self::MissingThere => "missing_there",
            Self::NeedsRotation => "needs_rotation",
            Self::Tampered => "tampered",
            Self::Unknown => "unknown",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Name, or the id in hexadecimal where the name is not known here.
    pub name: String,
    /// How it differs.
    pub state: Drift,
}

/// Names of secrets that the vault does not hold, decrypted from the log.
pub type Names = BTreeMap<SecretId, SecretName>;

/// Whether vault and log are in step, in a time that does not depend on the number of secrets.
pub fn in_step(state: &State, snapshot: &Snapshot) -> bool {
    snapshot.head == Some(state.head()) && snapshot.local.is_empty()
}

/// How the vault's environment differs from the log, for `member`; sorted by name.
pub fn against_log(
    state: &State,
    snapshot: &Snapshot,
    member: &MemberId,
    names: &Names,
) -> Vec<Change> {
    let nobody_lost = nobody_lost(state);
    if in_step(state, snapshot) && nobody_lost {
        return Vec::new();
    }
    let rotations = rotations(state);
    let held: BTreeMap<&SecretId, &Held> =
        snapshot.secrets.iter().map(|held| (&held.id, held)).collect();
    let scope = state.active(member).map(|member| member.scope());
    let visible = |id: &SecretId| scope.is_some_and(|scope| scope.holds(&snapshot.environment, id));
    let mut changes: Vec<Change> = state
        .secrets_of(snapshot.environment)
        .filter(|(id, _)| visible(id))
        .filter_map(|(id, secret)| {
            let held = held.get(id).copied();
            let name = held.map(|held| &held.name).or_else(|| names.get(id));
            let drift = of_secret(state, snapshot, id, secret, held, name);
            let rotate = || {
                // Where nobody lost a right, a false claim hides nothing.
                let hidden = held.filter(|_| !nobody_lost);
                rotations.contains_key(id)
                    || hidden.is_some_and(|held| claims_wrongly(secret, id, held))
            };
            let drift = drift.or_else(|| rotate().then_some(Drift::NeedsRotation))?;
            Some(Change {
                name: name.map_or_else(|| id.to_string(), SecretName::to_string),
                state: drift,
            })
        })
        .collect();
    changes.extend(created_here(snapshot, &changes));
    changes.extend(gone_there(state, snapshot));
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    changes
}

/// Whether the live version's author claims that it differs from an older one, and it does not: who
/// holds both values sees that.
fn claims_wrongly(secret: &SecretState, id: &SecretId, held: &Held) -> bool {
    let Some((_, live)) = secret.live() else { return false };
    let value = |number: u64| Some(&held.version(number)?.value.as_ref()?.value);
    let claimed = live.differs_from.iter().filter(|version| version.secret == *id);
    let Some(own) = held.live_value() else { return false };
    claimed.filter_map(|version| value(version.version)).any(|old| old.ct_eq(own.value.expose()))
}

fn of_secret(
    state: &State,
    snapshot: &Snapshot,
    id: &SecretId,
    secret: &SecretState,
    held: Option<&Held>,
    name: Option<&SecretName>,
) -> Option<Drift> {
    let (live, version) = secret.live()?;
    let deleted = version.operation == Operation::Delete;
    let local = name.and_then(|name| snapshot.local(name));
    if let Some(local) = local {
        return match local.base {
            Some((base, number)) if base == *id => {
                Some(if number == live { Drift::LocalModified } else { Drift::Conflict })
            }
            // Another secret of this name stood here, or none: ours is new, theirs came in between.
            _ => (!deleted).then_some(Drift::Conflict),
        };
    }
    let Some(held) = held else { return (!deleted).then_some(Drift::MissingHere) };
    let Some(newest) = held.newest() else { return Some(Drift::MissingThere) };
    match newest.version.cmp(&live) {
        Ordering::Less => {
            let already_gone = deleted && newest.value.is_none();
            (!already_gone).then_some(Drift::RemoteAhead)
        }
        Ordering::Equal => same_version(state, snapshot, secret, held),
        Ordering::Greater => Some(Drift::MissingThere),
    }
}

fn same_version(
    state: &State,
    snapshot: &Snapshot,
    secret: &SecretState,
    held: &Held,
) -> Option<Drift> {
    let expected = secret.live_commitment()?;
    let (number, _) = secret.live()?;
    let actual =
        held.item(number).map(|item| item.commitment(state.workspace(), snapshot.environment));
    (actual != Some(expected)).then_some(Drift::Tampered)
}

/// Changes here that create a secret which no live secret of the log has the name of.
fn created_here(snapshot: &Snapshot, found: &[Change]) -> Vec<Change> {
    let fresh = snapshot.local.iter().filter(|local| local.value.is_some());
    let found: BTreeSet<&str> = found.iter().map(|change| change.name.as_str()).collect();
    fresh
        .filter(|local| !found.contains(local.name.as_str()))
        .map(|local| Change { name: local.name.to_string(), state: Drift::LocalModified })
        .collect()
}

/// Secrets of this vault that the log has never heard of.
fn gone_there(state: &State, snapshot: &Snapshot) -> Vec<Change> {
    let unknown = snapshot.secrets.iter().filter(|held| !state.secrets().contains_key(&held.id));
    unknown.map(|held| Change { name: held.name.to_string(), state: Drift::MissingThere }).collect()
}

/// How two environments differ in one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Between {
    /// Only the second has it.
    MissingInA,
    /// Only the first has it.
    MissingInB,
    /// Both have it, with different values.
    Different,
    /// Both have it, and this vault lacks one of the values.
    Unknown,
}

impl Between {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingInA => "missing_in_a",
            Self::MissingInB => "missing_in_b",
            Self::Different => "different",
            Self::Unknown => "unknown",
        }
    }
}

/// One environment with the names that the log says are live in it.
pub struct Side<'a> {
    /// The environment.
    pub environment: EnvironmentId,
    /// What the vault holds of it, if anything.
    pub snapshot: Option<&'a Snapshot>,
    /// Live names by the log.
    pub names: Vec<SecretName>,
}

impl<'a> Side<'a> {
    fn value(&self, name: &SecretName) -> Option<&'a SecretBytes> {
        self.snapshot.and_then(|snapshot| snapshot.value(name))
    }
}

/// How two environments differ; values are compared by what the vault holds.
pub fn between(a: &Side<'_>, b: &Side<'_>) -> Vec<(SecretName, Between)> {
    let mut names: Vec<&SecretName> = a.names.iter().chain(&b.names).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| Some((name.clone(), of_name(a, b, name)?))).collect()
}

fn of_name(a: &Side<'_>, b: &Side<'_>, name: &SecretName) -> Option<Between> {
    match (a.names.contains(name), b.names.contains(name)) {
        (false, _) => return Some(Between::MissingInA),
        (_, false) => return Some(Between::MissingInB),
        _ => {}
    }
    match (a.value(name), b.value(name)) {
        (Some(one), Some(other)) => (!one.ct_eq(other.expose())).then_some(Between::Different),
        _ => Some(Between::Unknown),
    }
}
