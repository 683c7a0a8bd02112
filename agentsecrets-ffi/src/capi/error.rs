//! Versions, codes and error objects.

use std::{ffi::c_char, ptr::null};

use agentsecrets_core::Error;

use super::{
    args::{Place, guard},
    table::{Handle, end, get},
};
use crate::model;

/// Why a call failed. Free it with `agentsecrets_error_free`.
pub struct agentsecrets_error {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_error {
    type Inside = Error;
}

/// Version of the binary interface. A program built for another number must not go on.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_abi_version() -> u32 {
    model::AGENTSECRETS_ABI_VERSION
}

/// The stable word of an error code, as in `error[conflict]`; `NULL` for an unknown number. Static.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_error_code_name(code: i32) -> *const c_char {
    guard(null(), || model::describe(code).map_or(null(), |described| described.word.as_ptr()))
}

/// The command that helps in most cases of an error code; `NULL` for an unknown number. Static.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_error_code_hint(code: i32) -> *const c_char {
    guard(null(), || model::describe(code).map_or(null(), |described| described.hint.as_ptr()))
}

/// Whether the same call may succeed later with nothing else changed.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_error_code_retryable(code: i32) -> bool {
    guard(false, || model::describe(code).is_some_and(|described| described.retryable))
}

/// The code of an error; `AGENTSECRETS_ERROR_INVALID_ARGUMENT` for what is no error.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_error_code(error: *const agentsecrets_error) -> i32 {
    let code = || get(error).map_or_else(|error| error.code() as i32, |error| error.code() as i32);
    guard(1, code)
}

/// How many milliseconds to wait before a retry, as the other side asked; -1 for none.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_error_retry_after_ms(error: *const agentsecrets_error) -> i64 {
    let wait = || get(error).ok()?.retry_after().map(|wait| wait.as_millis());
    guard(-1, || wait().and_then(|wait| i64::try_from(wait).ok()).unwrap_or(-1))
}

/// What happened, in words; never a value of a secret. The text lives as long as the error. Fails with
/// invalid_argument for what is no error.
///
/// # Safety
/// `data` and `size` point to places for the outputs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_error_message(
    error: *const agentsecrets_error,
    data: *mut *const c_char,
    size: *mut usize,
) -> i32 {
    // SAFETY: as this function's own.
    unsafe { shown(error, data, size, |error| error.message()) }
}

/// The one command that helps. The text lives as long as the error. Fails with invalid_argument for
/// what is no error.
///
/// # Safety
/// `data` and `size` point to places for the outputs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_error_hint(
    error: *const agentsecrets_error,
    data: *mut *const c_char,
    size: *mut usize,
) -> i32 {
    // SAFETY: as this function's own.
    unsafe { shown(error, data, size, |error| error.hint()) }
}

unsafe fn shown(
    error: *const agentsecrets_error,
    data: *mut *const c_char,
    size: *mut usize,
    part: fn(&Error) -> &str,
) -> i32 {
    let run = || {
        // SAFETY: the caller says that these are places.
        let (data, size) = unsafe { (Place::new(data)?, Place::new(size)?) };
        let error = get(error)?;
        data.write(part(&error).as_ptr().cast());
        size.write(part(&error).len());
        Ok(())
    };
    guard(6, || run().map_or_else(|error: Error| error.code() as i32, |()| 0))
}

/// Frees an error. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_error_free(error: *mut agentsecrets_error) {
    guard((), || end(error));
}
