//! Where an identity, a vault and a workspace are found.

use std::str;

use agentsecrets::model;
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use crate::{
    errors::invalid,
    handle::Handle,
    work::{Value, Work, now},
};

/// Settings that no longer change.
#[napi]
pub struct Config(pub(crate) Handle<model::Config>);

#[napi]
impl Config {
    /// Settings by hand: keys, and as many values.
    #[napi(constructor)]
    pub fn new(keys: Vec<String>, values: Vec<Uint8Array>) -> napi::Result<Self> {
        now(|| {
            let mut config = model::Config::empty();
            for (key, value) in keys.iter().zip(&values) {
                let value = str::from_utf8(value).map_err(|_| invalid("a setting is text"))?;
                config.set(key, value)?;
            }
            Ok(Self(Handle::new(config)))
        })
    }

    /// Settings as found.
    #[napi(factory)]
    pub fn discover() -> napi::Result<Self> {
        now(model::Config::discover).map(|config| Self(Handle::new(config)))
    }
}

/// Makes this device's identity in the vault, unless there is one.
#[napi]
pub fn init(config: &Config, label: String) -> AsyncTask<Work> {
    let config = config.0.clone();
    Work::new(move || model::init(&*config.get()?, &label).map(Value::B))
}

/// Folds an exported log.
#[napi]
pub fn verify(log: String, head: String) -> AsyncTask<Work> {
    Work::new(move || model::verify(&log, &head).map(Value::D))
}
