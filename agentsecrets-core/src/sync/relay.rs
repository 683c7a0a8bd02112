//! Signed calls to the relay: retries within bounds, one correction of the clock, errors by code.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::session::Session;
use crate::{
    encoding::{EntryHash, Head, SealedHash, WorkspaceId},
    error::{Error, ErrorCode, Result},
    message::{Method, Request, Response},
    request_signature,
    wire::{Acks, Bytes, Commit, Committed, DeliveriesPage, LogPage, NewAck, Problem, Reply},
};

/// Tries of one call.
const TRIES: u32 = 4;
/// Tries where each costs a whole timeout.
const SLOW_TRIES: u32 = 2;
/// The longest wait between two tries that a call accepts.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Longest word of a relay that an error repeats.
const MAX_CODE: usize = 64;

/// What became of a commit.
pub(super) enum Outcome {
    /// It is in the log.
    Accepted(Head),
    /// Somebody else's came first.
    Moved,
}

/// Calls to one relay.
pub(super) struct Relay<'a> {
    pub(super) session: &'a mut Session,
    pub(super) url: &'a str,
    pub(super) workspace: WorkspaceId,
}

struct Call {
    method: Method,
    target: String,
    body: Vec<u8>,
    wait: Duration,
}

impl Relay<'_> {
    /// A page of the log after entry `after`, or from the start.
    pub(super) async fn log(&mut self, after: Option<u64>, wait: Duration) -> Result<LogPage> {
        let after = after.map_or_else(String::new, |after| format!("after={after}&"));
        let target = format!(
            "/v1/workspaces/{}/log?{after}limit=500&wait={}",
            self.workspace,
            wait.as_secs()
        );
        let response =
            self.call(Call { method: Method::Get, target, body: Vec::new(), wait }).await?;
        read(&accept(response)?)
    }

    /// The head that the relay has; `None` where it knows no such workspace.
    pub(super) async fn head(&mut self, after: u64) -> Result<Option<Head>> {
        let target = format!("/v1/workspaces/{}/log?after={after}&limit=1", self.workspace);
        let response = self.call(get(target)).await?;
        if response.status == 404 && problem(&response).code == "unknown_workspace" {
            return Ok(None);
        }
        let page: LogPage = read(&accept(response)?)?;
        Ok(Some(Head { seq: page.head.seq, hash: page.head.hash }))
    }

    /// A page of this member's deliveries after entry `after`, or from the start.
    pub(super) async fn deliveries(&mut self, after: Option<u64>) -> Result<DeliveriesPage> {
        let after = after.map_or_else(String::new, |after| format!("?after={after}"));
        let target = format!("/v1/workspaces/{}/deliveries{after}", self.workspace);
        read(&accept(self.call(get(target)).await?)?)
    }

    /// Commits a batch.
    pub(super) async fn commit(&mut self, commit: &Commit) -> Result<Outcome> {
        let body = to_json(commit)?;
        let target = "/v1/workspaces/sync".to_owned();
        let response =
            self.call(Call { method: Method::Post, target, body, wait: Duration::ZERO }).await?;
        if response.status == 409 && problem(&response).code == "head_moved" {
            return Ok(Outcome::Moved);
        }
        let committed: Committed = read(&accept(response)?)?;
        Ok(Outcome::Accepted(Head { seq: committed.head.seq, hash: committed.head.hash }))
    }

    /// Newest ack of each member.
    pub(super) async fn acks(&mut self) -> Result<Vec<Bytes>> {
        let target = format!("/v1/workspaces/{}/acks", self.workspace);
        let acks: Acks = read(&accept(self.call(get(target)).await?)?)?;
        Ok(acks.acks)
    }

    /// Leaves this member's ack.
    pub(super) async fn put_ack(&mut self, ack: Vec<u8>) -> Result<()> {
        let body = to_json(&NewAck { ack: Bytes(ack) })?;
        let target = format!("/v1/workspaces/{}/acks", self.workspace);
        accept(self.call(put(target, body)).await?).map(drop)
    }

    /// Uploads sealed bytes ahead of a large commit.
    pub(super) async fn upload(&mut self, hash: &SealedHash, sealed: &[u8]) -> Result<()> {
        let target = format!("/v1/workspaces/{}/sealed/{hash}", self.workspace);
        accept(self.call(put(target, sealed.to_vec())).await?).map(drop)
    }

    /// Leaves a reply to an invitation.
    pub(super) async fn put_reply(&mut self, invite: &EntryHash, reply: Vec<u8>) -> Result<()> {
        let body = to_json(&Reply { workspace: self.workspace, reply: Bytes(reply) })?;
        let response = self.call(put(format!("/v1/invitations/{invite}"), body)).await?;
        match (response.status, problem(&response).code.as_str()) {
            (404, _) => Err(Error::new(
                ErrorCode::InvitationUnknown,
                "the workspace has no such open invitation",
            )),
            (410, _) => {
                Err(Error::new(ErrorCode::InvitationExpired, "the invitation's time is over"))
            }
            (409, "invitation_taken") => Err(Error::new(
                ErrorCode::InvitationUsed,
                "another device has used this invitation",
            )),
            _ => accept(response).map(drop),
        }
    }

    /// The reply to an invitation, if there is one.
    pub(super) async fn reply(&mut self, invite: &EntryHash) -> Result<Option<Vec<u8>>> {
        let response = self.call(get(format!("/v1/invitations/{invite}"))).await?;
        if response.status == 404 {
            return Ok(None);
        }
        let reply: Reply = read(&accept(response)?)?;
        Ok(Some(reply.reply.0))
    }

    async fn call(&mut self, call: Call) -> Result<Response> {
        let mut corrected = false;
        for attempt in 1.. {
            let request = self.sign(&call)?;
            let result = self.session.io.send(request).await;
            let wait = match &result {
                Ok(response) if response.status == 401 && !corrected => {
                    let Some(server) = problem(response).server_time else { return result };
                    self.session.clock_offset = offset(server, self.session.io.now());
                    corrected = true;
                    continue;
                }
                Ok(response) if matches!(response.status, 429 | 502 | 503 | 504) => {
                    response.retry_after
                }
                Err(error) if error.retryable() => error.retry_after(),
                _ => return result,
            };
            let slow = matches!(&result, Err(error) if error.code() == ErrorCode::RelayTimeout);
            let tries = if slow { SLOW_TRIES } else { TRIES };
            let wait = wait.unwrap_or_else(|| self.pause(attempt));
            if attempt >= tries || wait > LONGEST_WAIT {
                return result;
            }
            self.session.io.sleep(wait).await;
        }
        Err(Error::new(ErrorCode::Internal, "a call ended without an answer"))
    }

    /// 200 ms, 400 ms, 800 ms, each with up to half as much again, so that clients spread out.
    fn pause(&mut self, attempt: u32) -> Duration {
        let base = 100 << attempt.min(6);
        let jitter = u64::from(u16::from_le_bytes(self.session.entropy.bytes())) % (base / 2);
        Duration::from_millis(base + jitter)
    }

    fn sign(&mut self, call: &Call) -> Result<Request> {
        let seconds = (self.session.io.now() / 1000) as i64 + self.session.clock_offset;
        let (path, query) = call.target.split_once('?').unwrap_or((&call.target, ""));
        let headers = request_signature::sign(
            self.session.identity.signing_key(),
            call.method,
            &authority(self.url)?,
            path,
            query,
            &call.body,
            u64::try_from(seconds).unwrap_or_default(),
            self.session.entropy.bytes(),
        );
        Ok(Request {
            method: call.method,
            relay: self.url.to_owned(),
            target: call.target.clone(),
            headers: headers.into(),
            body: call.body.clone(),
            wait: call.wait,
        })
    }
}

fn get(target: String) -> Call {
    Call { method: Method::Get, target, body: Vec::new(), wait: Duration::ZERO }
}

fn put(target: String, body: Vec<u8>) -> Call {
    Call { method: Method::Put, target, body, wait: Duration::ZERO }
}

/// What signatures name as the authority: the very form that the relay compares with.
fn authority(url: &str) -> Result<String> {
    let without_path = url
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.trim_end_matches('/').contains(['/', '?', '#']));
    request_signature::authority(url).filter(|_| without_path).ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidArgument,
            "a relay's address is http(s)://host[:port], without a path",
        )
    })
}

fn offset(server: u64, now: u64) -> i64 {
    i64::try_from(server).unwrap_or_default() - i64::try_from(now / 1000).unwrap_or_default()
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|_| Error::new(ErrorCode::Internal, "a request cannot be written as JSON"))
}

fn read<T: DeserializeOwned>(response: &Response) -> Result<T> {
    serde_json::from_slice(&response.body).map_err(|_| {
        Error::new(
            ErrorCode::RelayMalformed,
            "what answered is not a relay, or its answer is cut off",
        )
    })
}

/// An error's body; a proxy's HTML counts as an empty one.
fn problem(response: &Response) -> Problem {
    serde_json::from_slice(&response.body).unwrap_or_default()
}

/// A good answer, or the error that its status and code stand for.
fn accept(response: Response) -> Result<Response> {
    let (status, code) = (response.status, problem(&response).code);
    if (200..300).contains(&status) {
        return Ok(response);
    }
    let named = if is_word(&code) { format!(" `{code}`") } else { String::new() };
    let (kind, cause) = match (status, code.as_str()) {
        (401, "clock_skew") => {
            (ErrorCode::ClockSkew, "the relay refuses this device's clock".to_owned())
        }
        (403, "not_a_member") | (404, "unknown_workspace") => (
            ErrorCode::NotAdmitted,
            "the relay knows this device as no member of the workspace".to_owned(),
        ),
        (429, _) => (ErrorCode::RateLimited, "the relay asks for fewer requests".to_owned()),
        (503, "storage_full") => {
            (ErrorCode::RelayStorageFull, "the relay's disk is full".to_owned())
        }
        (503, _) => (ErrorCode::RelayOverloaded, "the relay is overloaded".to_owned()),
        (500.., _) => {
            (ErrorCode::RelayError, format!("the relay answers with status {status}{named}"))
        }
        _ => (
            ErrorCode::RelayRefused,
            format!("the relay refuses the request with status {status}{named}"),
        ),
    };
    Err(Error::new(kind, cause).with_retry_after(response.retry_after))
}

/// What a stranger may put into an error's text: a word, and a short one.
fn is_word(code: &str) -> bool {
    (1..=MAX_CODE).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
