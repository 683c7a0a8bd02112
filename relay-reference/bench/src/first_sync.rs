//! The first sync of a long log: what a new device has to fetch and fold.

use std::{
    io::{self, stdin},
    net::SocketAddr,
    time::{Duration, Instant},
};

use agentsecrets_core::{
    log::{SignedEntry, State},
    wire::LogPage,
};
use serde_json::{Value, json};

use crate::{
    connection::Connection,
    load::insist,
    request::{Authority, random},
    team::{Batch, Device, found, push},
};

/// Entries of one commit.
const BATCH: u64 = 500;
const SECRETS: u64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// Fills a log, waits for a line on stdin (the relay may be started again meanwhile), fetches and
/// folds all of it.
///
/// # Errors
/// A commit or a page is refused, or the log has another end.
pub fn run(relay: SocketAddr, to: &Authority, entries: u64, ready: fn()) -> io::Result<Value> {
    let founder = Device::new(random(), 0);
    let mut line = Connection::new(relay, PATIENCE);
    let state = fill(&mut line, to, &founder, entries)?;
    ready();
    stdin().read_line(&mut String::new())?;
    let mut line = Connection::new(relay, PATIENCE);
    let start = Instant::now();
    let (bytes, pages) = fetch(&mut line, to, &founder, &state)?;
    let fetched = start.elapsed();
    let folded = fold(&pages)?;
    let all = start.elapsed();
    if folded.head() != state.head() {
        return Err(io::Error::other("the log has another end"));
    }
    Ok(json!({
        "entries": state.head().seq + 1,
        "megabytes": bytes as f64 / f64::from(1 << 20),
        "fetched_seconds": fetched.as_secs_f64(),
        "folded_seconds": (all - fetched).as_secs_f64(),
    }))
}

fn fill(line: &mut Connection, to: &Authority, by: &Device, entries: u64) -> io::Result<State> {
    let (mut state, batch) = found(by, &[]).map_err(io::Error::other)?;
    let body = batch.body(&state)?;
    insist(line, || to.commit(by.key(), &body))?;
    while state.head().seq + 1 < entries {
        let mut all = Batch::default();
        for _ in 0..BATCH.min(entries - state.head().seq - 1) {
            let seq = state.head().seq;
            let push = push(&state, by, seq % SECRETS, seq.into(), 64).map_err(io::Error::other)?;
            push.entries.iter().try_for_each(|e| state.apply(e)).map_err(io::Error::other)?;
            all.append(push);
        }
        let body = all.body(&state)?;
        insist(line, || to.commit(by.key(), &body))?;
    }
    Ok(state)
}

fn fetch(
    line: &mut Connection,
    to: &Authority,
    by: &Device,
    state: &State,
) -> io::Result<(usize, Vec<LogPage>)> {
    let (mut pages, mut bytes, mut after) = (Vec::new(), 0, String::new());
    let mut count = 0;
    loop {
        let target = format!("/v1/workspaces/{}/log?{after}limit=500", state.workspace());
        let answer = line.ask(&to.get(by.key(), &target))?;
        bytes += answer.body.len();
        let page: LogPage = serde_json::from_slice(&answer.body)?;
        count += page.entries.len();
        after = format!("after={}&", count - 1);
        let more = page.more;
        pages.push(page);
        if !more {
            return Ok((bytes, pages));
        }
    }
}

fn fold(pages: &[LogPage]) -> io::Result<State> {
    let mut entries = pages.iter().flat_map(|page| &page.entries);
    let parse = |bytes: &agentsecrets_core::wire::Bytes| {
        SignedEntry::parse(&bytes.0).map_err(io::Error::other)
    };
    let first = entries.next().ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut state = State::genesis(&parse(first)?).map_err(io::Error::other)?;
    entries.try_for_each(|bytes| state.apply(&parse(bytes)?).map_err(io::Error::other))?;
    Ok(state)
}
