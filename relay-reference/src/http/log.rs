//! `GET /v1/workspaces/{workspace}/log`: a page of the log, at once or when there is news.

use std::{sync::Arc, time::Duration};

use agentsecrets_core::{
    crypto::VerifyingKey,
    encoding::WorkspaceId,
    log::{Head, State as Folded},
    wire::LogPage,
};
use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use tokio::time::{Instant, timeout_at};

use super::{id, json, numbers, receive::signed, wire};
use crate::{app::App, problem::Problem, rules::is_member, watch::Waiter};

/// Most entries of a page.
pub(super) const MOST: usize = 500;
/// Most bytes of a page's entries, but for a single larger one.
const PAGE_BYTES: usize = 1 << 20;
/// Longest wait, in seconds.
pub(super) const WAIT: u64 = 25;

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path(workspace): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let workspace = id(WorkspaceId::from_hex, &workspace)?;
    let [after, limit, wait] = numbers(request.uri().query(), ["after", "limit", "wait"])?;
    let from = after.map_or(0, |after| after.saturating_add(1));
    let limit = limit.map_or(MOST, |limit| limit.clamp(1, MOST as u64) as usize);
    let key = signed(&app, request, |_, signed| Ok(signed.key)).await?;
    let read = move |app: &App| read(app, &workspace, &key, from, limit);
    let Some(wait) = wait.filter(|wait| *wait > 0) else {
        return answer(&app.run(read).await?);
    };
    let mut waiter = app.watch.wait(key, workspace)?;
    let deadline = Instant::now() + Duration::from_secs(wait.min(WAIT));
    loop {
        let page = app.run(read).await?;
        if !page.entries.is_empty() || !news(&mut waiter, deadline).await {
            return answer(&page);
        }
    }
}

/// Whether something may have come before the deadline.
async fn news(waiter: &mut Waiter, deadline: Instant) -> bool {
    !waiter.is_over() && timeout_at(deadline, waiter.news()).await.is_ok()
}

fn read(
    app: &App,
    workspace: &WorkspaceId,
    key: &VerifyingKey,
    from: u64,
    limit: usize,
) -> Result<LogPage, Problem> {
    let state = app.states.current(&*app.store, workspace)?;
    let state = state.ok_or_else(Problem::unknown_workspace)?;
    if !is_member(&state, key) {
        return Err(Problem::not_a_member());
    }
    page(app, &state, from, limit)
}

/// Entries from `from` on, up to the state's head and no further.
pub(super) fn page(app: &App, state: &Folded, from: u64, limit: usize) -> Result<LogPage, Problem> {
    let head = state.head();
    let left = (head.seq + 1).saturating_sub(from);
    let limit = limit.min(usize::try_from(left).unwrap_or(usize::MAX));
    let entries = match limit {
        0 => Vec::new(),
        limit => app.store.entries(&state.workspace(), from, limit, PAGE_BYTES)?,
    };
    let more = (entries.len() as u64) < left;
    Ok(LogPage { entries: wire(entries), head: head.into(), more })
}

fn answer(page: &LogPage) -> Result<Response, Problem> {
    let mut response = json(StatusCode::OK, page)?;
    let head = Head { seq: page.head.seq, hash: page.head.hash };
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{head}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
