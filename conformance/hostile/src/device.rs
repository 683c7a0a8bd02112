//! Devices: clients with a vault in memory that speak HTTP.

use std::{collections::BTreeMap, time::Duration};

use agentsecrets_core::{
    Result,
    client::Client,
    crypto::{SigningKey, derive_key, label},
    encoding::{EnvironmentId, Head, MemberId, WorkspaceId},
    identity::{Identity, Kind},
    name::SecretName,
    secret::{Key, SecretBytes},
    snapshot::Snapshot,
    sync::{self, Clashes, Pulled, Pushed, View},
    transport::http::HttpTransport,
    vault::{MemoryVault, Vault},
};

/// What a vault holds, by its keys.
pub type Dump = BTreeMap<String, Vec<u8>>;

/// A device: an identity of a known seed, a vault, a connection.
#[derive(Debug)]
pub struct Device {
    /// The client.
    pub client: Client,
    seed: u8,
    kind: Kind,
}

/// The identity whose seed is one byte, 32 times.
pub fn identity(seed: u8, kind: Kind) -> Identity {
    Identity::from_seed(Key::new([seed; 32]), kind)
}

/// The Ed25519 key of [`identity`].
pub fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&derive_key(label::SIGNING_KEY, &[seed; 32]))
}

impl Device {
    /// A person's device with nothing in its vault.
    pub fn new(seed: u8) -> Self {
        Self::with(seed, Kind::Human, &Dump::new())
    }

    /// A device with a vault's content.
    pub fn with(seed: u8, kind: Kind, held: &Dump) -> Self {
        let vault = MemoryVault::default();
        held.iter()
            .for_each(|(key, bytes)| vault.store(key, &SecretBytes::copy_of(bytes)).unwrap());
        Self::on(seed, kind, Box::new(vault))
    }

    /// A device on any vault.
    pub fn on(seed: u8, kind: Kind, vault: Box<dyn Vault>) -> Self {
        let transport =
            HttpTransport::with_timeouts(Duration::from_secs(2), Duration::from_secs(10));
        let client = Client::new(vault, Box::new(transport), identity(seed, kind));
        Self { client, seed, kind }
    }

    /// The same device after a restart; of its vault, what `keep` says.
    pub fn restarted(&self, keep: impl Fn(&str) -> bool) -> Self {
        let held: Dump = self.dump().into_iter().filter(|(key, _)| keep(key)).collect();
        Self::with(self.seed, self.kind, &held)
    }

    /// Id as a member.
    pub fn id(&self) -> MemberId {
        self.client.identity().id()
    }

    /// A second handle on its identity, as a thief of the seed would have it.
    pub fn identity(&self) -> Identity {
        identity(self.seed, self.kind)
    }

    /// The byte that its seed repeats.
    pub fn seed(&self) -> u8 {
        self.seed
    }

    /// Everything in the vault.
    pub fn dump(&self) -> Dump {
        let vault = self.client.vault();
        let keys = vault.keys("").unwrap().into_iter();
        keys.map(|key| {
            let bytes = vault.load(&key).unwrap().unwrap().expose().to_vec();
            (key, bytes)
        })
        .collect()
    }

    /// What the vault knows of a workspace.
    pub fn view(&self, workspace: WorkspaceId) -> View {
        self.client.read(|start| sync::view(start, workspace)).unwrap()
    }

    /// The pinned head.
    pub fn head(&self, workspace: WorkspaceId) -> Head {
        self.view(workspace).state().unwrap().head()
    }

    /// Follows the log alone.
    ///
    /// # Errors
    /// The operation's.
    pub fn follow(&self, workspace: WorkspaceId) -> Result<bool> {
        self.client.run(|start| sync::follow_log(start, workspace, Duration::ZERO))
    }

    /// Pulls everything in scope.
    ///
    /// # Errors
    /// The operation's, or the first environment's.
    pub fn pull(&self, workspace: WorkspaceId) -> Result<Vec<Pulled>> {
        let pull = |start| sync::pull(start, workspace, None, Clashes::Refuse);
        self.client.run(pull)?.into_result()
    }

    /// Sets or deletes a value here.
    ///
    /// # Errors
    /// The operation's.
    pub fn change(
        &self,
        (workspace, environment): (WorkspaceId, EnvironmentId),
        name: &str,
        value: Option<&str>,
    ) -> Result<()> {
        let value = value.map(|value| SecretBytes::copy_of(value.as_bytes()));
        let change = vec![(SecretName::parse(name).unwrap(), value)];
        self.client.run(|start| sync::change(start, workspace, environment, change))
    }

    /// Pushes what was changed here.
    ///
    /// # Errors
    /// The operation's.
    pub fn push(&self, (workspace, environment): (WorkspaceId, EnvironmentId)) -> Result<Pushed> {
        self.client.run(|start| sync::push(start, workspace, environment, false))
    }

    /// Sets a value and pushes it.
    ///
    /// # Errors
    /// The operation's.
    pub fn put(
        &self,
        place: (WorkspaceId, EnvironmentId),
        name: &str,
        value: &str,
    ) -> Result<Pushed> {
        self.change(place, name, Some(value))?;
        self.push(place)
    }

    /// What the vault holds of an environment.
    pub fn snapshot(&self, (workspace, environment): (WorkspaceId, EnvironmentId)) -> Snapshot {
        self.client.read(|start| sync::snapshot(start, workspace, environment)).unwrap()
    }

    /// A value as a program here gets it.
    pub fn value(&self, place: (WorkspaceId, EnvironmentId), name: &str) -> Option<String> {
        let snapshot = self.snapshot(place);
        let value = snapshot.value(&SecretName::parse(name).unwrap())?;
        Some(String::from_utf8_lossy(value.expose()).into_owned())
    }
}
