//! `/v1/invitations/{invite}`: an invitee's reply, kept for the admins until they admit.

use std::sync::Arc;

use agentsecrets_core::{
    encoding::{EntryHash, WorkspaceId},
    wire::{Bytes, Reply},
};
use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
};

use super::{id, json, parse, receive::signed};
use crate::{app::App, problem::Problem, rules::is_member, store::Replied};

/// Longest reply, in bytes: a recipient, a proof and a label, with room.
pub(super) const MAX_REPLY: usize = 4 << 10;

/// By anybody, since an invitee is no member yet. The first reply stays: whoever holds the token
/// made it, or a member of the workspace who will be seen.
pub(super) async fn put(
    State(app): State<Arc<App>>,
    Path(invite): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let invite = id(EntryHash::from_hex, &invite)?;
    signed(&app, request, move |app, signed| {
        let Reply { workspace, reply: Bytes(reply) } = parse(&signed.body)?;
        if reply.len() > MAX_REPLY {
            return Err(Problem::too_large("reply_bytes", MAX_REPLY, None));
        }
        if app.store.reply(&invite)? == Some((workspace, reply.clone())) {
            return Ok(StatusCode::NO_CONTENT);
        }
        check_open(app, &workspace, &invite)?;
        match app.store.put_reply(invite, workspace, reply)? {
            Replied::Stored | Replied::Same => Ok(StatusCode::NO_CONTENT),
            Replied::Taken => {
                let detail = "another reply to this invitation is here";
                Err(Problem::new(StatusCode::CONFLICT, "invitation_taken", detail))
            }
        }
    })
    .await
}

fn check_open(app: &App, workspace: &WorkspaceId, invite: &EntryHash) -> Result<(), Problem> {
    let state = app.states.current(&*app.store, workspace)?;
    let state = state.ok_or_else(Problem::unknown_workspace)?;
    let unknown = || Problem::not_found("unknown_invitation", "no such open invitation");
    let expires = state.open_invitation(invite).ok_or_else(unknown)?.invite.expires;
    if expires != 0 && expires / 1000 < crate::now() {
        let detail = "the invitation's time is over";
        return Err(Problem::new(StatusCode::GONE, "invitation_expired", detail));
    }
    Ok(())
}

/// For members of the invitation's workspace.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path(invite): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let invite = id(EntryHash::from_hex, &invite)?;
    signed(&app, request, move |app, signed| {
        let found = app.store.reply(&invite)?;
        let found = found.ok_or_else(|| Problem::not_found("no_reply", "nobody replied yet"))?;
        let state = app.states.current(&*app.store, &found.0)?;
        if !state.is_some_and(|state| is_member(&state, &signed.key)) {
            return Err(Problem::not_a_member());
        }
        json(StatusCode::OK, &Reply { workspace: found.0, reply: Bytes(found.1) })
    })
    .await
}
