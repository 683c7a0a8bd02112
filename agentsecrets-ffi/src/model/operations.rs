//! What a client does about values.

use std::time::Duration;

use agentsecrets_core::{
    Result,
    client::Secrets as CoreSecrets,
    name::SecretName,
    secret::SecretBytes,
    sync::{self, Clashes, Insist},
};
use serde::Serialize;

use super::{Client, Secrets, json};

#[derive(Serialize)]
struct Synced {
    admitted: Vec<String>,
    shared_with: Vec<String>,
    freshness: &'static str,
    pulled: Vec<PulledRow>,
}

#[derive(Serialize)]
struct PulledRow {
    environment: String,
    updated: Vec<String>,
    deleted: Vec<String>,
    error: Option<&'static str>,
}

impl Client {
    /// Follows the log alone, waiting up to `wait`; says whether there was news.
    ///
    /// # Errors
    /// Those of relay and vault.
    pub fn follow(&self, wait: Duration) -> Result<bool> {
        let workspace = self.workspace()?;
        if !wait.is_zero() && !self.await_news(wait)? {
            return Ok(false);
        }
        self.core.run(|start| sync::follow_log(start, workspace, Duration::ZERO))
    }

    /// Follows, pulls everything in scope, admits and shares; what it did, as JSON. An environment
    /// that could not be pulled stays as it was; its code stands under `error`.
    ///
    /// # Errors
    /// Those of relay and vault.
    pub fn sync(&self) -> Result<String> {
        let workspace = self.workspace()?;
        let done = self.core.run(|start| sync::sync(start, workspace, None, Clashes::Refuse))?;
        let view = self.view()?;
        let words = |names: Vec<SecretName>| names.iter().map(SecretName::to_string).collect();
        let pulled = done.pulled.environments.into_iter().map(|(id, result)| {
            let environment = view.environment_label(&id);
            match result {
                Ok(done) => PulledRow {
                    environment,
                    updated: words(done.updated),
                    deleted: words(done.deleted),
                    error: None,
                },
                Err(error) => PulledRow {
                    environment,
                    updated: Vec::new(),
                    deleted: Vec::new(),
                    error: Some(error.code().as_str()),
                },
            }
        });
        json(&Synced {
            admitted: done.admitted.into_iter().map(|admitted| admitted.label).collect(),
            shared_with: done.shared_with.iter().map(|id| view.member_label(id)).collect(),
            freshness: done.freshness.as_str(),
            pulled: pulled.collect(),
        })
    }

    /// Brings one environment up to the log; with `theirs`, changes here that clash are given up.
    ///
    /// # Errors
    /// `conflict`, `delivery_withheld`, `unreadable`, those of relay and vault.
    pub fn pull(&self, environment: &str, theirs: bool) -> Result<()> {
        let (workspace, view) = (self.workspace()?, self.followed()?);
        let only = Some(vec![self.environment(&view, environment)?]);
        let clashes = if theirs { Clashes::Theirs } else { Clashes::Refuse };
        self.core.run(|start| sync::pull(start, workspace, only, clashes))?.into_result().map(drop)
    }

    /// A device that has never seen the log knows no environments: then it is followed first.
    pub(super) fn followed(&self) -> Result<sync::View> {
        let view = self.view()?;
        if view.state().is_ok() {
            return Ok(view);
        }
        self.follow(Duration::ZERO)?;
        self.view()
    }

    /// Pushes changes of one environment; how many. With `mine`, they win over somebody else's.
    ///
    /// # Errors
    /// `conflict`, `sent_to_removed`, `forbidden`, those of relay and vault.
    pub fn push(&self, environment: &str, mine: bool) -> Result<u64> {
        let (workspace, view) = (self.workspace()?, self.view()?);
        let environment = self.environment(&view, environment)?;
        let insist = Insist { mine, sent_to_removed: false };
        let done = self.core.run(|start| sync::push(start, workspace, environment, insist))?;
        Ok(done.names.len() as u64)
    }

    /// Sets a value in the vault, to be pushed.
    ///
    /// # Errors
    /// `invalid_name`, `value_too_large`, `forbidden`, `out_of_scope`.
    pub fn set(&self, environment: &str, name: &str, value: SecretBytes) -> Result<()> {
        self.change(environment, name, Some(value))
    }

    /// Deletes a value in the vault, to be pushed.
    ///
    /// # Errors
    /// `unknown_secret`, and as [`set`](Self::set).
    pub fn delete(&self, environment: &str, name: &str) -> Result<()> {
        self.change(environment, name, None)
    }

    fn change(&self, environment: &str, name: &str, value: Option<SecretBytes>) -> Result<()> {
        let (workspace, view) = (self.workspace()?, self.view()?);
        let environment = self.environment(&view, environment)?;
        let changes = vec![(SecretName::parse(name)?, value)];
        self.core.run(|start| sync::change(start, workspace, environment, changes))
    }

    /// The values of an environment, as the vault holds them; pulled first where it holds none yet.
    ///
    /// # Errors
    /// `no_workspace`, `unknown_environment`; on first use those of a pull.
    pub fn secrets(&self, environment: &str) -> Result<Secrets> {
        let (workspace, view) = (self.workspace()?, self.followed()?);
        let environment = self.environment(&view, environment)?;
        let snapshot = self.core.snapshot(workspace, environment)?;
        Ok(Secrets::of(CoreSecrets::of(&snapshot, self.core.identity().kind())))
    }
}
