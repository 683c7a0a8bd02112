//! What a machine asks the host to do.

use std::ffi::c_char;

use agentsecrets_core::{
    Error, ErrorCode, Result, message::Request, secret::SecretBytes, sync::Step,
};

use super::{
    args::{Place, call, guard},
    error::agentsecrets_error,
    machine::{
        AGENTSECRETS_TASK_LOAD, AGENTSECRETS_TASK_REMOVE, AGENTSECRETS_TASK_SEND,
        AGENTSECRETS_TASK_STORE,
    },
    table::{Handle, end, get},
};
use crate::model;

/// A step that was handed out.
pub struct Leased {
    pub(super) number: u64,
    pub(super) task: i32,
    key: String,
    bytes: Option<SecretBytes>,
    request: Option<Sent>,
}

struct Sent {
    url: String,
    request: Request,
}

impl Leased {
    pub(super) fn new(number: u64, step: Step) -> Result<Self> {
        let with = |task, key, bytes| Self { number, task, key, bytes, request: None };
        Ok(match step {
            Step::Load(key) => with(AGENTSECRETS_TASK_LOAD, key, None),
            Step::Store(key, bytes) => with(AGENTSECRETS_TASK_STORE, key, Some(bytes)),
            Step::Remove(key) => with(AGENTSECRETS_TASK_REMOVE, key, None),
            Step::Send(request) => {
                let sent = Sent { url: model::url(&request), request };
                Self { request: Some(sent), ..with(AGENTSECRETS_TASK_SEND, String::new(), None) }
            }
            _ => return Err(Error::new(ErrorCode::Unsupported, "a step that C does not know")),
        })
    }

    fn sent(&self) -> Result<&Sent> {
        self.request
            .as_ref()
            .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, "the step carries no request"))
    }
}

fn show(place: (&Place<*const c_char>, &Place<usize>), text: &str) {
    place.0.write(text.as_ptr().cast());
    place.1.write(text.len());
}

/// A step that was handed out. What is borrowed from it lives as long as it. Free it with
/// `agentsecrets_step_free`, after the reply or without one.
pub struct agentsecrets_step {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_step {
    type Inside = Leased;
}

/// The key of LOAD, STORE and REMOVE; of others empty. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_step_key(
    step: *const agentsecrets_step,
    data: *mut *const c_char,
    size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let size = unsafe { Place::new(size) }?;
        // SAFETY: as this function's own.
        let data = unsafe { Place::new(data) }?;
        let step = get(step)?;
        show((&data, &size), &step.key);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The bytes of STORE, which are secret. Fails with invalid_argument for other steps.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_step_bytes(
    step: *const agentsecrets_step,
    data: *mut *const u8,
    size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let size = unsafe { Place::new(size) }?;
        // SAFETY: as this function's own.
        let data = unsafe { Place::new(data) }?;
        let step = get(step)?;
        let bytes = step.bytes.as_ref();
        let bytes = bytes
            .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, "the step stores nothing"))?;
        data.write(bytes.expose().as_ptr());
        size.write(bytes.len());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The method of SEND: GET, PUT or POST. Fails with invalid_argument for other steps.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_step_method(
    step: *const agentsecrets_step,
    data: *mut *const c_char,
    size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let size = unsafe { Place::new(size) }?;
        // SAFETY: as this function's own.
        let data = unsafe { Place::new(data) }?;
        let step = get(step)?;
        show((&data, &size), step.sent()?.request.method.as_str());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The address of SEND, whole. Fails with invalid_argument where the step carries no request.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_step_url(
    step: *const agentsecrets_step,
    data: *mut *const c_char,
    size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let size = unsafe { Place::new(size) }?;
        // SAFETY: as this function's own.
        let data = unsafe { Place::new(data) }?;
        let step = get(step)?;
        show((&data, &size), &step.sent()?.url);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// How many headers SEND has; 0 for other steps.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_step_header_count(step: *const agentsecrets_step) -> usize {
    let count = || Some(get(step).ok()?.request.as_ref()?.request.headers.len());
    guard(0, || count().unwrap_or(0))
}

/// A header of SEND by its place from 0. Fails with invalid_argument for a place that is none.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_step_header(
    step: *const agentsecrets_step,
    place: usize,
    name: *mut *const c_char,
    name_size: *mut usize,
    value: *mut *const c_char,
    value_size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let value_size = unsafe { Place::new(value_size) }?;
        // SAFETY: as this function's own.
        let value = unsafe { Place::new(value) }?;
        // SAFETY: as this function's own.
        let name_size = unsafe { Place::new(name_size) }?;
        // SAFETY: as this function's own.
        let name = unsafe { Place::new(name) }?;
        let step = get(step)?;
        let headers = &step.sent()?.request.headers;
        let header = headers.get(place);
        let header = header
            .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, "no header at this place"))?;
        show((&name, &name_size), header.0);
        show((&value, &value_size), &header.1);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The body of SEND; it holds nothing secret that is not sealed. Fails with invalid_argument where the
/// step carries no request.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_step_body(
    step: *const agentsecrets_step,
    data: *mut *const u8,
    size: *mut usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let size = unsafe { Place::new(size) }?;
        // SAFETY: as this function's own.
        let data = unsafe { Place::new(data) }?;
        let step = get(step)?;
        let body = &step.sent()?.request.body;
        data.write(body.as_ptr());
        size.write(body.len());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// How many milliseconds the relay may hold the answer of SEND; add them to your own timeout.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_step_wait_ms(step: *const agentsecrets_step) -> u64 {
    let wait = || Some(get(step).ok()?.request.as_ref()?.request.wait.as_millis() as u64);
    guard(0, || wait().unwrap_or(0))
}

/// Frees a step and wipes what it holds. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_step_free(step: *mut agentsecrets_step) {
    guard((), || end(step));
}
