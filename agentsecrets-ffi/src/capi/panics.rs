//! A panic inside any kind of call: a code comes back, the handle in use is poisoned, others are not.

use std::ptr::{null, null_mut};

use agentsecrets_core::ErrorCode;

use super::{
    agentsecrets_error, agentsecrets_error_code, agentsecrets_error_free,
    agentsecrets_error_message,
    bytes::{agentsecrets_bytes_borrow, agentsecrets_bytes_free},
    client::{
        agentsecrets_client_free, agentsecrets_client_list, agentsecrets_client_open,
        agentsecrets_client_secrets, agentsecrets_client_set,
    },
    config::{agentsecrets_config_free, agentsecrets_config_new, agentsecrets_config_set},
    identity::{
        agentsecrets_identity_free, agentsecrets_identity_generate,
        agentsecrets_identity_recipient, agentsecrets_identity_string,
    },
    machine::{agentsecrets_machine_create, agentsecrets_machine_free, agentsecrets_machine_next},
    people::{agentsecrets_client_create, agentsecrets_client_head},
    secrets::{
        agentsecrets_secret_borrow, agentsecrets_secret_free, agentsecrets_secrets_free,
        agentsecrets_secrets_get,
    },
    step::{agentsecrets_step_bytes, agentsecrets_step_free},
    table::inject::next_use_panics,
    watch::{agentsecrets_client_watch, agentsecrets_watch_free, agentsecrets_watch_next},
};

const POISONED: i32 = ErrorCode::Poisoned as i32;
const GONE: i32 = ErrorCode::InvalidArgument as i32;

fn made<T>(call: impl FnOnce(*mut *mut T) -> i32) -> *mut T {
    let mut handle = null_mut();
    assert_eq!(call(&raw mut handle), 0);
    handle
}

/// Breaks a call down; then shows what is left of its handle until it is freed, and after.
fn breaks_down(what: &str, call: impl Fn(*mut *mut agentsecrets_error) -> i32, free: impl Fn()) {
    let mut error = null_mut();
    assert_eq!(call(&raw mut error), 0, "{what} works before");
    next_use_panics();
    assert_eq!(call(&raw mut error), POISONED, "{what} breaks down");
    assert_eq!(agentsecrets_error_code(error), POISONED, "{what} says so");
    agentsecrets_error_free(error);
    assert_eq!(call(null_mut()), POISONED, "{what} stays poisoned");
    free();
    assert_eq!(call(null_mut()), GONE, "{what} is freed");
}

#[test]
fn a_panic_in_a_call_of_every_kind_of_handle_poisons_that_handle_alone() {
    // SAFETY: texts are as long as they say, places are places, and nothing borrowed outlives its handle.
    unsafe {
        let (mut data, mut size) = (null(), 0);
        let new_identity =
            || made(|out| agentsecrets_identity_generate(c"human".as_ptr(), 5, out, null_mut()));
        let (identity, spared) = (new_identity(), new_identity());
        let string = made(|out| agentsecrets_identity_string(spared, out, null_mut()));
        assert_eq!(agentsecrets_secret_borrow(string, &raw mut data, &raw mut size, null_mut()), 0);
        let config = made(|out| agentsecrets_config_new(out, null_mut()));
        let set = |key: &std::ffi::CStr, value: *const u8, size, error| {
            agentsecrets_config_set(
                config,
                key.as_ptr(),
                key.count_bytes(),
                value.cast(),
                size,
                error,
            )
        };
        assert_eq!(set(c"vault", b"memory".as_ptr(), 6, null_mut()), 0);
        assert_eq!(set(c"identity", data, size, null_mut()), 0);
        let client = made(|out| agentsecrets_client_open(config, out, null_mut()));
        let acme = c"acme".as_ptr();
        let workspace = made(|out| {
            agentsecrets_client_create(client, acme, 4, acme, 4, null(), 0, out, null_mut())
        });
        let (name, value) = (c"A".as_ptr(), b"fake".as_ptr());
        assert_eq!(agentsecrets_client_set(client, null(), 0, name, 1, value, 4, null_mut()), 0);
        let secrets = made(|out| agentsecrets_client_secrets(client, null(), 0, out, null_mut()));
        let watch = made(|out| agentsecrets_client_watch(client, null(), 0, out, null_mut()));
        let entropy = [7; 32].as_ptr();
        let machine = made(|out| {
            let (with, error) = (spared, null_mut());
            agentsecrets_machine_create(
                with,
                1,
                entropy,
                32,
                acme,
                4,
                acme,
                4,
                null(),
                0,
                out,
                error,
            )
        });
        let (mut task, mut wake) = (0, 0);
        let step = made(|out| {
            let (task, wake) = (&raw mut task, &raw mut wake);
            agentsecrets_machine_next(machine, 1, task, out, wake, null_mut())
        });

        breaks_down(
            "watch",
            |error| {
                let mut change = null_mut();
                agentsecrets_watch_next(watch, 0, &raw mut change, error)
            },
            || agentsecrets_watch_free(watch),
        );
        breaks_down(
            "step",
            |error| {
                let (mut data, mut size) = (null(), 0);
                agentsecrets_step_bytes(step, &raw mut data, &raw mut size, error)
            },
            || agentsecrets_step_free(step),
        );
        breaks_down(
            "machine",
            |error| {
                let (mut task, mut wake, mut step) = (0, 0, null_mut());
                agentsecrets_machine_next(
                    machine,
                    1,
                    &raw mut task,
                    &raw mut step,
                    &raw mut wake,
                    error,
                )
            },
            || agentsecrets_machine_free(machine),
        );
        breaks_down(
            "values",
            |error| {
                let mut secret = null_mut();
                let code = agentsecrets_secrets_get(secrets, name, 1, &raw mut secret, error);
                agentsecrets_secret_free(secret);
                code
            },
            || agentsecrets_secrets_free(secrets),
        );
        breaks_down(
            "secret",
            |error| {
                let (mut data, mut size) = (null(), 0);
                agentsecrets_secret_borrow(string, &raw mut data, &raw mut size, error)
            },
            || agentsecrets_secret_free(string),
        );
        breaks_down(
            "bytes",
            |error| {
                let (mut data, mut size) = (null(), 0);
                agentsecrets_bytes_borrow(workspace, &raw mut data, &raw mut size, error)
            },
            || agentsecrets_bytes_free(workspace),
        );
        breaks_down(
            "settings",
            |error| set(c"environment", b"production".as_ptr(), 10, error),
            || agentsecrets_config_free(config),
        );
        breaks_down(
            "identity",
            |error| {
                let mut recipient = null_mut();
                let code = agentsecrets_identity_recipient(identity, &raw mut recipient, error);
                agentsecrets_bytes_free(recipient);
                code
            },
            || agentsecrets_identity_free(identity),
        );

        // The client was in none of these calls, and works on; then it breaks down too.
        let list = |error| {
            let mut rows = null_mut();
            let code = agentsecrets_client_list(client, null(), 0, &raw mut rows, error);
            agentsecrets_bytes_free(rows);
            code
        };
        agentsecrets_bytes_free(made(|out| agentsecrets_client_head(client, out, null_mut())));
        breaks_down("client", list, || agentsecrets_client_free(client));
        agentsecrets_identity_free(spared);
    }
}

#[test]
fn a_panic_in_a_call_about_an_error_is_a_code_too() {
    let mut error = null_mut();
    // SAFETY: places are places; a null recipient of size 0 is an empty text.
    unsafe {
        let (mut sealed, mut data, mut size) = (null_mut(), null(), 0);
        let sealing = super::identity::agentsecrets_seal;
        assert_ne!(sealing(null(), 0, null(), 0, &raw mut sealed, &raw mut error), 0);
        next_use_panics();
        let (data, size) = (&raw mut data, &raw mut size);
        assert_eq!(agentsecrets_error_message(error, data, size), POISONED);
    }
    agentsecrets_error_free(error);
}
