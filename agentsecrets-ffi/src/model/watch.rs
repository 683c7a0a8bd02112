//! Who waits for other values of an environment.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use agentsecrets_core::{
    Result,
    encoding::{Commitment, EnvironmentId},
    name::SecretName,
    snapshot::Snapshot,
    sync::{self, Clashes},
};
use serde::Serialize;

use super::{Client, json};

/// How long a watcher rests where there is nothing to wait on: a local workspace, a relay that is away.
const REST: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Change {
    environment: String,
    version: u64,
    updated: Vec<String>,
    deleted: Vec<String>,
}

type Held = BTreeMap<SecretName, Option<Commitment>>;

/// Waits for other values of one environment, whoever pulls them into the vault.
#[derive(Debug)]
pub struct Watch {
    client: Arc<Client>,
    environment: EnvironmentId,
    seen: Mutex<Held>,
}

impl Watch {
    /// From what the vault holds now; pulled first where it holds nothing yet.
    ///
    /// # Errors
    /// `no_workspace`, `unknown_environment`; on first use those of a pull.
    pub fn new(client: Arc<Client>, environment: &str) -> Result<Self> {
        let environment = client.environment(&client.followed()?, environment)?;
        let snapshot = client.core.snapshot(client.workspace()?, environment)?;
        Ok(Self { client, environment, seen: Mutex::new(held(&snapshot)) })
    }

    /// Waits up to `wait`, a relay's long poll; what changed, as JSON with `environment`, `version`,
    /// `updated` and `deleted`, or nothing. The vault then holds the new values. A relay that cannot be
    /// reached for now is no error: it is asked again.
    ///
    /// # Errors
    /// Those of vault and log that another try does not change.
    pub fn next(&self, wait: Duration) -> Result<Option<String>> {
        if let Some(change) = self.change()? {
            return Ok(Some(change));
        }
        match self.catch_up(wait) {
            Ok(true) => self.change(),
            Ok(false) => Ok(None),
            Err(error) if error.code().retryable() => {
                std::thread::sleep(error.retry_after().unwrap_or(REST).min(wait));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for news and takes them; whether there were any.
    fn catch_up(&self, wait: Duration) -> Result<bool> {
        let (client, workspace) = (&self.client, self.client.workspace()?);
        let view = client.view()?;
        if view.relay().is_none() {
            std::thread::sleep(REST.min(wait));
            return Ok(true);
        }
        let behind = client.held(self.environment)?.head != Some(view.state()?.head());
        if !behind && !client.await_news(wait)? {
            return Ok(false);
        }
        let only = Some(vec![self.environment]);
        client
            .core
            .run(|start| sync::pull(start, workspace, only, Clashes::Keep))?
            .into_result()?;
        Ok(true)
    }

    /// What the vault holds now against what it held.
    fn change(&self) -> Result<Option<String>> {
        let snapshot = self.client.held(self.environment)?;
        let now = held(&snapshot);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let updated = now.iter().filter(|(name, value)| seen.get(*name) != Some(value));
        let deleted = seen.keys().filter(|name| !now.contains_key(*name));
        let change = Change {
            environment: snapshot.label.clone(),
            version: snapshot.head.map_or(0, |head| head.seq),
            updated: updated.map(|(name, _)| name.to_string()).collect(),
            deleted: deleted.map(SecretName::to_string).collect(),
        };
        *seen = now;
        match change.updated.is_empty() && change.deleted.is_empty() {
            true => Ok(None),
            false => json(&change).map(Some),
        }
    }
}

/// Live names with their commitments, which say whether a value is another. A change made here and
/// not pushed has none yet: a digest of it stands in.
fn held(snapshot: &Snapshot) -> Held {
    let names = snapshot.names().into_iter();
    let of = |name: &SecretName| match snapshot.local(name) {
        Some(local) => local
            .value
            .as_ref()
            .map(|value| Commitment(agentsecrets_core::crypto::hash("watch", &[value.expose()]))),
        None => Some(snapshot.by_name(name)?.live_value()?.commitment),
    };
    names.map(|name| (name.clone(), of(name))).collect()
}
