//! One secret value: shown to nobody who does not ask by name.

use std::sync::{Arc, Mutex, PoisonError};

use agentsecrets::model::SecretBytes;
use pyo3::{
    IntoPyObjectExt,
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{
    convert::Value,
    errors::{closed, invalid},
};

const HOW: &str = "a Secret is not text: call .reveal() where the value is used";

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core")]
pub(crate) struct Secret {
    held: Mutex<Option<Arc<SecretBytes>>>,
    name: Option<Box<str>>,
}

impl Secret {
    pub(crate) fn of(bytes: Arc<SecretBytes>) -> Self {
        Self { held: Mutex::new(Some(bytes)), name: None }
    }

    pub(crate) fn named(bytes: Arc<SecretBytes>, name: &str) -> Self {
        Self { name: Some(name.into()), ..Self::of(bytes) }
    }

    pub(crate) fn bytes(&self, py: Python<'_>) -> PyResult<Arc<SecretBytes>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        held.ok_or_else(|| closed(py, "the secret was wiped"))
    }
}

#[pymethods]
impl Secret {
    #[new]
    #[pyo3(signature = (value, /))]
    fn new(value: Value) -> Self {
        Self::of(Arc::new(value.0))
    }

    #[getter]
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn reveal<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let bytes = self.bytes(py)?;
        let text = std::str::from_utf8(bytes.expose());
        let text = text.map_err(|_| invalid(py, "the value is not UTF-8: use reveal_bytes()"))?;
        Ok(PyString::new(py, text))
    }

    fn reveal_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.bytes(py)?.expose()))
    }

    fn wipe(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, pyo3::types::PyTuple>) {
        self.wipe();
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.bytes(py)?.len())
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(!self.bytes(py)?.is_empty())
    }

    fn __repr__(&self) -> String {
        format!("<Secret {}: redacted>", self.name.as_deref().unwrap_or("without a name"))
    }

    fn __str__(&self) -> PyResult<String> {
        Err(PyTypeError::new_err(HOW))
    }

    fn __format__(&self, _spec: &Bound<'_, PyAny>) -> PyResult<String> {
        Err(PyTypeError::new_err(HOW))
    }

    fn __bytes__(&self) -> PyResult<Vec<u8>> {
        Err(PyTypeError::new_err("a Secret is not bytes: call .reveal_bytes() where they are used"))
    }

    fn __hash__(&self) -> PyResult<isize> {
        Err(PyTypeError::new_err("a Secret cannot be hashed: use its name as the key"))
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<String> {
        Err(PyTypeError::new_err("a Secret cannot be pickled or copied"))
    }

    fn __copy__(&self) -> PyResult<String> {
        Err(PyTypeError::new_err("a Secret cannot be copied"))
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> PyResult<String> {
        Err(PyTypeError::new_err("a Secret cannot be copied"))
    }

    /// In a time that depends on the lengths alone.
    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = other.py();
        match other.extract::<Value>() {
            Ok(Value(other)) => self.bytes(py)?.ct_eq(other.expose()).into_py_any(py),
            Err(_) => Ok(py.NotImplemented()),
        }
    }
}
