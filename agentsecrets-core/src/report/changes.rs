//! Secrets, their versions, and how two sides differ.

use serde::Serialize;

use super::When;
use crate::{
    drift::{self, Drift, Side},
    encoding::SecretId,
    error::{Error, ErrorCode, Result},
    log::{entry::Operation, state::SecretState},
    name::SecretName,
    snapshot::Snapshot,
    sync::View,
};

/// A secret in the vault.
#[derive(Clone, Debug, Serialize)]
pub struct SecretRow {
    /// Name.
    pub name: String,
    /// Newest version held; 0 where it was never pushed.
    pub version: u64,
    /// The environment's label.
    pub environment: String,
    /// When it was changed, by its author's clock.
    pub updated_at: When,
    /// Label of who changed it.
    pub author: String,
}

/// What the vault holds of an environment, by name.
pub fn secrets(view: &View, snapshot: &Snapshot) -> Vec<SecretRow> {
    snapshot.names().into_iter().map(|name| secret(view, snapshot, name)).collect()
}

fn secret(view: &View, snapshot: &Snapshot, name: &SecretName) -> SecretRow {
    let newest = snapshot.by_name(name).and_then(|held| held.newest());
    let local = snapshot.local(name);
    let updated = local.map(|local| local.time).or(newest.map(|newest| newest.time));
    let author = match local {
        Some(_) => view.me(),
        None => newest.map_or(view.me(), |newest| newest.author),
    };
    SecretRow {
        name: name.to_string(),
        version: newest.map_or(0, |newest| newest.version),
        environment: view.environment_label(&snapshot.environment),
        updated_at: When(updated.unwrap_or_default()),
        author: view.member_label(&author),
    }
}

/// One name that differs.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Name.
    pub name: String,
    /// How: the words of [`Drift`] or of a comparison of two environments.
    pub state: &'static str,
}

/// How two sides differ.
#[derive(Clone, Debug, Serialize)]
pub struct DriftReport {
    /// The environment's label; two, with a blank between, where two were compared.
    pub environment: String,
    /// Whether nothing is to be pulled or pushed.
    pub in_sync: bool,
    /// What differs, by name.
    pub changes: Vec<Change>,
}

/// The vault against the log.
///
/// # Errors
/// `not_admitted` before the first sync.
pub fn against_log(view: &View, snapshot: &Snapshot) -> Result<DriftReport> {
    let names = view.names(snapshot);
    let changes = drift::against_log(view.state()?, snapshot, &view.me(), &names);
    let in_sync = changes.iter().all(|change| change.state == Drift::NeedsRotation);
    let changes = changes
        .into_iter()
        .map(|change| Change { name: change.name, state: change.state.as_str() })
        .collect();
    let environment = view.environment_label(&snapshot.environment);
    Ok(DriftReport { environment, in_sync, changes })
}

/// Two environments of one vault.
///
/// # Errors
/// `not_admitted` before the first sync.
pub fn between(view: &View, a: &Snapshot, b: &Snapshot) -> Result<DriftReport> {
    let changes = drift::between(&side(view, a)?, &side(view, b)?);
    let label = |snapshot: &Snapshot| view.environment_label(&snapshot.environment);
    let (environment, in_sync) = (format!("{} {}", label(a), label(b)), changes.is_empty());
    let changes = changes
        .into_iter()
        .map(|(name, state)| Change { name: name.to_string(), state: state.as_str() })
        .collect();
    Ok(DriftReport { environment, in_sync, changes })
}

/// Names by the log; changes made here count as a program here sees them.
fn side<'a>(view: &View, snapshot: &'a Snapshot) -> Result<Side<'a>> {
    let state = view.state()?;
    let known = view.names(snapshot);
    let live = known.iter().filter(|(id, _)| {
        state.secrets().get(id).is_some_and(|secret| secret.live_commitment().is_some())
    });
    let mut names: Vec<SecretName> = live.map(|(_, name)| name.clone()).collect();
    names.retain(|name| snapshot.local(name).is_none_or(|local| local.value.is_some()));
    let set = snapshot.local.iter().filter(|local| local.value.is_some());
    names.extend(set.map(|local| local.name.clone()));
    names.sort_unstable();
    names.dedup();
    Ok(Side { environment: snapshot.environment, snapshot: Some(snapshot), names })
}

/// One version of a secret, or a change that is in no log.
#[derive(Clone, Debug, Serialize)]
pub struct VersionRow {
    /// Number; 0 for what was never pushed.
    pub version: u64,
    /// When, by its author's clock.
    pub time: When,
    /// Label of its author.
    pub author: String,
    /// `put`, `delete`, `given_up` or `not_pushed`.
    pub operation: &'static str,
    /// Whether the vault holds its value.
    pub held: bool,
    /// Whether it is the one that counts.
    pub live: bool,
}

/// All versions of a name, oldest first, then what was set here and is in no log.
///
/// # Errors
/// `unknown_secret`; `not_admitted` before the first sync.
pub fn history(view: &View, snapshot: &Snapshot, name: &SecretName) -> Result<Vec<VersionRow>> {
    let mut rows = Vec::new();
    for (id, _) in view.names(snapshot).iter().filter(|(_, known)| *known == name) {
        if let Some(secret) = view.state()?.secrets().get(id) {
            rows.extend(versions(view, snapshot, id, secret));
        }
    }
    rows.extend(own(view, snapshot, name));
    match rows.is_empty() {
        true => Err(Error::new(ErrorCode::UnknownSecret, format!("there is no secret {name}"))),
        false => Ok(rows),
    }
}

fn versions<'a>(
    view: &'a View,
    snapshot: &'a Snapshot,
    id: &'a SecretId,
    secret: &'a SecretState,
) -> impl Iterator<Item = VersionRow> + 'a {
    let newest = secret.versions.len() as u64;
    let held = |number: u64| {
        let version = snapshot.held(id).and_then(|held| held.version(number));
        version.is_some_and(|version| version.value.is_some())
    };
    secret.versions.iter().zip(1..).map(move |(version, number)| VersionRow {
        version: number,
        time: When(version.time),
        author: view.member_label(&version.author),
        operation: if version.operation == Operation::Delete { "delete" } else { "put" },
        held: held(number),
        live: number == newest && version.operation != Operation::Delete,
    })
}

/// Changes not pushed, and values given up for somebody else's.
fn own(view: &View, snapshot: &Snapshot, name: &SecretName) -> Vec<VersionRow> {
    let row = |at: u64, operation| VersionRow {
        version: 0,
        time: When(at),
        author: view.member_label(&view.me()),
        operation,
        held: true,
        live: false,
    };
    let given_up = snapshot.secrets.named(name).flat_map(|held| &held.given_up);
    let mut rows: Vec<VersionRow> =
        given_up.map(|given_up| row(given_up.time, "given_up")).collect();
    rows.extend(snapshot.local(name).map(|local| row(local.time, "not_pushed")));
    rows
}
