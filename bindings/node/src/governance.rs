//! What a client does about environments, policy and the log.

use agentsecrets::model;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::{client::Client, work::Work};

#[napi]
impl Client {
    /// Which workspace this is.
    #[napi]
    pub fn status(&self) -> AsyncTask<Work> {
        self.text(model::Client::status)
    }

    /// Environments.
    #[napi]
    pub fn environments(&self) -> AsyncTask<Work> {
        self.text(model::Client::environments)
    }

    /// A new one.
    #[napi]
    pub fn create_environment(&self, label: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.create_environment(&label))
    }

    /// Another label.
    #[napi]
    pub fn rename_environment(&self, label: String, to: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.rename_environment(&label, &to))
    }

    /// It takes no more pushes.
    #[napi]
    pub fn archive_environment(&self, label: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.archive_environment(&label))
    }

    /// The owner's policy.
    #[napi]
    pub fn policy(&self) -> AsyncTask<Work> {
        self.text(model::Client::policy)
    }

    /// Another policy.
    #[napi]
    pub fn set_policy(&self, fresh_seconds: f64, stale: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.set_policy(fresh_seconds as u64, &stale))
    }

    /// The next generation of the workspace key.
    #[napi]
    pub fn rekey(&self) -> AsyncTask<Work> {
        self.nothing(model::Client::rekey)
    }

    /// The trail of who could read what.
    #[napi]
    pub fn audit(&self) -> AsyncTask<Work> {
        self.text(model::Client::audit)
    }

    /// Who could read what and needs rotation.
    #[napi]
    pub fn exposure(&self, member: String) -> AsyncTask<Work> {
        self.text(move |client| client.exposure(&member))
    }

    /// The newest entry.
    #[napi]
    pub fn head(&self) -> AsyncTask<Work> {
        self.text(model::Client::head)
    }

    /// Words for it.
    #[napi]
    pub fn head_words(&self) -> AsyncTask<Work> {
        self.text(model::Client::head_words)
    }

    /// Brings back what a relay lost.
    #[napi]
    pub fn repush(&self) -> AsyncTask<Work> {
        self.count(model::Client::repush)
    }

    /// Leaves this history for the relay's.
    #[napi]
    pub fn adopt(&self, head: String) -> AsyncTask<Work> {
        self.nothing(move |client| client.adopt(&head))
    }

    /// The log as a file.
    #[napi]
    pub fn export(&self) -> AsyncTask<Work> {
        self.text(model::Client::export)
    }
}
