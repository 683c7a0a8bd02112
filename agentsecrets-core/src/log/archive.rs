//! The log as a text that anybody verifies offline, without a key: one line of title, then one
//! entry a line in base64url.

use super::{SignedEntry, State};
use crate::{
    encoding::{Head, WorkspaceId, from_base64, to_base64},
    error::{Error, ErrorCode, Result},
    weakened,
};

const TITLE: &str = "agentsecrets-log v1 ";

/// The text of a log.
pub fn write(workspace: WorkspaceId, entries: &[SignedEntry]) -> String {
    let mut text = format!("{TITLE}{workspace}\n");
    for entry in entries {
        text += &to_base64(entry.bytes());
        text.push('\n');
    }
    text
}

/// Reads a log and folds all of it, from Genesis on, whose hash is the workspace's id. With a
/// `head` that came by another way, the log must contain that very entry.
///
/// # Errors
/// `malformed_entry` with the line, `bad_signature`, `broken_chain`, `refused_entry`; `rollback`
/// where the log ends before the head, `fork` where another entry stands in its place.
pub fn verify(text: &str, head: Option<Head>) -> Result<(State, Vec<SignedEntry>)> {
    let mut lines = text.lines();
    let title = lines.next().unwrap_or_default();
    let workspace = title.strip_prefix(TITLE).and_then(WorkspaceId::from_hex);
    // One form: hexadecimal in capitals is an edit too.
    let workspace = workspace.filter(|workspace| title == format!("{TITLE}{workspace}"));
    let workspace = workspace.ok_or_else(|| bad("this is no exported log"))?;
    let mut entries = Vec::new();
    for (number, line) in lines.enumerate() {
        let bytes =
            from_base64(line).ok_or_else(|| bad(format!("line {} is damaged", number + 2)))?;
        entries.push(SignedEntry::parse(&bytes)?);
    }
    if write(workspace, &entries) != text {
        return Err(bad("the text has another form than an exported log"));
    }
    let state = fold(workspace, &entries)?;
    head.map_or(Ok(()), |head| check_head(&entries, head))?;
    Ok((state, entries))
}

fn fold(workspace: WorkspaceId, entries: &[SignedEntry]) -> Result<State> {
    let (genesis, rest) = entries.split_first().ok_or_else(|| bad("the log is empty"))?;
    let mut state = State::genesis(genesis)?;
    if state.workspace() != workspace {
        return Err(bad("the log is of another workspace than its title says"));
    }
    rest.iter().try_for_each(|entry| state.apply(entry))?;
    Ok(state)
}

fn check_head(entries: &[SignedEntry], head: Head) -> Result<()> {
    let place = usize::try_from(head.seq).ok().and_then(|seq| entries.get(seq));
    match place {
        Some(entry) if entry.head() == head => Ok(()),
        _ if weakened::skips(48) => Ok(()),
        Some(_) => Err(Error::new(
            ErrorCode::Fork,
            format!("entry {} is another one than the head says", head.seq),
        )),
        None => {
            Err(Error::new(ErrorCode::Rollback, format!("the log ends before entry {}", head.seq)))
        }
    }
}

fn bad(cause: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::MalformedEntry, cause)
}
