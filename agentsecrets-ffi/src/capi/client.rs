//! A device's client: values.

use std::{
    ffi::c_char,
    sync::{Arc, PoisonError},
    time::Duration,
};

use super::{
    args::{Place, bytes, call, guard, text},
    bytes::agentsecrets_bytes,
    config::agentsecrets_config,
    error::agentsecrets_error,
    secrets::agentsecrets_secrets,
    table::{Handle, end, get},
};
use crate::model::{self, SecretBytes};

/// A device's client: its vault, its identity, its workspace. Free it with `agentsecrets_client_free`.
pub struct agentsecrets_client {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_client {
    type Inside = Arc<model::Client>;
}

/// Makes this device's identity in the vault, unless there is one; `made` says whether it did. Fails
/// with those of the vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_init(
    config: *const agentsecrets_config,
    label: *const c_char,
    label_size: usize,
    made: *mut bool,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let made = unsafe { Place::new(made) }?;
        let config = get(config)?;
        // SAFETY: as this function's own.
        let label = unsafe { text(label, label_size) }?;
        let config = config.lock().unwrap_or_else(PoisonError::into_inner);
        made.write(model::init(&config, label)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Opens vault and identity as the settings say. Fails with no_identity, those of the vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_open(
    config: *const agentsecrets_config,
    client: *mut *mut agentsecrets_client,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let client = unsafe { Place::new(client) }?;
        let config = get(config)?;
        let config = config.lock().unwrap_or_else(PoisonError::into_inner);
        client.put(model::Client::open(&config)?.into());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Follows the log alone, waiting up to `wait_ms` for news; `news` says whether there was any. Fails
/// with no_workspace, those of relay (5xx), log (2xx) and vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_follow(
    client: *const agentsecrets_client,
    wait_ms: u64,
    news: *mut bool,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let news = unsafe { Place::new(news) }?;
        let client = get(client)?;
        news.write(client.follow(Duration::from_millis(wait_ms))?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Follows, pulls everything in scope, admits who answered an invitation, shares what others lack. What
/// it did as JSON: admitted, shared_with, freshness, pulled. Fails with no_workspace, those of relay
/// (5xx), log (2xx) and vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_sync(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.sync()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Brings one environment up to the log; empty is the configured one. With `theirs`, changes here that
/// clash are given up. Fails with conflict, delivery_withheld, unreadable, those of relay and vault.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_pull(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    theirs: bool,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        client.pull(environment, theirs)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Pushes what was changed here; `count` gets how many names. With `mine`, changes here win. Fails with
/// conflict, sent_to_removed, forbidden, those of relay and vault.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_push(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    mine: bool,
    count: *mut u64,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let count = unsafe { Place::new(count) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        count.write(client.push(environment, mine)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Sets a value in the vault, to be pushed. The value is copied; wipe your own. Fails with invalid_name,
/// value_too_large, forbidden, out_of_scope.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_set(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    name: *const c_char,
    name_size: usize,
    value: *const u8,
    value_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        // SAFETY: as this function's own.
        let value = unsafe { bytes(value, value_size) }?;
        client.set(environment, name, SecretBytes::copy_of(value))?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Deletes a value in the vault, to be pushed. Fails with unknown_secret.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_delete(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    name: *const c_char,
    name_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        client.delete(environment, name)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The values of an environment; pulled first where the vault holds none yet. Fails with no_workspace,
/// unknown_environment; on first use with what a pull does.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_secrets(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    secrets: *mut *mut agentsecrets_secrets,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let secrets = unsafe { Place::new(secrets) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        secrets.put(client.secrets(environment)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// What the vault holds, without values: JSON as docs/schemas/secrets-list.json. Fails with
/// no_workspace, unknown_environment, those of the vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_list(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        result.put(client.list(environment)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The vault against the log that it knows: JSON as docs/schemas/secrets-diff.json. Fails with
/// no_workspace, unknown_environment, not_admitted, those of the vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_drift(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        result.put(client.drift(environment)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Two environments: JSON as docs/schemas/environments-diff.json. Fails with no_workspace,
/// unknown_environment, those of the vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_drift_between(
    client: *const agentsecrets_client,
    a: *const c_char,
    a_size: usize,
    b: *const c_char,
    b_size: usize,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let a = unsafe { text(a, a_size) }?;
        // SAFETY: as this function's own.
        let b = unsafe { text(b, b_size) }?;
        result.put(client.drift_between(a, b)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Versions of a name: JSON as docs/schemas/history.json. Fails with unknown_secret,
/// unknown_environment, invalid_name.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_history(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    name: *const c_char,
    name_size: usize,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        result.put(client.history(environment, name)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Closes a client; calls that are under way end first. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_client_free(client: *mut agentsecrets_client) {
    guard((), || end(client));
}
