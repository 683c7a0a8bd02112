//! `POST /v1/workspaces/sync`: one atomic commit of entries and what they deliver.

use std::sync::Arc;

use agentsecrets_core::{
    crypto::VerifyingKey,
    encoding::{MemberId, WorkspaceId},
    log::{Body, Head, SignedEntry, State as Folded, entry::MAX_ENTRY},
    wire::{Bytes, Commit, Committed},
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use serde_json::json;

use super::{json, log, parse, receive::signed};
use crate::{
    app::App,
    problem::Problem,
    rules::{self, Batch, MAX_ENTRIES},
    store::{Append, Appended, NewEntry},
};

/// The quota is looked at for every such entry, and for every commit that is not small: a workspace
/// is over it by a MiB at most, and most commits save the question.
const COUNTED: u64 = 16;
const SMALL: u64 = 64 << 10;

pub(super) async fn post(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    signed(&app, request, |app, signed| {
        let (workspace, batch) = batch(&signed.body)?;
        commit(app, workspace, batch, &signed.key)
    })
    .await
}

fn batch(body: &[u8]) -> Result<(WorkspaceId, Batch), Problem> {
    let Commit { workspace, entries, deliveries, absent } = parse(body)?;
    if entries.len() > MAX_ENTRIES {
        return Err(Problem::too_large("entries", MAX_ENTRIES, None));
    }
    let entries = entries.iter().enumerate().map(|(index, bytes)| entry(index, bytes));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let first = entries.first().ok_or_else(|| Problem::malformed("a commit without entries"))?;
    if workspace_of(first) != workspace {
        return Err(Problem::malformed("the first entry is of another workspace"));
    }
    Ok((workspace, Batch { entries, deliveries, absent }))
}

fn entry(index: usize, bytes: &Bytes) -> Result<SignedEntry, Problem> {
    if bytes.0.len() > MAX_ENTRY {
        return Err(Problem::too_large("entry_bytes", MAX_ENTRY, Some(index)));
    }
    let parsed = SignedEntry::parse(&bytes.0);
    parsed.map_err(|error| Problem::malformed(error.message().to_owned()).with("index", index))
}

fn workspace_of(entry: &SignedEntry) -> WorkspaceId {
    match entry.entry().body {
        Body::Genesis(_) => WorkspaceId(entry.hash().0),
        _ => entry.entry().workspace,
    }
}

fn commit(
    app: &App,
    workspace: WorkspaceId,
    batch: Batch,
    key: &VerifyingKey,
) -> Result<Response, Problem> {
    let entries = batch.entries.clone();
    let current = app.states.current(&*app.store, &workspace)?;
    if let Some(answer) = without_writing(app, current.as_deref(), &entries, key)? {
        return Ok(answer);
    }
    let checked = rules::check(current.as_deref(), batch, key)?;
    check_place(app, &checked.append)?;
    if let Some(answer) = store(app, checked)? {
        return Ok(answer);
    }
    // Another commit came between check and write, so this one has an answer without writing now.
    let current = app.states.current(&*app.store, &workspace)?;
    let answer = without_writing(app, current.as_deref(), &entries, key)?;
    answer.ok_or_else(Problem::overloaded)
}

/// Whether the relay has room for a commit, and its founder leave to begin a workspace.
fn check_place(app: &App, append: &Append) -> Result<(), Problem> {
    if let Some(Body::Genesis(genesis)) = append.entries.first().map(|new| &new.entry.entry().body)
    {
        app.registration.check(&*app.store, &genesis.founder.id())?;
    }
    let size = append.size() as u64;
    let counted = append.entries.iter().any(|new| new.entry.head().seq % COUNTED == 0);
    if !counted && size <= SMALL {
        return Ok(());
    }
    match app.store.usage(&append.workspace)?.saturating_add(size) <= app.quota {
        true => Ok(()),
        false => Err(Problem::too_large("workspace_bytes", app.quota as usize, None)),
    }
}

/// Who entered by a commit: may begin workspaces where only known members may.
fn admitted(append: &Append) -> Vec<MemberId> {
    let entered = |new: &NewEntry| match &new.entry.entry().body {
        Body::Genesis(genesis) => Some(genesis.founder.id()),
        Body::Admit(admit) => Some(admit.recipient.id()),
        _ => None,
    };
    append.entries.iter().filter_map(entered).collect()
}

/// What is in the log already is acknowledged again; what does not follow the head is answered
/// with what is missing.
fn without_writing(
    app: &App,
    current: Option<&Folded>,
    entries: &[SignedEntry],
    key: &VerifyingKey,
) -> Result<Option<Response>, Problem> {
    let [first, ..] = entries else { return Ok(None) };
    let Some(state) = current else {
        let genesis = matches!(first.entry().body, Body::Genesis(_));
        return if genesis { Ok(None) } else { Err(Problem::unknown_workspace()) };
    };
    if first.entry().prev == state.head().hash {
        return Ok(None);
    }
    match known_head(app, state, entries)? {
        Some(head) => json(StatusCode::OK, &Committed { head: head.into() }).map(Some),
        None => Err(moved(app, state, first.entry().seq, key)?),
    }
}

/// The last head of these entries, where all of them are in the log, byte for byte.
fn known_head(app: &App, state: &Folded, entries: &[SignedEntry]) -> Result<Option<Head>, Problem> {
    let Some((first, last)) = entries.first().zip(entries.last()) else { return Ok(None) };
    let (from, count) = (first.entry().seq, entries.len());
    let stored = app.store.entries(&state.workspace(), from, count, usize::MAX)?;
    let same = stored.iter().map(Vec::as_slice).eq(entries.iter().map(SignedEntry::bytes));
    Ok(same.then(|| last.head()))
}

fn moved(app: &App, state: &Folded, from: u64, key: &VerifyingKey) -> Result<Problem, Problem> {
    if !rules::is_member(state, key) {
        return Err(Problem::not_a_member());
    }
    let page = log::page(app, state, from, log::MOST)?;
    let detail = "the head is another one than the entry before the first of the commit";
    Ok(Problem::new(StatusCode::CONFLICT, "head_moved", detail)
        .with("head", json!(page.head))
        .with("entries", json!(page.entries))
        .with("more", page.more))
}

/// Stores a checked commit; `None` where another one came first.
fn store(app: &App, checked: rules::Checked) -> Result<Option<Response>, Problem> {
    let rules::Checked { state, append } = checked;
    let (workspace, head, count) = (state.workspace(), state.head(), append.entries.len());
    let admitted = admitted(&append);
    match app.store.append(append)? {
        Appended::Committed => {
            app.states.advance(state);
            app.metrics.committed(count);
            app.watch.notify(&workspace);
            if !admitted.is_empty() && app.store.admit(admitted).is_err() {
                crate::report("who was admitted could not be noted for the registration");
            }
            json(StatusCode::CREATED, &Committed { head: head.into() }).map(Some)
        }
        Appended::Moved => Ok(None),
        Appended::Missing(hashes) => {
            let detail = "sealed bytes that the commit names were not uploaded or have expired";
            let problem = Problem::new(StatusCode::CONFLICT, "missing_sealed", detail);
            Err(problem.with("hashes", json!(hashes)))
        }
    }
}
