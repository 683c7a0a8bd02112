//! `PUT /v1/workspaces/{workspace}/sealed/{hash}`: sealed bytes ahead of a large commit.

use std::sync::Arc;

use agentsecrets_core::{
    encoding::{SealedHash, WorkspaceId},
    log::deliveries::sealed_hash,
};
use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
};

use super::{id, receive::signed};
use crate::{
    app::App,
    problem::Problem,
    rules::{MAX_SEALED, is_member},
};

pub(super) async fn put(
    State(app): State<Arc<App>>,
    Path((workspace, hash)): Path<(String, String)>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let workspace = id(WorkspaceId::from_hex, &workspace)?;
    let hash = id(SealedHash::from_hex, &hash)?;
    signed(&app, request, move |app, signed| {
        if signed.body.len() > MAX_SEALED {
            return Err(Problem::too_large("sealed_bytes", MAX_SEALED, None));
        }
        if sealed_hash(&signed.body) != hash {
            return Err(Problem::malformed("the body has another hash than the path says"));
        }
        match app.states.current(&*app.store, &workspace)? {
            Some(state) if !is_member(&state, &signed.key) => return Err(Problem::not_a_member()),
            Some(_) => {}
            // Somebody publishes a local workspace, whose first commit is large.
            None => app.uploads.take(signed.body.len())?,
        }
        app.store.put_sealed(&workspace, hash, signed.body, crate::now())?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
