//! What an application asks for at start: the values of one environment.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{Setup, now, vault_options};
use crate::{
    config::Config,
    error::{Error, ErrorCode, Result},
    handle::{Handle, read_forbidden},
    identity::Kind,
    name::SecretName,
    secret::SecretBytes,
    secret_policy::{SecretPolicy, may_read},
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

/// The values of one environment, in this process's memory; wiped on drop. What this identity may
/// only use, by its secret's policy, is listed nowhere and handed out as a [`Handle`] alone.
#[derive(Debug)]
pub struct Secrets {
    entries: BTreeMap<SecretName, Entry>,
    kind: Kind,
    environment: String,
    version: u64,
    synced_at: u64,
}

#[derive(Debug)]
struct Entry {
    value: Arc<SecretBytes>,
    version: u64,
    policy: Result<Option<SecretPolicy>>,
    readable: bool,
}

impl Secrets {
    /// A value that may be read.
    pub fn get(&self, name: &str) -> Option<&SecretBytes> {
        Some(
            &*self
                .entries
                .get(&SecretName::parse(name).ok()?)
                .filter(|entry| entry.readable)?
                .value,
        )
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// `unknown_secret`; `read_forbidden` where it may only be used.
    pub fn require(&self, name: &str) -> Result<&SecretBytes> {
        self.readable(name).map(|value| &**value)
    }

    /// As [`require`](Self::require), to be shared.
    ///
    /// # Errors
    /// As there.
    pub fn shared(&self, name: &str) -> Result<Arc<SecretBytes>> {
        self.readable(name).map(Arc::clone)
    }

    /// A value to be put into the environment of a command: one that may be read, or whose policy
    /// allows just this.
    ///
    /// # Errors
    /// As [`require`](Self::require).
    pub fn variable(&self, name: &str) -> Result<&SecretBytes> {
        let (name, entry) = self.entry(name)?;
        let policy = entry.policy.as_ref().map_err(Clone::clone)?;
        let allowed = entry.readable || policy.as_ref().is_some_and(|policy| policy.environment);
        if allowed { Ok(&entry.value) } else { Err(read_forbidden(name)) }
    }

    /// All names and values that may be put into the environment of a command, sorted.
    pub fn variables(&self) -> impl Iterator<Item = (&SecretName, &SecretBytes)> {
        self.entries.keys().filter_map(|name| Some((name, self.variable(name.as_str()).ok()?)))
    }

    /// A secret to be used and not read.
    ///
    /// # Errors
    /// `unknown_secret`; `malformed_policy` where its policy is of a newer kind.
    pub fn handle(&self, name: &str) -> Result<Handle> {
        let (name, entry) = self.entry(name)?;
        let policy = entry.policy.clone()?;
        Ok(Handle::new(name.clone(), entry.version, Arc::clone(&entry.value), policy, self.kind))
    }

    /// Whether there is a secret of this name, to be read or to be used.
    pub fn has(&self, name: &str) -> bool {
        self.entry(name).is_ok()
    }

    fn readable(&self, name: &str) -> Result<&Arc<SecretBytes>> {
        let (name, entry) = self.entry(name)?;
        entry.policy.as_ref().map_err(Clone::clone)?;
        if entry.readable { Ok(&entry.value) } else { Err(read_forbidden(name)) }
    }

    fn entry(&self, name: &str) -> Result<(&SecretName, &Entry)> {
        let name = SecretName::parse(name)?;
        self.entries.get_key_value(&name).ok_or_else(|| {
            Error::new(ErrorCode::UnknownSecret, format!("the environment has no secret {name}"))
        })
    }

    /// All names that may be read with their values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&SecretName, &SecretBytes)> {
        let readable = self.entries.iter().filter(|(_, entry)| entry.readable);
        readable.map(|(name, entry)| (name, &*entry.value))
    }

    /// Everything, also what may only be used: for those who take values out of texts.
    pub fn expose_all(&self) -> impl Iterator<Item = (&SecretName, &[u8])> {
        self.entries.iter().map(|(name, entry)| (name, entry.value.expose()))
    }

    /// Names of what may be used and not read, sorted.
    pub fn use_only(&self) -> impl Iterator<Item = &SecretName> {
        self.entries.iter().filter(|(_, entry)| !entry.readable).map(|(name, _)| name)
    }

    /// How many may be read.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether none may be read.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
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

    /// The values of a snapshot for an identity of this kind, changes not yet pushed included.
    pub fn of(snapshot: &Snapshot, kind: Kind) -> Self {
        let entries = snapshot.names().into_iter().filter_map(|name| {
            let value = Arc::new(SecretBytes::copy_of(snapshot.value(name)?.expose()));
            let newest = snapshot.by_name(name).and_then(|held| held.newest());
            let version = newest.map_or(0, |newest| newest.version);
            Some((name.clone(), Entry::new(value, version, snapshot.policy(name), kind)))
        });
        Self {
            entries: entries.collect(),
            kind,
            environment: snapshot.label.clone(),
            version: snapshot.head.map_or(0, |head| head.seq),
            synced_at: snapshot.synced_at,
        }
    }

    /// Values with their policies, as a device of a person holds them: for tests of programs.
    pub fn of_values(
        values: impl IntoIterator<Item = (SecretName, SecretBytes, Option<SecretPolicy>)>,
        environment: &str,
    ) -> Self {
        let kind = Kind::Human;
        let entries = values
            .into_iter()
            .map(|(name, value, policy)| (name, Entry::new(Arc::new(value), 1, Ok(policy), kind)));
        let environment = environment.to_owned();
        Self { entries: entries.collect(), kind, environment, version: 0, synced_at: 0 }
    }
}

impl Entry {
    /// A policy that cannot be read allows nothing.
    fn new(
        value: Arc<SecretBytes>,
        version: u64,
        policy: Result<Option<SecretPolicy>>,
        kind: Kind,
    ) -> Self {
        let readable = policy.as_ref().is_ok_and(|policy| may_read(policy.as_ref(), kind));
        Self { value, version, policy, readable }
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
    let secrets = Secrets::of(&snapshot, setup.client.identity().kind());
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
    let snapshot = setup.client.read(|start| sync::snapshot_in(start, view, environment))?;
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
    let view = setup.view()?;
    let environment = view.environment(label(setup, options))?;
    let snapshot = setup.client.read(|start| sync::snapshot_in(start, view, environment))?;
    if snapshot.head.is_none() {
        return setup.client.snapshot(workspace, environment);
    }
    let age = Duration::from_millis(now().saturating_sub(snapshot.synced_at));
    if options.max_age.is_none_or(|max| age <= max) {
        return Ok(snapshot);
    }
    let only = Some(vec![environment]);
    setup.client.run(|start| sync::pull(start, workspace, only, Clashes::Keep))?.into_result()?;
    setup.client.snapshot(workspace, environment)
}

fn require(config: &Config, secrets: &Secrets, names: &[String]) -> Result<()> {
    let missing = names.iter().map(String::as_str).filter(|name| !secrets.has(name));
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
