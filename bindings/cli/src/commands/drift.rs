//! secrets diff, secrets history, diff between environments.

use std::process::ExitCode;

use agentsecrets_core::{
    Result,
    name::SecretName,
    report::{self, DriftReport},
    sync::{self, Clashes},
};

use crate::{
    context::Context,
    output::{DRIFT, line, listing, value},
    time::words,
};

pub(crate) fn against_log(
    context: &Context,
    env: Option<&str>,
    exit_code: bool,
    offline: bool,
) -> Result<ExitCode> {
    let view = context.fresh_view(offline)?;
    let environment = context.environment(&view, env)?;
    let snapshot = context.held(environment)?;
    report(context.json, exit_code, report::against_log(&view, &snapshot)?)
}

/// Who is how many entries behind, as each member last signed it.
pub(crate) fn team(context: &Context, offline: bool) -> Result<()> {
    if !offline {
        context.sync(Some(Vec::new()), Clashes::Keep)?;
    }
    let (view, workspace) = (context.view()?, context.workspace()?);
    let seen = context.client().read(|start| sync::team(start, workspace))?;
    let rows = report::team(&view, seen)?;
    listing(context.json, &rows, &["member", "entries behind", "seen at", "missing"], |row| {
        let behind =
            row.behind.map_or_else(|| "never synced".to_owned(), |behind| behind.to_string());
        vec![
            row.member.clone(),
            behind,
            row.seen_at.map(words).unwrap_or_default(),
            row.missing.to_string(),
        ]
    })
}

fn report(json: bool, exit_code: bool, report: DriftReport) -> Result<ExitCode> {
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
    report(context.json, exit_code, report::between(&view, &held_a, &held_b)?)
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
    let rows = report::history(&view, &snapshot, &name)?;
    listing(
        context.json,
        &rows,
        &["version", "time", "author", "operation", "held", "live"],
        |row| {
            let word = |flag: bool| if flag { "yes".to_owned() } else { String::new() };
            let version = if row.version == 0 { "-".to_owned() } else { row.version.to_string() };
            vec![
                version,
                words(row.time),
                row.author.clone(),
                row.operation.to_owned(),
                word(row.held),
                word(row.live),
            ]
        },
    )
}
