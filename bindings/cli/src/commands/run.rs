//! run: a command with the secrets in its environment, and nothing of ours in its streams.

use std::{
    ffi::{OsStr, OsString},
    process::{Command, ExitCode},
};

use agentsecrets_core::{
    Error, ErrorCode, Result, client::Secrets, name::SecretName, secret::SecretBytes,
};

use agentsecrets_broker::KEPT_FROM_CHILD;

use crate::context::Context;

pub(crate) fn run(
    context: &Context,
    env: Option<&str>,
    only: &[String],
    command: &[OsString],
) -> Result<ExitCode> {
    let view = context.view()?;
    let environment = context.environment(&view, env)?;
    let snapshot = context.client().snapshot(context.workspace()?, environment)?;
    let secrets = Secrets::of(&snapshot, context.client().identity().kind());
    let chosen = choose(&secrets, only, &view.environment_label(&environment))?;
    let Some((program, arguments)) = command.split_first() else {
        return Err(Error::new(ErrorCode::InvalidArgument, "run takes a command after --"));
    };
    let mut child = Command::new(program);
    child.args(arguments);
    for name in KEPT_FROM_CHILD {
        child.env_remove(name);
    }
    for (name, value) in chosen {
        child.env(name.as_str(), variable(name, value)?);
    }
    start(child, program)
}

fn choose<'a>(
    secrets: &'a Secrets,
    only: &[String],
    label: &str,
) -> Result<Vec<(&'a SecretName, &'a SecretBytes)>> {
    let missing: Vec<&str> =
        only.iter().map(String::as_str).filter(|name| !secrets.has(name)).collect();
    if !missing.is_empty() {
        return Err(Error::new(
            ErrorCode::MissingSecrets,
            format!("missing in {label}: {}", missing.join(", ")),
        ));
    }
    if only.is_empty() {
        return Ok(secrets.variables().collect());
    }
    // Asked for by name, a secret that may only be used is an error and not left out.
    only.iter().try_for_each(|name| secrets.variable(name).map(drop))?;
    let wanted = |name: &SecretName| only.iter().any(|wanted| wanted == name.as_str());
    Ok(secrets.variables().filter(|(name, _)| wanted(name)).collect())
}

#[cfg(unix)]
fn variable<'a>(name: &SecretName, value: &'a SecretBytes) -> Result<&'a OsStr> {
    match value.expose().contains(&0) {
        true => Err(unfit(name)),
        false => Ok(std::os::unix::ffi::OsStrExt::from_bytes(value.expose())),
    }
}

#[cfg(not(unix))]
fn variable<'a>(name: &SecretName, value: &'a SecretBytes) -> Result<&'a OsStr> {
    let text = std::str::from_utf8(value.expose()).ok().filter(|text| !text.contains('\0'));
    text.map(OsStr::new).ok_or_else(|| unfit(name))
}

fn unfit(name: &SecretName) -> Error {
    Error::new(
        ErrorCode::NotAnEnvironmentValue,
        format!("the value of {name} cannot be an environment variable"),
    )
}

/// The process becomes the command: signals and the exit code pass through by themselves.
#[cfg(unix)]
pub(super) fn start(mut child: Command, program: &OsStr) -> Result<ExitCode> {
    Err(not_started(program, &std::os::unix::process::CommandExt::exec(&mut child)))
}

#[cfg(not(unix))]
pub(super) fn start(mut child: Command, program: &OsStr) -> Result<ExitCode> {
    let status = child.status().map_err(|error| not_started(program, &error))?;
    Ok(status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8)))
}

fn not_started(program: &OsStr, error: &std::io::Error) -> Error {
    let why = match error.kind() {
        std::io::ErrorKind::ArgumentListTooLong => {
            "the secrets are too large for one process's environment; choose with --only".to_owned()
        }
        kind => kind.to_string(),
    };
    Error::new(
        ErrorCode::InvalidArgument,
        format!("{} does not start: {why}", program.to_string_lossy()),
    )
    .with_hint("agentsecrets run -- COMMAND")
}
