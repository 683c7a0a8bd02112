//! A device's client.

use std::{sync::Arc, time::Duration};

use agentsecrets::model;

use crate::{config::NativeConfig, errors::Result, secret::NativeSecret, secrets::NativeSecrets};

/// The client. Any thread may use it.
#[derive(uniffi::Object)]
pub struct NativeClient(pub(crate) Arc<model::Client>);

#[uniffi::export]
impl NativeClient {
    /// Opens what the configuration says.
    #[uniffi::constructor]
    pub fn open(config: Option<Arc<NativeConfig>>) -> Result<Arc<Self>> {
        let opened = match config {
            Some(config) => model::Client::open(&config.locked()),
            None => model::Client::open(&model::Config::discover()?),
        };
        Ok(Arc::new(Self(Arc::new(opened?))))
    }

    /// This device's recipient string.
    pub fn recipient(&self) -> String {
        self.0.recipient()
    }

    /// The workspace's id.
    pub fn workspace(&self) -> Result<String> {
        Ok(self.0.workspace()?.to_string())
    }

    /// Which workspace this is and how far it is known.
    pub fn status(&self) -> Result<String> {
        Ok(self.0.status()?)
    }

    /// Follows the log alone.
    pub fn follow(&self, wait_ms: u64) -> Result<bool> {
        Ok(self.0.follow(Duration::from_millis(wait_ms))?)
    }

    /// Follows, pulls, admits, shares.
    pub fn sync(&self) -> Result<String> {
        Ok(self.0.sync()?)
    }

    /// Brings one environment up to the log.
    pub fn pull(&self, environment: String, theirs: bool) -> Result<()> {
        Ok(self.0.pull(&environment, theirs)?)
    }

    /// Pushes changes of one environment.
    pub fn push(&self, environment: String, mine: bool) -> Result<u64> {
        Ok(self.0.push(&environment, mine)?)
    }

    /// Sets a value.
    pub fn set(&self, environment: String, name: String, value: Arc<NativeSecret>) -> Result<()> {
        Ok(self.0.set(&environment, &name, value.copied())?)
    }

    /// Deletes a value.
    pub fn delete(&self, environment: String, name: String) -> Result<()> {
        Ok(self.0.delete(&environment, &name)?)
    }

    /// The values of an environment.
    pub fn secrets(&self, environment: String) -> Result<Arc<NativeSecrets>> {
        Ok(Arc::new(NativeSecrets(self.0.secrets(&environment)?)))
    }

    /// What the vault holds.
    pub fn list(&self, environment: String) -> Result<String> {
        Ok(self.0.list(&environment)?)
    }

    /// The vault against the log.
    pub fn drift(&self, environment: String) -> Result<String> {
        Ok(self.0.drift(&environment)?)
    }

    /// Two environments.
    pub fn drift_between(&self, a: String, b: String) -> Result<String> {
        Ok(self.0.drift_between(&a, &b)?)
    }

    /// Versions of a name.
    pub fn history(&self, environment: String, name: String) -> Result<String> {
        Ok(self.0.history(&environment, &name)?)
    }

    /// Waits for other values of an environment.
    pub fn watch(&self, environment: String) -> Result<Arc<NativeWatch>> {
        let watch = model::Watch::new(Arc::clone(&self.0), &environment)?;
        Ok(Arc::new(NativeWatch(watch)))
    }
}

/// Who waits for other values.
#[derive(uniffi::Object)]
pub struct NativeWatch(model::Watch);

#[uniffi::export]
impl NativeWatch {
    /// What changed, or nothing in that time.
    pub fn next(&self, wait_ms: u64) -> Result<Option<String>> {
        Ok(self.0.next(Duration::from_millis(wait_ms))?)
    }
}
