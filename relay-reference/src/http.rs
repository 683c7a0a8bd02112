//! The public interface: routes, and what every request goes through before its endpoint.

use std::{sync::Arc, time::Instant};

use agentsecrets_core::wire::Bytes as WireBytes;
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post, put},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    app::App,
    metrics::Answered,
    problem::{Code, Problem},
};

mod acks;
mod deliveries;
mod identities;
mod info;
mod invitations;
mod log;
mod openapi;
mod receive;
mod sealed;
mod sync;

pub use receive::MAX_BODY;

/// Every route; `/openapi.json` lists the same ones.
pub fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/v1/workspaces/sync", post(sync::post))
        .route("/v1/workspaces/{workspace}/sealed/{hash}", put(sealed::put))
        .route("/v1/workspaces/{workspace}/log", get(log::get))
        .route("/v1/workspaces/{workspace}/deliveries", get(deliveries::get))
        .route("/v1/workspaces/{workspace}/acks", put(acks::put).get(acks::get))
        .route("/v1/identities/{id}", put(identities::put).get(identities::get))
        .route("/v1/invitations/{invite}", put(invitations::put).get(invitations::get))
        .route("/v1/info", get(info::get))
        .route("/openapi.json", get(openapi::get))
        .fallback(async || Problem::not_found("not_found", "no such path"))
        .method_not_allowed_fallback(async || {
            let detail = "the path does not take this method";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .layer(from_fn_with_state(Arc::clone(app), observe))
        .with_state(Arc::clone(app))
}

/// Counts every answer and writes one line: no header, no query, no body.
async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let line = format!("method={} path={}", request.method(), request.uri().path());
    let waits = request.uri().query().is_some_and(|query| query.contains("wait="));
    let matched = request.extensions().get::<MatchedPath>();
    let endpoint = matched.map_or("other", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), start.elapsed());
    let code = response.extensions().get::<Code>().map(|code| code.0);
    let took_working = (!waits).then_some(took);
    app.metrics.answered(&Answered { endpoint: &endpoint, status, code, took: took_working });
    let code = code.unwrap_or("-");
    crate::report::request(&format!("{line} status={status} code={code} ms={}", took.as_millis()));
    response
}

/// An answer in JSON.
fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_vec(value).map_err(|error| Problem::internal(&error.to_string()))?;
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// A body in JSON of exactly the right shape.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::malformed(format!("the body is not of the right shape at {line}:{column}"))
    })
}

/// An id of a path.
fn id<T>(read: fn(&str) -> Option<T>, text: &str) -> Result<T, Problem> {
    read(text)
        .ok_or_else(|| Problem::malformed("an id of the path is not hexadecimal of its length"))
}

/// Numbers of a query: known names alone, each once, decimal.
fn numbers<const N: usize>(
    query: Option<&str>,
    names: [&str; N],
) -> Result<[Option<u64>; N], Problem> {
    let mut values = [None; N];
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let place = names.iter().position(|known| *known == name);
        let slot = place.and_then(|place| values.get_mut(place)).filter(|slot| slot.is_none());
        let slot = slot.ok_or_else(|| Problem::malformed("a query name is unknown or repeated"))?;
        let value = value.parse().map_err(|_| Problem::malformed("a query value is no number"))?;
        *slot = Some(value);
    }
    Ok(values)
}

fn wire(bytes: Vec<Vec<u8>>) -> Vec<WireBytes> {
    bytes.into_iter().map(WireBytes).collect()
}
