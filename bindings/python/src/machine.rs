//! Operations for hosts with their own store and their own way to the relay.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use agentsecrets::model::{self, Error, ErrorCode, Outcome, Reply, SecretBytes, Task};
use agentsecrets_core::{
    message::{Request, Response},
    sync::Step,
};
use pyo3::{IntoPyObjectExt, prelude::*, types::PyBytes};

use crate::{
    convert::{Bytes, Text, Value, text_of},
    errors::{invalid, raised},
    identity::Identity,
    process::Process,
    secret::Secret,
    secrets::Secrets,
};

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core._native")]
pub(crate) struct Machine(Mutex<model::Machine>, Process);

/// Who acts, when (milliseconds since 1970), and 32 random bytes.
#[derive(FromPyObject)]
pub(crate) struct Seed<'py>(Bound<'py, Identity>, u64, Value);

impl Seed<'_> {
    fn begin(
        &self,
        run: impl FnOnce(&model::Identity, u64, [u8; 32]) -> Result<model::Machine, Error>,
    ) -> PyResult<Machine> {
        let Self(identity, now, entropy) = self;
        let py = identity.py();
        let entropy = entropy.0.expose().try_into();
        let entropy = entropy.map_err(|_| invalid(py, "entropy is 32 bytes"))?;
        let machine = run(&identity.get().0, *now, entropy).map_err(|error| raised(py, &error))?;
        Ok(Machine(Mutex::new(machine), Process::this()))
    }
}

impl Machine {
    fn locked(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, model::Machine>> {
        self.1.check(py)?;
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn reply(&self, py: Python<'_>, step: u64, reply: Reply) -> PyResult<()> {
        self.locked(py)?.reply(step, reply).map_err(|error| raised(py, &error))
    }
}

#[pymethods]
impl Machine {
    #[staticmethod]
    fn create(seed: Seed<'_>, name: Text, label: Text, relay: Text) -> PyResult<Self> {
        let (name, label, relay) = (name.as_str(), label.as_str(), relay.as_str());
        seed.begin(|id, now, entropy| {
            Ok(model::Machine::create(id, now, entropy, name, label, relay))
        })
    }

    #[staticmethod]
    fn join(py: Python<'_>, seed: Seed<'_>, code: Value, label: Text) -> PyResult<Self> {
        let code = text_of(py, &code, "an invitation is text")?;
        seed.begin(|id, now, entropy| model::Machine::join(id, now, entropy, code, label.as_str()))
    }

    #[staticmethod]
    fn invite(
        seed: Seed<'_>,
        workspace: Text,
        role: Text,
        scope: Text,
        expires: u64,
    ) -> PyResult<Self> {
        let (workspace, role, scope) = (workspace.as_str(), role.as_str(), scope.as_str());
        seed.begin(|id, now, entropy| {
            model::Machine::invite(id, now, entropy, workspace, role, scope, expires)
        })
    }

    #[staticmethod]
    fn admit(seed: Seed<'_>, workspace: Text) -> PyResult<Self> {
        seed.begin(|id, now, entropy| model::Machine::admit(id, now, entropy, workspace.as_str()))
    }

    #[staticmethod]
    fn sync(seed: Seed<'_>, workspace: Text) -> PyResult<Self> {
        seed.begin(|id, now, entropy| model::Machine::sync(id, now, entropy, workspace.as_str()))
    }

    #[staticmethod]
    fn set(
        seed: Seed<'_>,
        workspace: Text,
        environment: Text,
        name: Text,
        value: Value,
    ) -> PyResult<Self> {
        let (workspace, environment) = (workspace.as_str(), environment.as_str());
        let (name, Value(value)) = (name.as_str(), value);
        seed.begin(|id, now, entropy| {
            model::Machine::set(id, now, entropy, workspace, environment, name, value)
        })
    }

    #[staticmethod]
    fn delete(seed: Seed<'_>, workspace: Text, environment: Text, name: Text) -> PyResult<Self> {
        let (workspace, environment) = (workspace.as_str(), environment.as_str());
        seed.begin(|id, now, entropy| {
            model::Machine::delete(id, now, entropy, workspace, environment, name.as_str())
        })
    }

    #[staticmethod]
    fn push(seed: Seed<'_>, workspace: Text, environment: Text) -> PyResult<Self> {
        let (workspace, environment) = (workspace.as_str(), environment.as_str());
        seed.begin(|id, now, entropy| {
            model::Machine::push(id, now, entropy, workspace, environment)
        })
    }

    #[staticmethod]
    fn load(seed: Seed<'_>, workspace: Text, environment: Text) -> PyResult<Self> {
        let (workspace, environment) = (workspace.as_str(), environment.as_str());
        seed.begin(|id, now, entropy| {
            model::Machine::load(id, now, entropy, workspace, environment)
        })
    }

    /// The next task as a tuple that begins with its kind.
    fn next<'py>(&self, py: Python<'py>, now: u64) -> PyResult<Bound<'py, PyAny>> {
        self.1.check(py)?;
        let task = py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).next(now));
        match task {
            Task::Step(step, what) => step_tuple(py, step, &what),
            Task::Waiting => ("wait",).into_bound_py_any(py),
            Task::Sleep(until) => ("sleep", until).into_bound_py_any(py),
            Task::Done => ("done",).into_bound_py_any(py),
        }
    }

    fn loaded(&self, py: Python<'_>, step: u64, data: Option<Bytes>) -> PyResult<()> {
        self.reply(py, step, Reply::Loaded(data.map(|Bytes(bytes)| SecretBytes::new(bytes))))
    }

    fn stored(&self, py: Python<'_>, step: u64) -> PyResult<()> {
        self.reply(py, step, Reply::Stored)
    }

    #[pyo3(signature = (step, status, body, retry_after_ms=None))]
    fn answered(
        &self,
        py: Python<'_>,
        step: u64,
        status: u16,
        body: Bytes,
        retry_after_ms: Option<u64>,
    ) -> PyResult<()> {
        let retry_after = retry_after_ms.map(Duration::from_millis);
        self.reply(py, step, Reply::Answered(Response { status, body: body.0, retry_after }))
    }

    fn failed(&self, py: Python<'_>, step: u64, code: i32) -> PyResult<()> {
        let known = ErrorCode::ALL.iter().find(|known| **known as i32 == code);
        let code = *known.ok_or_else(|| invalid(py, "no error has this number"))?;
        self.reply(py, step, Reply::Failed(Error::new(code, "the host reports a failure")))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.locked(py)?.close();
        Ok(())
    }

    fn outcome(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let outcome = self.locked(py)?.outcome();
        match outcome.map_err(|error| raised(py, &error))? {
            Outcome::Done => Ok(py.None()),
            Outcome::Text(text) => text.into_py_any(py),
            Outcome::Secret(text) => Secret::of(text.into()).into_py_any(py),
            Outcome::Secrets(values) => Secrets::of(values).into_py_any(py),
        }
    }
}

fn step_tuple<'py>(py: Python<'py>, step: u64, what: &Step) -> PyResult<Bound<'py, PyAny>> {
    match what {
        Step::Load(key) => ("load", step, key.as_str()).into_bound_py_any(py),
        Step::Store(key, bytes) => {
            ("store", step, key.as_str(), PyBytes::new(py, bytes.expose())).into_bound_py_any(py)
        }
        Step::Remove(key) => ("remove", step, key.as_str()).into_bound_py_any(py),
        Step::Send(request) => request_tuple(py, step, request),
        _ => Err(invalid(py, "a step that this package does not know")),
    }
}

fn request_tuple<'py>(
    py: Python<'py>,
    step: u64,
    request: &Request,
) -> PyResult<Bound<'py, PyAny>> {
    let headers: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (url, body) = (model::url(request), PyBytes::new(py, &request.body));
    let wait = request.wait.as_secs_f64();
    ("send", step, request.method.as_str(), url, headers, body, wait).into_bound_py_any(py)
}
