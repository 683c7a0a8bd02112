//! Configuration, client, watch.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use agentsecrets::model::{self, Error};
use pyo3::{
    Borrowed,
    prelude::*,
    types::{PyDict, PyDictMethods},
};

use crate::{
    convert::{Text, Value, text_of},
    errors::{blocking, closed, invalid},
    process::Process,
    secret::Secret,
    secrets::{Secrets, seconds_of},
};

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core")]
pub(crate) struct Config(RwLock<model::Config>);

/// A text, or a path.
struct Setting(Value);

impl<'py> FromPyObject<'_, 'py> for Setting {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.hasattr("__fspath__")? {
            true => object.call_method0("__fspath__")?.extract().map(Self),
            false => object.extract().map(Self),
        }
    }
}

impl Config {
    fn with_settings(
        config: model::Config,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let made = Self(RwLock::new(config));
        for (key, value) in settings.into_iter().flat_map(PyDictMethods::iter) {
            made.set(key.py(), key.extract()?, value.extract()?)?;
        }
        Ok(made)
    }

    pub(crate) fn with<T>(&self, run: impl FnOnce(&model::Config) -> T) -> T {
        run(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl Config {
    #[new]
    #[pyo3(signature = (**settings))]
    fn new(settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Self::with_settings(model::Config::empty(), settings)
    }

    #[staticmethod]
    #[pyo3(signature = (**settings))]
    fn discover(py: Python<'_>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Self::with_settings(blocking(py, model::Config::discover)?, settings)
    }

    fn set(&self, py: Python<'_>, key: Text, value: Setting) -> PyResult<()> {
        let value = text_of(py, &value.0, "a setting is text")?;
        blocking(py, || {
            let mut config = self.0.write().unwrap_or_else(PoisonError::into_inner);
            config.set(key.as_str(), value)
        })
    }

    fn __repr__(&self) -> &'static str {
        "<Config>"
    }
}

/// Makes this device's identity in the vault, unless there is one.
#[pyfunction]
pub(crate) fn init(py: Python<'_>, config: &Config, label: Text) -> PyResult<bool> {
    blocking(py, || config.with(|config| model::init(config, label.as_str())))
}

/// Folds an exported log.
#[pyfunction]
pub(crate) fn verify(py: Python<'_>, log: Text, head: Text) -> PyResult<String> {
    blocking(py, || model::verify(log.as_str(), head.as_str()))
}

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core._native")]
pub(crate) struct Client(Mutex<Option<Arc<model::Client>>>, Process);

impl Client {
    fn held(&self, py: Python<'_>) -> PyResult<Arc<model::Client>> {
        self.1.check(py)?;
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        held.ok_or_else(|| closed(py, "the client was closed"))
    }

    fn run<T: Send>(
        &self,
        py: Python<'_>,
        run: impl FnOnce(&model::Client) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let client = self.held(py)?;
        blocking(py, || run(&client))
    }
}

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core._native")]
pub(crate) struct Watch(Arc<model::Watch>, Process);

#[pymethods]
impl Watch {
    fn next(&self, py: Python<'_>, wait: f64) -> PyResult<Option<String>> {
        self.1.check(py)?;
        let wait = seconds_of(py, wait)?;
        blocking(py, || self.0.next(wait))
    }
}

/// Milliseconds since 1970 of seconds; 0 is never.
fn time_of(py: Python<'_>, seconds: Option<f64>) -> PyResult<u64> {
    let time = seconds.map_or(Ok(Duration::ZERO), |seconds| seconds_of(py, seconds))?;
    u64::try_from(time.as_millis()).map_err(|_| invalid(py, "a time too far away"))
}

#[pymethods]
impl Client {
    #[new]
    fn new(py: Python<'_>, config: &Config) -> PyResult<Self> {
        let client = blocking(py, || config.with(model::Client::open))?;
        Ok(Self(Mutex::new(Some(Arc::new(client))), Process::this()))
    }

    fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn watch(&self, py: Python<'_>, environment: Text) -> PyResult<Watch> {
        let client = self.held(py)?;
        let watch = blocking(py, || model::Watch::new(client, environment.as_str()))?;
        Ok(Watch(Arc::new(watch), Process::this()))
    }

    fn recipient(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.held(py)?.recipient())
    }

    fn workspace(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, |client| client.workspace().map(|id| id.to_string()))
    }

    fn invite(
        &self,
        py: Python<'_>,
        role: Text,
        scope: Text,
        expires: Option<f64>,
    ) -> PyResult<Secret> {
        let expires = time_of(py, expires)?;
        let code = self.run(py, |client| client.invite(role.as_str(), scope.as_str(), expires))?;
        Ok(Secret::of(code.into()))
    }

    fn join(&self, py: Python<'_>, code: Value, label: Text) -> PyResult<String> {
        let code = text_of(py, &code, "an invitation is text")?;
        self.run(py, |client| client.join(code, label.as_str()))
    }

    fn follow(&self, py: Python<'_>, wait: f64) -> PyResult<bool> {
        let wait = seconds_of(py, wait)?;
        self.run(py, |client| client.follow(wait))
    }

    fn set(&self, py: Python<'_>, environment: Text, name: Text, value: Value) -> PyResult<()> {
        self.run(py, |client| client.set(environment.as_str(), name.as_str(), value.0))
    }

    fn secret_policy(&self, py: Python<'_>, environment: Text, name: Text) -> PyResult<String> {
        self.run(py, |client| client.secret_policy(environment.as_str(), name.as_str()))
    }

    fn set_secret_policy(
        &self,
        py: Python<'_>,
        environment: Text,
        name: Text,
        policy: Text,
    ) -> PyResult<()> {
        self.run(py, |client| {
            client.set_secret_policy(environment.as_str(), name.as_str(), policy.as_str())
        })
    }

    fn secrets(&self, py: Python<'_>, environment: Text) -> PyResult<Secrets> {
        self.run(py, |client| client.secrets(environment.as_str())).map(Secrets::of)
    }

    fn status(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::status)
    }

    fn create(&self, py: Python<'_>, name: Text, label: Text, relay: Text) -> PyResult<String> {
        self.run(py, |client| client.create(name.as_str(), label.as_str(), relay.as_str()))
    }

    fn connect(&self, py: Python<'_>, relay: Text) -> PyResult<()> {
        self.run(py, |client| client.connect(relay.as_str()))
    }

    fn admit(&self, py: Python<'_>) -> PyResult<u64> {
        self.run(py, model::Client::admit)
    }

    fn admit_recipient(
        &self,
        py: Python<'_>,
        recipient: Text,
        role: Text,
        scope: Text,
        label: Text,
    ) -> PyResult<String> {
        self.run(py, |client| {
            client.admit_recipient(
                recipient.as_str(),
                role.as_str(),
                scope.as_str(),
                label.as_str(),
            )
        })
    }

    fn members(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::members)
    }

    fn remove(
        &self,
        py: Python<'_>,
        member: Text,
        reason: Text,
        device: bool,
        rekey: bool,
    ) -> PyResult<()> {
        self.run(py, |client| client.remove(member.as_str(), reason.as_str(), device, rekey))
    }

    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        self.run(py, model::Client::leave)
    }

    fn rekey(&self, py: Python<'_>) -> PyResult<()> {
        self.run(py, model::Client::rekey)
    }

    fn set_role(&self, py: Python<'_>, member: Text, role: Text) -> PyResult<()> {
        self.run(py, |client| client.set_role(member.as_str(), role.as_str()))
    }

    fn set_scope(&self, py: Python<'_>, member: Text, scope: Text) -> PyResult<()> {
        self.run(py, |client| client.set_scope(member.as_str(), scope.as_str()))
    }

    fn invitations(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::invitations)
    }

    fn uninvite(&self, py: Python<'_>, id: Text) -> PyResult<()> {
        self.run(py, |client| client.uninvite(id.as_str()))
    }

    fn safety_number(&self, py: Python<'_>, member: Text) -> PyResult<String> {
        self.run(py, |client| client.safety_number(member.as_str()))
    }

    fn confirm(&self, py: Python<'_>, member: Text) -> PyResult<()> {
        self.run(py, |client| client.confirm(member.as_str()))
    }

    fn team(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::team)
    }

    fn environments(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::environments)
    }

    fn create_environment(&self, py: Python<'_>, label: Text) -> PyResult<()> {
        self.run(py, |client| client.create_environment(label.as_str()))
    }

    fn rename_environment(&self, py: Python<'_>, label: Text, to: Text) -> PyResult<()> {
        self.run(py, |client| client.rename_environment(label.as_str(), to.as_str()))
    }

    fn archive_environment(&self, py: Python<'_>, label: Text) -> PyResult<()> {
        self.run(py, |client| client.archive_environment(label.as_str()))
    }

    fn policy(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::policy)
    }

    fn set_policy(&self, py: Python<'_>, fresh_seconds: u64, stale: Text) -> PyResult<()> {
        self.run(py, |client| client.set_policy(fresh_seconds, stale.as_str()))
    }

    fn sync(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::sync)
    }

    fn pull(&self, py: Python<'_>, environment: Text, theirs: bool) -> PyResult<()> {
        self.run(py, |client| client.pull(environment.as_str(), theirs))
    }

    fn push(&self, py: Python<'_>, environment: Text, mine: bool) -> PyResult<u64> {
        self.run(py, |client| client.push(environment.as_str(), mine))
    }

    fn delete(&self, py: Python<'_>, environment: Text, name: Text) -> PyResult<()> {
        self.run(py, |client| client.delete(environment.as_str(), name.as_str()))
    }

    fn list(&self, py: Python<'_>, environment: Text) -> PyResult<String> {
        self.run(py, |client| client.list(environment.as_str()))
    }

    fn drift(&self, py: Python<'_>, environment: Text) -> PyResult<String> {
        self.run(py, |client| client.drift(environment.as_str()))
    }

    fn drift_between(&self, py: Python<'_>, a: Text, b: Text) -> PyResult<String> {
        self.run(py, |client| client.drift_between(a.as_str(), b.as_str()))
    }

    fn history(&self, py: Python<'_>, environment: Text, name: Text) -> PyResult<String> {
        self.run(py, |client| client.history(environment.as_str(), name.as_str()))
    }

    fn audit(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::audit)
    }

    fn exposure(&self, py: Python<'_>, member: Text) -> PyResult<String> {
        self.run(py, |client| client.exposure(member.as_str()))
    }

    fn head(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::head)
    }

    fn head_words(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::head_words)
    }

    fn export(&self, py: Python<'_>) -> PyResult<String> {
        self.run(py, model::Client::export)
    }

    fn repush(&self, py: Python<'_>) -> PyResult<u64> {
        self.run(py, model::Client::repush)
    }

    fn adopt(&self, py: Python<'_>, head: Text) -> PyResult<()> {
        self.run(py, |client| client.adopt(head.as_str()))
    }
}
