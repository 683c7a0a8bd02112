//! `agentsecrets_<type>_<verb>`. Texts that are handed out are static; nobody frees them.

use std::{
    ffi::c_char,
    panic::{UnwindSafe, catch_unwind},
    ptr::null,
};

use crate::model;

/// A panic must not cross into C.
fn guard<T>(otherwise: T, call: impl FnOnce() -> T + UnwindSafe) -> T {
    catch_unwind(call).unwrap_or(otherwise)
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
