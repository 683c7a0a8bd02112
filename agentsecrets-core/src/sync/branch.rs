//! Histories that this device has left for another one: kept for good, because who could read what on
//! them stays true.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    io::Machine,
    replica::{Replica, keys, load, store},
    session::{Session, Start},
    view::View,
};
use crate::{
    encoding::{Head, MemberId, SecretId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    log::{
        SignedEntry, State,
        entry::{Operation, VersionRef},
        exposure::{self, Rotation},
    },
    snapshot::Snapshot,
};

/// A history from where the adopted one departs.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Branch {
    /// When it was left, in milliseconds since 1970.
    pub(super) time: u64,
    /// Its state at its end.
    pub(super) state: State,
    /// Its entries that the other history lacks.
    pub(super) entries: Vec<Vec<u8>>,
    /// What the vault held when it was left.
    pub(super) snapshots: Vec<Snapshot>,
}

impl Branch {
    /// Whether a head stands on it, beyond what both histories share.
    pub(super) fn holds(&self, head: Head) -> bool {
        let entries = self.entries.iter().map(|bytes| SignedEntry::parse(bytes));
        entries.flatten().any(|entry| entry.head() == head)
    }
}

pub(super) async fn load_all(session: &Session, replica: &Replica) -> Result<Vec<Branch>> {
    let mut branches = Vec::new();
    for number in 0..replica.settings.branches {
        branches.push(load_one(session, replica, number).await?.ok_or_else(|| {
            Error::new(ErrorCode::VaultDamaged, "the vault lacks a history that was left")
        })?);
    }
    Ok(branches)
}

pub(super) async fn load_one(
    session: &Session,
    replica: &Replica,
    number: u32,
) -> Result<Option<Branch>> {
    load(session, keys::branch(&replica.id, number)).await
}

pub(super) async fn keep(
    session: &Session,
    replica: &Replica,
    number: u32,
    branch: &Branch,
) -> Result<()> {
    store(session, keys::branch(&replica.id, number), branch).await
}

/// A history that was left, as it was then.
#[derive(Debug)]
pub struct LeftHistory {
    /// The workspace on it.
    pub view: View,
    /// All of its entries.
    pub entries: Vec<SignedEntry>,
    /// What the vault held of it.
    pub snapshots: Vec<Snapshot>,
}

/// Reads a history that was left; the first one is 1.
///
/// # Errors
/// `invalid_argument` where there is none of that number.
pub fn left(start: Start, workspace: WorkspaceId, number: u32) -> Machine<LeftHistory> {
    start.machine(async move |session| {
        let mut replica = Replica::load(&session, workspace).await?;
        let known = number.checked_sub(1).filter(|number| *number < replica.settings.branches);
        let branch = match known {
            Some(number) => load_one(&session, &replica, number).await?,
            None => None,
        };
        let Branch { state, entries: own, snapshots, .. } = branch.ok_or_else(|| {
            let left = replica.settings.branches;
            Error::new(ErrorCode::InvalidArgument, format!("{left} histories were left here"))
        })?;
        let common = (state.head().seq + 1).saturating_sub(own.len() as u64);
        let mut entries = replica.log(&session).await?;
        entries.truncate(usize::try_from(common).unwrap_or_default());
        for bytes in &own {
            entries.push(SignedEntry::parse(bytes)?);
        }
        replica.state = Some(state);
        let view = View { replica, branches: Vec::new(), identity: session.identity.clone() };
        Ok(LeftHistory { view, entries, snapshots })
    })
}

impl View {
    /// How many histories this device has left for another one.
    pub fn left(&self) -> usize {
        self.branches.len()
    }

    /// Every version that a member could read, on the histories that were left too.
    ///
    /// # Errors
    /// `not_admitted` before the first sync.
    pub fn exposure(&self, id: &MemberId) -> Result<BTreeSet<VersionRef>> {
        let mut exposed = exposure::exposure(self.state()?, id);
        for branch in &self.branches {
            exposed.extend(exposure::exposure(&branch.state, id));
        }
        Ok(exposed)
    }

    /// Secrets that need a new value, by id. On a history that was left they do until a version is
    /// written after that.
    ///
    /// # Errors
    /// `not_admitted` before the first sync.
    pub fn rotations(&self) -> Result<BTreeMap<SecretId, Rotation>> {
        let state = self.state()?;
        let mut rotations = exposure::rotations(state);
        for branch in &self.branches {
            let due = exposure::rotations(&branch.state).into_iter();
            for (id, rotation) in due.filter(|(id, _)| !written_since(state, id, branch.time)) {
                match rotations.get_mut(&id) {
                    Some(known) => known.add(rotation),
                    None => drop(rotations.insert(id, rotation)),
                }
            }
        }
        Ok(rotations)
    }
}

fn written_since(state: &State, id: &SecretId, time: u64) -> bool {
    let live = state.secrets().get(id).and_then(|secret| secret.live());
    live.is_none_or(|(_, live)| live.time > time && live.operation != Operation::Delete)
}
