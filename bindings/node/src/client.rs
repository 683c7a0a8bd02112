//! A device's client: what it does about values. Every method gives a promise, since each of them reads the vault.

use std::{sync::Arc, time::Duration};

use agentsecrets::model::{self, Result, SecretBytes};
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use crate::{
    config::Config,
    handle::Handle,
    secrets::Secrets,
    work::{Value, Work, now},
};

/// The client.
#[napi]
pub struct Client(pub(crate) Handle<model::Client>);

impl Client {
    pub(crate) fn work(
        &self,
        run: impl FnOnce(&Arc<model::Client>) -> Result<Value> + Send + 'static,
    ) -> AsyncTask<Work> {
        let client = self.0.clone();
        Work::new(move || client.using(run))
    }

    pub(crate) fn text(
        &self,
        run: impl FnOnce(&model::Client) -> Result<String> + Send + 'static,
    ) -> AsyncTask<Work> {
        self.work(|client| run(client).map(Value::D))
    }

    pub(crate) fn nothing(
        &self,
        run: impl FnOnce(&model::Client) -> Result<()> + Send + 'static,
    ) -> AsyncTask<Work> {
        self.work(|client| run(client).map(Value::A))
    }

    pub(crate) fn count(
        &self,
        run: impl FnOnce(&model::Client) -> Result<u64> + Send + 'static,
    ) -> AsyncTask<Work> {
        self.work(|client| run(client).map(|count| Value::C(count as f64)))
    }
}

/// Opens what the configuration says.
#[napi]
pub fn open_client(config: Option<&Config>) -> AsyncTask<Work> {
    let config = config.map(|config| config.0.clone());
    Work::new(move || {
        let client = match config {
            Some(config) => model::Client::open(&*config.get()?),
            None => model::Client::open(&model::Config::discover()?),
        };
        client.map(|client| Value::G(Client(Handle::new(client))))
    })
}

#[napi]
impl Client {
    /// Lets go of vault and keys, when the calls under way have ended.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }

    /// This device's recipient string.
    #[napi]
    pub fn recipient(&self) -> napi::Result<String> {
        now(|| self.0.get()).map(|client| client.recipient())
    }

    /// The workspace in hexadecimal.
    #[napi]
    pub fn workspace(&self) -> napi::Result<String> {
        now(|| self.0.get()?.workspace()).map(|workspace| workspace.to_string())
    }

    /// Follows, pulls, admits, shares.
    #[napi]
    pub fn sync(&self) -> AsyncTask<Work> {
        self.text(model::Client::sync)
    }

    /// Brings one environment up to the log.
    #[napi]
    pub fn pull(&self, environment: String, theirs: bool) -> AsyncTask<Work> {
        self.nothing(move |client| client.pull(&environment, theirs))
    }

    /// Pushes what was changed here.
    #[napi]
    pub fn push(&self, environment: String, mine: bool) -> AsyncTask<Work> {
        self.count(move |client| client.push(&environment, mine))
    }

    /// Sets a value, to be pushed.
    #[napi]
    pub fn set(&self, environment: String, name: String, value: Uint8Array) -> AsyncTask<Work> {
        let value = SecretBytes::copy_of(&value);
        self.nothing(move |client| client.set(&environment, &name, value))
    }

    /// A secret's policy as JSON.
    #[napi]
    pub fn secret_policy(&self, environment: String, name: String) -> AsyncTask<Work> {
        self.text(move |client| client.secret_policy(&environment, &name))
    }

    /// Sets it, at once and for everybody.
    #[napi]
    pub fn set_secret_policy(
        &self,
        environment: String,
        name: String,
        policy: String,
    ) -> AsyncTask<Work> {
        self.nothing(move |client| client.set_secret_policy(&environment, &name, &policy))
    }

    /// Deletes a value, to be pushed.
    #[napi]
    pub fn delete(&self, environment: String, name: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.delete(&environment, &name))
    }

    /// The values of an environment.
    #[napi]
    pub fn secrets(&self, environment: String) -> AsyncTask<Work> {
        self.work(move |client| {
            client.secrets(&environment).map(|held| Value::F(Secrets::of(held)))
        })
    }

    /// What the vault holds.
    #[napi]
    pub fn list(&self, environment: String) -> AsyncTask<Work> {
        self.text(move |client| client.list(&environment))
    }

    /// The vault against the log.
    #[napi]
    pub fn drift(&self, environment: String) -> AsyncTask<Work> {
        self.text(move |client| client.drift(&environment))
    }

    /// Two environments.
    #[napi]
    pub fn drift_between(&self, a: String, b: String) -> AsyncTask<Work> {
        self.text(move |client| client.drift_between(&a, &b))
    }

    /// Versions of a name.
    #[napi]
    pub fn history(&self, environment: String, name: String) -> AsyncTask<Work> {
        self.text(move |client| client.history(&environment, &name))
    }

    /// Follows the log alone.
    #[napi]
    pub fn follow(&self, wait: f64) -> AsyncTask<Work> {
        let wait = Duration::from_millis(wait as u64);
        self.work(move |client| client.follow(wait).map(Value::B))
    }
}
