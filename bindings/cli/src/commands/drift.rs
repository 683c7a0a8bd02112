//! secrets diff, secrets history, diff between environments.

use std::process::ExitCode;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    drift::{self, Drift, Side},
    encoding::SecretId,
    log::{entry::Operation, state::SecretState},
    name::SecretName,
    snapshot::Snapshot,
    sync::{self, Clashes, View},
};
use serde::Serialize;

use crate::{
    context::Context,
    output::{DRIFT, line, listing, value},
    time::Time,
};

#[derive(Serialize)]
struct Change {
    name: String,
    state: &'static str,
}

#[derive(Serialize)]
struct Report {
    environment: String,
    in_sync: bool,
    changes: Vec<Change>,
}

pub(crate) fn against_log(
    context: &Context,
    env: Option<&str>,
    exit_code: bool,
    offline: bool,
) -> Result<ExitCode> {
    let view = context.fresh_view(offline)?;
    let environment = context.environment(&view, env)?;
    let snapshot = context.held(environment)?;
    let changes = drift::against_log(view.state()?, &snapshot, &view.me(), &view.names(&snapshot));
    let in_sync = changes.iter().all(|change| change.state == Drift::NeedsRotation);
    let changes = changes
        .into_iter()
        .map(|change| Change { name: change.name, state: change.state.as_str() })
        .collect();
    report(
        context.json,
        exit_code,
        Report { environment: view.environment_label(&environment), in_sync, changes },
    )
}

#[derive(Serialize)]
struct Member {
    member: String,
    seq: Option<u64>,
    behind: Option<u64>,
    seen_at: Option<Time>,
    missing: usize,
}

/// Who is how many entries behind, as each member last signed it.
pub(crate) fn team(context: &Context, offline: bool) -> Result<()> {
    if !offline {
        context.sync(Some(Vec::new()), Clashes::Keep)?;
    }
    let (view, workspace) = (context.view()?, context.workspace()?);
    let head = view.state()?.head().seq;
    let seen = context.client().read(|start| sync::team(start, workspace))?;
    let rows: Vec<Member> = seen
        .into_iter()
        .map(|seen| Member {
            member: view.member_label(&seen.member),
            seq: seen.ack.map(|(seq, _)| seq),
            behind: seen.ack.map(|(seq, _)| head.saturating_sub(seq)),
            seen_at: seen.ack.map(|(_, at)| Time(at)),
            missing: seen.missing,
        })
        .collect();
    listing(context.json, &rows, &["member", "entries behind", "seen at", "missing"], |row| {
        let behind =
            row.behind.map_or_else(|| "never synced".to_owned(), |behind| behind.to_string());
        vec![
            row.member.clone(),
            behind,
            row.seen_at.map(|at| at.to_string()).unwrap_or_default(),
            row.missing.to_string(),
        ]
    })
}

fn report(json: bool, exit_code: bool, report: Report) -> Result<ExitCode> {
    let code = if exit_code && !report.in_sync { ExitCode::from(DRIFT) } else { ExitCode::SUCCESS };
    if json {
        value(&report)?;
    } else if report.changes.is_empty() {
        line(&format!("{}: in sync", report.environment))?;
    } else {
        listing(false, &report.changes, &["name", "state"], |change| {
            vec![change.name.clone(), change.state.to_owned()]
        })?;
    }
    Ok(code)
}

pub(crate) fn environments(
    context: &Context,
    a: &str,
    b: &str,
    exit_code: bool,
    offline: bool,
) -> Result<ExitCode> {
    let view = context.fresh_view(offline)?;
    let (id_a, id_b) = (view.environment(a)?, view.environment(b)?);
    let (held_a, held_b) = (context.held(id_a)?, context.held(id_b)?);
    let changes = drift::between(&side(&view, &held_a)?, &side(&view, &held_b)?);
    let in_sync = changes.is_empty();
    let changes = changes
        .into_iter()
        .map(|(name, state)| Change { name: name.to_string(), state: state.as_str() })
        .collect();
    report(context.json, exit_code, Report { environment: format!("{a} {b}"), in_sync, changes })
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
    names.extend(
        snapshot.local.iter().filter(|local| local.value.is_some()).map(|local| local.name.clone()),
    );
    names.sort_unstable();
    names.dedup();
    Ok(Side { environment: snapshot.environment, snapshot: Some(snapshot), names })
}

#[derive(Serialize)]
struct Version {
    version: u64,
    time: Time,
    author: String,
    operation: &'static str,
    held: bool,
    live: bool,
}

pub(crate) fn history(
    context: &Context,
    name: &str,
    env: Option<&str>,
    offline: bool,
) -> Result<()> {
    let name = SecretName::parse(name)?;
    let view = context.fresh_view(offline)?;
    let environment = context.environment(&view, env)?;
    let snapshot = context.held(environment)?;
    let mut rows = Vec::new();
    for (id, _) in view.names(&snapshot).iter().filter(|(_, known)| **known == name) {
        if let Some(secret) = view.state()?.secrets().get(id) {
            rows.extend(versions(&view, &snapshot, id, secret));
        }
    }
    rows.extend(own(&view, &snapshot, &name));
    if rows.is_empty() {
        return Err(Error::new(ErrorCode::UnknownSecret, format!("there is no secret {name}")));
    }
    listing(
        context.json,
        &rows,
        &["version", "time", "author", "operation", "held", "live"],
        |row| {
            let word = |flag: bool| if flag { "yes".to_owned() } else { String::new() };
            let version = if row.version == 0 { "-".to_owned() } else { row.version.to_string() };
            vec![
                version,
                row.time.to_string(),
                row.author.clone(),
                row.operation.to_owned(),
                word(row.held),
                word(row.live),
            ]
        },
    )
}

fn versions(view: &View, snapshot: &Snapshot, id: &SecretId, secret: &SecretState) -> Vec<Version> {
    let newest = secret.versions.len() as u64;
    let held = |number: u64| {
        snapshot
            .held(id)
            .and_then(|held| held.version(number))
            .is_some_and(|held| held.value.is_some())
    };
    let all = secret.versions.iter().zip(1..);
    all.map(|(version, number)| Version {
        version: number,
        time: Time(version.time),
        author: view.member_label(&version.author),
        operation: if version.operation == Operation::Delete { "delete" } else { "put" },
        held: held(number),
        live: number == newest && version.operation != Operation::Delete,
    })
    .collect()
}

/// What was set here and is in no log: changes not pushed, and values given up for somebody else's.
fn own(view: &View, snapshot: &Snapshot, name: &SecretName) -> Vec<Version> {
    let row = |at: u64, operation| Version {
        version: 0,
        time: Time(at),
        author: view.member_label(&view.me()),
        operation,
        held: true,
        live: false,
    };
    let given_up =
        snapshot.secrets.iter().filter(|held| held.name == *name).flat_map(|held| &held.given_up);
    let mut rows: Vec<Version> = given_up.map(|given_up| row(given_up.time, "given_up")).collect();
    rows.extend(snapshot.local(name).map(|local| row(local.time, "not_pushed")));
    rows
}
