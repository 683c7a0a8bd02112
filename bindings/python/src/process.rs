//! Which process a handle belongs to: a child of fork() has a copy of its locks, not of their owners.

use agentsecrets::model::{Error, ErrorCode};
use pyo3::prelude::*;

use crate::errors::raised;

/// The process in which something was opened.
#[derive(Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn this() -> Self {
        Self(std::process::id())
    }

    /// Raises `vault_forked` in every other process.
    pub(crate) fn check(self, py: Python<'_>) -> PyResult<()> {
        if self.is_this() {
            return Ok(());
        }
        let why = "this was opened before fork(), in the parent process";
        Err(raised(py, &Error::new(ErrorCode::VaultForked, why)))
    }

    pub(crate) fn is_this(self) -> bool {
        self.0 == std::process::id()
    }
}
