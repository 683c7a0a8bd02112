//! Commands that get chosen secrets in their environment.

use std::time::Duration;

use agentsecrets_core::{Error, ErrorCode, Result};

use super::{
    args::{Place, agentsecrets_slice, call, guard, slices},
    error::agentsecrets_error,
    secrets::agentsecrets_secrets,
    table::{Handle, end, get},
};
use crate::model;

/// A command that was started. Freed with `agentsecrets_child_free`, it runs on.
pub struct agentsecrets_child {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_child {
    type Inside = model::Child;
}

/// Starts a command, its program and its arguments, with chosen names in its environment; its streams are this
/// process's own. Fails with invalid_argument for one that does not start, unknown_secret, not_an_environment_value,
/// and read_forbidden for what may only be used, unless its policy says so.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_spawn(
    secrets: *const agentsecrets_secrets,
    command: *const agentsecrets_slice,
    command_count: usize,
    only: *const agentsecrets_slice,
    only_count: usize,
    child: *mut *mut agentsecrets_child,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let child = unsafe { Place::new(child) }?;
        let secrets = get(secrets)?;
        // SAFETY: as this function's own.
        let (command, only) = unsafe { (texts(command, command_count)?, texts(only, only_count)?) };
        child.put(model::spawn(&secrets, &command, &only)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

unsafe fn texts<'a>(list: *const agentsecrets_slice, count: usize) -> Result<Vec<&'a str>> {
    // SAFETY: as the caller says.
    let texts = unsafe { slices(list, count) }?;
    let texts: Result<Vec<&str>, _> = texts.into_iter().map(std::str::from_utf8).collect();
    texts.map_err(|_| Error::new(ErrorCode::InvalidArgument, "a text that is not UTF-8"))
}

/// Number of the process; 0 for what is no handle.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_child_pid(child: *const agentsecrets_child) -> u32 {
    guard(0, || get(child).map_or(0, |child| child.pid()))
}

/// Waits up to `wait_ms` for the command's end. `ended` gets 1 and `code` its exit code (128 and the signal's number
/// for one that was killed), or `ended` gets 0. Fails with internal where the system does not say.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_child_wait(
    child: *const agentsecrets_child,
    wait_ms: u64,
    ended: *mut i32,
    code: *mut i32,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let (ended, code) = unsafe { (Place::new(ended)?, Place::new(code)?) };
        let child = get(child)?;
        let found = child.wait(Duration::from_millis(wait_ms))?;
        ended.write(i32::from(found.is_some()));
        code.write(found.unwrap_or_default());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Ends the command at once. Fails with internal where the system refuses.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_child_kill(
    child: *const agentsecrets_child,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let child = get(child)?;
        child.kill()?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Frees a child. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_child_free(child: *mut agentsecrets_child) {
    guard((), || end(child));
}
