//! Where a device keeps its identity, its pins and its secrets: sealed, or not at all.
//!
//! There is no store in clear and no silent change of kind. What a vault holds is opened with its
//! root key, which lies in the OS keychain or is sealed under a key or passphrase of the host's.

use std::{path::PathBuf, time::Duration};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    error::{Error, ErrorCode, Result},
    identity::Kind,
    secret::{Key, SecretBytes},
};

#[cfg(feature = "file-vault")]
mod change;
#[cfg(feature = "file-vault")]
mod file;
#[cfg(feature = "file-vault")]
mod files;
#[cfg(feature = "keychain")]
mod keychain;
mod memory;
#[cfg(feature = "file-vault")]
mod root;
#[cfg(feature = "file-vault")]
mod sealed;
#[cfg(all(test, feature = "file-vault"))]
mod tests;

#[cfg(feature = "file-vault")]
pub use change::{move_to, rekey};
pub use memory::MemoryVault;
#[cfg(feature = "file-vault")]
pub use sealed::open;

/// What holds a vault's root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultKind {
    /// The OS keychain.
    Keychain,
    /// A file, sealed under a key file or a passphrase.
    File,
    /// This process's memory alone.
    Memory,
}

impl VaultKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }

    /// The kind of a word.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn parse(word: &str) -> Result<Self> {
        let kinds = [Self::Keychain, Self::File, Self::Memory];
        kinds.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
            Error::new(ErrorCode::InvalidArgument, "a vault is keychain, file or memory")
        })
    }
}

/// What makes a device an identity. Not `Clone`; the seed is wiped on drop.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct StoredIdentity {
    /// Seed of both keys.
    pub seed: Key,
    /// What it is.
    pub kind: Kind,
    /// What members call it.
    pub label: String,
}

impl std::fmt::Debug for StoredIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed: _, kind, label } = self;
        f.debug_struct("StoredIdentity")
            .field("kind", kind)
            .field("label", label)
            .finish_non_exhaustive()
    }
}

/// The right to write; given back on drop.
#[derive(Debug)]
pub struct VaultLock(#[allow(dead_code, reason = "held for its drop")] Option<std::fs::File>);

/// A device's store. Implement it to keep things elsewhere: bytes that come here are not sealed.
pub trait Vault: Send + Sync {
    /// What holds the root key.
    fn kind(&self) -> VaultKind;

    /// The identity, once it was made.
    ///
    /// # Errors
    /// Those of the vault's kind, 4xx.
    fn identity(&self) -> Result<Option<StoredIdentity>>;

    /// Stores the identity, durably.
    ///
    /// # Errors
    /// Those of the vault's kind, 4xx.
    fn store_identity(&self, identity: &StoredIdentity) -> Result<()>;

    /// What stands under a key, if anything. Never waits for a writer.
    ///
    /// # Errors
    /// `vault_damaged`, and those of the vault's kind.
    fn load(&self, key: &str) -> Result<Option<SecretBytes>>;

    /// Replaces what stands under a key: all of it or nothing, durable on return.
    ///
    /// # Errors
    /// `vault_full` with what was there intact, and those of the vault's kind.
    fn store(&self, key: &str, bytes: &SecretBytes) -> Result<()>;

    /// Removes what stands under a key, if anything.
    ///
    /// # Errors
    /// Those of the vault's kind, 4xx.
    fn remove(&self, key: &str) -> Result<()>;

    /// All keys that begin with a prefix, sorted.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    fn keys(&self, prefix: &str) -> Result<Vec<String>>;

    /// Keeps other processes from writing until the lock is dropped.
    ///
    /// # Errors
    /// `vault_busy` after `wait`.
    fn lock(&self, wait: Duration) -> Result<VaultLock>;

    /// What is where, for `doctor`; nothing secret.
    fn facts(&self) -> Vec<(&'static str, String)>;
}

/// Which vault to open, and with what.
#[derive(Clone, Debug)]
pub struct VaultOptions {
    /// The kind; it is recorded, and another one is an error.
    pub kind: VaultKind,
    /// The folder of sealed files.
    pub home: PathBuf,
    /// For `File`: 32 bytes, raw or in hexadecimal, readable by their owner alone.
    pub key_file: Option<PathBuf>,
    /// For `File`: a passphrase; a line break at its end does not count.
    pub passphrase_file: Option<PathBuf>,
    /// Whether nobody is there to answer the keychain's prompt: 3 seconds instead of a minute.
    pub unattended: bool,
}
