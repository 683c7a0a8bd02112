//! Sealed boxes for bare X25519 keys of 32 bytes, as libsodium and NaCl have them.

use super::{
    args::{Outputs, Place, agentsecrets_slice, bytes, call, slices},
    bytes::agentsecrets_bytes,
    error::agentsecrets_error,
    identity::put_verdict,
    secrets::agentsecrets_secret,
    table::put,
};
use crate::model;

/// A fresh X25519 pair for sealed boxes without an identity: 32 bytes each. Fails with internal where
/// the system has no randomness.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_keys_generate(
    public_key: *mut *mut agentsecrets_bytes,
    secret_key: *mut *mut agentsecrets_secret,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let (public_key, secret_key) =
            unsafe { (Place::new(public_key)?, Place::new(secret_key)?) };
        let (public, secret) = model::generate_keys()?;
        public_key.put(public.to_vec());
        secret_key.put(secret.into());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Seals a message to an X25519 public key of 32 bytes, as `crypto_box_seal` does. Fails with weak_key.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_seal_to_key(
    public_key: *const u8,
    public_key_size: usize,
    message: *const u8,
    message_size: usize,
    sealed: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let sealed = unsafe { Place::new(sealed) }?;
        // SAFETY: as this function's own.
        let public_key = unsafe { bytes(public_key, public_key_size) }?;
        // SAFETY: as this function's own.
        let message = unsafe { bytes(message, message_size) }?;
        sealed.put(model::seal_to_key(public_key, message)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Opens a box with an X25519 secret key of 32 bytes, as `crypto_box_seal_open` does. Fails with
/// open_failed, one reason for every failure.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_open_with_key(
    secret_key: *const u8,
    secret_key_size: usize,
    sealed: *const u8,
    sealed_size: usize,
    message: *mut *mut agentsecrets_secret,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let message = unsafe { Place::new(message) }?;
        // SAFETY: as this function's own.
        let secret_key = unsafe { bytes(secret_key, secret_key_size) }?;
        // SAFETY: as this function's own.
        let sealed = unsafe { bytes(sealed, sealed_size) }?;
        message.put(model::open_with_key(secret_key, sealed)?.into());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The public half of an X25519 secret key of 32 bytes. Fails with invalid_argument for another length.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_keys_public(
    secret_key: *const u8,
    secret_key_size: usize,
    public_key: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let public_key = unsafe { Place::new(public_key) }?;
        // SAFETY: as this function's own.
        let secret_key = unsafe { bytes(secret_key, secret_key_size) }?;
        public_key.put(model::public_key(secret_key)?.to_vec());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Seals `count` messages to one X25519 public key; `sealed` has room for as many handles. All or none.
/// Fails with weak_key, invalid_argument.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_seal_many_to_key(
    public_key: *const u8,
    public_key_size: usize,
    messages: *const agentsecrets_slice,
    count: usize,
    sealed: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let outputs = unsafe { Outputs::new(sealed, count) }?;
        // SAFETY: as this function's own.
        let (to, messages) =
            unsafe { (bytes(public_key, public_key_size)?, slices(messages, count)?) };
        let boxes = model::seal_many_to_key(to, &messages)?;
        boxes.into_iter().enumerate().for_each(|(place, one)| outputs.write(place, put(one)));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Opens `count` boxes with one X25519 secret key. For each, `codes` gets 0 and `messages` a handle, or
/// an error code and `NULL`. Fails with invalid_argument.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_open_many_with_key(
    secret_key: *const u8,
    secret_key_size: usize,
    sealed: *const agentsecrets_slice,
    count: usize,
    messages: *mut *mut agentsecrets_secret,
    codes: *mut i32,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let (outputs, verdicts) =
            unsafe { (Outputs::new(messages, count)?, Outputs::new(codes, count)?) };
        // SAFETY: as this function's own.
        let (key, sealed) =
            unsafe { (bytes(secret_key, secret_key_size)?, slices(sealed, count)?) };
        for (place, opened) in model::open_many_with_key(key, &sealed)?.into_iter().enumerate() {
            put_verdict(opened, place, &outputs, &verdicts);
        }
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}
