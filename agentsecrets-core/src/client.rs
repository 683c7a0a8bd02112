//! The blocking driver: runs the engine's operations with a vault and a transport.
//!
//! ```no_run
//! use agentsecrets_core::{client::load, config::Config};
//!
//! let secrets = load(&Config::discover()?)?;
//! let url = secrets.require("DATABASE_URL")?;
//! # let connect = |_: &[u8]| ();
//! connect(url.expose());
//! # Ok::<(), agentsecrets_core::Error>(())
//! ```

use std::{
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    encoding::{EnvironmentId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    identity::Identity,
    snapshot::Snapshot,
    sync::{self, Answer, Machine, Next, Start, Step},
    transport::Transport,
    vault::Vault,
};

mod secrets;
mod setup;

pub use secrets::{LoadOptions, Secrets, load, load_with};
pub use setup::{Setup, fresh_identity, init, open_vault, recover, vault_options};

/// How long an operation waits for another process that writes the same vault.
const LOCK_WAIT: Duration = Duration::from_secs(20);

/// An identity with its vault and its way to relays. Any thread may use it.
pub struct Client {
    vault: Box<dyn Vault>,
    transport: Box<dyn Transport>,
    identity: Arc<Identity>,
    observer: Option<Observer>,
}

/// Sees every step before it is taken, and `None` at the end of an operation: for a display.
pub type Observer = Box<dyn Fn(Option<&Step>) + Send + Sync>;

impl Client {
    /// From parts of the host's choice.
    pub fn new(vault: Box<dyn Vault>, transport: Box<dyn Transport>, identity: Identity) -> Self {
        Self { vault, transport, identity: Arc::new(identity), observer: None }
    }

    /// Lets somebody watch the steps.
    pub fn observe(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    /// Who acts.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where things are kept.
    pub fn vault(&self) -> &dyn Vault {
        &*self.vault
    }

    /// Runs an operation that may write, while no other process writes this vault.
    ///
    /// # Errors
    /// The operation's; `vault_busy` where another process does not end.
    pub fn run<T>(&self, operation: impl FnOnce(Start) -> Machine<T>) -> Result<T> {
        let _lock = self.vault.lock(LOCK_WAIT)?;
        self.read(operation)
    }

    /// Runs an operation that only reads the vault.
    ///
    /// # Errors
    /// The operation's.
    pub fn read<T>(&self, operation: impl FnOnce(Start) -> Machine<T>) -> Result<T> {
        let start = Start { identity: Arc::clone(&self.identity), now: now(), entropy: entropy()? };
        let result = self.drive(operation(start));
        self.show(None);
        result
    }

    fn drive<T>(&self, mut machine: Machine<T>) -> Result<T> {
        loop {
            match machine.step(now()) {
                Next::Step(id, step) => machine.finish(id, self.perform(step))?,
                Next::Sleep(until) => {
                    thread::sleep(Duration::from_millis(until.saturating_sub(now())))
                }
                Next::Done => return machine.take_result().unwrap_or_else(|| Err(stuck())),
                Next::Waiting => return Err(stuck()),
            }
        }
    }

    fn show(&self, step: Option<&Step>) {
        if let Some(observer) = &self.observer {
            observer(step);
        }
    }

    fn perform(&self, step: Step) -> Answer {
        self.show(Some(&step));
        let result = match step {
            Step::Load(key) => self.vault.load(&key).map(Answer::Loaded),
            Step::Store(key, bytes) => self.vault.store(&key, &bytes).map(|()| Answer::Stored),
            Step::Remove(key) => self.vault.remove(&key).map(|()| Answer::Stored),
            Step::Send(request) => self.transport.send(&request).map(Answer::Answered),
        };
        result.unwrap_or_else(Answer::Failed)
    }

    /// Workspaces that this vault knows.
    ///
    /// # Errors
    /// The vault's.
    pub fn workspaces(&self) -> Result<Vec<WorkspaceId>> {
        let keys = self.vault.keys("workspace/")?;
        let ids =
            keys.iter().filter_map(|key| key.strip_prefix("workspace/")?.strip_suffix("/settings"));
        Ok(ids.filter_map(WorkspaceId::from_hex).collect())
    }

    /// What the vault holds of an environment; pulled first where it holds nothing of it yet.
    ///
    /// # Errors
    /// Those of [`sync::pull`] and of the vault.
    pub fn snapshot(&self, workspace: WorkspaceId, environment: EnvironmentId) -> Result<Snapshot> {
        let snapshot = self.read(|start| sync::snapshot(start, workspace, environment))?;
        if snapshot.head.is_some() {
            return Ok(snapshot);
        }
        let only = Some(vec![environment]);
        self.run(|start| sync::pull(start, workspace, only, sync::Clashes::Keep))?.into_result()?;
        self.read(|start| sync::snapshot(start, workspace, environment))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("identity", &self.identity).finish_non_exhaustive()
    }
}

fn stuck() -> Error {
    Error::new(ErrorCode::Internal, "an operation asks for nothing and does not end")
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// 32 fresh bytes of the operating system's.
pub fn entropy() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| {
        Error::new(ErrorCode::Internal, "the operating system gives no random bytes")
    })?;
    Ok(bytes)
}
