//! A device's client: its vault, its identity, its workspace, its way to the relay.

use std::sync::{Mutex, MutexGuard, PoisonError};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::{Client as CoreClient, Setup, init as init_vault, open_vault},
    encoding::{EnvironmentId, WorkspaceId},
    report,
    snapshot::Snapshot,
    sync::{self, View},
};

use super::{Config, json};

/// Makes this device's identity in the vault, unless there is one; says whether it did.
///
/// # Errors
/// Those of the vault.
pub fn init(config: &Config, label: &str) -> Result<bool> {
    init_vault(&*open_vault(&config.0)?, label)
}

/// What a client works on; creating or joining a workspace sets it.
struct Place {
    workspace: Option<WorkspaceId>,
    environment: String,
}

#[derive(serde::Serialize)]
struct Status {
    workspace: String,
    name: Option<String>,
    relay: Option<String>,
    environment: String,
    head: Option<String>,
    joining: bool,
}

/// The client. Any thread may use it.
pub struct Client {
    pub(super) core: CoreClient,
    place: Mutex<Place>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("core", &self.core).finish_non_exhaustive()
    }
}

impl Client {
    /// Opens what the configuration says.
    ///
    /// # Errors
    /// `no_identity`, and those of the vault.
    pub fn open(config: &Config) -> Result<Self> {
        let Setup { client: core, workspace, environment } = Setup::open(&config.0)?;
        Ok(Self { core, place: Mutex::new(Place { workspace, environment }) })
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, workspace: WorkspaceId) {
        self.place().workspace = Some(workspace);
    }

    /// The workspace.
    ///
    /// # Errors
    /// `no_workspace`.
    pub fn workspace(&self) -> Result<WorkspaceId> {
        self.place().workspace.ok_or_else(|| {
            Error::new(ErrorCode::NoWorkspace, "the client was opened without a workspace")
        })
    }

    pub(super) fn view(&self) -> Result<View> {
        let workspace = self.workspace()?;
        self.core.read(|start| sync::view(start, workspace))
    }

    /// The environment of a label; of the configuration where the label is empty.
    pub(super) fn environment(&self, view: &View, label: &str) -> Result<EnvironmentId> {
        let configured = self.place().environment.clone();
        view.environment(if label.is_empty() { &configured } else { label })
    }

    pub(super) fn held(&self, environment: EnvironmentId) -> Result<Snapshot> {
        let workspace = self.workspace()?;
        self.core.read(|start| sync::snapshot(start, workspace, environment))
    }

    /// Which workspace this is and how far it is known: JSON with `workspace`, `name`, `relay`,
    /// `environment`, `head`, `joining`; what is not known is null.
    ///
    /// # Errors
    /// `no_workspace`, those of the vault.
    pub fn status(&self) -> Result<String> {
        let view = self.view()?;
        json(&Status {
            workspace: view.workspace().to_string(),
            name: view.name(),
            relay: view.relay().map(str::to_owned),
            environment: self.place().environment.clone(),
            head: view.state().ok().map(|state| state.head().to_string()),
            joining: view.is_joining(),
        })
    }

    /// This device's recipient string.
    pub fn recipient(&self) -> String {
        self.core.identity().recipient().to_string()
    }

    /// What the vault holds of an environment, without values: rows of `secrets-list`.
    ///
    /// # Errors
    /// `no_workspace`, `unknown_environment`, those of the vault.
    pub fn list(&self, environment: &str) -> Result<String> {
        let view = self.view()?;
        let snapshot = self.held(self.environment(&view, environment)?)?;
        json(&report::secrets(&view, &snapshot))
    }

    /// The vault against the log that it knows: `secrets-diff`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn drift(&self, environment: &str) -> Result<String> {
        let view = self.view()?;
        let snapshot = self.held(self.environment(&view, environment)?)?;
        json(&report::against_log(&view, &snapshot)?)
    }

    /// Two environments: `environments-diff`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn drift_between(&self, a: &str, b: &str) -> Result<String> {
        let view = self.view()?;
        let held = |label: &str| self.held(self.environment(&view, label)?);
        json(&report::between(&view, &held(a)?, &held(b)?)?)
    }

    /// Versions of a name: `history`.
    ///
    /// # Errors
    /// `unknown_secret`, and as [`list`](Self::list).
    pub fn history(&self, environment: &str, name: &str) -> Result<String> {
        let view = self.view()?;
        let snapshot = self.held(self.environment(&view, environment)?)?;
        let name = agentsecrets_core::name::SecretName::parse(name)?;
        json(&report::history(&view, &snapshot, &name)?)
    }

    /// The log as the trail of who could read what: `audit`.
    ///
    /// # Errors
    /// `no_workspace`, those of the vault.
    pub fn audit(&self) -> Result<String> {
        let view = self.view()?;
        let entries = self.core.read(|start| sync::entries(start, view.workspace()))?;
        let environments = view.state()?.environments().keys();
        let snapshots = environments.map(|id| self.held(*id)).collect::<Result<Vec<_>>>()?;
        json(&report::audit(&view, &entries, &snapshots)?)
    }

    /// Who could read what and needs rotation; of one member, or (empty) of all: `exposure`.
    ///
    /// # Errors
    /// `unknown_member`, `ambiguous_member`, and as [`audit`](Self::audit).
    pub fn exposure(&self, member: &str) -> Result<String> {
        let view = self.view()?;
        let member = match member {
            "" => None,
            member => Some(view.member(member)?.0),
        };
        json(&report::exposure(&view, member.as_ref())?)
    }

    /// Environments: `env-list`.
    ///
    /// # Errors
    /// As [`audit`](Self::audit).
    pub fn environments(&self) -> Result<String> {
        json(&report::environments(&self.view()?)?)
    }
}
