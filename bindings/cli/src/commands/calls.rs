//! calls: what agents used, when, why, and what came of it.

use std::path::Path;

use agentsecrets_broker::CallLog;
use agentsecrets_core::{
    Error, ErrorCode, Result,
    call_audit::{CallRecord, Checkpoint, export as lines, read_export},
    encoding::MemberId,
    log::{State, archive},
    report::When,
};
use serde::Serialize;

use crate::{
    context::Context,
    output::{bytes, line, listing, value},
};

#[derive(Serialize)]
struct CallRow {
    seq: u64,
    time: When,
    agent: String,
    act: &'static str,
    name: String,
    version: u64,
    host: String,
    method: String,
    path: String,
    status: Option<u16>,
    redactions: u64,
    failed: Option<String>,
    reason: String,
}

impl CallRow {
    fn of(record: CallRecord) -> Self {
        let call = record.call;
        Self {
            seq: record.seq,
            time: When(call.time),
            agent: call.agent,
            act: call.act.as_str(),
            name: call.name.to_string(),
            version: call.version,
            host: call.host,
            method: call.method,
            path: call.path,
            status: call.status,
            redactions: call.redactions,
            failed: call.failed,
            reason: call.reason,
        }
    }
}

pub(crate) fn list(context: &Context) -> Result<()> {
    let log = CallLog::new(&context.config.home, context.workspace()?);
    let (records, _) = log.read(context.client().vault())?;
    let rows: Vec<CallRow> = records.into_iter().map(CallRow::of).collect();
    let header = ["time", "agent", "name", "use", "outcome", "redacted", "reason"];
    listing(context.json, &rows, &header, |row| {
        let target = format!("{} {} {}{}", row.act, row.method, row.host, row.path);
        let status = row.status.map_or_else(|| "done".to_owned(), |status| status.to_string());
        vec![
            row.time.to_string(),
            plain(&row.agent),
            format!("{} v{}", row.name, row.version),
            plain(&target),
            row.failed.clone().unwrap_or(status),
            row.redactions.to_string(),
            plain(&row.reason),
        ]
    })
}

/// What an agent wrote does not steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

pub(crate) fn export(context: &Context) -> Result<()> {
    let (workspace, client) = (context.workspace()?, context.client());
    let (records, pin) = CallLog::new(&context.config.home, workspace).read(client.vault())?;
    let (head, now) = (context.view()?.state()?.head(), crate::time::now());
    let checkpoint = Checkpoint::new(workspace, client.identity(), &pin, head, now);
    bytes(lines(&records, &checkpoint.sign(client.identity())).as_bytes())
}

#[derive(Serialize)]
struct Verified {
    calls: usize,
    member: String,
    workspace: String,
    log: String,
    time: When,
}

pub(crate) fn verify(json: bool, file: &Path, log: Option<&Path>) -> Result<()> {
    let text = read(file)?;
    let state = match log {
        Some(log) => archive::verify(&read(log)?, None)?.0,
        None => own()?,
    };
    let key_of = |id: &MemberId| state.members().get(id).map(|member| *member.verifying_key());
    let exported = read_export(&text, key_of)?;
    let Checkpoint { workspace, member, log, time, .. } = exported.checkpoint;
    if workspace != state.workspace() {
        let cause = "the export is of another workspace than the log";
        return Err(Error::new(ErrorCode::CallRecordBroken, cause));
    }
    let (calls, time) = (exported.records.len(), When(time));
    if json {
        let (member, workspace, log) = (member.to_string(), workspace.to_string(), log.to_string());
        return value(&Verified { calls, member, workspace, log, time });
    }
    line(&format!("{calls} calls verified, as of {time}; signed by {member}"))
}

fn own() -> Result<State> {
    let context = Context::quiet(false)?;
    let workspace = context.workspace()?;
    let entries =
        context.client().read(|start| agentsecrets_core::sync::entries(start, workspace))?;
    archive::verify(&archive::write(workspace, &entries), None).map(|(state, _)| state)
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| {
        let cause = format!("{} cannot be read: {}", file.display(), error.kind());
        Error::new(ErrorCode::InvalidArgument, cause)
    })
}
