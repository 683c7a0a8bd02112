//! `GET /openapi.json`: the contract for machines.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// The contract itself.
const CONTRACT: &str = include_str!("openapi.json");

pub(super) async fn get() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], CONTRACT).into_response()
}
