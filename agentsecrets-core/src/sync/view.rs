//! What this device knows of a workspace, for listings: read from the vault, without the relay.

use std::{sync::Arc, time::Duration};

use super::{
    acks::{self, Reports},
    admit::{self, Admitted},
    batch::{Batch, REBASES},
    branch::{self, Branch},
    follow::{follow, follow_for},
    io::Machine,
    join::forget_tokens,
    names,
    pull::{self, Clashes, PullReport, pull_all, readable},
    relay::{Outcome, Relay},
    replica::Replica,
    session::{Session, Start},
    share::add_shares,
};
use crate::{
    encoding::{EnvironmentId, MemberId, SecretId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    fingerprint::Fingerprint,
    identity::Identity,
    log::{Member, Role, SignedEntry, State, ack::Freshness, entry::VersionRef},
    name::SecretName,
    snapshot::Snapshot,
    workspace_key::Subject,
};

/// A workspace as this device knows it.
pub struct View {
    pub(super) replica: Replica,
    pub(super) branches: Vec<Branch>,
    pub(super) identity: Arc<Identity>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("workspace", &self.replica.id).finish_non_exhaustive()
    }
}

/// Reads the workspace from the vault.
pub fn view(start: Start, workspace: WorkspaceId) -> Machine<View> {
    start.machine(async move |session| {
        let replica = Replica::load(&session, workspace).await?;
        let branches = branch::load_all(&session, &replica).await?;
        Ok(View { replica, branches, identity: session.identity })
    })
}

/// Reads all entries up to the pin.
pub fn entries(start: Start, workspace: WorkspaceId) -> Machine<Vec<SignedEntry>> {
    start
        .machine(async move |session| Replica::load(&session, workspace).await?.log(&session).await)
}

/// Reads what the vault holds of an environment.
pub fn snapshot(
    start: Start,
    workspace: WorkspaceId,
    environment: EnvironmentId,
) -> Machine<Snapshot> {
    start.machine(async move |session| {
        Replica::load(&session, workspace).await?.snapshot(&session, environment).await
    })
}

/// As [`snapshot`], of a workspace that was read before.
pub fn snapshot_in(start: Start, view: View, environment: EnvironmentId) -> Machine<Snapshot> {
    start.machine(async move |session| view.replica.snapshot(&session, environment).await)
}

/// Follows the log alone, waiting up to `wait` for news; says whether there was any.
pub fn follow_log(start: Start, workspace: WorkspaceId, wait: Duration) -> Machine<bool> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        follow_for(&mut session, &mut replica, wait).await
    })
}

/// Waits up to `wait` for entries after the ones known here; says whether the relay has any. Writes
/// nothing, so it needs no lock on the vault; [`follow_log`] then takes and verifies them.
pub fn await_news(start: Start, workspace: WorkspaceId, wait: Duration) -> Machine<bool> {
    start.machine(async move |mut session| {
        let replica = Replica::load(&session, workspace).await?;
        let Some(state) = replica.state.as_ref().filter(|_| !replica.is_local()) else {
            return Ok(!replica.is_local());
        };
        let after = Some(state.head().seq);
        let mut relay =
            Relay { session: &mut session, url: &replica.settings.relay, workspace: replica.id };
        Ok(!relay.log(after, wait).await?.entries.is_empty())
    })
}

/// What a sync did.
#[derive(Debug)]
pub struct SyncReport {
    /// Each environment pulled.
    pub pulled: PullReport,
    /// Whoever was admitted by replying to an invitation made here.
    pub admitted: Vec<Admitted>,
    /// Members who were sealed what they lacked.
    pub shared_with: Vec<MemberId>,
    /// How old the others' news of the log is.
    pub freshness: Freshness,
}

/// Follows, pulls, admits whoever replied, and shares what others lack.
pub fn sync(
    start: Start,
    workspace: WorkspaceId,
    environments: Option<Vec<EnvironmentId>>,
    clashes: Clashes,
) -> Machine<SyncReport> {
    start.machine(async move |mut session| {
        let mut replica = Replica::load(&session, workspace).await?;
        follow(&mut session, &mut replica).await?;
        let freshness = match replica.is_local() {
            true => Freshness::Solo,
            false => acks::compare(&mut session, &mut replica).await?,
        };
        let admitted = admit::replies(&mut session, &mut replica, false).await?;
        let shared_with = share_missing(&mut session, &mut replica).await?;
        forget_tokens(&session, &mut replica).await?;
        let pulled = pull_all(&mut session, &replica, environments, clashes).await?;
        if !replica.is_local() {
            let missing = missing(&session, &replica, &pulled).await?;
            acks::send(&mut session, &replica, missing).await?;
        }
        Ok(SyncReport { pulled, admitted, shared_with, freshness })
    })
}

/// Live versions in scope that this device could not get: just now, or, by its last word, when it last
/// asked for them.
async fn missing(
    session: &Session,
    replica: &Replica,
    pulled: &PullReport,
) -> Result<Vec<VersionRef>> {
    let me = session.identity.id();
    let reported = acks::reports(session, replica).await?.remove(&me);
    let (_, reported) = reported.unwrap_or_default();
    // A change made here that clashes keeps values out too, and nobody can help with that.
    let in_vain = |id: &EnvironmentId| {
        pulled.environments.iter().any(|(pulled, result)| {
            let failed = result.as_ref().is_err_and(|error| error.code() != ErrorCode::Conflict);
            pulled == id && failed
        })
    };
    let mut missing = Vec::new();
    for environment in readable(session, replica)? {
        let snapshot = replica.snapshot(session, environment).await?;
        let lacking = pull::missing(replica.state()?, &me, &snapshot).into_iter();
        let failed = in_vain(&environment);
        missing.extend(lacking.filter(|version| failed || reported.contains(version)));
    }
    Ok(missing)
}

/// Seals to other members what they were never sealed and this device holds.
async fn share_missing(session: &mut Session, replica: &mut Replica) -> Result<Vec<MemberId>> {
    if replica.me(session)?.role() < Role::Writer {
        return Ok(Vec::new());
    }
    let reports = acks::reports(session, replica).await?;
    for _ in 0..REBASES {
        let mut batch = Batch::on(replica.state()?);
        let shared_with = add_missing(session, replica, &mut batch, &reports).await?;
        if shared_with.is_empty() {
            return Ok(shared_with);
        }
        match batch.commit(session, replica).await? {
            Outcome::Accepted(_) => return Ok(shared_with),
            Outcome::Moved => follow(session, replica).await?,
        }
    }
    Ok(Vec::new())
}

async fn add_missing(
    session: &mut Session,
    replica: &Replica,
    batch: &mut Batch,
    reports: &Reports,
) -> Result<Vec<MemberId>> {
    let me = session.identity.id();
    let others =
        batch.state.members().iter().filter(|(id, member)| **id != me && member.is_active());
    let others: Vec<MemberId> = others.map(|(id, _)| *id).collect();
    let mut shared_with = Vec::new();
    for environment in readable(session, replica)? {
        let snapshot = replica.snapshot(session, environment).await?;
        for other in &others {
            if add_shares(session, replica, batch, &snapshot, other, reports)? {
                shared_with.push(*other);
            }
        }
    }
    shared_with.sort_unstable();
    shared_with.dedup();
    Ok(shared_with)
}

impl View {
    /// Id of the workspace.
    pub fn workspace(&self) -> WorkspaceId {
        self.replica.id
    }

    /// Id of this device.
    pub fn me(&self) -> MemberId {
        self.identity.id()
    }

    /// The folded log.
    ///
    /// # Errors
    /// `not_admitted` before the first sync.
    pub fn state(&self) -> Result<&State> {
        self.replica.state()
    }

    /// The relay's address; `None` for a local workspace.
    pub fn relay(&self) -> Option<&str> {
        Some(self.replica.settings.relay.as_str()).filter(|relay| !relay.is_empty())
    }

    /// Whether this device has answered an invitation and is not admitted yet.
    pub fn is_joining(&self) -> bool {
        self.replica.settings.joining.is_some()
    }

    /// The workspace's name, where this device can read it.
    pub fn name(&self) -> Option<String> {
        self.replica.label(Subject::Workspace, self.replica.state.as_ref()?.name())
    }

    /// A member's label, or its fingerprint.
    pub fn member_label(&self, id: &MemberId) -> String {
        let member = self.replica.state.as_ref().and_then(|state| state.members().get(id));
        let label =
            member.and_then(|member| self.replica.label(Subject::Member(*id), &member.label));
        label.unwrap_or_else(|| Fingerprint::of(id).to_string())
    }

    /// An environment's label, or its id.
    pub fn environment_label(&self, id: &EnvironmentId) -> String {
        self.replica.environment_label(*id).unwrap_or_else(|| id.to_string())
    }

    /// The environment of a label, or of an id in hexadecimal.
    ///
    /// # Errors
    /// `unknown_environment`, with the labels there are.
    pub fn environment(&self, label: &str) -> Result<EnvironmentId> {
        let environments = || {
            self.state()
                .map(|state| state.environments().iter().filter(|(_, state)| !state.archived))
        };
        let mut labelled = environments()?.map(|(id, _)| (id, self.environment_label(id)));
        if let Some((id, _)) = labelled.find(|(id, own)| own == label || id.to_string() == label) {
            return Ok(*id);
        }
        let mut known: Vec<String> =
            environments()?.map(|(id, _)| self.environment_label(id)).collect();
        known.sort();
        Err(Error::new(
            ErrorCode::UnknownEnvironment,
            format!("there is no environment {label:?}; there are {}", known.join(", ")),
        ))
    }

    /// The member of a label, a fingerprint, or the beginning of an id.
    ///
    /// # Errors
    /// `unknown_member`; `ambiguous_member` with whoever fits.
    pub fn member(&self, text: &str) -> Result<(MemberId, &Member)> {
        let fits = |id: &MemberId| {
            let prefix = text.len() >= 4 && id.to_string().starts_with(&text.to_ascii_lowercase());
            self.member_label(id) == text || Fingerprint::of(id).is(text) || prefix
        };
        let found: Vec<_> = self.state()?.members().iter().filter(|(id, _)| fits(id)).collect();
        match found.as_slice() {
            [(id, member)] => Ok((**id, member)),
            // The text is not repeated: it may be a value in the wrong place.
            [] => Err(Error::new(
                ErrorCode::UnknownMember,
                "no member has this label, fingerprint or id",
            )),
            several => {
                let list: Vec<String> = several
                    .iter()
                    .map(|(id, _)| format!("{} ({})", self.member_label(id), Fingerprint::of(id)))
                    .collect();
                Err(Error::new(
                    ErrorCode::AmbiguousMember,
                    format!("{text:?} fits {}", list.join(", ")),
                ))
            }
        }
    }

    /// A secret's name by its label, deleted and shadowed ones too.
    pub fn secret_name(&self, id: &SecretId) -> Option<String> {
        let secret = self.replica.state.as_ref()?.secrets().get(id)?;
        let name = names::from_label(&self.replica, secret.environment, id, secret);
        name.map(|name| name.to_string())
    }

    /// Names of an environment's secrets that count, deleted ones too.
    pub fn names(&self, snapshot: &Snapshot) -> std::collections::BTreeMap<SecretId, SecretName> {
        names::of(&self.replica, snapshot).names
    }
}
