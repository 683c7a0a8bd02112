//! What one secret may be used for.

use std::ffi::c_char;

use super::{
    args::{Place, call, text},
    bytes::agentsecrets_bytes,
    client::agentsecrets_client,
    error::agentsecrets_error,
    table::get,
};

/// A secret's policy as JSON; `null` where it has none. Fails with unknown_environment, unknown_secret,
/// malformed_policy, those of the vault.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_secret_policy(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    name: *const c_char,
    name_size: usize,
    policy: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let policy = unsafe { Place::new(policy) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        policy.put(client.secret_policy(environment, name)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Sets a secret's policy, JSON, at once and for everybody; an empty text takes it away. Fails with malformed_policy,
/// unknown_secret, conflict where the secret has a change that was not pushed, forbidden for all but admins, and
/// with what a push fails with.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_set_secret_policy(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    name: *const c_char,
    name_size: usize,
    policy: *const c_char,
    policy_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        // SAFETY: as this function's own.
        let policy = unsafe { text(policy, policy_size) }?;
        client.set_secret_policy(environment, name, policy)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}
