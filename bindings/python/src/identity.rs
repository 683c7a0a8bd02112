//! Identities.

use agentsecrets::model;
use pyo3::prelude::*;

use crate::{
    convert::{Text, Value, text_of},
    errors::blocking,
    secret::Secret,
};

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core")]
pub(crate) struct Identity(pub(crate) model::Identity);

#[pymethods]
impl Identity {
    #[staticmethod]
    #[pyo3(signature = (kind))]
    fn generate(py: Python<'_>, kind: Text) -> PyResult<Self> {
        blocking(py, || model::Identity::generate(model::kind(kind.as_str())?)).map(Self)
    }

    #[staticmethod]
    #[pyo3(signature = (string, /))]
    fn parse(py: Python<'_>, string: Value) -> PyResult<Self> {
        let text = text_of(py, &string, "an identity string is text")?;
        blocking(py, || model::Identity::parse(text)).map(Self)
    }

    fn string(&self) -> Secret {
        Secret::of(self.0.string().into())
    }

    #[getter]
    fn recipient(&self) -> String {
        self.0.recipient()
    }

    #[getter]
    fn fingerprint(&self) -> String {
        self.0.fingerprint()
    }

    fn __repr__(&self) -> String {
        format!("Identity({})", self.0.recipient())
    }
}
