//! What a call through the C interface costs against the same call in Rust:
//! `cargo bench -p agentsecrets-ffi`.

#![allow(unsafe_code, clippy::unwrap_used, missing_docs)] // Calls as C makes them; a benchmark may fail.

use std::{hint::black_box, ptr::null_mut, sync::atomic::AtomicPtr};

use agentsecrets::{
    capi::{
        agentsecrets_abi_version,
        bytes::agentsecrets_bytes_free,
        client::{agentsecrets_client_open, agentsecrets_client_secrets, agentsecrets_client_set},
        config::{agentsecrets_config_new, agentsecrets_config_set},
        identity::{agentsecrets_identity_parse, agentsecrets_open, agentsecrets_seal},
        people::agentsecrets_client_create,
        secrets::{
            agentsecrets_secret_borrow, agentsecrets_secret_free, agentsecrets_secrets,
            agentsecrets_secrets_get,
        },
    },
    model::{Client, Config, Identity, SecretBytes, Secrets, kind, seal},
};
use criterion::{Criterion, criterion_group, criterion_main};

const COUNT: usize = 100;

fn name(place: usize) -> String {
    format!("NAME_{place:03}")
}

/// The same hundred values, as the model has them and behind a handle.
fn values(string: &str) -> (Secrets, AtomicPtr<agentsecrets_secrets>) {
    let mut config = Config::empty();
    config.set("vault", "memory").unwrap();
    config.set("identity", string).unwrap();
    let client = Client::open(&config).unwrap();
    client.create("acme", "laptop", "").unwrap();
    (0..COUNT).for_each(|at| client.set("", &name(at), SecretBytes::copy_of(b"fake")).unwrap());
    let (mut c_config, mut c_client, mut made, mut secrets) =
        (null_mut(), null_mut(), null_mut(), null_mut());
    let (vault, identity, none) = ("vault", "identity", null_mut());
    // SAFETY: texts are as long as they say, and places are places.
    unsafe {
        agentsecrets_config_new(&raw mut c_config, none);
        let set = |key: &str, value: &str| {
            let (key_at, at) = (key.as_ptr().cast(), value.as_ptr().cast());
            agentsecrets_config_set(c_config, key_at, key.len(), at, value.len(), none)
        };
        assert_eq!(set(vault, "memory") + set(identity, string), 0);
        assert_eq!(agentsecrets_client_open(c_config, &raw mut c_client, none), 0);
        let (text, empty) = (c"acme".as_ptr(), std::ptr::null());
        let out = &raw mut made;
        assert_eq!(agentsecrets_client_create(c_client, text, 4, text, 4, empty, 0, out, none), 0);
        agentsecrets_bytes_free(made);
        for at in 0..COUNT {
            let (name, value) = (name(at), b"fake".as_ptr());
            let name_at = name.as_ptr().cast();
            agentsecrets_client_set(c_client, empty, 0, name_at, name.len(), value, 4, none);
        }
        let out = &raw mut secrets;
        assert_eq!(agentsecrets_client_secrets(c_client, empty, 0, out, none), 0);
    }
    (client.secrets("").unwrap(), AtomicPtr::new(secrets))
}

fn get(criterion: &mut Criterion) {
    let identity = Identity::generate(kind("human").unwrap()).unwrap();
    let string = identity.string();
    let (model, handle) = values(std::str::from_utf8(string.expose()).unwrap());
    let (handle, wanted) = (handle.into_inner(), name(42));
    let mut group = criterion.benchmark_group("one of 100 values, warm");
    group.bench_function("model", |bencher| {
        bencher.iter(|| black_box(model.get(black_box(&wanted)).unwrap().expose().len()));
    });
    group.bench_function("C: get, borrow, free", |bencher| {
        bencher.iter(|| {
            let (mut secret, mut data, mut size) = (null_mut(), std::ptr::null(), 0);
            let at = black_box(&wanted).as_ptr().cast();
            // SAFETY: as in `values`.
            unsafe {
                let out = &raw mut secret;
                agentsecrets_secrets_get(handle, at, wanted.len(), out, null_mut());
                agentsecrets_secret_borrow(secret, &raw mut data, &raw mut size, null_mut());
            }
            agentsecrets_secret_free(secret);
            black_box(size)
        });
    });
    group.bench_function("C: a call of nothing", |bencher| {
        bencher.iter(|| black_box(agentsecrets_abi_version()));
    });
    group.finish();
}

fn boxes(criterion: &mut Criterion) {
    let identity = Identity::generate(kind("human").unwrap()).unwrap();
    let (recipient, message) = (identity.recipient(), vec![7; 256]);
    let (string, mut handle) = (identity.string(), null_mut());
    // SAFETY: as in `values`.
    unsafe {
        let at = string.expose().as_ptr().cast();
        agentsecrets_identity_parse(at, string.len(), &raw mut handle, null_mut());
    }
    let sealed = seal(&recipient, &message).unwrap();
    let mut group = criterion.benchmark_group("a box of 256 B");
    group.bench_function("seal: model", |bencher| {
        bencher.iter(|| black_box(seal(&recipient, &message).unwrap()));
    });
    group.bench_function("seal: C", |bencher| {
        bencher.iter(|| {
            let mut out = null_mut();
            let (at, data) = (recipient.as_ptr().cast(), message.as_ptr());
            // SAFETY: as in `values`.
            unsafe {
                let place = &raw mut out;
                agentsecrets_seal(at, recipient.len(), data, message.len(), place, null_mut());
            }
            agentsecrets_bytes_free(out);
        });
    });
    group.bench_function("open: model", |bencher| {
        bencher.iter(|| black_box(identity.open(&sealed).unwrap()));
    });
    group.bench_function("open: C", |bencher| {
        bencher.iter(|| {
            let mut out = null_mut();
            // SAFETY: as in `values`.
            unsafe {
                let place = &raw mut out;
                agentsecrets_open(handle, sealed.as_ptr(), sealed.len(), place, null_mut());
            }
            agentsecrets_secret_free(out);
        });
    });
    group.finish();
}

criterion_group!(benches, get, boxes);
criterion_main!(benches);
