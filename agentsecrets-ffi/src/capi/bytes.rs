//! Non-secret bytes and texts that a call made.

use super::{
    args::{Place, call, guard},
    error::agentsecrets_error,
    table::{Handle, end, get},
};

/// Bytes or a text, not secret, owned by the library. Free them with `agentsecrets_bytes_free`.
pub struct agentsecrets_bytes {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_bytes {
    type Inside = Vec<u8>;
}

/// Where the bytes are and how many; they live as long as the handle. Fails with invalid_argument
/// alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_bytes_borrow(
    bytes: *const agentsecrets_bytes,
    data: *mut *const u8,
    size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let size = unsafe { Place::new(size) }?;
        // SAFETY: as this function's own.
        let data = unsafe { Place::new(data) }?;
        let bytes = get(bytes)?;
        data.write(bytes.as_ptr());
        size.write(bytes.len());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Frees bytes. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_bytes_free(bytes: *mut agentsecrets_bytes) {
    guard((), || end(bytes));
}
