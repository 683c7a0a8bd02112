//! secrets set, get, list, delete, import, export, push, pull, rollback.

pub(super) mod import;

use std::process::ExitCode;

use super::drift;
use crate::{
    args::Secrets,
    context::{Context, value_from_stdin},
    output::{bytes, fail, line, listing, note},
    time::words,
};
use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::Secrets as Values,
    encoding::EnvironmentId,
    export::{self, Format},
    name::SecretName,
    report,
    secret::SecretBytes,
    sync::{self, Clashes, Insist, View},
};

pub(crate) fn secrets(context: &Context, command: Secrets) -> Result<ExitCode> {
    let done = match command {
        Secrets::Set { name, env, no_push } => set(context, &name, env.as_deref(), !no_push),
        Secrets::Get { name, env, reveal } => get(context, &name, env.as_deref(), reveal),
        Secrets::List { env } => list(context, env.as_deref()),
        Secrets::Delete { name, env, no_push } => delete(context, &name, env.as_deref(), !no_push),
        Secrets::Import { file, format, env, no_push } => {
            let entries = import::read(&file, format.as_deref())?;
            import::import(context, env.as_deref(), entries, !no_push)
        }
        Secrets::Export { env, reveal, format } => export(context, env.as_deref(), reveal, &format),
        Secrets::Push { env, mine, sent_to_removed } => {
            push(context, env.as_deref(), Insist { mine, sent_to_removed })
        }
        Secrets::Pull { env, theirs } => return pull(context, env.as_deref(), theirs),
        Secrets::Diff { team: true, offline, .. } => drift::team(context, offline),
        Secrets::Diff { env, exit_code, offline, .. } => {
            return drift::against_log(context, env.as_deref(), exit_code, offline);
        }
        Secrets::History { name, env, offline } => {
            drift::history(context, &name, env.as_deref(), offline)
        }
        Secrets::Rollback { name, version, env } => {
            rollback(context, &name, version, env.as_deref())
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn set(context: &Context, name: &str, env: Option<&str>, push: bool) -> Result<()> {
    let name = SecretName::parse(name)?;
    let value = value_from_stdin(&name)?;
    write(context, env, push, vec![(name, Some(value))])
}

fn delete(context: &Context, name: &str, env: Option<&str>, push: bool) -> Result<()> {
    write(context, env, push, vec![(SecretName::parse(name)?, None)])
}

/// With a push: syncs, then writes the next version.
fn write(
    context: &Context,
    env: Option<&str>,
    push: bool,
    changes: Vec<(SecretName, Option<SecretBytes>)>,
) -> Result<()> {
    let view = context.view()?;
    let environment = context.environment(&view, env)?;
    if push {
        context.refresh(environment)?;
    }
    context.change(environment, changes, push)
}

/// A value that must be revealed on purpose.
fn must_reveal(reveal: bool, command: &str) -> Result<()> {
    match reveal {
        true => Ok(()),
        false => {
            Err(Error::new(ErrorCode::InvalidArgument, "values are printed only with --reveal")
                .with_hint(format!("agentsecrets {command} --reveal")))
        }
    }
}

fn get(context: &Context, name: &str, env: Option<&str>, reveal: bool) -> Result<()> {
    let name = SecretName::parse(name)?;
    must_reveal(reveal, &format!("secrets get {name}"))?;
    let view = context.view()?;
    let environment = context.environment(&view, env)?;
    let values = values(context, environment)?;
    let label = view.environment_label(&environment);
    match values.has(name.as_str()) {
        true => bytes(values.require(name.as_str())?.expose()),
        false => Err(Error::new(ErrorCode::UnknownSecret, format!("{label} has no secret {name}"))),
    }
}

/// What this identity may read of an environment.
fn values(context: &Context, environment: EnvironmentId) -> Result<Values> {
    let snapshot = context.client().snapshot(context.workspace()?, environment)?;
    Ok(Values::of(&snapshot, context.client().identity().kind()))
}

fn list(context: &Context, env: Option<&str>) -> Result<()> {
    let view = context.view()?;
    let environment = context.environment(&view, env)?;
    let snapshot = context.client().snapshot(context.workspace()?, environment)?;
    // Signed history may have come in with the values.
    let view = context.view()?;
    let rows = report::secrets(&view, &snapshot);
    listing(context.json, &rows, &["name", "version", "updated at", "author"], |row| {
        let version =
            if row.version == 0 { "not pushed".to_owned() } else { row.version.to_string() };
        vec![row.name.clone(), version, words(row.updated_at), row.author.clone()]
    })
}

fn export(context: &Context, env: Option<&str>, reveal: bool, format: &str) -> Result<()> {
    let format = Format::parse(format)?;
    must_reveal(reveal, "secrets export")?;
    let view = context.view()?;
    let environment = context.environment(&view, env)?;
    let values = values(context, environment)?;
    let left_out: Vec<&str> = values.use_only().map(SecretName::as_str).collect();
    if !left_out.is_empty() {
        note(&format!("left out, for they may be used and not read: {}", left_out.join(", ")));
    }
    let entries: Vec<(&SecretName, &SecretBytes)> = values.iter().collect();
    bytes(export::write(format, &entries)?.expose())
}

fn push(context: &Context, env: Option<&str>, insist: Insist) -> Result<()> {
    let (view, workspace) = (context.view()?, context.workspace()?);
    let environment = context.environment(&view, env)?;
    let pushed = context.client().run(|start| sync::push(start, workspace, environment, insist))?;
    let label = view.environment_label(&environment);
    match pushed.names.len() {
        0 => note(&format!("nothing to push in {label}")),
        count => note(&format!("pushed {count} to {label}; head {}", pushed.head.seq)),
    }
    others_unpushed(context, &view, environment)
}

fn others_unpushed(context: &Context, view: &View, pushed: EnvironmentId) -> Result<()> {
    for (id, _) in view.state()?.environments().iter().filter(|(id, _)| **id != pushed) {
        let count = context.held(*id)?.local.len();
        if count > 0 {
            let label = view.environment_label(id);
            note(&format!(
                "note: {label} has {count} changes that are not pushed: agentsecrets secrets push --env {label}"
            ));
        }
    }
    Ok(())
}

/// Each environment stands for itself: one that fails stays as it was, and is reported.
fn pull(context: &Context, env: Option<&str>, theirs: bool) -> Result<ExitCode> {
    let only = env.map(|env| context.view()?.environment(env)).transpose()?;
    let clashes = if theirs { Clashes::Theirs } else { Clashes::Refuse };
    let report = context.sync(only.map(|id| vec![id]), clashes)?;
    let view = context.view()?;
    let mut failure = None;
    for (id, result) in report.pulled.environments {
        let label = view.environment_label(&id);
        match result {
            Ok(pulled) => {
                note(&format!(
                    "{label}: {} updated, {} deleted",
                    pulled.updated.len(),
                    pulled.deleted.len()
                ));
                pulled.duplicates.iter().for_each(|name| {
                    note(&format!(
                        "warning[duplicate_name]: {label}: a second secret {name} is not loaded"
                    ))
                });
            }
            Err(error) => {
                note(&format!("{label}: left as it was"));
                failure = failure.or(Some(error));
            }
        }
    }
    Ok(failure.map_or(ExitCode::SUCCESS, |error| fail(&error, context.json)))
}

fn rollback(context: &Context, name: &str, version: u64, env: Option<&str>) -> Result<()> {
    let name = SecretName::parse(name)?;
    let view = context.view()?;
    let environment = context.environment(&view, env)?;
    context.refresh(environment)?;
    let snapshot = context.held(environment)?;
    let held = snapshot.by_name(&name).or_else(|| snapshot.secrets.named(&name).next_back());
    let held = held.ok_or_else(|| {
        Error::new(ErrorCode::UnknownSecret, format!("there is no secret {name}"))
    })?;
    let value = held.version(version).and_then(|version| version.value.as_ref());
    let value = value.ok_or_else(|| {
        Error::new(
            ErrorCode::VersionNotHeld,
            format!("this vault does not hold version {version} of {name}"),
        )
    })?;
    let copy = SecretBytes::copy_of(value.value.expose());
    context.change(environment, vec![(name, Some(copy))], true)?;
    line(&format!("version {version} is live again, as a new version"))
}
