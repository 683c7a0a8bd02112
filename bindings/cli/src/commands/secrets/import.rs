//! Reads a file of secrets and sets what differs.

use std::path::Path;

use agentsecrets_core::{
    Error, ErrorCode, Result, export, name::SecretName, parcel::MAX_VALUE, secret::SecretBytes,
};

use crate::{context::Context, output::note};

/// The entries of a `.env` or `.json` file, all valid, or an error and nothing.
pub(crate) fn read(file: &Path) -> Result<Vec<(SecretName, SecretBytes)>> {
    let bytes = std::fs::read(file).map(SecretBytes::new).map_err(|error| {
        Error::new(
            ErrorCode::InvalidArgument,
            format!("{} cannot be read: {}", file.display(), error.kind()),
        )
    })?;
    let entries = export::read(Some(&file.to_string_lossy()), bytes.expose())?;
    match entries.iter().find(|(_, value)| value.len() > MAX_VALUE) {
        Some((name, _)) => Err(Error::new(
            ErrorCode::ValueTooLarge,
            format!("the value of {name} has more than {MAX_VALUE} bytes"),
        )),
        None => Ok(entries),
    }
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
