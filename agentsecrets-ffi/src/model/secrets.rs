//! The values of one environment, in memory.

use std::{sync::Arc, time::Duration};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::{LoadOptions, Secrets as CoreSecrets, load_with},
    secret::SecretBytes,
};

use super::Config;

/// Values by name, wiped when the last reader lets go.
#[derive(Debug)]
pub struct Secrets {
    values: Vec<(String, Arc<SecretBytes>)>,
    environment: String,
    version: u64,
    synced_at: u64,
}

/// What [`load`] takes into account beside the configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loading<'a> {
    /// Label; empty is the configured one.
    pub environment: &'a str,
    /// Names that must be there, separated by blanks.
    pub require: &'a str,
    /// Sync first where the last sync is longer ago.
    pub max_age: Option<Duration>,
    /// Use what the vault holds, whatever its age, and no network.
    pub offline: bool,
}

/// The values of the configured environment, as an application asks for at start.
///
/// # Errors
/// `no_identity`, `no_workspace`, `missing_secrets` with all names, those of vault and relay;
/// `relay_unreachable` where the call is offline and the vault holds nothing.
pub fn load(config: &Config, loading: &Loading<'_>) -> Result<Secrets> {
    let options = LoadOptions {
        environment: Some(loading.environment.to_owned()).filter(|label| !label.is_empty()),
        require: loading.require.split_whitespace().map(str::to_owned).collect(),
        max_age: loading.max_age,
        offline: loading.offline,
    };
    load_with(&config.0, &options).map(Secrets::of)
}

impl Secrets {
    pub(super) fn of(core: CoreSecrets) -> Self {
        let (environment, version, synced_at) =
            (core.environment().to_owned(), core.version(), core.synced_at());
        let values = core.into_values();
        let values = values.map(|(name, value)| (name.to_string(), Arc::new(value))).collect();
        Self { values, environment, version, synced_at }
    }

    /// Values given by name, for tests of programs.
    #[cfg(feature = "testing")]
    pub fn of_values(values: impl IntoIterator<Item = (String, SecretBytes)>) -> Self {
        let sorted: std::collections::BTreeMap<_, _> = values.into_iter().collect();
        let values = sorted.into_iter().map(|(name, value)| (name, Arc::new(value))).collect();
        Self { values, environment: "test".to_owned(), version: 0, synced_at: 0 }
    }

    /// Label of the environment.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Number of the log entry up to which the environment was pulled.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When it was pulled last, in milliseconds since 1970.
    pub fn synced_at(&self) -> u64 {
        self.synced_at
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The name at a place, in sorted order.
    pub fn name(&self, place: usize) -> Option<&str> {
        self.values.get(place).map(|(name, _)| name.as_str())
    }

    /// A value.
    ///
    /// # Errors
    /// `unknown_secret`.
    pub fn get(&self, name: &str) -> Result<Arc<SecretBytes>> {
        let found = self.values.binary_search_by(|(known, _)| known.as_str().cmp(name));
        let found = found.map(|place| Arc::clone(&self.values[place].1));
        // The name is not repeated: it may be a value in the wrong place.
        found.map_err(|_| {
            Error::new(ErrorCode::UnknownSecret, "the environment has no secret of this name")
        })
    }
}
