//! `GET /v1/workspaces/{workspace}/deliveries`: what was sealed to the asking member.

use std::sync::Arc;

use agentsecrets_core::{
    encoding::{SealedHash, WorkspaceId},
    log::deliveries::path,
    wire::{Bytes, DeliveriesPage, Received},
};
use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
};

use super::{id, json, numbers, receive::signed};
use crate::{app::App, problem::Problem, rules::is_member, store::Delivered};

/// Sealed bytes of a page, but for one larger entry; 8 MiB once they are base64 in JSON.
const PAGE_BYTES: usize = 6_000_000;

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path(workspace): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let workspace = id(WorkspaceId::from_hex, &workspace)?;
    let [after] = numbers(request.uri().query(), ["after"])?;
    let from = after.map_or(0, |after| after.saturating_add(1));
    signed(&app, request, move |app, signed| {
        let state = app.states.current(&*app.store, &workspace)?;
        let state = state.ok_or_else(Problem::unknown_workspace)?;
        if !is_member(&state, &signed.key) {
            return Err(Problem::not_a_member());
        }
        let member = state.member_by_key(&signed.key).ok_or_else(Problem::not_a_member)?.0;
        let (found, more) = app.store.deliveries(&workspace, member, from, PAGE_BYTES)?;
        let deliveries = found.into_iter().map(received).collect();
        json(StatusCode::OK, &DeliveriesPage { deliveries, more })
    })
    .await
}

fn received(found: Delivered) -> Received {
    let Delivered { seq, position, leaves, hashes, parts } = found;
    let path = path(&leaves, position).into_iter().map(SealedHash).collect();
    let parts = parts.into_iter().map(|part| part.map(Bytes)).collect();
    Received { seq, parts, hashes, path }
}
