//! Reads a file of secrets and sets what differs.

use std::{io::Read, path::Path};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    import::{self, Source},
    name::SecretName,
    parcel::MAX_VALUE,
    secret::SecretBytes,
};

use crate::{context::Context, output::note};

/// The entries of a file, or of stdin for `-`, all valid; or an error and nothing.
pub(crate) fn read(file: &Path, format: Option<&str>) -> Result<Vec<(SecretName, SecretBytes)>> {
    let source = format.map(Source::parse).transpose()?;
    let piped = file == Path::new("-");
    let bytes = if piped { from_stdin() } else { std::fs::read(file) };
    let bytes = bytes.map(SecretBytes::new).map_err(|error| {
        let cause = format!("{} cannot be read: {}", file.display(), error.kind());
        Error::new(ErrorCode::InvalidArgument, cause)
    })?;
    let name = file.to_string_lossy();
    let entries = import::read(source, (!piped).then_some(&*name), bytes.expose())?;
    match entries.iter().find(|(_, value)| value.len() > MAX_VALUE) {
        Some((name, _)) => Err(Error::new(
            ErrorCode::ValueTooLarge,
            format!("the value of {name} has more than {MAX_VALUE} bytes"),
        )),
        None => Ok(entries),
    }
}

fn from_stdin() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1 << 20); // So that few files leave a copy behind as it grows.
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Sets what differs from the environment; entries with the value they have already are left.
pub(crate) fn import(
    context: &Context,
    env: Option<&str>,
    entries: Vec<(SecretName, SecretBytes)>,
    push: bool,
) -> Result<()> {
    let view = context.view()?;
    let environment = context.environment(&view, env)?;
    if push {
        context.refresh(environment)?;
    }
    let snapshot = context.held(environment)?;
    let total = entries.len();
    let differs = |name: &SecretName, value: &SecretBytes| {
        snapshot.value(name).is_none_or(|held| !held.ct_eq(value.expose()))
    };
    let changes: Vec<_> = entries
        .into_iter()
        .filter(|(name, value)| differs(name, value))
        .map(|(name, value)| (name, Some(value)))
        .collect();
    let changed = changes.len();
    context.change(environment, changes, push)?;
    note(&format!(
        "{}: {changed} of {total} entries imported, the others were there",
        view.environment_label(&environment)
    ));
    Ok(())
}
