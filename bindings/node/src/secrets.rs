//! Values: one, and those of an environment.

use std::{str, sync::Arc, time::Duration};

use agentsecrets::model::{self, Result, SecretBytes};
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use crate::{
    agents::UseHandle,
    config::Config,
    errors::invalid,
    handle::Handle,
    work::{Value, Work, now},
};

/// One value.
#[napi]
pub struct Secret(Handle<Arc<SecretBytes>>);

impl Secret {
    pub(crate) fn of(bytes: Arc<SecretBytes>) -> Self {
        Self(Handle::new(bytes))
    }
}

#[napi]
impl Secret {
    /// From a copy of these bytes.
    #[napi(constructor)]
    pub fn new(bytes: Uint8Array) -> Self {
        Self::of(Arc::new(SecretBytes::copy_of(&bytes)))
    }

    /// As text.
    #[napi]
    pub fn text(&self) -> napi::Result<String> {
        now(|| {
            let bytes = self.0.get()?;
            let text = str::from_utf8(bytes.expose()).map(str::to_owned);
            text.map_err(|_| invalid("the value is not UTF-8: use revealBytes()"))
        })
    }

    /// As bytes.
    #[napi]
    pub fn bytes(&self) -> napi::Result<Uint8Array> {
        now(|| self.0.get()).map(|bytes| bytes.expose().to_vec().into())
    }

    /// Compares in a time that depends on the lengths alone.
    #[napi]
    pub fn equals(&self, other: Uint8Array) -> napi::Result<bool> {
        now(|| self.0.get()).map(|bytes| bytes.ct_eq(&other))
    }

    /// How many bytes.
    #[napi]
    pub fn size(&self) -> napi::Result<u32> {
        now(|| self.0.get()).map(|bytes| bytes.len() as u32)
    }

    /// Lets go of it.
    #[napi]
    pub fn wipe(&self) {
        self.0.close();
    }
}

/// Values by name.
#[napi]
pub struct Secrets(Handle<model::Secrets>);

impl Secrets {
    pub(crate) fn of(values: model::Secrets) -> Self {
        Self(Handle::new(values))
    }

    pub(crate) fn model(&self) -> Result<Arc<model::Secrets>> {
        self.0.get()
    }
}

#[napi]
impl Secrets {
    /// Values by hand, each with its policy as JSON or with none (an empty text), for tests of programs.
    #[napi(factory)]
    pub fn of_values(
        names: Vec<String>,
        values: Vec<Uint8Array>,
        policies: Vec<String>,
    ) -> napi::Result<Self> {
        let values = values.iter().map(|value| SecretBytes::copy_of(value));
        let policies = policies.into_iter().map(|policy| Some(policy).filter(|p| !p.is_empty()));
        let rows = names.into_iter().zip(values).zip(policies);
        now(|| model::Secrets::of_values(rows.map(|((name, value), policy)| (name, value, policy))))
            .map(Self::of)
    }

    /// A secret to be used, whether it may be read or not.
    #[napi]
    pub fn handle(&self, name: String) -> napi::Result<UseHandle> {
        now(|| self.0.get()?.handle(&name)).map(UseHandle::of)
    }

    /// A value.
    #[napi]
    pub fn get(&self, name: String) -> napi::Result<Secret> {
        now(|| self.0.get()?.get(&name)).map(Secret::of)
    }

    /// Whether there is one of this name.
    #[napi]
    pub fn has(&self, name: String) -> napi::Result<bool> {
        now(|| Ok(self.0.get()?.get(&name).is_ok()))
    }

    /// All names, sorted.
    #[napi]
    pub fn names(&self) -> napi::Result<Vec<String>> {
        let values = now(|| self.0.get())?;
        Ok((0..values.len()).filter_map(|place| values.name(place)).map(str::to_owned).collect())
    }

    /// How many.
    #[napi]
    pub fn size(&self) -> napi::Result<u32> {
        now(|| self.0.get()).map(|values| values.len() as u32)
    }

    /// Whether a name stands for another value here than there, or for none in one of them.
    #[napi]
    pub fn differs(&self, other: &Secrets, name: String) -> napi::Result<bool> {
        now(|| {
            let (here, there) = (self.0.get()?, other.0.get()?);
            Ok(match (here.get(&name), there.get(&name)) {
                (Ok(here), Ok(there)) => !here.ct_eq(there.expose()),
                (here, there) => here.is_ok() != there.is_ok(),
            })
        })
    }

    /// Label of the environment.
    #[napi]
    pub fn environment(&self) -> napi::Result<String> {
        now(|| self.0.get()).map(|values| values.environment().to_owned())
    }

    /// Number of the log entry up to which it was pulled.
    #[napi]
    pub fn version(&self) -> napi::Result<f64> {
        now(|| self.0.get()).map(|values| values.version() as f64)
    }

    /// When it was pulled last, in milliseconds since 1970.
    #[napi]
    pub fn synced_at(&self) -> napi::Result<f64> {
        now(|| self.0.get()).map(|values| values.synced_at() as f64)
    }

    /// Lets go of all.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}

/// What `load` takes into account beside the configuration, out of JavaScript's hands.
struct Loading {
    environment: String,
    require: String,
    max_age: Option<Duration>,
    offline: bool,
}

impl Loading {
    fn load(&self, config: Option<&Handle<model::Config>>) -> Result<Secrets> {
        let Self { environment, require, max_age, offline } = self;
        let loading = model::Loading { environment, require, max_age: *max_age, offline: *offline };
        let loaded = match config {
            Some(config) => model::load(&*config.get()?, &loading),
            None => model::load(&model::Config::discover()?, &loading),
        };
        loaded.map(Secrets::of)
    }
}

fn milliseconds(count: f64) -> Duration {
    Duration::from_millis(count as u64)
}

/// Reads the values, as an application does at start.
#[napi]
pub fn load_sync(
    config: Option<&Config>,
    environment: String,
    require: String,
    max_age: Option<f64>,
    offline: bool,
) -> napi::Result<Secrets> {
    let max_age = max_age.map(milliseconds);
    now(|| Loading { environment, require, max_age, offline }.load(config.map(|config| &config.0)))
}

/// As `load_sync`, off the event loop.
#[napi]
pub fn load(
    config: Option<&Config>,
    environment: String,
    require: String,
    max_age: Option<f64>,
    offline: bool,
) -> AsyncTask<Work> {
    let (config, max_age) = (config.map(|config| config.0.clone()), max_age.map(milliseconds));
    let loading = Loading { environment, require, max_age, offline };
    Work::new(move || loading.load(config.as_ref()).map(Value::F))
}
