//! The values of one environment, in memory.

use std::{sync::Arc, time::Duration};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::{LoadOptions, Secrets as CoreSecrets, load_with},
    name::SecretName,
    secret::SecretBytes,
    secret_policy::SecretPolicy,
};

use super::Config;

/// Values by name, wiped when the last reader lets go. What may only be used is in no list.
#[derive(Debug)]
pub struct Secrets {
    pub(super) core: CoreSecrets,
    names: Vec<String>,
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
        let names = core.iter().map(|(name, _)| name.to_string()).collect();
        Self { core, names }
    }

    /// Values given by name, each with its policy as JSON or without one, for tests of programs.
    ///
    /// # Errors
    /// `invalid_name`, `malformed_policy`.
    pub fn of_values(
        values: impl IntoIterator<Item = (String, SecretBytes, Option<String>)>,
    ) -> Result<Self> {
        let values = values.into_iter().map(|(name, value, policy)| {
            let policy = policy.as_deref().map(SecretPolicy::from_json).transpose()?;
            Ok((SecretName::parse(&name)?, value, policy))
        });
        let values: Vec<_> = values.collect::<Result<_>>()?;
        Ok(Self::of(CoreSecrets::of_values(values, "test")))
    }

    /// Values given by name, without policies; a name that no secret can have is left out.
    pub fn of_plain_values(values: impl IntoIterator<Item = (String, SecretBytes)>) -> Self {
        let named = values
            .into_iter()
            .filter_map(|(name, value)| Some((SecretName::parse(&name).ok()?, value, None)));
        Self::of(CoreSecrets::of_values(named, "test"))
    }

    /// Label of the environment.
    pub fn environment(&self) -> &str {
        self.core.environment()
    }

    /// Number of the log entry up to which the environment was pulled.
    pub fn version(&self) -> u64 {
        self.core.version()
    }

    /// When it was pulled last, in milliseconds since 1970.
    pub fn synced_at(&self) -> u64 {
        self.core.synced_at()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name at a place, in sorted order.
    pub fn name(&self, place: usize) -> Option<&str> {
        self.names.get(place).map(String::as_str)
    }

    /// A value.
    ///
    /// # Errors
    /// `unknown_secret`; `read_forbidden` where it may only be used.
    pub fn get(&self, name: &str) -> Result<Arc<SecretBytes>> {
        // A name that is not there is not repeated: it may be a value in the wrong place.
        match self.core.has(name) {
            true => self.core.shared(name),
            false => Err(Error::new(
                ErrorCode::UnknownSecret,
                "the environment has no secret of this name",
            )),
        }
    }
}
