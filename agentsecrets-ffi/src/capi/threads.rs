//! Eight threads on the same handles, for the sanitizers of the Rust compiler: `./test deep ffi`.

use std::{
    ptr::{null, null_mut},
    sync::atomic::{AtomicPtr, AtomicUsize, Ordering},
    thread,
};

use super::{
    agentsecrets_error_code, agentsecrets_error_free,
    bytes::agentsecrets_bytes_free,
    client::{
        agentsecrets_client, agentsecrets_client_free, agentsecrets_client_list,
        agentsecrets_client_open, agentsecrets_client_secrets, agentsecrets_client_set,
    },
    config::{agentsecrets_config_free, agentsecrets_config_new, agentsecrets_config_set},
    identity::{
        agentsecrets_identity, agentsecrets_identity_free, agentsecrets_identity_generate,
        agentsecrets_identity_string, agentsecrets_open,
    },
    people::agentsecrets_client_create,
    secrets::{
        agentsecrets_secret_borrow, agentsecrets_secret_free, agentsecrets_secrets,
        agentsecrets_secrets_free, agentsecrets_secrets_get,
    },
};

struct Handles {
    client: AtomicPtr<agentsecrets_client>,
    identity: AtomicPtr<agentsecrets_identity>,
    secrets: AtomicPtr<agentsecrets_secrets>,
    calls: AtomicUsize,
}

/// Writes a handle by a call that must succeed.
fn made<T>(call: impl FnOnce(*mut *mut T) -> i32) -> *mut T {
    let mut handle = null_mut();
    assert_eq!(call(&raw mut handle), 0);
    handle
}

fn handles() -> Handles {
    // SAFETY: texts are as long as they say, and places are places.
    unsafe {
        let identity =
            made(|out| agentsecrets_identity_generate(c"human".as_ptr(), 5, out, null_mut()));
        let string = made(|out| agentsecrets_identity_string(identity, out, null_mut()));
        let (mut data, mut size) = (null(), 0);
        agentsecrets_secret_borrow(string, &raw mut data, &raw mut size, null_mut());
        let config = made(|out| agentsecrets_config_new(out, null_mut()));
        let set = |key: &str, value: *const u8, size| {
            let key_at = key.as_ptr().cast();
            agentsecrets_config_set(config, key_at, key.len(), value.cast(), size, null_mut())
        };
        assert_eq!(set("vault", b"memory".as_ptr(), 6), 0);
        assert_eq!(set("identity", data, size), 0);
        let client = made(|out| agentsecrets_client_open(config, out, null_mut()));
        let (name, none) = (c"acme".as_ptr(), null());
        agentsecrets_bytes_free(made(|out| {
            agentsecrets_client_create(client, name, 4, name, 4, none, 0, out, null_mut())
        }));
        let value = b"fake".as_ptr();
        let code = agentsecrets_client_set(client, none, 0, c"A".as_ptr(), 1, value, 4, null_mut());
        assert_eq!(code, 0);
        let secrets = made(|out| agentsecrets_client_secrets(client, none, 0, out, null_mut()));
        agentsecrets_secret_free(string);
        agentsecrets_config_free(config);
        Handles {
            client: AtomicPtr::new(client),
            identity: AtomicPtr::new(identity),
            secrets: AtomicPtr::new(secrets),
            calls: AtomicUsize::new(0),
        }
    }
}

impl Handles {
    fn count(&self, calls: usize) {
        self.calls.fetch_add(calls, Ordering::Relaxed);
    }

    fn read(&self) {
        let secrets = self.secrets.load(Ordering::SeqCst);
        let mut secret = null_mut();
        // SAFETY: as in `handles`.
        unsafe {
            let (name, out) = (c"A".as_ptr(), &raw mut secret);
            self.count(1);
            if agentsecrets_secrets_get(secrets, name, 1, out, null_mut()) != 0 {
                return; // Another thread has freed it.
            }
            let (mut data, mut size) = (null(), 0);
            assert_eq!(
                agentsecrets_secret_borrow(secret, &raw mut data, &raw mut size, null_mut()),
                0
            );
            assert_eq!(std::slice::from_raw_parts(data, size), b"fake");
        }
        agentsecrets_secret_free(secret);
        self.count(2);
    }

    fn exchange(&self) {
        let client = self.client.load(Ordering::SeqCst);
        // SAFETY: as in `handles`.
        let fresh =
            made(|out| unsafe { agentsecrets_client_secrets(client, null(), 0, out, null_mut()) });
        agentsecrets_secrets_free(self.secrets.swap(fresh, Ordering::SeqCst));
        self.count(2);
    }

    fn list(&self) {
        let client = self.client.load(Ordering::SeqCst);
        // SAFETY: as in `handles`.
        let rows =
            made(|out| unsafe { agentsecrets_client_list(client, null(), 0, out, null_mut()) });
        agentsecrets_bytes_free(rows);
        self.count(2);
    }

    fn fail(&self) {
        let identity = self.identity.load(Ordering::SeqCst);
        let (mut secret, mut error) = (null_mut(), null_mut());
        // SAFETY: as in `handles`.
        let code = unsafe {
            agentsecrets_open(identity, b"no box".as_ptr(), 6, &raw mut secret, &raw mut error)
        };
        assert_eq!(agentsecrets_error_code(error), code);
        agentsecrets_error_free(error);
        self.count(3);
    }

    fn work(&self, number: usize, rounds: usize) {
        for round in 0..rounds {
            self.read();
            if round % 7 == 0 {
                self.exchange();
            }
            if round % 5 == 0 {
                self.list();
            }
            if round % 3 == number % 3 {
                self.fail();
            }
        }
    }
}

#[allow(clippy::print_stderr)] // For whoever runs it by hand.
#[test]
fn eight_threads_share_all_handles() {
    let rounds = std::env::var("THREAD_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let (rounds, handles) = (rounds.unwrap_or(300), handles());
    thread::scope(|scope| {
        for number in 0..8 {
            let handles = &handles;
            scope.spawn(move || handles.work(number, rounds));
        }
    });
    agentsecrets_secrets_free(handles.secrets.load(Ordering::SeqCst));
    agentsecrets_client_free(handles.client.load(Ordering::SeqCst));
    agentsecrets_identity_free(handles.identity.load(Ordering::SeqCst));
    let calls = handles.calls.load(Ordering::SeqCst);
    assert!(calls >= rounds * 8 * 3);
    eprintln!("{calls} calls by 8 threads");
}

/// What the sanitizer has to find, where it is asked to: two threads that write one number.
#[test]
fn a_planted_race_is_found_by_the_sanitizer() {
    static RACED: AtomicPtr<u64> = AtomicPtr::new(null_mut());
    if std::env::var_os("PLANT_RACE").is_none() {
        return;
    }
    let mut number = 0_u64;
    RACED.store(&raw mut number, Ordering::SeqCst);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let raced = RACED.load(Ordering::SeqCst);
                // SAFETY: none: this is the mistake that is planted; the number outlives both threads.
                unsafe { raced.write(raced.read().wrapping_add(1)) };
            });
        }
    });
}
