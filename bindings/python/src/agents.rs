//! Secrets that may be used and not read, redactors, commands.

use std::{sync::Arc, time::Duration};

use agentsecrets::model;
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    convert::{Bytes, Text, Value},
    errors::{blocking, raised},
    process::Process,
    secrets::{Secrets, seconds_of},
};

type Pairs = Vec<(String, String)>;

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core._native")]
pub(crate) struct Handle(Arc<model::Handle>, Process);

impl Handle {
    pub(crate) fn of(handle: model::Handle) -> Self {
        Self(Arc::new(handle), Process::this())
    }
}

#[pymethods]
impl Handle {
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    fn about(&self, py: Python<'_>) -> PyResult<String> {
        self.0.about().map_err(|error| raised(py, &error))
    }

    fn reveal(&self, py: Python<'_>) -> PyResult<()> {
        self.0.reveal().map_err(|error| raised(py, &error))
    }

    #[allow(clippy::too_many_arguments)] // As many as a request has parts.
    fn request<'py>(
        &self,
        py: Python<'py>,
        method: Text,
        url: Text,
        headers: Vec<(Text, Text)>,
        body: Bytes,
        place: Text,
        timeout: Option<f64>,
    ) -> PyResult<(u16, Pairs, Bound<'py, PyBytes>, u64)> {
        self.1.check(py)?;
        let timeout = timeout.map(|seconds| seconds_of(py, seconds)).transpose()?;
        let headers: Vec<_> = headers.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let (method, url, place) = (method.as_str(), url.as_str(), place.as_str());
        let asking = model::Asking { headers: &headers, body: &body.0, place, timeout };
        let answer = blocking(py, || self.0.request(method, url, &asking))?;
        let body = PyBytes::new(py, &answer.body);
        Ok((answer.status, answer.headers, body, answer.redactions))
    }

    fn attenuate(
        &self,
        py: Python<'_>,
        methods: Option<Text>,
        paths: Option<Text>,
        ttl: Option<f64>,
        uses: Option<u64>,
    ) -> PyResult<Self> {
        let narrowing = model::Narrowing {
            methods: methods.as_ref().map(Text::as_str),
            paths: paths.as_ref().map(Text::as_str),
            ttl: ttl.map(|seconds| seconds_of(py, seconds)).transpose()?,
            uses,
        };
        self.0.attenuate(&narrowing).map(Self::of).map_err(|error| raised(py, &error))
    }

    fn sign<'py>(&self, py: Python<'py>, message: Bytes) -> PyResult<Bound<'py, PyBytes>> {
        self.1.check(py)?;
        let mac = self.0.sign(&message.0).map_err(|error| raised(py, &error))?;
        Ok(PyBytes::new(py, &mac))
    }

    fn __repr__(&self) -> String {
        format!("<Handle {}: may be used, redacted>", self.0.name())
    }
}

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core._native")]
pub(crate) struct Redactor(model::Redactor);

impl Redactor {
    pub(crate) fn of(redactor: model::Redactor) -> Self {
        Self(redactor)
    }
}

#[pymethods]
impl Redactor {
    #[new]
    fn new(py: Python<'_>, values: Vec<(Text, Value)>) -> PyResult<Self> {
        let values = values.iter().map(|(name, value)| (name.as_str(), value.0.expose()));
        model::Redactor::new(values).map(Self).map_err(|error| raised(py, &error))
    }

    fn redact<'py>(&self, py: Python<'py>, text: Bytes) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.0.redact(&text.0)))
    }

    fn stream(&self) -> Redaction {
        Redaction(self.0.stream())
    }
}

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core._native")]
pub(crate) struct Redaction(model::Redaction);

#[pymethods]
impl Redaction {
    fn push<'py>(&self, py: Python<'py>, piece: Bytes) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.0.push(&piece.0)))
    }

    fn finish<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.finish())
    }
}

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core._native")]
pub(crate) struct Child(model::Child);

#[pymethods]
impl Child {
    #[getter]
    fn pid(&self) -> u32 {
        self.0.pid()
    }

    fn wait(&self, py: Python<'_>, seconds: f64) -> PyResult<Option<i32>> {
        let wait: Duration = seconds_of(py, seconds)?;
        blocking(py, || self.0.wait(wait))
    }

    fn kill(&self, py: Python<'_>) -> PyResult<()> {
        self.0.kill().map_err(|error| raised(py, &error))
    }
}

/// See the stub.
#[pyfunction]
pub(crate) fn spawn(
    py: Python<'_>,
    secrets: &Bound<'_, Secrets>,
    command: Vec<Text>,
    only: Vec<Text>,
) -> PyResult<Child> {
    let command: Vec<&str> = command.iter().map(Text::as_str).collect();
    let only: Vec<&str> = only.iter().map(Text::as_str).collect();
    let secrets = secrets.get();
    blocking(py, || model::spawn(secrets.model(), &command, &only)).map(Child)
}
