//! A device's client: members, and the log.

use std::ffi::c_char;

use super::{
    args::{Place, call, text},
    bytes::agentsecrets_bytes,
    client::agentsecrets_client,
    error::agentsecrets_error,
    secrets::agentsecrets_secret,
    table::get,
};

/// This device's recipient string. Fails with invalid_argument alone.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_recipient(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.recipient().into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The id of the client's workspace. Fails with no_workspace.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_workspace(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.workspace()?.to_string().into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Begins a workspace; its id. Local where `relay` is empty. Fails with those of relay (5xx) and
/// vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_create(
    client: *const agentsecrets_client,
    name: *const c_char,
    name_size: usize,
    label: *const c_char,
    label_size: usize,
    relay: *const c_char,
    relay_size: usize,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let name = unsafe { text(name, name_size) }?;
        // SAFETY: as this function's own.
        let label = unsafe { text(label, label_size) }?;
        // SAFETY: as this function's own.
        let relay = unsafe { text(relay, relay_size) }?;
        result.put(client.create(name, label, relay)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Publishes a local workspace to a relay. Fails with already_published.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_connect(
    client: *const agentsecrets_client,
    relay: *const c_char,
    relay_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let relay = unsafe { text(relay, relay_size) }?;
        client.connect(relay)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// A code for one newcomer, secret until it is used: hand it over by another way than the relay.
/// `scope` has items `ENV` or `ENV:NAME,NAME`, separated by blanks; empty is all. `expires_ms` since
/// 1970; 0 is never. Fails with forbidden, unknown_environment, unknown_secret, those of the relay
/// (5xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_invite(
    client: *const agentsecrets_client,
    role: *const c_char,
    role_size: usize,
    scope: *const c_char,
    scope_size: usize,
    expires_ms: u64,
    code: *mut *mut agentsecrets_secret,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let code = unsafe { Place::new(code) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let role = unsafe { text(role, role_size) }?;
        // SAFETY: as this function's own.
        let scope = unsafe { text(scope, scope_size) }?;
        code.put(client.invite(role, scope, expires_ms)?.into());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Answers an invitation; the workspace's id. The code is secret: wipe your copy. Fails with 11x.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_join(
    client: *const agentsecrets_client,
    code: *const c_char,
    code_size: usize,
    label: *const c_char,
    label_size: usize,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let code = unsafe { text(code, code_size) }?;
        // SAFETY: as this function's own.
        let label = unsafe { text(label, label_size) }?;
        result.put(client.join(code, label)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Admits whoever answered an invitation made here; `count` gets how many. Fails with forbidden, those
/// of the relay (5xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_admit(
    client: *const agentsecrets_client,
    count: *mut u64,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let count = unsafe { Place::new(count) }?;
        let client = get(client)?;
        count.write(client.admit()?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Ends the memberships of a member's person, or of this one `device`; with `rekey`, a new generation of
/// the workspace key begins. `reason` is departed (also where it is empty), lost-device, compromised or retired. Fails with unknown_member, forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_remove(
    client: *const agentsecrets_client,
    member: *const c_char,
    member_size: usize,
    reason: *const c_char,
    reason_size: usize,
    device: bool,
    rekey: bool,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let member = unsafe { text(member, member_size) }?;
        // SAFETY: as this function's own.
        let reason = unsafe { text(reason, reason_size) }?;
        client.remove(member, reason, device, rekey)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Members: JSON as docs/schemas/members.json. Fails with no_workspace, not_admitted.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_members(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.members()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Environments: JSON as docs/schemas/env-list.json. Fails with no_workspace, not_admitted.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_environments(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.environments()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Who could read what, since when: JSON as docs/schemas/audit.json. Fails with no_workspace,
/// not_admitted, those of the vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_audit(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.audit()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// What a member could read, or (empty) what needs a new value: JSON as docs/schemas/exposure.json.
/// Fails with unknown_member, ambiguous_member.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_exposure(
    client: *const agentsecrets_client,
    member: *const c_char,
    member_size: usize,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let member = unsafe { text(member, member_size) }?;
        result.put(client.exposure(member)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The 60 digits that this device and a member's must show alike. Fails with unknown_member,
/// ambiguous_member.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_safety_number(
    client: *const agentsecrets_client,
    member: *const c_char,
    member_size: usize,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        // SAFETY: as this function's own.
        let member = unsafe { text(member, member_size) }?;
        result.put(client.safety_number(member)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The newest entry known here, as `SEQ:HEX`. Fails with not_admitted.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_head(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.head()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Eight words for it, for the voice. Fails with not_admitted.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_head_words(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.head_words()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Brings back to a relay that was restored from a backup what it lost; `count` gets how many entries.
/// Fails with fork, not_admitted, those of the relay (5xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_repush(
    client: *const agentsecrets_client,
    count: *mut u64,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let count = unsafe { Place::new(count) }?;
        let client = get(client)?;
        count.write(client.repush()?);
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// After a fork: leaves this device's history for the relay's, if that contains a head that a person
/// confirmed. Fails with invalid_argument, fork, withheld.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_adopt(
    client: *const agentsecrets_client,
    head: *const c_char,
    head_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let head = unsafe { text(head, head_size) }?;
        client.adopt(head)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}
