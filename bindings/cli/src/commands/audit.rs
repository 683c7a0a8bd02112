//! audit: the log as a trail of who could read what, since when.

use std::path::Path;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    log::archive,
    report,
    sync::{self, LeftHistory},
};

use crate::{
    context::Context,
    output::{listing, note},
    time::words,
};

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
    let rows = report::audit(&view, &entries, &snapshots)?;
    listing(
        context.json,
        &rows,
        &["seq", "time", "author", "kind", "environment", "names", "recipients"],
        |row| {
            let environment = row.environment.clone().unwrap_or_default();
            vec![
                row.seq.to_string(),
                words(row.time),
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
