//! Ready lies. Each is what [`crate::LyingRelay::lie`] takes.

use agentsecrets_core::wire::{Bytes, DeliveriesPage, LogPage, Reply};
use serde_json::Value;

use crate::relay::{Answer, Asked};

type Honest<'a> = &'a dyn Fn(&Asked) -> Answer;

/// Changes good answers of some requests, read as `T`.
fn edit<T: serde::Serialize + serde::de::DeserializeOwned>(
    which: fn(&Asked) -> bool,
    change: impl Fn(&Asked, &mut T) + Send + Sync + 'static,
) -> impl Fn(&Asked, Honest<'_>) -> Answer + Send + Sync + 'static {
    move |asked, honest| {
        let answer = honest(asked);
        let read = serde_json::from_slice(&answer.body).ok();
        match read.filter(|_| which(asked) && answer.status == 200) {
            Some(mut page) => {
                change(asked, &mut page);
                Answer::json(200, &page)
            }
            None => answer,
        }
    }
}

/// Changes pages of the log.
pub fn log_pages(
    change: impl Fn(&Asked, &mut LogPage) + Send + Sync + 'static,
) -> impl Fn(&Asked, Honest<'_>) -> Answer + Send + Sync + 'static {
    edit(Asked::is_log, change)
}

/// Shows these entries as the log, whoever asks and whatever the honest relay holds.
pub fn log_of(
    entries: Vec<Vec<u8>>,
) -> impl Fn(&Asked, Honest<'_>) -> Answer + Send + Sync + 'static {
    move |asked, honest| if asked.is_log() { page_of(&entries, asked) } else { honest(asked) }
}

/// The page of a log that a request asks for.
pub fn page_of(entries: &[Vec<u8>], asked: &Asked) -> Answer {
    let from = asked.after().map_or(0, |after| after as usize + 1).min(entries.len());
    let rest: Vec<Bytes> = entries[from..].iter().cloned().map(Bytes).collect();
    let newest =
        entries.last().and_then(|last| agentsecrets_core::log::SignedEntry::parse(last).ok());
    let mut head = newest.map_or(
        agentsecrets_core::log::Head { seq: 0, hash: agentsecrets_core::encoding::EntryHash::ZERO },
        |newest| newest.head(),
    );
    head.seq = (entries.len() as u64).saturating_sub(1);
    Answer::json(200, &LogPage { entries: rest, head: head.into(), more: false })
}

/// Changes pages of deliveries.
pub fn deliveries(
    change: impl Fn(&Asked, &mut DeliveriesPage) + Send + Sync + 'static,
) -> impl Fn(&Asked, Honest<'_>) -> Answer + Send + Sync + 'static {
    edit(Asked::is_deliveries, change)
}

/// Shows another reply to an invitation, or none.
pub fn replies(
    change: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> impl Fn(&Asked, Honest<'_>) -> Answer + Send + Sync + 'static {
    edit(Asked::is_reply, move |_, reply: &mut Reply| reply.reply = Bytes(change(&reply.reply.0)))
}

/// Changes every answer in JSON.
pub fn json(
    change: impl Fn(&Asked, &mut Value) + Send + Sync + 'static,
) -> impl Fn(&Asked, Honest<'_>) -> Answer + Send + Sync + 'static {
    edit(|_| true, change)
}

/// Flips one bit of every body of some requests; counted from the end where the body is shorter.
pub fn flip(
    which: fn(&Asked) -> bool,
    bit: usize,
) -> impl Fn(&Asked, Honest<'_>) -> Answer + Send + Sync + 'static {
    move |asked, honest| {
        let mut answer = honest(asked);
        if which(asked) && !answer.body.is_empty() {
            let place = (bit / 8) % answer.body.len();
            answer.body[place] ^= 1 << (bit % 8);
        }
        answer
    }
}

/// The same answer to everything.
pub fn always(answer: Answer) -> impl Fn(&Asked, Honest<'_>) -> Answer + Send + Sync + 'static {
    move |_, _| answer.clone()
}

/// A web page, as a hotel's network answers.
pub fn html() -> Answer {
    let body = b"<!doctype html><title>Welcome</title>".to_vec();
    Answer { status: 200, kind: "text/html", body, endless: false, claims: None }
}

/// A body without an end.
pub fn endless() -> Answer {
    Answer { endless: true, ..Answer::bytes(200, vec![b'['; 256 << 10]) }
}

/// A body that claims to be huge, and is.
pub fn oversized() -> Answer {
    Answer { claims: Some(1 << 40), ..endless() }
}
