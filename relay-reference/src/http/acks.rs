//! `/v1/workspaces/{workspace}/acks`: each member's signed "I have seen this head".

use std::sync::Arc;

use agentsecrets_core::{
    encoding::WorkspaceId,
    log::{
        State as LogState,
        ack::{Ack, MAX_ACK},
    },
    wire::{Acks, Bytes, NewAck},
};
use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
};

use super::{id, json, parse, receive::signed, wire};
use crate::{app::App, problem::Problem, rules::is_member};

/// By the member that the ack names. The one of the greatest rank stays of each.
pub(super) async fn put(
    State(app): State<Arc<App>>,
    Path(workspace): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let workspace = id(WorkspaceId::from_hex, &workspace)?;
    signed(&app, request, move |app, signed| {
        let NewAck { ack: Bytes(bytes) } = parse(&signed.body)?;
        if bytes.len() > MAX_ACK {
            return Err(Problem::too_large("ack_bytes", MAX_ACK, None));
        }
        let state = of_members(app, &workspace, &signed.key)?;
        let key_of = |id: &_| state.active(id).map(|member| *member.verifying_key());
        let ack = Ack::open(&bytes, key_of)
            .map_err(|error| Problem::malformed(error.message().to_owned()))?;
        if ack.workspace != workspace || key_of(&ack.member) != Some(signed.key) {
            return Err(Problem::malformed("the ack is another member's or workspace's"));
        }
        app.store.put_ack(workspace, ack.member, ack.rank(), bytes)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// For members.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path(workspace): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let workspace = id(WorkspaceId::from_hex, &workspace)?;
    signed(&app, request, move |app, signed| {
        of_members(app, &workspace, &signed.key)?;
        json(StatusCode::OK, &Acks { acks: wire(app.store.acks(&workspace)?) })
    })
    .await
}

fn of_members(
    app: &App,
    workspace: &WorkspaceId,
    key: &agentsecrets_core::crypto::VerifyingKey,
) -> Result<Arc<LogState>, Problem> {
    let state = app.states.current(&*app.store, workspace)?;
    let state = state.ok_or_else(Problem::unknown_workspace)?;
    if is_member(&state, key) { Ok(state) } else { Err(Problem::not_a_member()) }
}
