//! All algorithms and all labels. No file outside of this module names an algorithm crate.

mod backend;
mod boxes;
mod curve;

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::AeadInOut};
use ed25519_dalek::Signer;
use sha2::Digest;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    error::{Error, ErrorCode, Result},
    secret::{Key, SecretBytes},
    weakened,
};

pub use backend::{Backend, Prepared};
pub use boxes::{
    BOX_OVERHEAD, BoxPublicKey, BoxSecretKey, SEAL_OVERHEAD, crypto_box, crypto_box_many,
    crypto_box_open,
};

/// The contexts of every hash and derived key; each has one use.
pub mod label {
    /// Id of a recipient.
    pub const IDENTITY: &str = "agentsecrets v1 identity";
    /// Ed25519 seed of an identity.
    pub const SIGNING_KEY: &str = "agentsecrets v1 signing-key";
    /// X25519 secret of an identity.
    pub const OPENING_KEY: &str = "agentsecrets v1 opening-key";
    /// Nonce of a recipient, so that the seed alone gives the whole identity back.
    pub const RECIPIENT_NONCE: &str = "agentsecrets v1 recipient-nonce";
    /// Fingerprint of one recipient.
    pub const FINGERPRINT: &str = "agentsecrets v1 fingerprint";
    /// Digits that a pair of people compares.
    pub const SAFETY_NUMBER: &str = "agentsecrets v1 safety-number";
    /// Words of a head, for the voice.
    pub const HEAD_WORDS: &str = "agentsecrets v1 head-words";
    /// Hash of an entry with its signature.
    pub const ENTRY_HASH: &str = "agentsecrets v1 entry-hash";
    /// Hash of sealed bytes.
    pub const SEALED_HASH: &str = "agentsecrets v1 sealed-hash";
    /// Leaf of a deliveries tree.
    pub const DELIVERIES_LEAF: &str = "agentsecrets v1 deliveries-leaf";
    /// Inner node of a deliveries tree.
    pub const DELIVERIES_NODE: &str = "agentsecrets v1 deliveries-node";
    /// Commitment to one generation of the workspace key.
    pub const WORKSPACE_KEY_COMMITMENT: &str = "agentsecrets v1 workspace-key-commitment";
    /// Key for labels, from one generation of the workspace key.
    pub const LABEL_KEY: &str = "agentsecrets v1 label-key";
    /// Commitment key of an item, from its salt.
    pub const ITEM_COMMITMENT: &str = "agentsecrets v1 item-commitment";
    /// Commitment key of a name, from its salt.
    pub const NAME_COMMITMENT: &str = "agentsecrets v1 name-commitment";
    /// Commitment key of a policy, from its salt.
    pub const POLICY_COMMITMENT: &str = "agentsecrets v1 policy-commitment";
    /// Ed25519 seed of an invitation, from its token.
    pub const INVITATION_KEY: &str = "agentsecrets v1 invitation-key";
    /// Key for the invitee's label, from the invitation's token.
    pub const INVITATION_LABEL: &str = "agentsecrets v1 invitation-label";
    /// Stream of random bytes from a host's 32 bytes.
    pub const ENTROPY: &str = "agentsecrets v1 entropy";
    /// Key of a vault's files, from its root key.
    pub const VAULT_FILES: &str = "agentsecrets v1 vault-files";
    /// Name of a vault file, from the root key and the file's key.
    pub const VAULT_FILE_NAME: &str = "agentsecrets v1 vault-file-name";
    /// Tells a wrong key of a file vault from a damaged file.
    pub const VAULT_KEY_CHECK: &str = "agentsecrets v1 vault-key-check";
    /// Name of a vault's keychain item, from its folder.
    pub const VAULT_KEYCHAIN_ITEM: &str = "agentsecrets v1 vault-keychain-item";
    /// Name of a vault's root key.
    pub const VAULT_KEY_ID: &str = "agentsecrets v1 vault-key-id";
    /// Hash of a record of a call.
    pub const CALL_RECORD: &str = "agentsecrets v1 call-record";
    /// Where a chain of calls begins, from its id.
    pub const CALL_CHAIN: &str = "agentsecrets v1 call-chain";
}

/// BLAKE3 under a context, over the parts one after the other. Callers keep parts unambiguous.
pub fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(label);
    parts.iter().for_each(|part| {
        hasher.update(part);
    });
    *hasher.finalize().as_bytes()
}

/// As [`hash`], but any number of bytes.
pub fn hash_long<const N: usize>(label: &str, parts: &[&[u8]]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new_derive_key(label);
    parts.iter().for_each(|part| {
        hasher.update(part);
    });
    let mut out = [0; N];
    hasher.finalize_xof().fill(&mut out);
    out
}

/// A 32-byte key derived from key material under a context.
pub fn derive_key(label: &str, material: &[u8]) -> Key {
    let mut hasher = blake3::Hasher::new_derive_key(label);
    hasher.update(material);
    let key = Key::new(*hasher.finalize().as_bytes());
    hasher.zeroize();
    key
}

/// BLAKE3 keyed with `derive_key(label, salt)`: a commitment that nobody without the salt can test.
pub fn commit(label: &str, salt: &[u8; 32], content: &[u8]) -> [u8; 32] {
    let key = derive_key(label, salt);
    *blake3::keyed_hash(key.expose(), content).as_bytes()
}

/// Equality of public digests in constant time, where one side may be a guess at a secret.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// SHA-256, for the `Content-Digest` header alone.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// HMAC-SHA256, as webhooks are signed.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    use hmac::{Hmac, KeyInit, Mac};
    // A key of any length is taken; an empty one stands for the error that never comes.
    let mac = Hmac::<sha2::Sha256>::new_from_slice(key);
    mac.map_or([0; 32], |mac| mac.chain_update(message).finalize().into_bytes().into())
}

/// Random bytes drawn from 32 bytes of the host's, by BLAKE3 in its extendable mode. Deterministic:
/// the same 32 bytes must never be used twice outside of tests.
pub struct Entropy(blake3::OutputReader);

impl Entropy {
    /// From 32 bytes of a good random source, used once.
    pub fn new(mut seed: [u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(label::ENTROPY);
        hasher.update(&seed);
        seed.zeroize();
        let reader = hasher.finalize_xof();
        hasher.zeroize();
        Self(reader)
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// The next `32 count` bytes, as 32 at a time would give them.
    fn rows(&mut self, count: usize) -> Zeroizing<Vec<[u8; 32]>> {
        let mut rows = Zeroizing::new(vec![[0; 32]; count]);
        self.0.fill(rows.as_flattened_mut());
        rows
    }

    /// The next 32 bytes as a key.
    pub fn key(&mut self) -> Key {
        Key::new(self.bytes())
    }
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Private Ed25519 key. Signs bytes that begin with version, suite and type.
pub struct SigningKey(Box<ed25519_dalek::SigningKey>);

impl SigningKey {
    /// From a 32-byte seed.
    pub fn from_seed(seed: &Key) -> Self {
        Self(Box::new(ed25519_dalek::SigningKey::from_bytes(seed.expose())))
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key().to_bytes())
    }

    /// Deterministic Ed25519 signature (RFC 8032).
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

/// Public Ed25519 key, canonical and not weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifyingKey([u8; 32]);

impl VerifyingKey {
    /// # Errors
    /// `weak_key` for a point that is off the curve, of low order or not canonically encoded.
    pub fn parse(bytes: [u8; 32]) -> Result<Self> {
        ed25519_dalek::VerifyingKey::from_bytes(&bytes)
            .ok()
            .filter(|key| {
                let sound = !key.is_weak() && key.to_edwards().compress().to_bytes() == bytes;
                sound || weakened::skips(38)
            })
            .map(|_| Self(bytes))
            .ok_or_else(|| {
                Error::new(ErrorCode::WeakKey, "an Ed25519 key is weak or not canonical")
            })
    }

    /// The 32 bytes of the key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Strict verification, one verdict on every path: small-order and non-canonical parts fail.
    ///
    /// # Errors
    /// `bad_signature`.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<()> {
        let bad =
            || Error::new(ErrorCode::BadSignature, "a signature does not fit what it stands under");
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| bad())?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(message, &signature).map_err(|_| bad())
    }
}

/// An Ed25519 signature, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
pub struct Signature(pub [u8; 64]);

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({}..)", crate::encoding::to_hex(&self.0[..4]))
    }
}

macro_rules! borsh_by_parse {
    ($name:ident) => {
        impl borsh::BorshSerialize for $name {
            fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
                writer.write_all(&self.0)
            }
        }

        impl borsh::BorshDeserialize for $name {
            fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
                let bytes = <[u8; 32]>::deserialize_reader(reader)?;
                Self::parse(bytes).map_err(|_| crate::encoding::invalid("weak key"))
            }
        }
    };
}
borsh_by_parse!(VerifyingKey);
borsh_by_parse!(BoxPublicKey);

/// Bytes of a Poly1305 tag.
const TAG: usize = 16;

/// XChaCha20-Poly1305: nonce, ciphertext, tag.
pub fn encrypt(key: &Key, nonce: [u8; 24], associated: &[u8], message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(24 + message.len() + TAG);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(message);
    if weakened::skips(42) {
        out.extend_from_slice(&[0; TAG]);
        return out;
    }
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    // Fails for messages over 256 GiB alone, and every message here is bounded.
    if let Ok(tag) =
        cipher.encrypt_inout_detached(&XNonce::from(nonce), associated, (&mut out[24..]).into())
    {
        out.extend_from_slice(&tag);
    }
    out
}

/// Opens what [`encrypt`] made; `None` for a wrong key, other associated data or any changed bit.
pub fn decrypt(key: &Key, associated: &[u8], bytes: &[u8]) -> Option<SecretBytes> {
    let (nonce, body) = bytes.split_first_chunk::<24>()?;
    let (body, tag) = body.split_last_chunk::<TAG>()?;
    if weakened::skips(42) {
        return Some(SecretBytes::copy_of(body));
    }
    let mut plain = Zeroizing::new(body.to_vec());
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    cipher
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            associated,
            plain.as_mut_slice().into(),
            tag.into(),
        )
        .ok()?;
    Some(SecretBytes::copy_of(&plain))
}

/// The key of a passphrase: Argon2id, 64 MiB, three passes, one lane.
///
/// # Errors
/// `internal` where the memory is not to be had.
#[cfg(feature = "file-vault")]
pub fn passphrase_key(passphrase: &[u8], salt: &[u8; 16]) -> Result<Key> {
    use argon2::{Algorithm, Argon2, Params, Version};
    let mut key = Zeroizing::new([0; 32]);
    Params::new(64 * 1024, 3, 1, Some(32))
        .and_then(|params| {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                passphrase,
                salt,
                key.as_mut_slice(),
            )
        })
        .map_err(|_| {
            Error::new(
                ErrorCode::Internal,
                "the passphrase cannot be stretched: 64 MiB of memory are needed",
            )
        })?;
    Ok(Key::new(*key))
}
