//! Secret bytes, and the values of an environment.

use std::{
    ffi::c_char,
    sync::{Arc, PoisonError},
    time::Duration,
};

use agentsecrets_core::{Error, ErrorCode, secret::SecretBytes};

use super::{
    args::{Place, call, guard, options, text},
    bytes::agentsecrets_bytes,
    config::agentsecrets_config,
    error::agentsecrets_error,
    table::{Handle, end, get},
};
use crate::model::{self, Loading};

/// Secret bytes, owned by the library. Free them with `agentsecrets_secret_free`, which wipes them.
pub struct agentsecrets_secret {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_secret {
    type Inside = Arc<SecretBytes>;
}

/// Where the bytes are and how many, without a zero at their end; they live as long as the handle.
/// Nothing is copied, so nothing else has to be wiped. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_secret_borrow(
    secret: *const agentsecrets_secret,
    data: *mut *const u8,
    size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let size = unsafe { Place::new(size) }?;
        // SAFETY: as this function's own.
        let data = unsafe { Place::new(data) }?;
        let secret = get(secret)?;
        data.write(secret.expose().as_ptr());
        size.write(secret.len());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Copies the bytes into a buffer of the caller, who wipes it. `size` gets how many there are, also
/// where `capacity` is too small: then the code is invalid_argument and nothing is copied. Fails with
/// invalid_argument.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_secret_copy(
    secret: *const agentsecrets_secret,
    buffer: *mut u8,
    capacity: usize,
    size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let size = unsafe { Place::new(size) }?;
        let secret = get(secret)?;
        size.write(secret.len());
        if capacity < secret.len() || (buffer.is_null() && !secret.is_empty()) {
            return Err(Error::new(ErrorCode::InvalidArgument, "the buffer is too small"));
        }
        let from = secret.expose();
        // SAFETY: the caller says that the buffer has this capacity, and it is enough.
        unsafe { from.as_ptr().copy_to(buffer, from.len()) };
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Wipes and frees secret bytes. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_secret_free(secret: *mut agentsecrets_secret) {
    guard((), || end(secret));
}

/// The values of one environment. Free them with `agentsecrets_secrets_free`, which wipes them.
pub struct agentsecrets_secrets {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_secrets {
    type Inside = model::Secrets;
}

/// What `agentsecrets_load` takes into account. Set `size` to `sizeof` of this structure and the rest
/// to zero, then what is wanted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct agentsecrets_load_options {
    /// Size of this structure, as the program knows it.
    pub size: u32,
    /// Not 0: sync first where the last sync is longer ago than `max_age_ms`.
    pub limit_age: u32,
    /// Milliseconds.
    pub max_age_ms: u64,
    /// Not 0: use what the vault holds, whatever its age, and no network.
    pub offline: u32,
    /// Label of the environment; none is the configured one.
    pub environment: *const c_char,
    /// Bytes of it.
    pub environment_size: usize,
    /// Names that must be there, separated by blanks.
    pub require: *const c_char,
    /// Bytes of them.
    pub require_size: usize,
}

/// The values of an environment, as an application asks for at start: from the vault, without a
/// network where it is warm. `options` may be `NULL`. Fails with no_identity, no_workspace,
/// unknown_environment, missing_secrets (which names all that are missing), those of vault and relay.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_load(
    config: *const agentsecrets_config,
    options_: *const agentsecrets_load_options,
    secrets: *mut *mut agentsecrets_secrets,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let (secrets, given) = unsafe { (Place::new(secrets)?, options(options_)?) };
        let config = get(config)?;
        let config = config.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = match given {
            None => model::load(&config, &Loading::default()),
            Some(given) => {
                // SAFETY: as this function's own.
                let environment = unsafe { text(given.environment, given.environment_size) }?;
                // SAFETY: as this function's own.
                let require = unsafe { text(given.require, given.require_size) }?;
                let age = (given.limit_age != 0).then(|| Duration::from_millis(given.max_age_ms));
                let offline = given.offline != 0;
                let loading = Loading { environment, require, max_age: age, offline };
                model::load(&config, &loading)
            }
        };
        secrets.put(loaded?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// How many values there are; 0 for what is no handle.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_secrets_count(secrets: *const agentsecrets_secrets) -> usize {
    guard(0, || get(secrets).map_or(0, |secrets| secrets.len()))
}

/// Number of the log entry up to which the environment was pulled; 0 for what is no handle.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_secrets_version(secrets: *const agentsecrets_secrets) -> u64 {
    guard(0, || get(secrets).map_or(0, |secrets| secrets.version()))
}

/// When the environment was pulled last, in milliseconds since 1970; 0 for what is no handle.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_secrets_synced_at(secrets: *const agentsecrets_secrets) -> u64 {
    guard(0, || get(secrets).map_or(0, |secrets| secrets.synced_at()))
}

/// Label of the environment. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_secrets_environment(
    secrets: *const agentsecrets_secrets,
    label: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let label = unsafe { Place::new(label) }?;
        let secrets = get(secrets)?;
        label.put(secrets.environment().as_bytes().to_vec());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The name at a place from 0, in sorted order. Fails with invalid_argument beyond the last.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_secrets_name(
    secrets: *const agentsecrets_secrets,
    place: usize,
    name: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let name = unsafe { Place::new(name) }?;
        let secrets = get(secrets)?;
        let found = secrets.name(place);
        let missing = || Error::new(ErrorCode::InvalidArgument, "no name at this place");
        name.put(found.ok_or_else(missing)?.as_bytes().to_vec());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// A value. Fails with unknown_secret. The handle outlives the values that it is of.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_secrets_get(
    secrets: *const agentsecrets_secrets,
    name: *const c_char,
    name_size: usize,
    secret: *mut *mut agentsecrets_secret,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let secret = unsafe { Place::new(secret) }?;
        let secrets = get(secrets)?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        secret.put(secrets.get(name)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Wipes and frees the values, but for those that are in use by handles of their own. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_secrets_free(secrets: *mut agentsecrets_secrets) {
    guard((), || end(secrets));
}
