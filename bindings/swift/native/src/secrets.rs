//! The values of one environment.

use std::{collections::HashMap, sync::Arc, time::Duration};

use agentsecrets::model;

use crate::{
    config::NativeConfig,
    errors::{Result, invalid},
    secret::NativeSecret,
};

/// Values by name.
#[derive(uniffi::Object)]
pub struct NativeSecrets(pub(crate) model::Secrets);

/// A value and its name.
#[derive(uniffi::Record)]
pub struct NamedSecret {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Arc<NativeSecret>,
}

/// Reads the values, as an application does at start.
#[uniffi::export]
pub fn load(
    config: Option<Arc<NativeConfig>>,
    environment: String,
    require: Vec<String>,
    max_age_ms: Option<u64>,
    offline: bool,
) -> Result<Arc<NativeSecrets>> {
    if require.iter().any(|name| name.is_empty() || name.contains(char::is_whitespace)) {
        return Err(invalid("a required name is empty or has blanks in it"));
    }
    let (require, max_age) = (require.join(" "), max_age_ms.map(Duration::from_millis));
    let loading = model::Loading { environment: &environment, require: &require, max_age, offline };
    let loaded = match config {
        Some(config) => model::load(&config.locked(), &loading),
        None => model::load(&model::Config::discover()?, &loading),
    };
    Ok(Arc::new(NativeSecrets(loaded?)))
}

#[uniffi::export]
impl NativeSecrets {
    /// Values given by name; a name that no secret can have stands for nothing, as it would in earnest.
    #[uniffi::constructor]
    pub fn of_values(values: Vec<NamedSecret>) -> Arc<Self> {
        let values = values.into_iter().map(|one| (one.name, one.value.copied()));
        Arc::new(Self(model::Secrets::of_plain_values(values)))
    }

    /// Values given by name, some with a policy as JSON, for tests.
    #[uniffi::constructor]
    pub fn under_policies(
        values: Vec<NamedSecret>,
        mut policies: HashMap<String, String>,
    ) -> Result<Arc<Self>> {
        let values = values.into_iter().map(|NamedSecret { name, value }| {
            let policy = policies.remove(&name);
            (name, value.copied(), policy)
        });
        let values = model::Secrets::of_values(values.collect::<Vec<_>>())?;
        match policies.is_empty() {
            true => Ok(Arc::new(Self(values))),
            false => Err(invalid("a policy is for a name that has no value")),
        }
    }

    /// Names in sorted order.
    pub fn names(&self) -> Vec<String> {
        (0..self.0.len()).filter_map(|place| self.0.name(place)).map(str::to_owned).collect()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// A value.
    pub fn get(&self, name: String) -> Result<Arc<NativeSecret>> {
        Ok(NativeSecret::of(self.0.get(&name)?))
    }

    /// Label of the environment.
    pub fn environment(&self) -> String {
        self.0.environment().to_owned()
    }

    /// Number of the log entry up to which the environment was pulled.
    pub fn version(&self) -> u64 {
        self.0.version()
    }

    /// When it was pulled last, in milliseconds since 1970.
    pub fn synced_at(&self) -> u64 {
        self.0.synced_at()
    }
}
