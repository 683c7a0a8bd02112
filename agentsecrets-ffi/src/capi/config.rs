//! Settings.

use std::{
    ffi::c_char,
    sync::{Mutex, PoisonError},
};

use super::{
    args::{Place, call, guard, text},
    error::agentsecrets_error,
    table::{Handle, end, get},
};
use crate::model;

/// Settings, by hand or found. Free them with `agentsecrets_config_free`.
pub struct agentsecrets_config {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_config {
    type Inside = Mutex<model::Config>;
}

/// Settings of nothing: no file and no variable is read. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_config_new(
    config: *mut *mut agentsecrets_config,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let config = unsafe { Place::new(config) }?;
        config.put(Mutex::new(model::Config::empty()));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Settings from the variables `AGENTSECRETS_*` and the project file from the working folder upward.
/// Fails with invalid_argument, malformed_identity, project_file.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_config_discover(
    config: *mut *mut agentsecrets_config,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let config = unsafe { Place::new(config) }?;
        config.put(Mutex::new(model::Config::discover()?));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Sets one field: `vault` (keychain, file, memory), `vault_key_file`, `vault_passphrase_file`, `home`,
/// `identity` (secret: wipe your copy), `environment`, `workspace`, `relay`. Fails with
/// invalid_argument, malformed_identity; the value is not repeated.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_config_set(
    config: *const agentsecrets_config,
    key: *const c_char,
    key_size: usize,
    value: *const c_char,
    value_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let config = get(config)?;
        // SAFETY: as this function's own.
        let key = unsafe { text(key, key_size) }?;
        // SAFETY: as this function's own.
        let value = unsafe { text(value, value_size) }?;
        config.lock().unwrap_or_else(PoisonError::into_inner).set(key, value)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Frees settings and wipes what is secret in them. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_config_free(config: *mut agentsecrets_config) {
    guard((), || end(config));
}
