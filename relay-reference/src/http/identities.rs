//! `/v1/identities/{id}`: public recipients, which certify themselves.

use std::sync::Arc;

use agentsecrets_core::{encoding::MemberId, identity::Recipient};
use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{id, receive::signed};
use crate::{app::App, problem::Problem};

/// The body is the recipient's canonical bytes; its own identity signs the request.
pub(super) async fn put(
    State(app): State<Arc<App>>,
    Path(member): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let member = id(MemberId::from_hex, &member)?;
    signed(&app, request, move |app, signed| {
        let recipient = Recipient::from_bytes(&signed.body)
            .map_err(|error| Problem::malformed(error.message().to_owned()))?;
        if recipient.id() != member || *recipient.verifying_key() != signed.key {
            return Err(Problem::malformed("the recipient is another one than path or signer"));
        }
        app.store.put_identity(member, signed.body)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// The same bytes back.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Path(member): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let member = id(MemberId::from_hex, &member)?;
    let found = signed(&app, request, move |app, _| Ok(app.store.identity(&member)?)).await?;
    let found = found.ok_or_else(|| Problem::not_found("no_identity", "nobody put it here"))?;
    let mut response = Response::new(Body::from(found));
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
