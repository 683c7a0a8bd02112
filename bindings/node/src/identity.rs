//! Private half and public half of a device, agent or job.

use std::{str, sync::Arc};

use agentsecrets::model;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::{errors::invalid, secrets::Secret, work::now};

/// An identity.
#[napi]
pub struct Identity(pub(crate) Arc<model::Identity>);

#[napi]
impl Identity {
    /// A fresh one.
    #[napi(factory)]
    pub fn generate(kind: String) -> napi::Result<Self> {
        now(|| model::Identity::generate(model::kind(&kind)?)).map(|made| Self(Arc::new(made)))
    }

    /// From its identity string.
    #[napi(factory)]
    pub fn parse(string: Uint8Array) -> napi::Result<Self> {
        now(|| {
            let text = str::from_utf8(&string);
            model::Identity::parse(text.map_err(|_| invalid("an identity string is text"))?)
        })
        .map(|parsed| Self(Arc::new(parsed)))
    }

    /// Its identity string.
    #[napi]
    pub fn string(&self) -> Secret {
        Secret::of(Arc::new(self.0.string()))
    }

    /// Its recipient string.
    #[napi]
    pub fn recipient(&self) -> String {
        self.0.recipient()
    }

    /// Its fingerprint.
    #[napi]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint()
    }
}
