//! What an application asks for at start: the values of one environment.

use std::{collections::BTreeMap, time::Duration};

use super::{Setup, now, vault_options};
use crate::{
    config::Config,
    error::{Error, ErrorCode, Result},
    name::SecretName,
    secret::SecretBytes,
    snapshot::Snapshot,
    sync::{self, Clashes},
    vault::VaultKind,
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
    /// Use what the vault holds, whatever its age, and no network.
    pub offline: bool,
}

/// The values of one environment, in this process's memory; wiped on drop.
#[derive(Debug)]
pub struct Secrets {
    values: BTreeMap<SecretName, SecretBytes>,
    environment: String,
    version: u64,
    synced_at: u64,
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

    /// All names with their values, sorted, given away.
    pub fn into_values(self) -> impl Iterator<Item = (SecretName, SecretBytes)> {
        self.values.into_iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Label of the environment.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Number of the log entry up to which the environment was pulled; 0 where it never was.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When it was pulled last, in milliseconds since 1970.
    pub fn synced_at(&self) -> u64 {
        self.synced_at
    }

    /// The values of a snapshot, changes not yet pushed included.
    pub fn of(snapshot: &Snapshot) -> Self {
        let names = snapshot.names().into_iter();
        let values = names.filter_map(|name| {
            Some((name.clone(), SecretBytes::copy_of(snapshot.value(name)?.expose())))
        });
        Self {
            values: values.collect(),
            environment: snapshot.label.clone(),
            version: snapshot.head.map_or(0, |head| head.seq),
            synced_at: snapshot.synced_at,
        }
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
    let snapshot = if options.offline { held(&setup, options) } else { fresh(&setup, options) }?;
    let secrets = Secrets::of(&snapshot);
    require(config, &secrets, &options.require)?;
    Ok(secrets)
}

fn label<'a>(setup: &'a Setup, options: &'a LoadOptions) -> &'a str {
    options.environment.as_deref().unwrap_or(&setup.environment)
}

/// What the vault holds, and nothing else.
fn held(setup: &Setup, options: &LoadOptions) -> Result<Snapshot> {
    let workspace = setup.workspace()?;
    let view = setup.client.read(|start| sync::view(start, workspace))?;
    let environment = view.environment(label(setup, options))?;
    let snapshot = setup.client.read(|start| sync::snapshot(start, workspace, environment))?;
    match snapshot.head.is_some() {
        true => Ok(snapshot),
        false => Err(Error::new(
            ErrorCode::RelayUnreachable,
            "the vault holds nothing of this environment yet, and the call is offline",
        )
        .with_hint("agentsecrets secrets pull")),
    }
}

/// What the vault holds, pulled first where there is none yet or it is too old.
fn fresh(setup: &Setup, options: &LoadOptions) -> Result<Snapshot> {
    let workspace = setup.workspace()?;
    let environment = setup.view()?.environment(label(setup, options))?;
    let snapshot = setup.client.snapshot(workspace, environment)?;
    let age = Duration::from_millis(now().saturating_sub(snapshot.synced_at));
    if options.max_age.is_none_or(|max| age <= max) {
        return Ok(snapshot);
    }
    let only = Some(vec![environment]);
    setup.client.run(|start| sync::pull(start, workspace, only, Clashes::Keep))?.into_result()?;
    setup.client.snapshot(workspace, environment)
}

fn require(config: &Config, secrets: &Secrets, names: &[String]) -> Result<()> {
    let missing = names.iter().map(String::as_str).filter(|name| secrets.get(name).is_none());
    let missing: Vec<&str> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    let vault = match vault_options(config)?.kind {
        VaultKind::Memory => "memory vault".to_owned(),
        kind => format!("{} vault at {}", kind.as_str(), config.home.display()),
    };
    let (environment, version) = (&secrets.environment, secrets.version);
    let cause = format!(
        "missing in {environment}: {}; looked in the {vault}, as of entry {version}",
        missing.join(", ")
    );
    Err(Error::new(ErrorCode::MissingSecrets, cause))
}
