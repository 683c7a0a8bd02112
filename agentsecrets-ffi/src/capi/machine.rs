//! Operations for hosts with their own store and their own way to the relay: the host asks for the
//! next task, does it, and replies. No call here reads a clock, a file or a socket.

use std::{
    ffi::c_char,
    ptr::null_mut,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use agentsecrets_core::{Error, ErrorCode, Result, message::Response};

use super::{
    args::{Place, bytes, call, guard, text},
    bytes::agentsecrets_bytes,
    error::agentsecrets_error,
    identity::agentsecrets_identity,
    secrets::{agentsecrets_secret, agentsecrets_secrets},
    step::{Leased, agentsecrets_step},
    table::{Handle, Use, end, get, put},
};
use crate::model::{Machine, Outcome, Reply, SecretBytes, Task};

/// The host is to read what stands under the step's key, and reply with `agentsecrets_machine_loaded`.
pub const AGENTSECRETS_TASK_LOAD: i32 = 1;
/// The host is to store the step's bytes under its key, durably; then `agentsecrets_machine_stored`.
pub const AGENTSECRETS_TASK_STORE: i32 = 2;
/// The host is to remove what stands under the step's key; then `agentsecrets_machine_stored`.
pub const AGENTSECRETS_TASK_REMOVE: i32 = 3;
/// The host is to carry the step's request; then `agentsecrets_machine_answered`.
pub const AGENTSECRETS_TASK_SEND: i32 = 4;
/// A step is under way: reply to it first.
pub const AGENTSECRETS_TASK_WAIT: i32 = 5;
/// Nothing before the time given: ask again then.
pub const AGENTSECRETS_TASK_SLEEP: i32 = 6;
/// The operation has ended: take its outcome.
pub const AGENTSECRETS_TASK_DONE: i32 = 7;

fn entropy_of(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_| Error::new(ErrorCode::InvalidArgument, "entropy is 32 fresh random bytes"))
}

fn locked(machine: &Use<Mutex<Machine>>) -> MutexGuard<'_, Machine> {
    machine.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An operation under way. Free it with `agentsecrets_machine_free`, at any moment.
pub struct agentsecrets_machine {
    _opaque: [u8; 0],
}

impl Handle for agentsecrets_machine {
    type Inside = Mutex<Machine>;
}

/// Begins a workspace; its id is the outcome's text. `now` is in milliseconds since 1970, `entropy` 32
/// fresh random bytes: wipe your copy. Fails with invalid_argument; what goes wrong later comes by
/// agentsecrets_machine_finish, as for each machine.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_create(
    identity: *const agentsecrets_identity,
    now: u64,
    entropy: *const u8,
    entropy_size: usize,
    name: *const c_char,
    name_size: usize,
    label: *const c_char,
    label_size: usize,
    relay: *const c_char,
    relay_size: usize,
    machine: *mut *mut agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let machine = unsafe { Place::new(machine) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let entropy = unsafe { bytes(entropy, entropy_size) }?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        // SAFETY: as this function's own.
        let label = unsafe { text(label, label_size) }?;
        // SAFETY: as this function's own.
        let relay = unsafe { text(relay, relay_size) }?;
        let entropy = entropy_of(entropy)?;
        machine.put(Mutex::new(Machine::create(&identity, now, entropy, name, label, relay)));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// A code for one newcomer, as agentsecrets_client_invite; it comes by agentsecrets_machine_finish as a
/// secret. Fails with invalid_argument; at its end with forbidden, unknown_environment, unknown_secret.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_invite(
    identity: *const agentsecrets_identity,
    now: u64,
    entropy: *const u8,
    entropy_size: usize,
    workspace: *const c_char,
    workspace_size: usize,
    role: *const c_char,
    role_size: usize,
    scope: *const c_char,
    scope_size: usize,
    expires_ms: u64,
    machine: *mut *mut agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let machine = unsafe { Place::new(machine) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let entropy = unsafe { bytes(entropy, entropy_size) }?;
        // SAFETY: as this function's own.
        let workspace = unsafe { text(workspace, workspace_size) }?;
        // SAFETY: as this function's own.
        let role = unsafe { text(role, role_size) }?;
        // SAFETY: as this function's own.
        let scope = unsafe { text(scope, scope_size) }?;
        let entropy = entropy_of(entropy)?;
        machine.put(Mutex::new(Machine::invite(
            &identity, now, entropy, workspace, role, scope, expires_ms,
        )?));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Answers an invitation; the workspace's id is the outcome's text. Fails with malformed_invitation; at
/// its end with invitation_expired, workspace_exists.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_join(
    identity: *const agentsecrets_identity,
    now: u64,
    entropy: *const u8,
    entropy_size: usize,
    code: *const c_char,
    code_size: usize,
    label: *const c_char,
    label_size: usize,
    machine: *mut *mut agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let machine = unsafe { Place::new(machine) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let entropy = unsafe { bytes(entropy, entropy_size) }?;
        // SAFETY: as this function's own.
        let code = unsafe { text(code, code_size) }?;
        // SAFETY: as this function's own.
        let label = unsafe { text(label, label_size) }?;
        let entropy = entropy_of(entropy)?;
        machine.put(Mutex::new(Machine::join(&identity, now, entropy, code, label)?));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Admits whoever answered an invitation made here; how many is the outcome's text. Fails with
/// invalid_argument; at its end with forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_admit(
    identity: *const agentsecrets_identity,
    now: u64,
    entropy: *const u8,
    entropy_size: usize,
    workspace: *const c_char,
    workspace_size: usize,
    machine: *mut *mut agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let machine = unsafe { Place::new(machine) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let entropy = unsafe { bytes(entropy, entropy_size) }?;
        // SAFETY: as this function's own.
        let workspace = unsafe { text(workspace, workspace_size) }?;
        let entropy = entropy_of(entropy)?;
        machine.put(Mutex::new(Machine::admit(&identity, now, entropy, workspace)?));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Deletes a value in the store, to be pushed. Fails with invalid_argument, invalid_name; at its end
/// with unknown_secret.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_delete(
    identity: *const agentsecrets_identity,
    now: u64,
    entropy: *const u8,
    entropy_size: usize,
    workspace: *const c_char,
    workspace_size: usize,
    environment: *const c_char,
    environment_size: usize,
    name: *const c_char,
    name_size: usize,
    machine: *mut *mut agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let machine = unsafe { Place::new(machine) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let entropy = unsafe { bytes(entropy, entropy_size) }?;
        // SAFETY: as this function's own.
        let workspace = unsafe { text(workspace, workspace_size) }?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        let entropy = entropy_of(entropy)?;
        machine.put(Mutex::new(Machine::delete(
            &identity,
            now,
            entropy,
            workspace,
            environment,
            name,
        )?));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Follows, pulls, admits, shares. Fails with invalid_argument; at its end with those of log (2xx) and
/// relay (5xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_sync(
    identity: *const agentsecrets_identity,
    now: u64,
    entropy: *const u8,
    entropy_size: usize,
    workspace: *const c_char,
    workspace_size: usize,
    machine: *mut *mut agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let machine = unsafe { Place::new(machine) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let entropy = unsafe { bytes(entropy, entropy_size) }?;
        // SAFETY: as this function's own.
        let workspace = unsafe { text(workspace, workspace_size) }?;
        let entropy = entropy_of(entropy)?;
        machine.put(Mutex::new(Machine::sync(&identity, now, entropy, workspace)?));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Sets a value in the host's store, to be pushed. Fails with invalid_argument, invalid_name; at its
/// end with value_too_large, forbidden, out_of_scope.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_set(
    identity: *const agentsecrets_identity,
    now: u64,
    entropy: *const u8,
    entropy_size: usize,
    workspace: *const c_char,
    workspace_size: usize,
    environment: *const c_char,
    environment_size: usize,
    name: *const c_char,
    name_size: usize,
    value: *const u8,
    value_size: usize,
    machine: *mut *mut agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let machine = unsafe { Place::new(machine) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let entropy = unsafe { bytes(entropy, entropy_size) }?;
        // SAFETY: as this function's own.
        let workspace = unsafe { text(workspace, workspace_size) }?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        // SAFETY: as this function's own.
        let value = unsafe { bytes(value, value_size) }?;
        let value = SecretBytes::copy_of(value);
        let entropy = entropy_of(entropy)?;
        let made = Machine::set(&identity, now, entropy, workspace, environment, name, value);
        machine.put(Mutex::new(made?));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Pushes what was set. Fails with invalid_argument; at its end with conflict, forbidden,
/// sent_to_removed.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_push(
    identity: *const agentsecrets_identity,
    now: u64,
    entropy: *const u8,
    entropy_size: usize,
    workspace: *const c_char,
    workspace_size: usize,
    environment: *const c_char,
    environment_size: usize,
    machine: *mut *mut agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let machine = unsafe { Place::new(machine) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let entropy = unsafe { bytes(entropy, entropy_size) }?;
        // SAFETY: as this function's own.
        let workspace = unsafe { text(workspace, workspace_size) }?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        let entropy = entropy_of(entropy)?;
        machine.put(Mutex::new(Machine::push(&identity, now, entropy, workspace, environment)?));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Reads the values of an environment from the host's store; they are the outcome's secrets. Fails with
/// invalid_argument; at its end with unknown_environment, vault_damaged.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_load(
    identity: *const agentsecrets_identity,
    now: u64,
    entropy: *const u8,
    entropy_size: usize,
    workspace: *const c_char,
    workspace_size: usize,
    environment: *const c_char,
    environment_size: usize,
    machine: *mut *mut agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let machine = unsafe { Place::new(machine) }?;
        let identity = get(identity)?;
        // SAFETY: as this function's own.
        let entropy = unsafe { bytes(entropy, entropy_size) }?;
        // SAFETY: as this function's own.
        let workspace = unsafe { text(workspace, workspace_size) }?;
        // SAFETY: as this function's own.
        let environment = unsafe { text(environment, environment_size) }?;
        let entropy = entropy_of(entropy)?;
        machine.put(Mutex::new(Machine::load(&identity, now, entropy, workspace, environment)?));
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// What to do now. `task` gets one of `AGENTSECRETS_TASK_*`; `step` a handle for the first four, else
/// `NULL`; `wake` the time to ask again at for SLEEP, else 0. A step is handed out once. Fails with
/// invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_next(
    machine: *const agentsecrets_machine,
    now: u64,
    task: *mut i32,
    step: *mut *mut agentsecrets_step,
    wake: *mut u64,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let wake = unsafe { Place::new(wake) }?;
        // SAFETY: as this function's own.
        let step = unsafe { Place::new(step) }?;
        // SAFETY: as this function's own.
        let task = unsafe { Place::new(task) }?;
        let machine = get(machine)?;
        let (kind, handle, at) = match locked(&machine).next(now) {
            Task::Step(number, one) => {
                let leased = Leased::new(number, one)?;
                (leased.task, put(leased), 0)
            }
            Task::Waiting => (AGENTSECRETS_TASK_WAIT, null_mut(), 0),
            Task::Sleep(until) => (AGENTSECRETS_TASK_SLEEP, null_mut(), until),
            Task::Done => (AGENTSECRETS_TASK_DONE, null_mut(), 0),
        };
        task.write(kind);
        step.write(handle);
        wake.write(at);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Replies to LOAD: the bytes, or with `found` false nothing. Fails with invalid_argument for a step that is
/// not under way (replied to before), closed after the end; the operation does not notice.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_loaded(
    machine: *const agentsecrets_machine,
    step: *const agentsecrets_step,
    found: bool,
    data: *const u8,
    data_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let machine = get(machine)?;
        let step = get(step)?;
        // SAFETY: as this function's own.
        let data = unsafe { bytes(data, data_size) }?;
        let reply = Reply::Loaded(found.then(|| SecretBytes::copy_of(data)));
        locked(&machine).reply(step.number, reply)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Replies to STORE and REMOVE, after what was stored is durable. Fails as `agentsecrets_machine_loaded`.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_stored(
    machine: *const agentsecrets_machine,
    step: *const agentsecrets_step,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let machine = get(machine)?;
        let step = get(step)?;
        locked(&machine).reply(step.number, Reply::Stored)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Replies to SEND: the relay's status and body, whatever they are; `retry_after_ms` of its header, or -1.
/// Fails as `agentsecrets_machine_loaded`.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_answered(
    machine: *const agentsecrets_machine,
    step: *const agentsecrets_step,
    status: u16,
    retry_after_ms: i64,
    body: *const u8,
    body_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let machine = get(machine)?;
        let step = get(step)?;
        // SAFETY: as this function's own.
        let body = unsafe { bytes(body, body_size) }?;
        let retry_after = u64::try_from(retry_after_ms).ok().map(Duration::from_millis);
        let response = Response { status, body: body.to_vec(), retry_after };
        locked(&machine).reply(step.number, Reply::Answered(response))?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Replies that the step failed, with the code that fits (relay_unreachable, relay_timeout, vault_io, …). The
/// operation decides whether it tries again. Fails as `agentsecrets_machine_loaded`.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_failed(
    machine: *const agentsecrets_machine,
    step: *const agentsecrets_step,
    code: i32,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let machine = get(machine)?;
        let step = get(step)?;
        let known = ErrorCode::ALL.iter().find(|known| **known as i32 == code);
        let unknown = || Error::new(ErrorCode::InvalidArgument, "no error has this code");
        let failure = Error::new(*known.ok_or_else(unknown)?, "the host reports a failure");
        locked(&machine).reply(step.number, Reply::Failed(failure))?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Gives the operation up. What was stored stays; what was sent may have arrived. Fails with
/// invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_close(
    machine: *const agentsecrets_machine,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let machine = get(machine)?;
        locked(&machine).close();
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The outcome, once, after DONE: 0 or the operation's code. `result` gets a text, `secret` an invitation,
/// `secrets` values; `NULL` what the operation has none of. Fails with busy before the end, closed where it was taken.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_machine_finish(
    machine: *const agentsecrets_machine,
    result: *mut *mut agentsecrets_bytes,
    secret: *mut *mut agentsecrets_secret,
    secrets: *mut *mut agentsecrets_secrets,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let (secret, secrets) = unsafe { (Place::new(secret)?, Place::new(secrets)?) };
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let machine = get(machine)?;
        let (shown, hidden, values) = match locked(&machine).outcome()? {
            Outcome::Done => (null_mut(), null_mut(), null_mut()),
            Outcome::Text(text) => (put(text.into_bytes()), null_mut(), null_mut()),
            Outcome::Secret(text) => (null_mut(), put(text.into()), null_mut()),
            Outcome::Secrets(values) => (null_mut(), null_mut(), put(values)),
        };
        result.write(shown);
        secret.write(hidden);
        secrets.write(values);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Ends an operation and wipes what it held. `NULL` and what was freed before are fine.
#[unsafe(no_mangle)]
pub extern "C" fn agentsecrets_machine_free(machine: *mut agentsecrets_machine) {
    guard((), || end(machine));
}
