//! Sealed boxes: text for a recipient string, bytes for a bare X25519 key, an identity for its own.

use std::sync::Arc;

use agentsecrets::model::{self, Result, SecretBytes};
use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;

use crate::{errors::described, identity::Identity, secrets::Secret, work::now};

/// A fresh pair of keys.
#[napi(object, object_from_js = false)]
pub struct Keys {
    /// 32 bytes.
    pub public_key: Uint8Array,
    /// 32 bytes.
    pub secret_key: Secret,
}

/// A fresh pair.
#[napi]
pub fn generate_keys() -> napi::Result<Keys> {
    let (public, secret) = now(model::generate_keys)?;
    Ok(Keys { public_key: public.to_vec().into(), secret_key: Secret::of(Arc::new(secret)) })
}

/// The public half.
#[napi]
pub fn public_key(secret_key: Uint8Array) -> napi::Result<Uint8Array> {
    now(|| model::public_key(&secret_key)).map(|key| key.to_vec().into())
}

fn slices(list: &[Uint8Array]) -> Vec<&[u8]> {
    list.iter().map(AsRef::as_ref).collect()
}

/// Seals one message.
#[napi]
pub fn seal(to: Either<String, Uint8Array>, message: Uint8Array) -> napi::Result<Uint8Array> {
    let sealed = now(|| match &to {
        Either::A(recipient) => model::seal(recipient, &message),
        Either::B(key) => model::seal_to_key(key, &message),
    });
    sealed.map(Uint8Array::from)
}

/// Seals many messages to one.
#[napi]
pub fn seal_many(
    to: Either<String, Uint8Array>,
    messages: Vec<Uint8Array>,
) -> napi::Result<Vec<Uint8Array>> {
    let messages = slices(&messages);
    let sealed = now(|| match &to {
        Either::A(recipient) => model::seal_many(recipient, &messages),
        Either::B(key) => model::seal_many_to_key(key, &messages),
    });
    sealed.map(|boxes| boxes.into_iter().map(Uint8Array::from).collect())
}

/// Opens one box.
#[napi]
pub fn unseal(by: Either<&Identity, Uint8Array>, sealed: Uint8Array) -> napi::Result<Secret> {
    let opened = now(|| match &by {
        Either::A(identity) => identity.0.open(&sealed),
        Either::B(key) => model::open_with_key(key, &sealed),
    });
    opened.map(|bytes| Secret::of(Arc::new(bytes)))
}

/// Opens many boxes; a value or an error's text for each.
#[napi]
pub fn unseal_many(
    by: Either<&Identity, Uint8Array>,
    sealed: Vec<Uint8Array>,
) -> napi::Result<Vec<Either<Secret, String>>> {
    let sealed = slices(&sealed);
    let opened = now(|| match &by {
        Either::A(identity) => Ok(identity.0.open_many(&sealed)),
        Either::B(key) => model::open_many_with_key(key, &sealed),
    })?;
    Ok(opened.into_iter().map(verdict).collect())
}

fn verdict(opened: Result<SecretBytes>) -> Either<Secret, String> {
    match opened {
        Ok(bytes) => Either::A(Secret::of(Arc::new(bytes))),
        Err(error) => Either::B(described(&error)),
    }
}
