//! audit: the log as a trail of who could read what, since when.

use std::{collections::BTreeMap, path::Path};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::{EnvironmentId, SecretId},
    log::{Body, SignedEntry, State, archive},
    name::SecretName,
    sync::{self, LeftHistory, View},
};
use serde::Serialize;

use crate::{
    context::Context,
    output::{listing, note},
    time::Time,
};

#[derive(Serialize)]
struct Row {
    seq: u64,
    time: Time,
    author: String,
    kind: &'static str,
    environment: Option<String>,
    names: Vec<String>,
    recipients: Vec<String>,
}

fn write(file: &Path, text: &str, entries: usize) -> Result<()> {
    std::fs::write(file, text).map_err(|error| {
        let cause = format!("{} cannot be written: {}", file.display(), error.kind());
        Error::new(ErrorCode::InvalidArgument, cause)
    })?;
    note(&format!(
        "wrote {entries} entries to {0}; check them: agentsecrets verify {0}",
        file.display()
    ));
    Ok(())
}

/// Names are those of all environments that this device can read.
type Names = BTreeMap<SecretId, SecretName>;

pub(crate) fn audit(
    context: &Context,
    offline: bool,
    file: Option<&Path>,
    left: Option<u32>,
) -> Result<()> {
    let workspace = context.workspace()?;
    let LeftHistory { view, entries, snapshots } = match left {
        Some(number) => context.client().read(|start| sync::left(start, workspace, number))?,
        None => present(context, offline)?,
    };
    if let Some(file) = file {
        return write(file, &archive::write(workspace, &entries), entries.len());
    }
    let names: Names = snapshots.iter().flat_map(|held| view.names(held)).collect();
    let mut rows = Vec::with_capacity(entries.len());
    let mut state: Option<State> = None;
    for entry in &entries {
        rows.push(row(&view, state.as_ref(), &names, entry));
        match &mut state {
            Some(state) => state.apply(entry)?,
            None => state = Some(State::genesis(entry)?),
        }
    }
    listing(
        context.json,
        &rows,
        &["seq", "time", "author", "kind", "environment", "names", "recipients"],
        |row| {
            let environment = row.environment.clone().unwrap_or_default();
            vec![
                row.seq.to_string(),
                row.time.to_string(),
                row.author.clone(),
                row.kind.to_owned(),
                environment,
                short(&row.names),
                short(&row.recipients),
            ]
        },
    )
}

fn short(words: &[String]) -> String {
    match words {
        [first, second, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second} and {} more", rest.len())
        }
        words => words.join(", "),
    }
}

/// The history that this device holds, in the same shape as one that it left.
fn present(context: &Context, offline: bool) -> Result<LeftHistory> {
    let view = context.fresh_view(offline)?;
    let entries = context.client().read(|start| sync::entries(start, view.workspace()))?;
    let environments = view.state()?.environments().keys();
    let snapshots = environments.map(|id| context.held(*id)).collect::<Result<_>>()?;
    Ok(LeftHistory { view, entries, snapshots })
}

fn row(view: &View, before: Option<&State>, names: &Names, signed: &SignedEntry) -> Row {
    let entry = signed.entry();
    let (environment, secrets) = subject(&entry.body);
    let name = |id: &SecretId| names.get(id).map_or_else(|| id.to_string(), SecretName::to_string);
    let recipients = before.map(|state| state.expected_deliveries(entry)).unwrap_or_default();
    Row {
        seq: entry.seq,
        time: Time(entry.time),
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
