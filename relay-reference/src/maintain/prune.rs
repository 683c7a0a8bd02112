//! Forgets sealed bytes that no member needs any more: of entries whose every value has a newer one
//! or was deleted. Entries stay, and with them everything that is signed.

use std::collections::BTreeSet;

use agentsecrets_core::{
    encoding::{SealedHash, WorkspaceId},
    log::{
        State,
        entry::{Operation, VersionRef},
    },
};

use super::{Failure, PAGE, Result, each_workspace, verify::Log};
use crate::store::{Archive, Listed};

/// Goes through all workspaces; how many sealed parts were dropped.
///
/// # Errors
/// What the database refuses, or a log that does not fold.
pub fn prune(store: &dyn Archive) -> Result<usize> {
    let mut dropped = 0;
    each_workspace(store, |workspace| {
        dropped += of_workspace(store, &workspace)?;
        Ok(())
    })?;
    Ok(dropped)
}

fn of_workspace(store: &dyn Archive, workspace: &WorkspaceId) -> Result<usize> {
    let mut log = Log::default();
    each_entry(store, workspace, |listed| {
        let bad = |why| Failure::new(format!("{workspace} does not fold: {why}"));
        log.take(workspace, listed).map(drop).map_err(bad)
    })?;
    let Some(state) = log.0 else { return Ok(0) };
    let old = superseded(&state);
    let (mut unneeded, mut needed, mut seq) = (BTreeSet::new(), BTreeSet::new(), 0);
    each_entry(store, workspace, |listed| {
        let into = if old.contains(&seq) { &mut unneeded } else { &mut needed };
        into.extend(listed.deliveries.iter().flat_map(|(_, hashes)| hashes).copied());
        seq += 1;
        Ok(())
    })?;
    let unneeded: Vec<SealedHash> = unneeded.difference(&needed).copied().collect();
    let drop_some = |some: &[SealedHash]| Ok(store.drop_sealed(workspace, some.to_vec())?);
    unneeded.chunks(PAGE).map(drop_some).sum()
}

/// Numbers of entries none of whose values is a secret's newest one. Grants are not among them.
pub fn superseded(state: &State) -> BTreeSet<u64> {
    let (mut newest, mut carriers) = (BTreeSet::new(), BTreeSet::new());
    for (secret, known) in state.secrets() {
        if let Some((version, live)) = known.live()
            && matches!(live.operation, Operation::Put(_))
        {
            newest.insert(VersionRef { secret: *secret, version });
            carriers.insert(live.seq);
        }
    }
    let live = |versions: &[VersionRef]| versions.iter().any(|version| newest.contains(version));
    let shares = state.shares().iter().filter(|share| live(&share.versions));
    carriers.extend(shares.map(|share| share.seq));
    state.carriers().keys().filter(|seq| !carriers.contains(seq)).copied().collect()
}

fn each_entry(
    store: &dyn Archive,
    workspace: &WorkspaceId,
    mut act: impl FnMut(&Listed) -> Result<()>,
) -> Result<()> {
    let mut next = 0;
    loop {
        let page = store.listed(workspace, next, PAGE)?;
        if page.is_empty() {
            return Ok(());
        }
        next += page.len() as u64;
        page.iter().try_for_each(&mut act)?;
    }
}
