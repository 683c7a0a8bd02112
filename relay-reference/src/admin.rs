//! The listener for operators: liveness, readiness, numbers. Never reachable by clients.

use std::sync::Arc;

use agentsecrets_core::encoding::WorkspaceId;
use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{app::App, problem::Problem};

/// Its routes.
pub fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(app))
}

/// Whether the writer takes a write and a reader answers.
async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    app.run(|app| {
        app.store.prune(0)?;
        app.store.head(&WorkspaceId::ZERO)?;
        Ok("ready\n")
    })
    .await
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let gauges = [
        ("queue_depth", app.store.queue_depth() as u64),
        ("long_polls", app.watch.count() as u64),
        ("database_bytes", app.store.disk_bytes()),
    ];
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.text(&gauges))
        .into_response()
}
