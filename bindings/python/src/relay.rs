//! The relay for tests.

use std::sync::{Mutex, PoisonError};

use agentsecrets::model;
use pyo3::prelude::*;

use crate::{errors::blocking, process::Process};

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core._native")]
pub(crate) struct MemoryRelay {
    url: String,
    running: Mutex<Option<model::MemoryRelay>>,
    process: Process,
}

impl MemoryRelay {
    /// Ends it, where it runs: its thread is not in a child of fork(), and cannot be waited for there.
    fn end(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.process.is_this() {
            true => drop(running),
            false => std::mem::forget(running),
        }
    }
}

impl Drop for MemoryRelay {
    fn drop(&mut self) {
        self.end();
    }
}

#[pymethods]
impl MemoryRelay {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let relay = blocking(py, model::MemoryRelay::start)?;
        let url = relay.url().to_owned();
        Ok(Self { url, running: Mutex::new(Some(relay)), process: Process::this() })
    }

    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.end());
    }
}
