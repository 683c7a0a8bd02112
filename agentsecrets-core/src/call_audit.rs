//! One record of every use of a secret: chained by hashes, kept encrypted, verified offline.
//!
//! Spec: `spec/call-audit.md`. No field is for a value. Where records lie is the caller's matter: this
//! makes the bytes to append, and reads them back.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    crypto::{self, Signature, VerifyingKey, label},
    encoding::{self, Head, Header, MemberId, WorkspaceId, encode, tag},
    error::{Error, ErrorCode, Result},
    identity::Identity,
    name::SecretName,
    secret::Key,
};

mod lines;

pub use lines::{Exported, export, read_export};

/// Longest text of a field, in bytes; longer ones are cut.
pub const MAX_TEXT: usize = 2048;
const SIGNATURE: usize = 64;
/// Bytes of a frame's length.
const LENGTH: usize = 4;
/// Longest frame: four texts, and numbers.
const MAX_FRAME: usize = 16 << 10;

/// What was done with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Act {
    /// A request carried it.
    Request,
    /// A message was signed with it.
    Sign,
    /// A command was started that had it among its variables.
    Run,
}

impl Act {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Sign => "sign",
            Self::Run => "run",
        }
    }
}

/// One use of one secret, or one that was refused.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Call {
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// Who, by the lease.
    pub agent: String,
    /// Why, in the agent's words.
    pub reason: String,
    /// What for.
    pub act: Act,
    /// The secret.
    pub name: SecretName,
    /// Its version; 0 where it was never pushed, or is not there.
    pub version: u64,
    /// Where to, with the port where it is not the scheme's own; of a command nothing.
    pub host: String,
    /// The method; of a command nothing.
    pub method: String,
    /// The path without a query; of a command the program.
    pub path: String,
    /// The status that came back.
    pub status: Option<u16>,
    /// How often a value was taken out of what came back.
    pub redactions: u64,
    /// The code of the error where the use was refused or failed.
    pub failed: Option<String>,
}

impl Call {
    /// The same with texts of bounded length.
    fn bounded(mut self) -> Self {
        let Self { agent, reason, host, method, path, .. } = &mut self;
        for text in [agent, reason, host, method, path] {
            let end = (0..=MAX_TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
            text.truncate(end.unwrap_or(0));
        }
        self
    }
}

/// A use with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CallRecord {
    header: Header<{ tag::CALL_RECORD }>,
    /// Its number, from 1.
    pub seq: u64,
    /// Hash of the record before; of the first, of the chain's id.
    pub previous: [u8; 32],
    /// Keeps the hash from telling what is in the record.
    pub salt: [u8; 16],
    /// What happened.
    pub call: Call,
}

impl CallRecord {
    fn hash(&self) -> [u8; 32] {
        crypto::hash(label::CALL_RECORD, &[&encode(self)])
    }
}

/// A chain's newest record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CallHead {
    /// Its number; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl CallHead {
    /// Before the first record.
    fn first(id: &[u8; 16]) -> Self {
        Self { seq: 0, hash: crypto::hash(label::CALL_CHAIN, &[id]) }
    }

    /// The head after a record, if that is the next one.
    fn follow(self, record: &CallRecord) -> Result<Self> {
        match record.seq == self.seq + 1 && record.previous == self.hash {
            true => Ok(Self { seq: record.seq, hash: record.hash() }),
            false => Err(broken("a record does not follow the one before it")),
        }
    }
}

/// What a broker keeps in its vault of its chain: with it a cut is found, without the key nothing
/// can be read.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct CallPin {
    header: Header<{ tag::CALL_PIN }>,
    /// The chain.
    pub id: [u8; 16],
    /// Encrypts its records.
    pub key: Key,
    /// The newest record that was appended.
    pub head: CallHead,
    /// How many bytes were appended so far.
    pub length: u64,
}

impl CallPin {
    /// The beginning of a chain.
    pub fn new(id: [u8; 16], key: Key) -> Self {
        Self { header: Header, id, key, head: CallHead::first(&id), length: 0 }
    }

    /// The bytes to append for a use; 40 fresh random bytes are taken. The pin moves along.
    pub fn append(&mut self, call: Call, random: [u8; 40]) -> Vec<u8> {
        let (Random { nonce, salt }, previous) = (Random::of(&random), self.head.hash);
        let seq = self.head.seq + 1;
        let record = CallRecord { header: Header, seq, previous, salt, call: call.bounded() };
        let sealed = crypto::encrypt(&self.key, nonce, &self.associated(seq), &encode(&record));
        self.head = CallHead { seq, hash: record.hash() };
        let mut frame = (sealed.len() as u32).to_le_bytes().to_vec();
        frame.extend_from_slice(&sealed);
        self.length += frame.len() as u64;
        frame
    }

    /// Reads everything that was appended. Where a crash kept the pin from moving, it moves now by
    /// what follows it; a frame that was cut off by that crash is returned as its length.
    ///
    /// # Errors
    /// `call_record_broken` for any change, for records in another order, and for an end before the
    /// pinned record.
    pub fn read(&mut self, all: &[u8]) -> Result<(Vec<CallRecord>, usize)> {
        let mut bytes = all;
        let (mut records, mut head, mut met) = (Vec::new(), CallHead::first(&self.id), None);
        loop {
            if head.seq == self.head.seq {
                met = Some(head);
            }
            let Some((sealed, rest)) = split_frame(bytes)? else { break };
            let record = self.open(head.seq + 1, sealed)?;
            head = head.follow(&record)?;
            records.push(record);
            bytes = rest;
        }
        if met != Some(self.head) {
            return Err(broken("the newest records are gone, or others stand in their place"));
        }
        (self.head, self.length) = (head, (all.len() - bytes.len()) as u64);
        Ok((records, bytes.len()))
    }

    fn open(&self, seq: u64, sealed: &[u8]) -> Result<CallRecord> {
        let changed = || broken("a record was changed, moved or comes from another chain");
        let text = crypto::decrypt(&self.key, &self.associated(seq), sealed).ok_or_else(changed)?;
        encoding::parse(text.expose(), ErrorCode::CallRecordBroken, "record of a call")
    }

    fn associated(&self, seq: u64) -> Vec<u8> {
        encode(&(Header::<{ tag::CALL_RECORD }>, self.id, seq))
    }
}

/// Random bytes of one record.
struct Random {
    nonce: [u8; 24],
    salt: [u8; 16],
}

impl Random {
    fn of(random: &[u8; 40]) -> Self {
        let (mut nonce, mut salt) = ([0; 24], [0; 16]);
        nonce.copy_from_slice(&random[..24]);
        salt.copy_from_slice(&random[24..]);
        Self { nonce, salt }
    }
}

/// The next frame and what follows it; `None` where no whole frame is left.
fn split_frame(bytes: &[u8]) -> Result<Option<(&[u8], &[u8])>> {
    let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_FRAME {
        return Err(broken("a record claims to be longer than any is"));
    }
    Ok((rest.len() >= length).then(|| rest.split_at(length)))
}

/// A member's signed word on how far its chain of calls reaches, and on the log that it knew then.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Checkpoint {
    header: Header<{ tag::CALL_CHECKPOINT }>,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who says it.
    pub member: MemberId,
    /// The chain.
    pub chain: [u8; 16],
    /// Its newest record.
    pub calls: CallHead,
    /// The workspace's newest entry that the member knew.
    pub log: Head,
    /// Milliseconds since 1970 by its clock.
    pub time: u64,
}

impl Checkpoint {
    /// The word of `identity`.
    pub fn new(
        workspace: WorkspaceId,
        identity: &Identity,
        pin: &CallPin,
        log: Head,
        time: u64,
    ) -> Self {
        let (chain, calls) = (pin.id, pin.head);
        Self { header: Header, workspace, member: identity.id(), chain, calls, log, time }
    }

    /// Its bytes with the signature.
    pub fn sign(&self, identity: &Identity) -> Vec<u8> {
        let mut bytes = encode(self);
        let signature = identity.sign(&bytes);
        bytes.extend_from_slice(&signature.0);
        bytes
    }

    /// Reads and verifies a checkpoint by the key of whoever it names.
    ///
    /// # Errors
    /// `call_record_broken`; `bad_signature`.
    pub fn open(bytes: &[u8], key_of: impl Fn(&MemberId) -> Option<VerifyingKey>) -> Result<Self> {
        let split = bytes.split_last_chunk::<SIGNATURE>();
        let (body, signature) = split.ok_or_else(|| broken("a checkpoint is cut off"))?;
        let checkpoint: Self =
            encoding::parse(body, ErrorCode::CallRecordBroken, "checkpoint of calls")?;
        let unknown = || Error::new(ErrorCode::BadSignature, "a checkpoint is by nobody known");
        let key = key_of(&checkpoint.member).ok_or_else(unknown)?;
        key.verify(body, &Signature(*signature))?;
        Ok(checkpoint)
    }
}

fn broken(why: &'static str) -> Error {
    Error::new(ErrorCode::CallRecordBroken, why)
}

#[cfg(test)]
mod tests;
