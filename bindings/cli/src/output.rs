//! What goes to stdout and stderr.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use agentsecrets_core::{Error, ErrorCode, Result};
use serde::Serialize;

/// Exit code of a comparison that found drift.
pub(crate) const DRIFT: u8 = 3;

/// Shows a failure: code, cause and the command that helps; with `json` also as the last line.
pub(crate) fn fail(error: &Error, json: bool) -> ExitCode {
    let (code, message, hint) = (error.code().as_str(), error.message(), error.hint());
    note(&format!("error[{code}]: {message}\nhelp: {hint}"));
    if json {
        let retryable = error.retryable();
        let body = serde_json::json!({ "error": { "code": code, "message": message, "hint": hint, "retryable": retryable } });
        note(&body.to_string());
    }
    let usage = matches!(error.code(), ErrorCode::InvalidArgument | ErrorCode::AmbiguousMember);
    ExitCode::from(if usage { 2 } else { 1 })
}

/// A line to stderr. Who closed it does not want to know.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Bytes to stdout, as they are.
pub(crate) fn bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|_| closed())
}

/// A line to stdout.
pub(crate) fn line(text: &str) -> Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// A listing: JSON, or a table with the columns given.
pub(crate) fn listing<T: Serialize>(
    json: bool,
    rows: &[T],
    header: &[&str],
    cells: impl Fn(&T) -> Vec<String>,
) -> Result<()> {
    if json {
        return value(&rows);
    }
    table(header, &rows.iter().map(cells).collect::<Vec<_>>())
}

/// A value as JSON.
pub(crate) fn value<T: Serialize>(value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value);
    line(&text.map_err(|_| Error::new(ErrorCode::Internal, "a result cannot be written as JSON"))?)
}

fn table(header: &[&str], rows: &[Vec<String>]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let widest =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> =
        header.iter().enumerate().map(|(column, title)| title.len().max(widest(column))).collect();
    let print = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        line(padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    print(&header.iter().map(|title| title.to_uppercase()).collect::<Vec<_>>())?;
    rows.iter().try_for_each(|row| print(row))
}

fn closed() -> Error {
    Error::new(ErrorCode::Closed, "stdout was closed before the result was written")
}
