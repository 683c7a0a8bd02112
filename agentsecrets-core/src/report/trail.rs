//! The log as a trail of who could read what, since when.

use std::collections::BTreeMap;

use serde::Serialize;

use super::When;
use crate::{
    encoding::{EnvironmentId, SecretId},
    error::Result,
    log::{Body, SignedEntry, State},
    name::SecretName,
    snapshot::Snapshot,
    sync::View,
};

/// One entry.
#[derive(Clone, Debug, Serialize)]
pub struct AuditRow {
    /// Number.
    pub seq: u64,
    /// When, by its author's clock.
    pub time: When,
    /// Label of its author.
    pub author: String,
    /// Word of its kind.
    pub kind: &'static str,
    /// Label of its environment.
    pub environment: Option<String>,
    /// Names of its secrets.
    pub names: Vec<String>,
    /// Labels of whom it delivered to.
    pub recipients: Vec<String>,
}

/// Entry by entry. Names come from the vault's snapshots of all environments.
///
/// # Errors
/// What the fold says of entries that are no log.
pub fn audit(
    view: &View,
    entries: &[SignedEntry],
    snapshots: &[Snapshot],
) -> Result<Vec<AuditRow>> {
    let names: Names = snapshots.iter().flat_map(|held| view.names(held)).collect();
    let mut rows = Vec::with_capacity(entries.len());
    let mut state: Option<State> = None;
    for entry in entries {
        rows.push(row(view, state.as_ref(), &names, entry));
        match &mut state {
            Some(state) => state.apply(entry)?,
            None => state = Some(State::genesis(entry)?),
        }
    }
    Ok(rows)
}

/// Names are those of all environments that this device can read.
type Names = BTreeMap<SecretId, SecretName>;

fn row(view: &View, before: Option<&State>, names: &Names, signed: &SignedEntry) -> AuditRow {
    let entry = signed.entry();
    let (environment, secrets) = subject(&entry.body);
    let name = |id: &SecretId| names.get(id).map_or_else(|| id.to_string(), SecretName::to_string);
    let recipients = before.map(|state| state.expected_deliveries(entry)).unwrap_or_default();
    AuditRow {
        seq: entry.seq,
        time: When(entry.time),
        author: view.member_label(&entry.author),
        kind: entry.body.kind(),
        environment: environment.map(|id| view.environment_label(&id)),
        names: secrets.iter().map(name).collect(),
        recipients: recipients.iter().map(|id| view.member_label(id)).collect(),
    }
}

fn subject(body: &Body) -> (Option<EnvironmentId>, Vec<SecretId>) {
    match body {
        Body::Environment(environment) => (Some(environment.id), Vec::new()),
        Body::Push(push) => {
            (Some(push.environment), push.items.iter().map(|item| item.secret).collect())
        }
        Body::Share(share) => {
            (Some(share.environment), share.versions.iter().map(|version| version.secret).collect())
        }
        _ => (None, Vec::new()),
    }
}
