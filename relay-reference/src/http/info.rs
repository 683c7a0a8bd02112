//! `GET /v1/info`: limits, suites and the relay's time, for everybody.

use std::sync::Arc;

use agentsecrets_core::{
    encoding::{SUITE, VERSION},
    log::{MAX_MEMBERS, entry::MAX_ENTRY},
    request_signature::WINDOW_SECS,
};
use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::json;

use super::{MAX_BODY, invitations::MAX_REPLY, json, log};
use crate::{
    app::App,
    problem::Problem,
    rules::{MAX_ENTRIES, MAX_SEALED},
    server::MAX_HEADERS,
};

pub(super) async fn get(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let info = json!({
        "versions": [VERSION],
        "suites": [SUITE],
        "server_time": crate::now(),
        "limits": {
            "body_bytes": MAX_BODY,
            "workspace_bytes": app.quota,
            "headers": MAX_HEADERS,
            "entries": MAX_ENTRIES,
            "entry_bytes": MAX_ENTRY,
            "sealed_bytes": MAX_SEALED,
            "reply_bytes": MAX_REPLY,
            "members": MAX_MEMBERS,
            "page_entries": log::MOST,
            "wait_seconds": log::WAIT,
            "clock_skew_seconds": WINDOW_SECS,
        },
    });
    json(StatusCode::OK, &info)
}
