//! Shares: seals what this device holds to members who were never sealed it.

use std::collections::BTreeSet;

use super::{
    acks::Reports,
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
        state::ShareState,
    },
    parcel::ParcelItem,
    snapshot::Snapshot,
};

/// Versions of one entry: keeps it far below 1 MiB.
const VERSIONS: usize = 1000;
/// Shares of one version to one member: one who keeps asking gets no more.
const MOST_SHARES: usize = 4;

/// Adds the Shares that bring a member up to what this device holds in both scopes: what was never
/// sealed to it, and what its newest ack reports missing.
pub(super) fn add_shares(
    session: &mut Session,
    replica: &Replica,
    batch: &mut Batch,
    snapshot: &Snapshot,
    to: &MemberId,
    reports: &Reports,
) -> Result<bool> {
    let missing = missing(&batch.state, &session.identity.id(), snapshot, to, reports.get(to));
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

/// Live versions that this device holds and that the member lacks, sorted.
fn missing(
    state: &State,
    me: &MemberId,
    snapshot: &Snapshot,
    to: &MemberId,
    report: Option<&(u64, BTreeSet<VersionRef>)>,
) -> Vec<VersionRef> {
    let (Some(author), Some(member)) = (state.active(me), state.active(to)) else {
        return Vec::new();
    };
    let live = snapshot.secrets.iter().filter_map(|held| {
        let (version, value) = (held.newest()?.version, held.live_value()?);
        let secret = state.secrets().get(&held.id)?;
        let same =
            secret.live()?.0 == version && secret.live_commitment() == Some(value.commitment);
        let version = VersionRef { secret: held.id, version };
        let pushed = secret.live()?.1.seq;
        let sealed = was_sealed(pushed, &version, snapshot, member).then_some(pushed);
        (same && lacks(state, to, version, sealed, report)).then_some(version)
    });
    let environment = snapshot.environment;
    let in_scope = |version: &VersionRef| {
        [author, member].iter().all(|member| member.scope().holds(&environment, &version.secret))
    };
    let mut missing: Vec<VersionRef> = live.filter(in_scope).collect();
    missing.sort_unstable();
    missing
}

/// Whether no entry sealed a version to a member; or each that did is older than the member's word
/// that it could not get it. Then a few more are worth a try: one that a relay lost stays lost.
fn lacks(
    state: &State,
    to: &MemberId,
    version: VersionRef,
    pushed: Option<u64>,
    report: Option<&(u64, BTreeSet<VersionRef>)>,
) -> bool {
    let reported = report.filter(|(_, missing)| missing.contains(&version));
    if let (Some(_), None) = (pushed, reported) {
        return false;
    }
    let covers = |share: &&ShareState| {
        share.versions.binary_search(&version).is_ok() && share.recipients.binary_search(to).is_ok()
    };
    let shared: Vec<u64> = state.shares().iter().filter(covers).map(|share| share.seq).collect();
    let Some(newest) = shared.iter().copied().chain(pushed).max() else { return true };
    reported.is_some_and(|(seq, _)| *seq >= newest) && shared.len() < MOST_SHARES
}

fn was_sealed(seq: u64, version: &VersionRef, snapshot: &Snapshot, member: &Member) -> bool {
    member
        .scope_before(seq)
        .is_some_and(|scope| scope.holds(&snapshot.environment, &version.secret))
}
