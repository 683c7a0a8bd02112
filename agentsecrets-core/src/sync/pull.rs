//! Pull: fetches what the log says is addressed to this device and replaces an environment as a
//! whole, or leaves it as it was.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    deliver::{self, Wanted},
    follow::follow,
    io::Machine,
    names,
    push::reconcile,
    replica::Replica,
    session::{Session, Start},
};
use crate::{
    encoding::{EnvironmentId, MemberId, SecretId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    log::{
        State,
        entry::{Operation, VersionRef},
    },
    name::SecretName,
    parcel::ParcelItem,
    snapshot::{GivenUp, Local, Snapshot},
};

/// What becomes of changes made here that clash with somebody else's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clashes {
    /// The environment stays as it was, error `conflict`.
    #[default]
    Refuse,
    /// Theirs is taken; ours is kept in the secret's history.
    Theirs,
    /// Values are pulled; ours stays on top, not yet pushed.
    Keep,
}

/// What a pull did to one environment.
#[derive(Debug)]
pub struct Pulled {
    /// The environment.
    pub environment: EnvironmentId,
    /// Names that are new or have a new value here.
    pub updated: Vec<SecretName>,
    /// Names that were deleted.
    pub deleted: Vec<SecretName>,
    /// Secrets that are not loaded, because an older one has their name.
    pub duplicates: Vec<SecretName>,
}

/// What a pull did.
#[derive(Debug)]
pub struct PullReport {
    /// Each environment in scope: what was done, or why it stayed as it was.
    pub environments: Vec<(EnvironmentId, Result<Pulled>)>,
}

impl PullReport {
    /// The first failure, if any.
    ///
    /// # Errors
    /// What an environment reports.
    pub fn into_result(self) -> Result<Vec<Pulled>> {
        self.environments.into_iter().map(|(_, result)| result).collect()
    }
}

/// Follows the log, then pulls the environments given, or all in scope.
pub fn pull(
    start: Start,
    workspace: WorkspaceId,
    environments: Option<Vec<EnvironmentId>>,
    clashes: Clashes,
) -> Machine<PullReport> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        follow(&mut session, &mut replica).await?;
        pull_all(&mut session, &replica, environments, clashes).await
    })
}

pub(super) async fn pull_all(
    session: &mut Session,
    replica: &Replica,
    environments: Option<Vec<EnvironmentId>>,
    clashes: Clashes,
) -> Result<PullReport> {
    let in_scope = readable(session, replica)?;
    let wanted = environments.unwrap_or_else(|| in_scope.clone());
    let mut report = PullReport { environments: Vec::new() };
    for environment in wanted {
        let result = match in_scope.contains(&environment) {
            true => {
                pull_one(session, replica, environment, clashes).await.map(|(pulled, _)| pulled)
            }
            false => Err(Error::new(
                ErrorCode::OutOfScope,
                "the environment lies outside of this member's scope",
            )),
        };
        // Without a connection no other environment fares better.
        match result {
            Err(error) if (501..600).contains(&(error.code() as i32)) => return Err(error),
            result => report.environments.push((environment, result)),
        }
    }
    Ok(report)
}

/// Environments of which this device may hold something.
pub(super) fn readable(session: &Session, replica: &Replica) -> Result<Vec<EnvironmentId>> {
    let scope = replica.me(session)?.scope();
    let all = replica.state()?.environments().keys();
    Ok(all.filter(|id| scope.touches(id)).copied().collect())
}

/// Brings one environment up to the pin, and stores it.
pub(super) async fn pull_one(
    session: &mut Session,
    replica: &Replica,
    environment: EnvironmentId,
    clashes: Clashes,
) -> Result<(Pulled, Snapshot)> {
    let state = replica.state()?;
    let mut snapshot = replica.snapshot(session, environment).await?;
    let head = Some(state.head());
    if snapshot.head == head && snapshot.attempts.is_empty() && clashes != Clashes::Theirs {
        check_clashes(state, &snapshot, &names::of(replica, &snapshot).names, clashes)?;
        let nothing = Pulled {
            environment,
            updated: Vec::new(),
            deleted: Vec::new(),
            duplicates: Vec::new(),
        };
        return Ok((nothing, snapshot));
    }
    reconcile(session, state, &mut snapshot);
    let wanted = wanted(state, &session.identity.id(), &snapshot);
    let items = deliver::fetch(session, replica, environment, wanted).await?;
    let pulled = take(session, replica, &mut snapshot, items, clashes)?;
    replica.store_snapshot(session, &snapshot).await?;
    Ok((pulled, snapshot))
}

/// What a pull would fetch.
pub(super) fn missing(state: &State, me: &MemberId, snapshot: &Snapshot) -> Vec<VersionRef> {
    let wanted = wanted(state, me, snapshot).into_iter();
    wanted.map(|wanted| VersionRef { secret: wanted.secret, version: wanted.version }).collect()
}

/// Live values in scope that the vault does not hold.
fn wanted(state: &State, me: &MemberId, snapshot: &Snapshot) -> Vec<Wanted> {
    let Some(member) = state.active(me) else { return Vec::new() };
    let in_scope = state
        .secrets_of(snapshot.environment)
        .filter(|(id, _)| member.scope().holds(&snapshot.environment, id));
    in_scope
        .filter_map(|(id, secret)| {
            let (version, live) = secret.live()?;
            let Operation::Put(commitment) = live.operation else { return None };
            let held = snapshot.held(id).and_then(|held| held.version(version)?.value.as_ref());
            held.is_none_or(|held| held.commitment != commitment)
                .then_some(Wanted { secret: *id, version })
        })
        .collect()
}

fn take(
    session: &Session,
    replica: &Replica,
    snapshot: &mut Snapshot,
    items: Vec<ParcelItem>,
    clashes: Clashes,
) -> Result<Pulled> {
    let state = replica.state()?;
    let mut updated: Vec<SecretName> = items.iter().map(|item| item.name.clone()).collect();
    updated.sort_unstable();
    for item in items {
        hold(state, snapshot, item)?;
    }
    let deleted = hold_deletions(state, snapshot);
    let names::Known { names, shadowed } = names::of(replica, snapshot);
    settle(state, snapshot, &names, clashes, session.io.now())?;
    snapshot.shadowed = shadowed.iter().map(|(id, _)| *id).collect();
    snapshot.label = replica.environment_label(snapshot.environment).unwrap_or_default();
    snapshot.head = Some(state.head());
    snapshot.synced_at = session.io.now();
    let duplicates = shadowed.into_iter().map(|(_, name)| name).collect();
    Ok(Pulled { environment: snapshot.environment, updated, deleted, duplicates })
}

pub(super) fn hold(state: &State, snapshot: &mut Snapshot, item: ParcelItem) -> Result<()> {
    let version = state.secrets().get(&item.secret).and_then(|secret| secret.version(item.version));
    let version = version
        .ok_or_else(|| Error::new(ErrorCode::Internal, "a value has no version in the log"))?;
    let Operation::Put(commitment) = version.operation else { return Ok(()) };
    snapshot.hold(item, version.author, version.time, commitment);
    Ok(())
}

fn hold_deletions(state: &State, snapshot: &mut Snapshot) -> Vec<SecretName> {
    let gone: Vec<(SecretId, SecretName)> = snapshot
        .secrets
        .iter()
        .filter(|held| held.live_value().is_some())
        .filter(|held| {
            state.secrets().get(&held.id).is_some_and(|secret| secret.live_commitment().is_none())
        })
        .map(|held| (held.id, held.name.clone()))
        .collect();
    for (id, _) in &gone {
        if let Some((version, live)) = state.secrets().get(id).and_then(|secret| secret.live()) {
            snapshot.hold_deletion(id, version, live.author, live.time);
        }
    }
    gone.into_iter().map(|(_, name)| name).collect()
}

/// Applies the caller's choice to changes that clash. Two deletions of one secret are one.
fn settle(
    state: &State,
    snapshot: &mut Snapshot,
    names: &BTreeMap<SecretId, SecretName>,
    clashes: Clashes,
    now: u64,
) -> Result<()> {
    snapshot.local.retain(|local| {
        local.value.is_some() || local.base.is_some_and(|(id, _)| is_live(state, &id))
    });
    check_clashes(state, snapshot, names, clashes)?;
    if clashes != Clashes::Theirs {
        return Ok(());
    }
    let clashing: BTreeSet<SecretName> =
        clashing(state, snapshot, names).into_iter().map(|(name, _)| name).collect();
    let (given_up, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut snapshot.local)
        .into_items()
        .into_iter()
        .partition(|local| clashing.contains(&local.name));
    snapshot.local = kept.into();
    for Local { name, value, .. } in given_up {
        if let Some(held) = snapshot.secrets.last_mut(&name) {
            held.given_up.push(GivenUp { time: now, value });
        }
    }
    Ok(())
}

pub(super) fn check_clashes(
    state: &State,
    snapshot: &Snapshot,
    names: &BTreeMap<SecretId, SecretName>,
    clashes: Clashes,
) -> Result<()> {
    if clashes != Clashes::Refuse {
        return Ok(());
    }
    let clashing: Vec<String> =
        clashing(state, snapshot, names).into_iter().map(|(name, _)| name.to_string()).collect();
    if clashing.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Conflict,
        format!("changed here and by somebody else: {}", clashing.join(", ")),
    ))
}

/// Changes made here whose base is no longer the live version, with the version to stand on.
pub(super) fn clashing(
    state: &State,
    snapshot: &Snapshot,
    names: &BTreeMap<SecretId, SecretName>,
) -> Vec<(SecretName, Option<(SecretId, u64)>)> {
    if snapshot.local.is_empty() {
        return Vec::new();
    }
    let live = names.iter().rev().filter(|(id, _)| is_live(state, id));
    let live: BTreeMap<&SecretName, &SecretId> = live.map(|(id, name)| (name, id)).collect();
    // The live secret of the name, even where the change was made on one that is gone since.
    let now = |local: &Local| -> Option<(SecretId, u64)> {
        let id = live.get(&local.name).copied().copied().or(local.base.map(|(id, _)| id))?;
        Some((id, state.secrets().get(&id)?.live()?.0))
    };
    let locals = snapshot.local.iter().map(|local| (local, now(local)));
    locals
        .filter(|(local, now)| *now != local.base)
        .map(|(local, now)| (local.name.clone(), now))
        .collect()
}

fn is_live(state: &State, id: &SecretId) -> bool {
    state.secrets().get(id).is_some_and(|secret| secret.live_commitment().is_some())
}
