//! Shares: seals what this device holds to members who were never sealed it.

use std::collections::BTreeSet;

use super::{
    batch::{Batch, Consignment, root_of, seal_parcels},
    replica::Replica,
    session::Session,
};
use crate::{
    encoding::{BatchId, MemberId},
    error::Result,
    log::{
        Body, Member, State,
        entry::{Share, VersionRef},
    },
    parcel::ParcelItem,
    snapshot::Snapshot,
};

/// Versions of one entry: keeps it far below 1 MiB.
const VERSIONS: usize = 1000;

/// Adds the Shares that bring a member up to what this device holds in both scopes.
pub(super) fn add_shares(
    session: &mut Session,
    replica: &Replica,
    batch: &mut Batch,
    snapshot: &Snapshot,
    to: &MemberId,
) -> Result<bool> {
    let missing = missing(&batch.state, &session.identity.id(), snapshot, to);
    for versions in missing.chunks(VERSIONS) {
        add_share(session, replica, batch, snapshot, to, versions)?;
    }
    Ok(!missing.is_empty())
}

fn add_share(
    session: &mut Session,
    replica: &Replica,
    batch: &mut Batch,
    snapshot: &Snapshot,
    to: &MemberId,
    versions: &[VersionRef],
) -> Result<()> {
    let (id, environment) = (BatchId(session.entropy.bytes()), snapshot.environment);
    let items =
        versions.iter().filter_map(|version| snapshot.held(&version.secret)?.item(version.version));
    let items: Vec<ParcelItem> = items.collect();
    let label = replica.environment_label(environment).unwrap_or_default();
    let consignment =
        Consignment { batch: id, author: session.identity.id(), environment, label: &label };
    let items: Vec<&ParcelItem> = items.iter().collect();
    let parts = seal_parcels(&batch.state, &consignment, &[*to], &items, &mut session.entropy)?;
    let share = Share {
        batch: id,
        environment,
        versions: versions.to_vec(),
        recipients: vec![*to],
        differs: Vec::new(),
        strays: Vec::new(),
        root: root_of(&parts),
    };
    batch.add(session, Body::Share(share), parts)
}

/// Live versions that this device holds and that no entry sealed to the member, sorted.
fn missing(state: &State, me: &MemberId, snapshot: &Snapshot, to: &MemberId) -> Vec<VersionRef> {
    let (Some(author), Some(member)) = (state.active(me), state.active(to)) else {
        return Vec::new();
    };
    let live = snapshot.secrets.iter().filter_map(|held| {
        let (version, value) = (held.newest()?.version, held.live_value()?);
        let secret = state.secrets().get(&held.id)?;
        let same =
            secret.live()?.0 == version && secret.live_commitment() == Some(value.commitment);
        let version = VersionRef { secret: held.id, version };
        (same && !was_sealed(secret.live()?.1.seq, &version, snapshot, member)).then_some(version)
    });
    let environment = snapshot.environment;
    let in_scope = |version: &VersionRef| {
        [author, member].iter().all(|member| member.scope().holds(&environment, &version.secret))
    };
    let mut missing: Vec<VersionRef> = live.filter(in_scope).collect();
    if !missing.is_empty() {
        let shares =
            state.shares().iter().filter(|share| share.recipients.binary_search(to).is_ok());
        let shared: BTreeSet<VersionRef> =
            shares.flat_map(|share| share.versions.iter().copied()).collect();
        missing.retain(|version| !shared.contains(version));
    }
    missing.sort_unstable();
    missing
}

fn was_sealed(seq: u64, version: &VersionRef, snapshot: &Snapshot, member: &Member) -> bool {
    member
        .scope_before(seq)
        .is_some_and(|scope| scope.holds(&snapshot.environment, &version.secret))
}
