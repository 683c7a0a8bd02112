//! What an application asks for at start: the values of one environment.

use std::{collections::BTreeMap, time::Duration};

use super::{Setup, now};
use crate::{
    config::Config,
    error::{Error, ErrorCode, Result},
    name::SecretName,
    secret::SecretBytes,
    snapshot::Snapshot,
    sync::{self, Clashes},
};

/// What [`load_with`] takes into account beside the configuration.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Another environment than the configured one.
    pub environment: Option<String>,
    /// Names that must be there; one error names all that are missing.
    pub require: Vec<String>,
    /// Sync first where the last sync is longer ago.
    pub max_age: Option<Duration>,
}

/// The values of one environment, in this process's memory; wiped on drop.
#[derive(Debug)]
pub struct Secrets {
    values: BTreeMap<SecretName, SecretBytes>,
}

impl Secrets {
    /// A value.
    pub fn get(&self, name: &str) -> Option<&SecretBytes> {
        self.values.get(&SecretName::parse(name).ok()?)
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// `unknown_secret`.
    pub fn require(&self, name: &str) -> Result<&SecretBytes> {
        let name = SecretName::parse(name)?;
        let missing = || {
            Error::new(ErrorCode::UnknownSecret, format!("the environment has no secret {name}"))
        };
        self.values.get(&name).ok_or_else(missing)
    }

    /// All names with their values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&SecretName, &SecretBytes)> {
        self.values.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values of a snapshot, changes not yet pushed included.
    pub fn of(snapshot: &Snapshot) -> Self {
        let names = snapshot.names().into_iter();
        let values = names.filter_map(|name| {
            Some((name.clone(), SecretBytes::copy_of(snapshot.value(name)?.expose())))
        });
        Self { values: values.collect() }
    }
}

/// The values of the configured environment: from the vault, without a network when it is warm.
///
/// # Errors
/// `no_identity`, `no_workspace`, `unknown_environment`; on first use those of a sync.
pub fn load(config: &Config) -> Result<Secrets> {
    load_with(config, &LoadOptions::default())
}

/// As [`load`], with options.
///
/// # Errors
/// Those of [`load`]; `missing_secrets` with every name of `require` that is not there.
pub fn load_with(config: &Config, options: &LoadOptions) -> Result<Secrets> {
    let setup = Setup::open(config)?;
    let label = options.environment.as_deref().unwrap_or(&setup.environment);
    let (workspace, environment) = (setup.workspace()?, setup.view()?.environment(label)?);
    let mut snapshot = setup.client.snapshot(workspace, environment)?;
    let age = Duration::from_millis(now().saturating_sub(snapshot.synced_at));
    if options.max_age.is_some_and(|max| age > max) {
        let only = Some(vec![environment]);
        setup
            .client
            .run(|start| sync::pull(start, workspace, only, Clashes::Refuse))?
            .into_result()?;
        snapshot = setup.client.snapshot(workspace, environment)?;
    }
    let secrets = Secrets::of(&snapshot);
    let missing: Vec<&str> = options
        .require
        .iter()
        .map(String::as_str)
        .filter(|name| secrets.get(name).is_none())
        .collect();
    match missing.is_empty() {
        true => Ok(secrets),
        false => Err(Error::new(
            ErrorCode::MissingSecrets,
            format!("missing in {label}: {}", missing.join(", ")),
        )),
    }
}
