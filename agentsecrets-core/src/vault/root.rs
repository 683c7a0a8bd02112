//! A vault's root: the key over all its files, and the identity. Kept by the keychain, or sealed.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{StoredIdentity, VaultKind};
use crate::{
    crypto::{self, label},
    encoding::{encode, parse},
    error::{ErrorCode, Result},
    secret::{Key, SecretBytes},
};

/// Names a root key without telling anything of it.
pub(super) type KeyId = [u8; 8];

/// The root, wiped on drop.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Root {
    /// Seals every file.
    pub(super) key: Key,
    /// The key before it, while files are sealed anew.
    pub(super) previous: Option<Key>,
    /// The identity, once it was made.
    pub(super) identity: Option<StoredIdentity>,
}

impl Root {
    pub(super) fn new(key: Key) -> Self {
        Self { key, previous: None, identity: None }
    }

    pub(super) fn parse(bytes: &SecretBytes) -> Result<Self> {
        parse(bytes.expose(), ErrorCode::VaultDamaged, "vault's root")
    }

    pub(super) fn encode(&self) -> SecretBytes {
        SecretBytes::new(encode(self))
    }

    /// The key of an id.
    pub(super) fn key_of(&self, id: &KeyId) -> Option<&Key> {
        [Some(&self.key), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key_id(key) == *id)
    }
}

/// The id of a root key.
pub(super) fn key_id(key: &Key) -> KeyId {
    crypto::hash_long(label::VAULT_KEY_ID, &[key.expose()])
}

/// Keeps the root.
pub(super) trait RootStore: Send + Sync {
    fn kind(&self) -> VaultKind;

    /// The root, if there is one.
    fn load(&self) -> Result<Option<Root>>;

    /// Replaces it, durably.
    fn store(&self, root: &Root) -> Result<()>;

    /// Removes it.
    fn remove(&self) -> Result<()>;

    /// Facts for `doctor`.
    fn facts(&self) -> Vec<(&'static str, String)>;
}
