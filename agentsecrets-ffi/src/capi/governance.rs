//! A device's client: roles, environments, policy, and the log as a whole.

use std::ffi::c_char;

use super::{
    args::{Place, call, text},
    bytes::agentsecrets_bytes,
    client::agentsecrets_client,
    error::agentsecrets_error,
    table::get,
};
use crate::model::verify;

/// Which workspace this is and how far it is known: JSON with workspace, name, relay, environment, head
/// and joining. Fails with no_workspace, those of the vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_status(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.status()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Admits a recipient whose string came out of band, without an invitation; its label. Role and scope as
/// for an invitation. Fails with malformed_recipient, already_member, forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_admit_recipient(
    client: *const agentsecrets_client,
    recipient: *const c_char,
    recipient_size: usize,
    role: *const c_char,
    role_size: usize,
    scope: *const c_char,
    scope_size: usize,
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
        let recipient = unsafe { text(recipient, recipient_size) }?;
        // SAFETY: as this function's own.
        let role = unsafe { text(role, role_size) }?;
        // SAFETY: as this function's own.
        let scope = unsafe { text(scope, scope_size) }?;
        // SAFETY: as this function's own.
        let label = unsafe { text(label, label_size) }?;
        result.put(client.admit_recipient(recipient, role, scope, label)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Ends this device's own membership; what its vault holds, it still holds. Fails with refused_entry for
/// the last owner.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_leave(
    client: *const agentsecrets_client,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        client.leave()?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Begins the next generation of the workspace key. Fails with forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_rekey(
    client: *const agentsecrets_client,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        client.rekey()?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Gives a member another role. Fails with unknown_member, forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_set_role(
    client: *const agentsecrets_client,
    member: *const c_char,
    member_size: usize,
    role: *const c_char,
    role_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let member = unsafe { text(member, member_size) }?;
        // SAFETY: as this function's own.
        let role = unsafe { text(role, role_size) }?;
        client.set_role(member, role)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Gives a member another scope, written as for an invitation. Fails with unknown_member, forbidden,
/// unknown_environment, unknown_secret.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_set_scope(
    client: *const agentsecrets_client,
    member: *const c_char,
    member_size: usize,
    scope: *const c_char,
    scope_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let member = unsafe { text(member, member_size) }?;
        // SAFETY: as this function's own.
        let scope = unsafe { text(scope, scope_size) }?;
        client.set_scope(member, scope)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Open invitations: JSON as docs/schemas/invitations.json. Fails with no_workspace, not_admitted,
/// those of the vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_invitations(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.invitations()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Withdraws the open invitation whose id begins so. Fails with invitation_unknown, forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_uninvite(
    client: *const agentsecrets_client,
    id: *const c_char,
    id_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let id = unsafe { text(id, id_size) }?;
        client.uninvite(id)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// A new environment. Fails with environment_exists, forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_create_environment(
    client: *const agentsecrets_client,
    label: *const c_char,
    label_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let label = unsafe { text(label, label_size) }?;
        client.create_environment(label)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Another label for an environment. Fails with unknown_environment, environment_exists, forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_rename_environment(
    client: *const agentsecrets_client,
    label: *const c_char,
    label_size: usize,
    to: *const c_char,
    to_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let label = unsafe { text(label, label_size) }?;
        // SAFETY: as this function's own.
        let to = unsafe { text(to, to_size) }?;
        client.rename_environment(label, to)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The environment takes no more pushes. Fails with unknown_environment, forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_archive_environment(
    client: *const agentsecrets_client,
    label: *const c_char,
    label_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let label = unsafe { text(label, label_size) }?;
        client.archive_environment(label)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The owner's policy: JSON as docs/schemas/policy.json. Fails with no_workspace, not_admitted.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_policy(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.policy()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// After how many seconds without news a head is stale, and what that does: warns, blocks-push or
/// blocks-both. Fails with forbidden.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_set_policy(
    client: *const agentsecrets_client,
    fresh_seconds: u64,
    stale: *const c_char,
    stale_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let stale = unsafe { text(stale, stale_size) }?;
        client.set_policy(fresh_seconds, stale)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Records that a member's safety number was compared. Fails with unknown_member.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_confirm(
    client: *const agentsecrets_client,
    member: *const c_char,
    member_size: usize,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        let client = get(client)?;
        // SAFETY: as this function's own.
        let member = unsafe { text(member, member_size) }?;
        client.confirm(member)?;
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Who is how many entries behind, as each member last signed it: JSON. Fails with no_workspace,
/// not_admitted.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_team(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.team()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// The log as a text that agentsecrets_verify reads on any machine; it holds no value. Fails with
/// no_workspace, not_admitted, those of the vault (4xx).
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_client_export(
    client: *const agentsecrets_client,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        let client = get(client)?;
        result.put(client.export()?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}

/// Folds an exported log entry by entry; needs no secret. JSON as docs/schemas/verify.json. With a head,
/// the log must reach exactly that far. Fails with the codes of entries, 20x.
///
/// # Safety
/// Pointers are `NULL` or point to what their names and sizes say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentsecrets_verify(
    log: *const c_char,
    log_size: usize,
    head: *const c_char,
    head_size: usize,
    result: *mut *mut agentsecrets_bytes,
    error: *mut *mut agentsecrets_error,
) -> i32 {
    let run = || {
        // SAFETY: as this function's own.
        let result = unsafe { Place::new(result) }?;
        // SAFETY: as this function's own.
        let log = unsafe { text(log, log_size) }?;
        // SAFETY: as this function's own.
        let head = unsafe { text(head, head_size) }?;
        result.put(verify(log, head)?.into_bytes());
        Ok(())
    };
    // SAFETY: as this function's own.
    unsafe { call(error, run) }
}
