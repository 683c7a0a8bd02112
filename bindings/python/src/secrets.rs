//! The values of one environment.

use std::{collections::HashMap, sync::Arc, time::Duration};

use agentsecrets::model;
use pyo3::{prelude::*, types::PyString};

use crate::{
    agents::{Handle, Redactor},
    client::Config,
    convert::{Text, Value, expected},
    errors::{blocking, invalid, raised},
    secret::Secret,
};

/// See the stub.
#[pyclass(frozen, module = "agentsecrets_core._native")]
pub(crate) struct Secrets(Arc<model::Secrets>);

impl Secrets {
    pub(crate) fn of(values: model::Secrets) -> Self {
        Self(Arc::new(values))
    }

    pub(crate) fn model(&self) -> &model::Secrets {
        &self.0
    }
}

/// Reads the values, as an application does at start.
#[pyfunction]
#[pyo3(signature = (config, environment, require, max_age, offline))]
pub(crate) fn load(
    py: Python<'_>,
    config: Option<&Bound<'_, Config>>,
    environment: Text,
    require: Vec<Text>,
    max_age: Option<f64>,
    offline: bool,
) -> PyResult<Secrets> {
    let names: Vec<&str> = require.iter().map(Text::as_str).collect();
    if names.iter().any(|name| name.is_empty() || name.contains(char::is_whitespace)) {
        return Err(invalid(py, "a required name is empty or has blanks in it"));
    }
    let require = names.join(" ");
    let max_age = max_age.map(|seconds| seconds_of(py, seconds)).transpose()?;
    let environment = environment.as_str();
    let loading = model::Loading { environment, require: &require, max_age, offline };
    // What is borrowed from Python stays alive for the call, and needs no lock to be read.
    let config = config.map(|config| config.clone().unbind());
    let run = || match &config {
        Some(config) => config.get().with(|config| model::load(config, &loading)),
        None => model::load(&model::Config::discover()?, &loading),
    };
    blocking(py, run).map(Secrets::of)
}

/// A time that is a number, and not a negative one.
pub(crate) fn seconds_of(py: Python<'_>, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| invalid(py, "a time is seconds, from 0 on"))
}

/// How a text may show a value: as it is, and within the quotes of `repr` and of JSON.
fn forms(value: &str) -> Vec<String> {
    let escaped = |quote: Option<char>| -> String {
        let escape = |symbol: char| match symbol {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\\' => "\\\\".to_owned(),
            symbol if quote == Some(symbol) => format!("\\{symbol}"),
            symbol => symbol.to_string(),
        };
        value.chars().map(escape).collect()
    };
    let mut forms = vec![value.to_owned()];
    if value.contains(['\n', '\r', '\t', '\\', '"', '\'']) {
        forms.extend([escaped(None), escaped(Some('"')), escaped(Some('\''))]);
    }
    forms
}

#[pymethods]
impl Secrets {
    #[staticmethod]
    fn of_values(
        py: Python<'_>,
        values: Vec<(Text, Value)>,
        policies: HashMap<String, String>,
    ) -> PyResult<Self> {
        let values = values.into_iter().map(|(name, value)| {
            let name = name.as_str().to_owned();
            let policy = policies.get(&name).cloned();
            (name, value.0, policy)
        });
        model::Secrets::of_values(values).map(Self::of).map_err(|error| raised(py, &error))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__(&self, name: &Bound<'_, PyAny>) -> PyResult<Secret> {
        let py = name.py();
        let text = name.cast::<PyString>().map_err(|_| expected("str", name))?;
        let text = text.to_cow().map_err(|_| invalid(py, "a name with lone surrogates"))?;
        let found = self.0.get(&text).map_err(|error| raised(py, &error))?;
        Ok(Secret::named(found, &text))
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        let text = name.cast::<PyString>().ok().and_then(|text| text.to_cow().ok());
        text.is_some_and(|text| self.0.get(&text).is_ok())
    }

    fn handle(&self, py: Python<'_>, name: Text) -> PyResult<Handle> {
        self.0.handle(name.as_str()).map(Handle::of).map_err(|error| raised(py, &error))
    }

    fn redactor(&self, py: Python<'_>) -> PyResult<Redactor> {
        self.0.redactor().map(Redactor::of).map_err(|error| raised(py, &error))
    }

    fn names(&self) -> Vec<&str> {
        (0..self.0.len()).filter_map(|place| self.0.name(place)).collect()
    }

    /// Names whose values are others here than there.
    fn differing(&self, other: &Self) -> (Vec<String>, Vec<String>) {
        let (now, before) = (&self.0, &other.0);
        let changed = |name: &&str| match (now.get(name), before.get(name)) {
            (Ok(now), Ok(before)) => !now.ct_eq(before.expose()),
            _ => true,
        };
        let owned = |name: &str| name.to_owned();
        let gone = |name: &&str| now.get(name).is_err();
        let updated = self.names().into_iter().filter(changed).map(owned).collect();
        (updated, other.names().into_iter().filter(gone).map(owned).collect())
    }

    /// The text with each value in it, as it is or with its escapes, as `[NAME]`.
    fn redact(&self, text: Text, shortest: usize) -> String {
        let (mut text, mut values) = (text.into_string(), Vec::new());
        for name in self.names() {
            let Ok(value) = self.0.get(name) else { continue };
            if value.len() >= shortest.max(1) {
                values.push((name, value));
            }
        }
        // Longest first: a value may be a part of another.
        values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        for (name, value) in values {
            for form in forms(&String::from_utf8_lossy(value.expose())) {
                if text.contains(form.as_str()) {
                    text = text.replace(form.as_str(), &format!("[{name}]"));
                }
            }
        }
        text
    }

    #[getter]
    fn environment(&self) -> &str {
        self.0.environment()
    }

    #[getter]
    fn version(&self) -> u64 {
        self.0.version()
    }

    #[getter]
    fn synced_at(&self) -> f64 {
        self.0.synced_at() as f64 / 1000.0
    }

    fn __repr__(&self) -> String {
        format!("Secrets({} values, redacted)", self.0.len())
    }
}
