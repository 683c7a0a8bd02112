//! Records as lines of JSON, to be read and verified by anybody without a key.

use serde::{Deserialize, Serialize};

use super::{Act, Call, CallHead, CallRecord, Checkpoint, broken};
use crate::{
    crypto::VerifyingKey,
    encoding::{Header, MemberId, from_base64, from_hex, to_base64, to_hex},
    error::Result,
    name::SecretName,
};

/// What an export holds, after every hash and signature in it was verified.
#[derive(Debug)]
pub struct Exported {
    /// The records, oldest first.
    pub records: Vec<CallRecord>,
    /// The newest one.
    pub head: CallHead,
    /// The member's word on it.
    pub checkpoint: Checkpoint,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    previous: String,
    salt: String,
    time: u64,
    agent: String,
    reason: String,
    act: String,
    name: String,
    version: u64,
    host: String,
    method: String,
    path: String,
    status: Option<u16>,
    redactions: u64,
    failed: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    checkpoint: String,
}

/// One line for each record, and the signed checkpoint as the last.
pub fn export(records: &[CallRecord], checkpoint: &[u8]) -> String {
    let lines = records.iter().map(|record| json(&Line::of(record)));
    let last = json(&Last { checkpoint: to_base64(checkpoint) });
    lines.chain([last]).collect()
}

fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).map_or_else(|_| String::new(), |text| text + "\n")
}

/// Reads an export and verifies it from its first record to its checkpoint.
///
/// # Errors
/// `call_record_broken` for anything changed, left out, added or moved; `bad_signature`.
pub fn read_export(
    text: &str,
    key_of: impl Fn(&MemberId) -> Option<VerifyingKey>,
) -> Result<Exported> {
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.pop().and_then(|line| serde_json::from_str::<Last>(line).ok());
    let signed = last.and_then(|last| from_base64(&last.checkpoint));
    let signed = signed.ok_or_else(|| broken("the export does not end in a checkpoint"))?;
    let checkpoint = Checkpoint::open(&signed, key_of)?;
    let (mut head, mut records) = (CallHead::first(&checkpoint.chain), Vec::new());
    for line in lines {
        let line: Line = serde_json::from_str(line).map_err(|_| broken("a line is no record"))?;
        let record = line.record().ok_or_else(|| broken("a line is no record"))?;
        head = head.follow(&record)?;
        records.push(record);
    }
    match head == checkpoint.calls {
        true => Ok(Exported { records, head, checkpoint }),
        false => Err(broken("the records do not end where the checkpoint says")),
    }
}

impl Line {
    fn of(record: &CallRecord) -> Self {
        let CallRecord { header: _, seq, previous, salt, call } = record.clone();
        let Call { time, agent, reason, act, name, version, host, method, path, .. } = call;
        let Call { status, redactions, failed, .. } = record.call.clone();
        Self {
            seq,
            previous: to_hex(&previous),
            salt: to_hex(&salt),
            time,
            agent,
            reason,
            act: act.as_str().to_owned(),
            name: name.as_str().to_owned(),
            version,
            host,
            method,
            path,
            status,
            redactions,
            failed,
        }
    }

    fn record(self) -> Option<CallRecord> {
        let Self { seq, time, agent, reason, version, host, method, path, status, .. } = self;
        let acts = [Act::Request, Act::Sign, Act::Run];
        let act = acts.into_iter().find(|act| act.as_str() == self.act)?;
        let (name, redactions) = (SecretName::parse(&self.name).ok()?, self.redactions);
        let failed = self.failed;
        let previous = from_hex(&self.previous)?.try_into().ok()?;
        let salt = from_hex(&self.salt)?.try_into().ok()?;
        let call = Call {
            time,
            agent,
            reason,
            act,
            name,
            version,
            host,
            method,
            path,
            status,
            redactions,
            failed,
        };
        Some(CallRecord { header: Header, seq, previous, salt, call })
    }
}
