//! Identities and sealed boxes.

use std::ffi::c_char;

use agentsecrets_core::Result;

use super::{
    args::{Outputs, Place, agentsecrets_slice, bytes, call, guard, slices, text},
    bytes::agentsecrets_bytes,
    error::agentsecrets_error,
    secrets::agentsecrets_secret,
    table::{Handle, end, get, put},
};
use crate::model::{self, SecretBytes};

/// Private and public half of a device, agent or job. Free it with `agentsecrets_identity_free`.
pub struct agentsecrets_identity {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_identity {
    type Inside = model::Identity;
}

/// A fresh identity of kind `human`, `agent`, `ci` or `recovery`; nothing stores it. Fails with
/// invalid_argument.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_identity_generate(
    kind: *const c_char,
    kind_size: usize,
    identity: *mut *mut agentsecrets_identity,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let identity = unsafe { Place::new(identity) }?;
        // SAFETY: as this function's own.
        let kind = unsafe { text(kind, kind_size) }?;
        identity.put(model::Identity::generate(model::kind(kind)?)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The identity of an identity string, which is secret: wipe your copy. Fails with malformed_identity.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_identity_parse(
    string: *const c_char,
    string_size: usize,
    identity: *mut *mut agentsecrets_identity,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let identity = unsafe { Place::new(identity) }?;
        // SAFETY: as this function's own.
        let string = unsafe { text(string, string_size) }?;
        identity.put(model::Identity::parse(string)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The identity string, which is secret. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_identity_string(
    identity: *const agentsecrets_identity,
    string: *mut *mut agentsecrets_secret,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let string = unsafe { Place::new(string) }?;
        let identity = get(identity)?;
        string.put(identity.string().into());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The recipient string, which others seal to. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_identity_recipient(
    identity: *const agentsecrets_identity,
    recipient: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let recipient = unsafe { Place::new(recipient) }?;
        let identity = get(identity)?;
        recipient.put(identity.recipient().into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The fingerprint, for people to compare. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_identity_fingerprint(
    identity: *const agentsecrets_identity,
    fingerprint: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let fingerprint = unsafe { Place::new(fingerprint) }?;
        let identity = get(identity)?;
        fingerprint.put(identity.fingerprint().into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Frees an identity and wipes its keys. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_identity_free(identity: *mut agentsecrets_identity) {
    guard((), || end(identity));
}

/// Seals a message to a recipient string: a box that libsodium's `crypto_box_seal_open` opens.
/// Fails with malformed_recipient.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_seal(
    recipient: *const c_char,
    recipient_size: usize,
    message: *const u8,
    message_size: usize,
    sealed: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let sealed = unsafe { Place::new(sealed) }?;
        // SAFETY: as this function's own.
        let recipient = unsafe { text(recipient, recipient_size) }?;
        // SAFETY: as this function's own.
        let message = unsafe { bytes(message, message_size) }?;
        sealed.put(model::seal(recipient, message)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Opens a box. Fails with open_failed, one reason for every failure.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_open(
    identity: *const agentsecrets_identity,
    sealed: *const u8,
    sealed_size: usize,
    message: *mut *mut agentsecrets_secret,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let message = unsafe { Place::new(message) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let sealed = unsafe { bytes(sealed, sealed_size) }?;
        message.put(identity.open(sealed)?.into());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Seals `count` messages to one recipient string; `sealed` has room for as many handles. All or none.
/// Fails with malformed_recipient.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_seal_many(
    recipient: *const c_char,
    recipient_size: usize,
    messages: *const agentsecrets_slice,
    count: usize,
    sealed: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let outputs = unsafe { Outputs::new(sealed, count) }?;
        // SAFETY: as this function's own.
        let (to, messages) =
            unsafe { (text(recipient, recipient_size)?, slices(messages, count)?) };
        let boxes = model::seal_many(to, &messages)?;
        boxes.into_iter().enumerate().for_each(|(place, one)| outputs.write(place, put(one)));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Opens `count` boxes. For each, `codes` gets 0 and `messages` a handle, or an error code and `NULL`.
/// Fails with invalid_argument.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_open_many(
    identity: *const agentsecrets_identity,
    sealed: *const agentsecrets_slice,
    count: usize,
    messages: *mut *mut agentsecrets_secret,
    codes: *mut i32,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let (outputs, verdicts) =
            unsafe { (Outputs::new(messages, count)?, Outputs::new(codes, count)?) };
        // SAFETY: as this function's own.
        let sealed = unsafe { slices(sealed, count) }?;
        for (place, opened) in identity.open_many(&sealed).into_iter().enumerate() {
            put_verdict(opened, place, &outputs, &verdicts);
        }
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// What became of one box of many.
pub(super) fn put_verdict(
    opened: Result<SecretBytes>,
    place: usize,
    messages: &Outputs<*mut agentsecrets_secret>,
    codes: &Outputs<i32>,
) {
    let code = opened.as_ref().map_or_else(|error| error.code() as i32, |_| 0);
    messages.write(place, opened.map_or(std::ptr::null_mut(), |message| put(message.into())));
    codes.write(place, code);
}
