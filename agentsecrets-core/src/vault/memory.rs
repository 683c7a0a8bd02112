//! A vault in this process's memory: for jobs that bring an identity string.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{StoredIdentity, Vault, VaultKind, VaultLock};
use crate::{
    encoding::{encode, parse},
    error::{ErrorCode, Result},
    secret::SecretBytes,
};

/// Forgets everything, wiped, when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryVault(Mutex<BTreeMap<String, SecretBytes>>);

/// No key of the engine begins with a space.
const IDENTITY: &str = " identity";

impl MemoryVault {
    fn map(&self) -> MutexGuard<'_, BTreeMap<String, SecretBytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for MemoryVault {
    fn kind(&self) -> VaultKind {
        VaultKind::Memory
    }

    fn identity(&self) -> Result<Option<StoredIdentity>> {
        let bytes = self.load(IDENTITY)?;
        bytes.map(|bytes| parse(bytes.expose(), ErrorCode::VaultDamaged, "identity")).transpose()
    }

    fn store_identity(&self, identity: &StoredIdentity) -> Result<()> {
        self.store(IDENTITY, &SecretBytes::new(encode(identity)))
    }

    fn load(&self, key: &str) -> Result<Option<SecretBytes>> {
        Ok(self.map().get(key).map(|bytes| SecretBytes::copy_of(bytes.expose())))
    }

    fn store(&self, key: &str, bytes: &SecretBytes) -> Result<()> {
        self.map().insert(key.to_owned(), SecretBytes::copy_of(bytes.expose()));
        Ok(())
    }

    fn remove(&self, key: &str) -> Result<()> {
        self.map().remove(key);
        Ok(())
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        Ok(self.map().keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    fn lock(&self, _: Duration) -> Result<VaultLock> {
        Ok(VaultLock(None))
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        vec![("vault", "memory of this process; nothing is kept".to_owned())]
    }
}
