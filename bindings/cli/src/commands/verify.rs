//! verify: folds a log entry by entry; needs no secret.

use std::path::Path;

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::Head,
    log::{SignedEntry, State, archive},
    sync,
};
use serde::Serialize;

use crate::{
    context::Context,
    output::{line, value},
};

#[derive(Serialize)]
struct Verified {
    workspace: String,
    entries: usize,
    head: String,
    members: usize,
}

/// An exported log, on any machine.
pub(crate) fn file(json: bool, file: &Path, head: Option<&str>) -> Result<()> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let cause = format!("{} cannot be read: {}", file.display(), error.kind());
        Error::new(ErrorCode::InvalidArgument, cause)
    })?;
    let (state, entries) = archive::verify(&text, parse(head)?)?;
    report(json, &state, &entries)
}

/// The log in this vault, from its first entry on.
pub(crate) fn own(context: &Context, head: Option<&str>) -> Result<()> {
    let workspace = context.workspace()?;
    let entries = context.client().read(|start| sync::entries(start, workspace))?;
    let (state, entries) = archive::verify(&archive::write(workspace, &entries), parse(head)?)?;
    report(context.json, &state, &entries)
}

fn parse(head: Option<&str>) -> Result<Option<Head>> {
    let parse = |text: &str| {
        Head::parse(text).ok_or_else(|| Error::new(ErrorCode::InvalidArgument, "a head is SEQ:HEX"))
    };
    head.map(parse).transpose()
}

fn report(json: bool, state: &State, entries: &[SignedEntry]) -> Result<()> {
    let members = state.members().values().filter(|member| member.is_active()).count();
    let (workspace, head) = (state.workspace().to_string(), state.head().to_string());
    if json {
        return value(&Verified { workspace, entries: entries.len(), head, members });
    }
    line(&format!("{} entries verified; {members} members; head {head}", entries.len()))
}
