//! Values taken out of texts.

use super::{
    args::{Place, agentsecrets_slice, bytes, call, guard, slices},
    bytes::agentsecrets_bytes,
    error::agentsecrets_error,
    secrets::agentsecrets_secrets,
    table::{Handle, end, get},
};
use agentsecrets_core::{Error, ErrorCode};

use crate::model;

/// Takes values out of texts, in every form in which programs echo them. Free it with
/// `agentsecrets_redactor_free`, which wipes what it looks for.
pub struct agentsecrets_redactor {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_redactor {
    type Inside = model::Redactor;
}

/// A text that comes in pieces. Free it with `agentsecrets_redaction_free`.
pub struct agentsecrets_redaction {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_redaction {
    type Inside = model::Redaction;
}

/// Looks for values, and puts `[redacted NAME]` in their places. Fails with invalid_name, and with
/// secret_too_short for values of under five bytes.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_redactor_new(
    names: *const agentsecrets_slice,
    values: *const agentsecrets_slice,
    count: usize,
    redactor: *mut *mut agentsecrets_redactor,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let redactor = unsafe { Place::new(redactor) }?;
        // SAFETY: as this function's own.
        let (names, values) = unsafe { (slices(names, count)?, slices(values, count)?) };
        let names: Result<Vec<&str>, _> = names.into_iter().map(std::str::from_utf8).collect();
        let names = names.map_err(|_| Error::new(ErrorCode::InvalidName, "a name is no text"))?;
        redactor.put(model::Redactor::new(names.into_iter().zip(values))?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Looks for every value of an environment, also for what may only be used; values of under five bytes are left
/// out. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_secrets_redactor(
    secrets: *const agentsecrets_secrets,
    redactor: *mut *mut agentsecrets_redactor,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let redactor = unsafe { Place::new(redactor) }?;
        let secrets = get(secrets)?;
        redactor.put(secrets.redactor()?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// A whole text without the values. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_redactor_redact(
    redactor: *const agentsecrets_redactor,
    text: *const u8,
    text_size: usize,
    redacted: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let redacted = unsafe { Place::new(redacted) }?;
        let redactor = get(redactor)?;
        // SAFETY: as this function's own.
        let text = unsafe { bytes(text, text_size) }?;
        redacted.put(redactor.redact(text));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// For a text that comes in pieces. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_redactor_stream(
    redactor: *const agentsecrets_redactor,
    redaction: *mut *mut agentsecrets_redaction,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let redaction = unsafe { Place::new(redaction) }?;
        let redactor = get(redactor)?;
        redaction.put(redactor.stream());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Frees a redactor. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_redactor_free(redactor: *mut agentsecrets_redactor) {
    guard((), || end(redactor));
}

/// Takes the next piece, of any length; gives what is ready. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_redaction_push(
    redaction: *const agentsecrets_redaction,
    piece: *const u8,
    piece_size: usize,
    redacted: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let redacted = unsafe { Place::new(redacted) }?;
        let redaction = get(redaction)?;
        // SAFETY: as this function's own.
        let piece = unsafe { bytes(piece, piece_size) }?;
        redacted.put(redaction.push(piece));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Gives the rest; another text may follow. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_redaction_finish(
    redaction: *const agentsecrets_redaction,
    redacted: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let redacted = unsafe { Place::new(redacted) }?;
        let redaction = get(redaction)?;
        redacted.put(redaction.finish());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Frees a redaction. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_redaction_free(redaction: *mut agentsecrets_redaction) {
    guard((), || end(redaction));
}
