//! Names of an environment's secrets, and which of them are shadowed by an older secret.

use std::collections::BTreeMap;

use super::replica::Replica;
use crate::{
    encoding::{EnvironmentId, SecretId},
    log::{State, entry::Operation, state::SecretState},
    name::SecretName,
    snapshot::Snapshot,
    weakened,
    workspace_key::Subject,
};

/// Names that this device can tell.
pub(super) struct Known {
    /// Of every secret that counts, deleted ones too.
    pub(super) names: BTreeMap<SecretId, SecretName>,
    /// Secrets that came to life while another of their name lived: never loaded.
    pub(super) shadowed: Vec<(SecretId, SecretName)>,
}

/// Names by what the vault holds, else by the log's labels.
pub(super) fn of(replica: &Replica, snapshot: &Snapshot) -> Known {
    let Some(state) = &replica.state else {
        return Known { names: BTreeMap::new(), shadowed: Vec::new() };
    };
    let held: BTreeMap<_, _> = snapshot.secrets.iter().map(|held| (&held.id, &held.name)).collect();
    let secrets = state.secrets_of(snapshot.environment);
    let mut names: BTreeMap<SecretId, SecretName> = secrets
        .filter_map(|(id, secret)| {
            let name = held.get(id).map(|name| (*name).clone());
            Some((*id, name.or_else(|| from_label(replica, snapshot.environment, id, secret))?))
        })
        .collect();
    let mut shadowed = shadowed(state, &names);
    shadowed.retain(|_| !weakened::skips(8));
    shadowed.iter().for_each(|(id, _)| drop(names.remove(id)));
    Known { names, shadowed }
}

/// The name in a secret's label; tags follow after a line break.
pub(super) fn from_label(
    replica: &Replica,
    environment: EnvironmentId,
    id: &SecretId,
    secret: &SecretState,
) -> Option<SecretName> {
    let label = replica.text(Subject::Secret(environment, *id), &secret.name)?;
    SecretName::parse(label.split('\n').next()?).ok()
}

fn shadowed(state: &State, names: &BTreeMap<SecretId, SecretName>) -> Vec<(SecretId, SecretName)> {
    let mut by_name: BTreeMap<String, Vec<(&SecretId, &SecretState)>> = BTreeMap::new();
    for (id, name) in names {
        if let Some(secret) = state.secrets().get(id) {
            by_name.entry(name.folded()).or_default().push((id, secret));
        }
    }
    let several = by_name.values().filter(|group| group.len() > 1);
    let late = several.flat_map(|group| {
        group.iter().filter(|(id, secret)| {
            alive_since(secret).is_some_and(|since| {
                group.iter().any(|other| other.0 != *id && lived_at(other, since, id))
            })
        })
    });
    late.filter_map(|(id, _)| Some((**id, names.get(id)?.clone()))).collect()
}

/// Number of the entry with which the present life of a secret began.
fn alive_since(secret: &SecretState) -> Option<u64> {
    let alive =
        secret.versions.iter().rev().take_while(|version| version.operation != Operation::Delete);
    alive.last().map(|version| version.seq)
}

/// Whether another secret lived when `id` came to life; in one entry, the smaller id came first.
fn lived_at((other, secret): &(&SecretId, &SecretState), since: u64, id: &SecretId) -> bool {
    let before = secret
        .versions
        .iter()
        .rev()
        .find(|version| version.seq < since || (version.seq == since && *other < id));
    before.is_some_and(|version| version.operation != Operation::Delete)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        encoding::{Commitment, MemberId},
        log::state::VersionState,
        workspace_key::SealedLabel,
    };

    const PUT: Operation = Operation::Put(Commitment([0; 32]));

    fn secret(versions: &[(u64, Operation)]) -> SecretState {
        let of = |(seq, operation): &(u64, Operation)| VersionState {
            seq: *seq,
            author: MemberId([1; 32]),
            time: 0,
            operation: *operation,
            differs_from: Vec::new(),
        };
        SecretState {
            environment: EnvironmentId([1; 16]),
            name_commitment: Commitment([0; 32]),
            name: SealedLabel { generation: 0, ciphertext: Vec::new() },
            policy: None,
            versions: versions.iter().map(of).collect(),
        }
    }

    /// Whether a secret with the id `other` and these versions stands in the way of one with the id 5 that
    /// came to life with entry 10.
    fn in_the_way(other: u8, versions: &[(u64, Operation)]) -> bool {
        lived_at(&(&SecretId([other; 16]), &secret(versions)), 10, &SecretId([5; 16]))
    }

    #[test]
    fn an_older_secret_is_in_the_way_and_of_two_in_one_entry_the_smaller() {
        assert!(in_the_way(9, &[(9, PUT)]) && !in_the_way(9, &[(11, PUT)]));
        assert!(in_the_way(4, &[(10, PUT)]) && !in_the_way(6, &[(10, PUT)]));
        assert!(!in_the_way(5, &[(10, PUT)]));
    }

    #[test]
    fn one_that_was_deleted_before_is_not_in_the_way() {
        assert!(!in_the_way(4, &[(8, PUT), (9, Operation::Delete)]));
        assert!(in_the_way(4, &[(8, PUT), (11, Operation::Delete)]));
        assert!(in_the_way(4, &[(7, Operation::Delete), (8, PUT)]));
        let alive = |versions: &[_]| alive_since(&secret(versions));
        assert_eq!(alive(&[(7, PUT), (8, Operation::Delete), (9, PUT), (12, PUT)]), Some(9));
        assert_eq!(alive(&[(7, PUT), (8, Operation::Delete)]), None);
    }
}
