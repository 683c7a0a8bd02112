//! Errors as one text that JavaScript takes apart: napi keeps no code of an asynchronous failure.

use agentsecrets::model::{Error, ErrorCode};
use napi_derive::napi;
use serde_json::json;

/// An error with all that a caller may act on.
pub(crate) fn described(error: &Error) -> String {
    json!({
        "code": error.code().as_str(),
        "message": error.message(),
        "hint": error.hint(),
        "retryable": error.retryable(),
        "retryAfter": error.retry_after().map(|wait| wait.as_millis() as u64),
    })
    .to_string()
}

/// As JavaScript's layer expects it.
pub(crate) fn raised(error: &Error) -> napi::Error {
    napi::Error::from_reason(described(error))
}

/// An argument that the call does not take.
pub(crate) fn invalid(cause: &'static str) -> Error {
    Error::new(ErrorCode::InvalidArgument, cause)
}

/// The code of a stable word.
pub(crate) fn code_of(word: &str) -> Option<ErrorCode> {
    ErrorCode::ALL.iter().find(|code| code.as_str() == word).copied()
}

/// The table of codes: JSON rows of word, number, hint and whether to try again.
#[napi]
pub fn codes() -> String {
    let rows = ErrorCode::ALL.iter().map(|code| {
        json!({ "code": code.as_str(), "number": *code as i32, "hint": code.hint(), "retryable": code.retryable() })
    });
    serde_json::Value::from(rows.collect::<Vec<_>>()).to_string()
}
