//! Sealed boxes for bare X25519 keys of 32 bytes, as libsodium and NaCl have them.

use agentsecrets_core::{
    Error, ErrorCode, Result,
    crypto::{BoxPublicKey, BoxSecretKey, Entropy},
    sealed_box,
    secret::{Key, SecretBytes},
};

/// A fresh pair: public half and secret half.
///
/// # Errors
/// `internal` where the system gives no random bytes.
pub fn generate_keys() -> Result<([u8; 32], SecretBytes)> {
    let seed = Key::new(agentsecrets_core::client::entropy()?);
    let secret = SecretBytes::copy_of(seed.expose());
    Ok((*BoxSecretKey::new(seed).public_key().as_bytes(), secret))
}

/// The public half of a secret key.
///
/// # Errors
/// `invalid_argument` for other than 32 bytes.
pub fn public_key(secret_key: &[u8]) -> Result<[u8; 32]> {
    Ok(*secret(secret_key)?.public_key().as_bytes())
}

/// Seals to a public key.
///
/// # Errors
/// `invalid_argument` for other than 32 bytes, `weak_key`.
pub fn seal_to_key(public_key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    Ok(sealed_box::seal(&public(public_key)?, message, &mut entropy()?))
}

/// Seals each message to one public key.
///
/// # Errors
/// As [`seal_to_key`].
pub fn seal_many_to_key(public_key: &[u8], messages: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
    let key = public(public_key)?;
    let to: Vec<_> = messages.iter().map(|message| (&key, *message)).collect();
    sealed_box::seal_many(&to, &mut entropy()?).into_iter().collect()
}

/// Opens a box with a secret key.
///
/// # Errors
/// `open_failed`; `invalid_argument` for a key of other than 32 bytes.
pub fn open_with_key(secret_key: &[u8], sealed: &[u8]) -> Result<SecretBytes> {
    sealed_box::open(&secret(secret_key)?, sealed)
}

/// Opens each box; a verdict for each.
///
/// # Errors
/// `invalid_argument` for a key of other than 32 bytes.
pub fn open_many_with_key(secret_key: &[u8], sealed: &[&[u8]]) -> Result<Vec<Result<SecretBytes>>> {
    Ok(sealed_box::open_many(&secret(secret_key)?, sealed))
}

fn public(bytes: &[u8]) -> Result<BoxPublicKey> {
    BoxPublicKey::parse(bytes.try_into().map_err(|_| size())?)
}

fn secret(bytes: &[u8]) -> Result<BoxSecretKey> {
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| size())?;
    Ok(BoxSecretKey::new(Key::new(bytes)))
}

fn size() -> Error {
    Error::new(ErrorCode::InvalidArgument, "an X25519 key is 32 bytes")
}

fn entropy() -> Result<Entropy> {
    agentsecrets_core::client::entropy().map(Entropy::new)
}
