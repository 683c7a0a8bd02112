//! The values of one environment, in memory.

use std::{sync::Arc, time::Duration};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::{LoadOptions, load_with},
    secret::SecretBytes,
    snapshot::Snapshot,
};

use super::Config;

/// Values by name, wiped when the last reader lets go.
#[derive(Debug)]
pub struct Secrets(Vec<(String, Arc<SecretBytes>)>);

/// The values of the configured environment, as an application asks for at start. `environment`
/// empty is the configured one; `require` has names separated by blanks; `max_age` syncs first
/// where the last sync is longer ago.
///
/// # Errors
/// `no_identity`, `no_workspace`, `missing_secrets` with all names, those of vault and relay.
pub fn load(
    config: &Config,
    environment: &str,
    require: &str,
    max_age: Option<Duration>,
) -> Result<Secrets> {
    let options = LoadOptions {
        environment: Some(environment.to_owned()).filter(|label| !label.is_empty()),
        require: require.split_whitespace().map(str::to_owned).collect(),
        max_age,
    };
    let values = load_with(&config.0, &options)?;
    let copied = values
        .iter()
        .map(|(name, value)| (name.to_string(), Arc::new(SecretBytes::copy_of(value.expose()))));
    Ok(Secrets(copied.collect()))
}

impl Secrets {
    pub(super) fn of(snapshot: Snapshot) -> Self {
        let names = snapshot.names().into_iter();
        let values = names.filter_map(|name| {
            let value = SecretBytes::copy_of(snapshot.value(name)?.expose());
            Some((name.to_string(), Arc::new(value)))
        });
        Self(values.collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name at a place, in sorted order.
    pub fn name(&self, place: usize) -> Option<&str> {
        self.0.get(place).map(|(name, _)| name.as_str())
    }

    /// A value.
    ///
    /// # Errors
    /// `unknown_secret`.
    pub fn get(&self, name: &str) -> Result<Arc<SecretBytes>> {
        let found = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name));
        let found = found.map(|place| Arc::clone(&self.0[place].1));
        // The name is not repeated: it may be a value in the wrong place.
        found.map_err(|_| {
            Error::new(ErrorCode::UnknownSecret, "the environment has no secret of this name")
        })
    }
}
