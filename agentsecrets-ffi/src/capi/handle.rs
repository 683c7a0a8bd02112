//! Secrets that may be used and not read, and what their requests bring back.

use std::{ffi::c_char, time::Duration};

use agentsecrets_core::{Error, ErrorCode, Result};

use super::{
    args::{Place, agentsecrets_slice, bytes, call, guard, options, slices, text},
    bytes::agentsecrets_bytes,
    error::agentsecrets_error,
    secrets::agentsecrets_secrets,
    table::{Handle, end, get},
};
use crate::model::{self, Asking, Narrowing};

/// A secret that may be used and not read. Free it with `agentsecrets_handle_free`.
pub struct agentsecrets_handle {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_handle {
    type Inside = model::Handle;
}

/// What a request brought back, without the secret. Free it with `agentsecrets_answer_free`.
pub struct agentsecrets_answer {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_answer {
    type Inside = model::Answer;
}

/// What a request says beside its method and address. Set `size` to `sizeof` of this structure and the
/// rest to zero, then what is wanted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct agentsecrets_request_options {
    /// Size of this structure, as the program knows it.
    pub size: u32,
    /// Longest wait for the whole answer in milliseconds; 0 is two minutes.
    pub timeout_ms: u32,
    /// Headers: a name and its value, and so on.
    pub headers: *const agentsecrets_slice,
    /// Names and values together: twice the number of headers.
    pub header_count: usize,
    /// The body.
    pub body: *const u8,
    /// Bytes of it.
    pub body_size: usize,
    /// Where the secret stands: bearer, basic, basic:USER, header:NAME, header:NAME:WORD, query:NAME, json:/POINTER or
    /// form:NAME; none for the only place that the policy allows.
    pub place: *const c_char,
    /// Bytes of it.
    pub place_size: usize,
}

/// In which respects a narrower handle allows less. Set `size` to `sizeof` of this structure and the rest
/// to zero, which limits nothing, then what is wanted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct agentsecrets_attenuate_options {
    /// Size of this structure, as the program knows it.
    pub size: u32,
    /// Not 0: only `uses` uses.
    pub limit_uses: u32,
    /// How many.
    pub uses: u64,
    /// Not 0: only for so many milliseconds from now.
    pub ttl_ms: u64,
    /// Only these methods, separated by blanks; none limits nothing.
    pub methods: *const c_char,
    /// Bytes of them.
    pub methods_size: usize,
    /// Only these patterns of paths, separated by blanks; none limits nothing.
    pub paths: *const c_char,
    /// Bytes of them.
    pub paths_size: usize,
}

/// A secret to be used, whether it may be read or not. Fails with unknown_secret, malformed_policy. The handle
/// outlives the values that it is of.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_secrets_handle(
    secrets: *const agentsecrets_secrets,
    name: *const c_char,
    name_size: usize,
    handle: *mut *mut agentsecrets_handle,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let handle = unsafe { Place::new(handle) }?;
        let secrets = get(secrets)?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        handle.put(secrets.handle(name)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// What a handle allows: JSON with name, version, uses_left, until and policy; what is not limited is null.
/// Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_handle_about(
    handle: *const agentsecrets_handle,
    json: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let json = unsafe { Place::new(json) }?;
        let handle = get(handle)?;
        json.put(handle.about()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Sends a request with the secret in it, where its policy says so, and waits for the whole answer. `options`
/// may be `NULL`. Fails with invalid_request, use_forbidden, lease_over, not_injectable, secret_too_short and
/// address_forbidden before anything is sent; with redirect_refused, answer_too_large, answer_unreadable,
/// upstream_unreachable, upstream_timeout and upstream_malformed. Whatever the status, an answer is success.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_handle_request(
    handle: *const agentsecrets_handle,
    method: *const c_char,
    method_size: usize,
    url: *const c_char,
    url_size: usize,
    options_: *const agentsecrets_request_options,
    answer: *mut *mut agentsecrets_answer,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let answer = unsafe { Place::new(answer) }?;
        let handle = get(handle)?;
        // SAFETY: as this function's own.
        let method = unsafe { text(method, method_size) }?;
        // SAFETY: as this function's own.
        let url = unsafe { text(url, url_size) }?;
        // SAFETY: as this function's own.
        let Some(given) = (unsafe { options(options_) })? else {
            answer.put(handle.request(method, url, &Asking::default())?);
            return Ok(());
        };
        // SAFETY: as this function's own.
        let (headers, body, place) = unsafe {
            (
                headers(given.headers, given.header_count)?,
                bytes(given.body, given.body_size)?,
                text(given.place, given.place_size)?,
            )
        };
        let timeout = u64::from(given.timeout_ms);
        let timeout = (timeout != 0).then(|| Duration::from_millis(timeout));
        let asking = Asking { headers: &headers, body, place, timeout };
        answer.put(handle.request(method, url, &asking)?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Names and values in turn.
unsafe fn headers<'a>(
    list: *const agentsecrets_slice,
    count: usize,
) -> Result<Vec<(&'a str, &'a str)>> {
    // SAFETY: as the caller says.
    let texts = unsafe { slices(list, count) }?;
    let bad = |why| Error::new(ErrorCode::InvalidArgument, why);
    let texts: Result<Vec<&str>, _> = texts.into_iter().map(std::str::from_utf8).collect();
    let texts = texts.map_err(|_| bad("a header that is not UTF-8"))?;
    match texts.len() % 2 {
        0 => Ok(texts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()),
        _ => Err(bad("a header without a value")),
    }
}

/// A handle that allows less. Uses of it count against the first one too. Needs no network. Fails with
/// lease_wider where it would allow more in any respect, and with lease_over.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_handle_attenuate(
    handle: *const agentsecrets_handle,
    options_: *const agentsecrets_attenuate_options,
    narrower: *mut *mut agentsecrets_handle,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let narrower = unsafe { Place::new(narrower) }?;
        let handle = get(handle)?;
        // SAFETY: as this function's own.
        let Some(given) = (unsafe { options(options_) })? else {
            narrower.put(handle.attenuate(&Narrowing::default())?);
            return Ok(());
        };
        // SAFETY: as this function's own.
        let (methods, paths) = unsafe {
            (text(given.methods, given.methods_size)?, text(given.paths, given.paths_size)?)
        };
        narrower.put(handle.attenuate(&Narrowing {
            methods: Some(methods).filter(|methods| !methods.is_empty()),
            paths: Some(paths).filter(|paths| !paths.is_empty()),
            ttl: (given.ttl_ms != 0).then(|| Duration::from_millis(given.ttl_ms)),
            uses: (given.limit_uses != 0).then_some(given.uses),
        })?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// HMAC-SHA256 of a message, 32 bytes, as webhooks are signed. Fails with use_forbidden where the policy names no
/// signing or the handle was narrowed to requests, and with lease_over.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_handle_sign(
    handle: *const agentsecrets_handle,
    message: *const u8,
    message_size: usize,
    mac: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let mac = unsafe { Place::new(mac) }?;
        let handle = get(handle)?;
        // SAFETY: as this function's own.
        let message = unsafe { bytes(message, message_size) }?;
        mac.put(handle.sign(message)?.to_vec());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Frees a handle. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_handle_free(handle: *mut agentsecrets_handle) {
    guard((), || end(handle));
}

/// The status of an answer; 0 for what is no handle.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_answer_status(answer: *const agentsecrets_answer) -> u32 {
    guard(0, || get(answer).map_or(0, |answer| u32::from(answer.status)))
}

/// How often the secret was taken out of headers and body; 0 for what is no handle.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_answer_redactions(answer: *const agentsecrets_answer) -> u64 {
    guard(0, || get(answer).map_or(0, |answer| answer.redactions))
}

/// How many headers there are, cookies left out; 0 for what is no handle.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_answer_header_count(answer: *const agentsecrets_answer) -> usize {
    guard(0, || get(answer).map_or(0, |answer| answer.headers.len()))
}

/// The header at a place from 0. Fails with invalid_argument beyond the last.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_answer_header(
    answer: *const agentsecrets_answer,
    place: usize,
    name: *mut *mut agentsecrets_bytes,
    value: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let (name, value) = unsafe { (Place::new(name)?, Place::new(value)?) };
        let answer = get(answer)?;
        let missing = || Error::new(ErrorCode::InvalidArgument, "no header at this place");
        let (found, text) = answer.headers.get(place).ok_or_else(missing)?;
        name.put(found.clone().into_bytes());
        value.put(text.clone().into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Where the body is and how many bytes; it lives as long as the answer. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_answer_body(
    answer: *const agentsecrets_answer,
    data: *mut *const u8,
    size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let size = unsafe { Place::new(size) }?;
        // SAFETY: as this function's own.
        let data = unsafe { Place::new(data) }?;
        let answer = get(answer)?;
        data.write(answer.body.as_ptr());
        size.write(answer.body.len());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Frees an answer. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_answer_free(answer: *mut agentsecrets_answer) {
    guard((), || end(answer));
}
