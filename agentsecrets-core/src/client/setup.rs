//! From configuration to a client: which vault, which identity, which workspace.

use super::{Client, entropy};
use crate::{
    config::Config,
    crypto::Entropy,
    encoding::WorkspaceId,
    error::{Error, ErrorCode, Result},
    identity::{Destination, Identity, Kind},
    secret::Key,
    sync::{self, View},
    transport::http::HttpTransport,
    vault::{self, StoredIdentity, Vault, VaultKind, VaultOptions},
};

/// A client with the workspace and the environment that the configuration leads to.
#[derive(Debug)]
pub struct Setup {
    /// The client.
    pub client: Client,
    /// The workspace, where one is configured.
    pub workspace: Option<WorkspaceId>,
    /// The environment's label: the one named, else the project's, else `development`.
    pub environment: String,
}

impl Setup {
    /// Opens what the configuration says.
    ///
    /// # Errors
    /// `no_identity`, and those of the vault.
    pub fn open(config: &Config) -> Result<Self> {
        let vault = open_vault(config)?;
        let (identity, destination) = identity(config, &*vault)?;
        let client = Client::new(vault, Box::new(HttpTransport::new()), identity);
        let mut workspace = config.workspace();
        if let Some(destination) = destination {
            workspace = workspace.or(Some(destination.workspace));
            attach(&client, destination)?;
        }
        let environment = config.environment().unwrap_or("development").to_owned();
        Ok(Self { client, workspace, environment })
    }

    /// The workspace.
    ///
    /// # Errors
    /// `no_workspace`.
    pub fn workspace(&self) -> Result<WorkspaceId> {
        self.workspace.ok_or_else(|| {
            Error::new(
                ErrorCode::NoWorkspace,
                "no `.agentsecrets.toml` here or above, and AGENTSECRETS_WORKSPACE is not set",
            )
        })
    }

    /// The workspace as the vault knows it; followed first where it holds nothing of it yet.
    ///
    /// # Errors
    /// `no_workspace`, `not_admitted`, and those of relay and vault.
    pub fn view(&self) -> Result<View> {
        let workspace = self.workspace()?;
        let view = self.client.read(|start| sync::view(start, workspace))?;
        if view.state().is_ok() && !view.is_joining() {
            return Ok(view);
        }
        self.client.run(|start| sync::follow_log(start, workspace, std::time::Duration::ZERO))?;
        self.client.read(|start| sync::view(start, workspace))
    }
}

fn attach(client: &Client, destination: Destination) -> Result<()> {
    client.run(|start| sync::attach(start, destination)).map(drop)
}

/// The vault that the configuration names: by variable, else of the kind that is recorded, else
/// memory for an identity that came in a variable, else the keychain.
///
/// # Errors
/// Those of [`vault::open`].
pub fn open_vault(config: &Config) -> Result<Box<dyn Vault>> {
    vault::open(&vault_options(config)?)
}

/// What [`open_vault`] opens.
///
/// # Errors
/// `invalid_argument` for a kind that does not exist.
pub fn vault_options(config: &Config) -> Result<VaultOptions> {
    let recorded = std::fs::read_to_string(config.home.join("vault.kind")).ok();
    let named = config.vault.as_deref().or(recorded.as_deref().map(str::trim));
    let kind = match named {
        Some(word) => VaultKind::parse(word)?,
        None if config.identity.is_some() => VaultKind::Memory,
        None => VaultKind::Keychain,
    };
    Ok(VaultOptions {
        kind,
        home: config.home.clone(),
        key_file: config.vault_key_file.clone(),
        passphrase_file: config.vault_passphrase_file.clone(),
        unattended: true,
    })
}

/// The identity of the variable, else of the vault. A vault belongs to one identity.
fn identity(config: &Config, vault: &dyn Vault) -> Result<(Identity, Option<Destination>)> {
    let stored = vault.identity()?;
    let Some(string) = &config.identity else {
        let stored = stored
            .ok_or_else(|| Error::new(ErrorCode::NoIdentity, "this vault holds no identity yet"))?;
        return Ok((Identity::from_seed(stored.seed, stored.kind), None));
    };
    let (identity, destination) = string.expose_copy().into_identity();
    let other = stored.is_some_and(|stored| !stored.seed.ct_eq(identity.expose_seed()));
    match other {
        true => Err(Error::new(
            ErrorCode::InvalidArgument,
            "AGENTSECRETS_IDENTITY is another identity than this vault's",
        )
        .with_hint("AGENTSECRETS_VAULT=memory, or another AGENTSECRETS_HOME")),
        false => Ok((identity, destination)),
    }
}

/// Makes this device's identity, unless the vault has one; says whether it was made now.
///
/// # Errors
/// Those of the vault.
pub fn init(vault: &dyn Vault, label: &str) -> Result<bool> {
    // Before the lock makes a folder: a keychain that is not there must leave nothing behind.
    if vault.identity()?.is_some() {
        return Ok(false);
    }
    let _lock = vault.lock(super::LOCK_WAIT)?;
    if vault.identity()?.is_some() {
        return Ok(false);
    }
    let seed = fresh_seed()?;
    vault.store_identity(&StoredIdentity { seed, kind: Kind::Human, label: label.to_owned() })?;
    Ok(true)
}

/// Stores the identity of 24 recovery words in a vault that has none yet.
///
/// # Errors
/// `malformed_words`; `invalid_argument` where the vault holds another identity; those of the vault.
pub fn recover(vault: &dyn Vault, words: &str, label: &str) -> Result<()> {
    let identity = Identity::from_words(words, Kind::Human)?;
    if vault.identity()?.is_some_and(|stored| stored.seed.ct_eq(identity.expose_seed())) {
        return Ok(());
    }
    let _lock = vault.lock(super::LOCK_WAIT)?;
    if vault.identity()?.is_some() {
        let cause = "this vault holds another identity already";
        return Err(Error::new(ErrorCode::InvalidArgument, cause)
            .with_hint("AGENTSECRETS_HOME=FOLDER agentsecrets recover"));
    }
    let seed = Key::new(*identity.expose_seed().expose());
    let (kind, label) = (Kind::Human, label.to_owned());
    vault.store_identity(&StoredIdentity { seed, kind, label })
}

fn fresh_seed() -> Result<Key> {
    Ok(Entropy::new(entropy()?).key())
}

/// A new identity that no vault holds, for a job or an agent.
///
/// # Errors
/// `internal` where the operating system gives no random bytes.
pub fn fresh_identity(kind: Kind) -> Result<Identity> {
    Ok(Identity::from_seed(fresh_seed()?, kind))
}
