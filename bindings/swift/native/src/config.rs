//! Where an identity, a vault and a workspace are found.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agentsecrets::model;

use crate::{errors::Result, secret::NativeSecret};

/// Settings, by hand or found.
#[derive(uniffi::Object)]
pub struct NativeConfig(Mutex<model::Config>);

impl NativeConfig {
    pub(crate) fn locked(&self) -> MutexGuard<'_, model::Config> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(config: model::Config) -> Arc<Self> {
        Arc::new(Self(Mutex::new(config)))
    }
}

#[uniffi::export]
impl NativeConfig {
    /// Nothing set.
    #[uniffi::constructor]
    pub fn empty() -> Arc<Self> {
        Self::of(model::Config::empty())
    }

    /// From `AGENTSECRETS_*` and the project file.
    #[uniffi::constructor]
    pub fn discover() -> Result<Arc<Self>> {
        Ok(Self::of(model::Config::discover()?))
    }

    /// Sets one field; a value may be an identity string, which is secret.
    pub fn set(&self, key: String, value: Arc<NativeSecret>) -> Result<()> {
        Ok(self.locked().set(&key, value.text()?)?)
    }

    /// Makes this device's identity in the vault, unless there is one; whether it did.
    pub fn init(&self, label: String) -> Result<bool> {
        Ok(model::init(&self.locked(), &label)?)
    }
}
