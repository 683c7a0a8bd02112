//! Who waits for other values of an environment.

use std::{ffi::c_char, time::Duration};

use super::{
    args::{Place, call, guard, text},
    bytes::agentsecrets_bytes,
    client::agentsecrets_client,
    error::agentsecrets_error,
    table::{Handle, end, get, put},
};
use crate::model::Watch;

/// Somebody who waits. Free it with `agentsecrets_watch_free`.
pub struct agentsecrets_watch {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_watch {
    type Inside = Watch;
}

/// Watches the values of an environment from now on. Fails with no_workspace, unknown_environment; where the
/// vault holds nothing of it yet, with what a pull does.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_watch(
    client: *const agentsecrets_client,
    environment: *const c_char,
    environment_size: usize,
    watch: *mut *mut agentsecrets_watch,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let watch = unsafe { Place::new(watch) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        watch.put(Watch::new((*client).clone(), environment)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Waits up to `wait_ms`, a relay's long poll. `change` gets JSON with environment, version, updated
/// and deleted once the vault holds other values, or `NULL` where nothing changed. A relay that cannot
/// be reached for now is no error: ask again. Fails with those of vault (4xx) and log (2xx) that
/// another try does not change.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_watch_next(
    watch: *const agentsecrets_watch,
    wait_ms: u64,
    change: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let change = unsafe { Place::new(change) }?;
        let watch = get(watch)?;
        let seen = watch.next(Duration::from_millis(wait_ms))?;
        change.write(seen.map_or(std::ptr::null_mut(), |seen| put(seen.into_bytes())));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Frees a watch. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_watch_free(watch: *mut agentsecrets_watch) {
    guard((), || end(watch));
}
