//! Receiving a signed request: bounded body first, then signature, clock and nonce.

use std::{sync::Arc, time::Duration};

use agentsecrets_core::{
    ErrorCode,
    crypto::VerifyingKey,
    request_signature::{Incoming, Verified, check_window, verify},
};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use http_body_util::BodyExt;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use crate::{app::App, problem::Problem};

/// Longest body, in bytes as sent.
pub const MAX_BODY: usize = 8 << 20;
const BODY_TIME: Duration = Duration::from_secs(15);

/// A request whose signature holds.
pub(super) struct Signed {
    /// Who signed.
    pub(super) key: VerifyingKey,
    /// What the signature covers.
    pub(super) body: Vec<u8>,
}

/// Receives and verifies a request, then does its work, on one worker thread.
pub(super) async fn signed<T: Send + 'static>(
    app: &Arc<App>,
    request: Request,
    work: impl FnOnce(&App, Signed) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let (parts, body) = request.into_parts();
    let (body, budget) = body_of(app, &parts.headers, body).await?;
    app.run(move |app| {
        let key = verified(app, &parts, &body)?.key;
        let result = work(app, Signed { key, body });
        drop(budget);
        result
    })
    .await
}

async fn body_of(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length.and_then(|text| text.parse::<usize>().ok()).is_some_and(|length| length > MAX_BODY) {
        return Err(Problem::too_large("body_bytes", MAX_BODY, None));
    }
    timeout(BODY_TIME, collect(app, body)).await.map_err(|_| {
        let detail = "the body did not arrive in time";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail)
    })?
}

/// Reads up to the limit; each piece takes its share of the memory for all bodies.
async fn collect(
    app: &App,
    mut body: Body,
) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Problem> {
    let (mut bytes, mut budget) = (Vec::new(), None::<OwnedSemaphorePermit>);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::malformed("the body is cut off"))?;
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > MAX_BODY {
            return Err(Problem::too_large("body_bytes", MAX_BODY, None));
        }
        let share = Arc::clone(&app.bodies).try_acquire_many_owned(piece.len() as u32);
        let share = share.map_err(|_| Problem::overloaded())?;
        match &mut budget {
            Some(budget) => budget.merge(share),
            None => budget = Some(share),
        }
        bytes.extend_from_slice(&piece);
    }
    Ok((bytes, budget))
}

fn verified(app: &App, parts: &Parts, body: &[u8]) -> Result<Verified, Problem> {
    let incoming = Incoming {
        method: parts.method.as_str(),
        authority: &app.authority,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        body,
        content_digest: single(&parts.headers, "content-digest")?,
        signature_input: single(&parts.headers, "signature-input")?,
        signature: single(&parts.headers, "signature")?,
    };
    let verified = verify(&incoming).map_err(|error| match error.code() {
        ErrorCode::BadSignature => {
            let problem = Problem::bad_signature(error.message().to_owned());
            problem.with("authority", app.authority.as_str())
        }
        _ => Problem::internal(error.message()),
    })?;
    let now = crate::now();
    check_window(verified.created, now).map_err(|error| {
        let detail = error.message().to_owned();
        Problem::new(StatusCode::UNAUTHORIZED, "clock_skew", detail).with("server_time", now)
    })?;
    app.rates.count(verified.key)?;
    app.spend_nonce(&verified)?;
    Ok(verified)
}

/// A header that stands exactly once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (Some(Ok(value)), None) => Ok(value),
        _ => Err(Problem::bad_signature(format!("`{name}` is missing, repeated or not text"))),
    }
}
