//! The listener for operators: liveness, readiness, numbers. Never reachable by clients.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use agentsecrets_core::encoding::WorkspaceId;
use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{app::App, metrics::memory_bytes, problem::Problem};

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
        app.store.beat()?;
        app.store.head(&WorkspaceId::ZERO)?;
        Ok("ready\n")
    })
    .await
}

/// Not among the workers: an overload is when numbers are wanted.
async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let text = tokio::task::spawn_blocking(move || {
        let gauges = [
            ("queue_depth", "Writes that wait.", app.store.queue_depth() as u64),
            ("long_polls", "Requests that wait for news.", app.watch.count() as u64),
            ("connections", "Open connections.", app.metrics.connections.load(Relaxed) as u64),
            ("memory_bytes", "Memory in use.", memory_bytes()),
            ("database_bytes", "Size of the database.", app.store.disk_bytes()),
        ];
        app.metrics.text(&gauges)
    });
    let text = text.await.map_err(|_| Problem::internal("counting panicked"))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
