//! head: what two devices, or a device and a git repository, compare without the relay.

use std::path::{Path, PathBuf};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::Head,
    fingerprint::{HeadFile, head_words},
    sync,
};
use serde::Serialize;

use crate::{
    context::Context,
    output::{line, note, value},
};

#[derive(Serialize)]
struct Shown {
    workspace: String,
    seq: u64,
    head: String,
    words: String,
}

pub(crate) fn head(context: &Context, words: bool, write: bool, offline: bool) -> Result<()> {
    let view = context.fresh_view(offline)?;
    let (workspace, head) = (view.workspace(), view.state()?.head());
    let file = folder(context).join(HeadFile::NAME);
    check(context, &file, head)?;
    if write {
        let text = HeadFile { workspace, head }.to_string();
        std::fs::write(&file, text).map_err(|error| bad(&file, &error.kind().to_string()))?;
        note(&format!("wrote {}", file.display()));
    }
    let spoken = head_words(&workspace, &head);
    match (context.json, words) {
        (true, _) => value(&Shown {
            workspace: workspace.to_string(),
            seq: head.seq,
            head: head.to_string(),
            words: spoken,
        }),
        (false, true) => line(&format!("{}: {spoken}", head.seq)),
        (false, false) => line(&head.to_string()),
    }
}

/// Leaves this device's history for the one that a person confirmed.
pub(crate) fn adopt(context: &Context, confirmed: &str) -> Result<()> {
    let head = Head::parse(confirmed).ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidArgument,
            "a head is a number, a colon and 64 hexadecimal digits",
        )
    })?;
    let workspace = context.workspace()?;
    let done = context.client().run(|start| sync::adopt(start, workspace, head))?;
    let number = context.view()?.left();
    note(&format!(
        "left {} entries up to {}; they stay here: agentsecrets audit --left {number}",
        done.entries, done.left
    ));
    for name in &done.unpushed {
        note(&format!(
            "  {name} was written here alone: a change to push, or to drop by pull --theirs"
        ));
    }
    line(&format!("adopted {}", done.head))
}

fn folder(context: &Context) -> PathBuf {
    let project = context.config.project.as_ref().and_then(|(path, _)| path.parent());
    project.unwrap_or(Path::new(".")).to_owned()
}

/// A head that somebody committed must stand in this log, or come after all of it.
fn check(context: &Context, file: &Path, head: Head) -> Result<()> {
    let text = match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(|error| bad(file, &error.kind().to_string()))?,
    };
    let written = HeadFile::parse(&text).ok_or_else(|| bad(file, "it is not a head file"))?;
    let workspace = context.workspace()?;
    if written.workspace != workspace {
        return Err(bad(file, "it is of another workspace"));
    }
    if written.head.seq > head.seq {
        let cause = format!(
            "{} names entry {}, and the relay shows {} as newest",
            file.display(),
            written.head.seq,
            head.seq
        );
        return Err(Error::new(ErrorCode::Withheld, cause));
    }
    let entries = context.client().read(|start| sync::entries(start, workspace))?;
    let here = usize::try_from(written.head.seq).ok().and_then(|seq| entries.get(seq));
    match here.is_some_and(|entry| entry.head() == written.head) {
        true => Ok(()),
        false => Err(Error::new(
            ErrorCode::Fork,
            format!(
                "{} names another entry {} than this log holds",
                file.display(),
                written.head.seq
            ),
        )),
    }
}

fn bad(file: &Path, why: &str) -> Error {
    Error::new(ErrorCode::ProjectFile, format!("{}: {why}", file.display()))
}
