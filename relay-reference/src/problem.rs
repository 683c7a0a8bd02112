//! Errors as `application/problem+json` (RFC 9457), each with a stable code.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::store::StoreError;

/// The code of a problem, on its answer, for who counts.
#[derive(Clone, Copy, Debug)]
pub struct Code(pub &'static str);

/// An error as the client sees it.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    fields: Map<String, Value>,
    retry_after: Option<u32>,
}

impl Problem {
    /// A problem; `detail` is for people and repeats nothing of the request's body.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), fields: Map::new(), retry_after: None }
    }

    /// 400.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// 401.
    pub fn bad_signature(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "bad_signature", detail)
    }

    /// 403.
    pub fn not_a_member() -> Self {
        Self::new(StatusCode::FORBIDDEN, "not_a_member", "the signer is no member of the workspace")
    }

    /// 404.
    pub fn unknown_workspace() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_workspace", "no such workspace here")
    }

    /// 404 of another kind.
    pub fn not_found(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 413: which limit, its value, and the place of what is over it.
    pub fn too_large(limit: &'static str, most: usize, index: Option<usize>) -> Self {
        let detail = format!("more than `{limit}` allows, which is {most}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
            .with("limit", limit)
            .with("most", most)
            .with("index", index)
    }

    /// 422: an entry breaks a rule of the log.
    pub fn refused_entry(index: usize, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused_entry", detail).with("index", index)
    }

    /// 429.
    pub fn rate_limited(detail: &'static str, seconds: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail).retry_after(seconds)
    }

    /// 503.
    pub fn overloaded() -> Self {
        let detail = "the relay has more work than it can do in time";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(1)
    }

    /// 500; the cause is for the operator's log alone.
    pub fn internal(cause: &str) -> Self {
        crate::report(&format!("internal error: {cause}"));
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the relay's operator finds more")
    }

    /// The same with a field of its own.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The stable word.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What goes on the wire.
    pub fn body(&self) -> Value {
        let Self { status, code, detail, fields, retry_after: _ } = self;
        let mut body = json!({
            "type": format!("urn:agentsecrets:problem:{code}"),
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "code": code,
            "detail": detail,
        });
        if let Value::Object(body) = &mut body {
            body.extend(fields.clone());
        }
        body
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded => Self::overloaded(),
            StoreError::Full => {
                let detail = "the relay's disk is full; nothing was stored";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_full", detail).retry_after(60)
            }
            StoreError::Unreachable => {
                let detail = "the relay's database does not answer; send the same again";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(2)
            }
            StoreError::Failed(cause) => Self::internal(&cause),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body().to_string()));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(Code(self.code));
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::PAYLOAD_TOO_LARGE {
            // The rest of the body was not read, so the connection cannot go on.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
