//! Sealed boxes for bare X25519 keys.

use std::sync::Arc;

use agentsecrets::model::{self, SecretBytes};

use crate::{
    errors::{NativeError, Result},
    secret::NativeSecret,
};

/// A fresh pair.
#[derive(uniffi::Record)]
pub struct NativeKeys {
    /// Public half, 32 bytes.
    pub public_key: Vec<u8>,
    /// Secret half, 32 bytes.
    pub secret_key: Arc<NativeSecret>,
}

/// The verdict on one box of many.
#[derive(uniffi::Enum)]
pub enum Opened {
    /// Its message.
    Message {
        /// The message.
        message: Arc<NativeSecret>,
    },
    /// Why not.
    Refused {
        /// Number of the code.
        code: i32,
        /// The cause.
        reason: String,
        /// The command that helps.
        hint: String,
    },
}

pub(crate) fn borrowed(many: &[Vec<u8>]) -> Vec<&[u8]> {
    many.iter().map(Vec::as_slice).collect()
}

pub(crate) fn revealed(many: &[Arc<NativeSecret>]) -> Vec<&[u8]> {
    many.iter().map(|secret| secret.0.expose()).collect()
}

pub(crate) fn opened(verdicts: Vec<model::Result<SecretBytes>>) -> Vec<Opened> {
    let verdict = |result: model::Result<SecretBytes>| match result {
        Ok(message) => Opened::Message { message: NativeSecret::of(message) },
        Err(error) => {
            let NativeError::Failed { code, reason, hint, .. } = error.into();
            Opened::Refused { code, reason, hint }
        }
    };
    verdicts.into_iter().map(verdict).collect()
}

/// A fresh pair of keys.
#[uniffi::export]
pub fn generate_keys() -> Result<NativeKeys> {
    let (public_key, secret_key) = model::generate_keys()?;
    Ok(NativeKeys { public_key: public_key.into(), secret_key: NativeSecret::of(secret_key) })
}

/// The public half of a secret key.
#[uniffi::export]
pub fn public_key(secret_key: Arc<NativeSecret>) -> Result<Vec<u8>> {
    Ok(model::public_key(secret_key.0.expose())?.into())
}

/// Seals to a public key.
#[uniffi::export]
pub fn seal_to_key(public_key: Vec<u8>, message: Arc<NativeSecret>) -> Result<Vec<u8>> {
    Ok(model::seal_to_key(&public_key, message.0.expose())?)
}

/// Seals each message to one public key.
#[uniffi::export]
pub fn seal_many_to_key(
    public_key: Vec<u8>,
    messages: Vec<Arc<NativeSecret>>,
) -> Result<Vec<Vec<u8>>> {
    Ok(model::seal_many_to_key(&public_key, &revealed(&messages))?)
}

/// Opens a box with a secret key.
#[uniffi::export]
pub fn open_with_key(secret_key: Arc<NativeSecret>, sealed: &[u8]) -> Result<Arc<NativeSecret>> {
    Ok(NativeSecret::of(model::open_with_key(secret_key.0.expose(), sealed)?))
}

/// Opens each box; a verdict for each.
#[uniffi::export]
pub fn open_many_with_key(
    secret_key: Arc<NativeSecret>,
    sealed: Vec<Vec<u8>>,
) -> Result<Vec<Opened>> {
    Ok(opened(model::open_many_with_key(secret_key.0.expose(), &borrowed(&sealed))?))
}
