//! PostgreSQL: one database, any number of relays over it that keep nothing of their own.

use std::{io, str::FromStr, sync::Arc, time::Duration};

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    log::Head,
};
use deadpool_postgres::{Client, Hook, HookError, Manager, Pool};
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, sleep, timeout_at},
};
use tokio_postgres::{Config, Error, NoTls, error::SqlState};

use self::hints::Hints;
use super::{AckRank, Append, Appended, Delivered, Replied, Result, Store, StoreError};
use crate::watch::Watch;

mod append;
mod archive;
mod hints;
mod reads;
mod schema;
mod writes;

pub use hints::Watching;

/// Connections of one relay for requests; one more listens.
const CONNECTIONS: usize = 32;
/// Longest that a call may take; what ran into it may have been done all the same.
const PATIENCE: Duration = Duration::from_secs(5);
/// First pause before a call is tried again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(10);

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    /// Drives connections. Calls block threads of their caller's.
    runtime: Option<Runtime>,
    pool: Pool,
    hints: Arc<Hints>,
    config: Config,
    watching: Watching,
}

impl PostgresStore {
    /// Connects, and makes or upgrades the tables: one relay at a time does, others wait for it.
    ///
    /// # Errors
    /// A URL that is none, no connection, a newer schema, or a server that acknowledges what is not
    /// on its disk.
    pub fn open(url: &str, watching: Watching) -> Result<Self> {
        let config = config(url)?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Failed(error.to_string()))?;
        let pool = runtime.block_on(async {
            schema::prepare(&config).await?;
            pool(&config)
        })?;
        let hints = Arc::new(Hints::default());
        runtime.spawn(hints::send(Arc::clone(&hints), pool.clone()));
        Ok(Self { runtime: Some(runtime), pool, hints, config, watching })
    }

    /// Does work on a connection, again where that may help, for as long as a caller waits.
    fn run<T>(&self, work: impl AsyncFn(&Client) -> std::result::Result<T, Error>) -> Result<T> {
        let runtime = self.runtime.as_ref().ok_or(StoreError::Overloaded)?;
        runtime.block_on(async {
            let (deadline, mut pause, mut tried) = (Instant::now() + PATIENCE, PAUSE, false);
            loop {
                let end = self.once(&work, deadline).await;
                let again = matches!(end, Err(Failure::Again)) && Instant::now() + pause < deadline;
                if !again {
                    return end.map_err(|failure| failure.told(tried));
                }
                tried = true;
                sleep(pause).await;
                pause *= 2;
            }
        })
    }

    async fn once<T>(
        &self,
        work: impl AsyncFn(&Client) -> std::result::Result<T, Error>,
        deadline: Instant,
    ) -> std::result::Result<T, Failure> {
        let client = match timeout_at(deadline, self.pool.get()).await {
            Err(_) => return Err(Failure::Busy),
            Ok(Err(_)) => return Err(Failure::Again),
            Ok(Ok(client)) => client,
        };
        match timeout_at(deadline, work(&client)).await {
            Ok(done) => done.map_err(|error| failure(&error)),
            Err(_) => {
                // Its statement may still run: the connection goes with it.
                drop(Client::take(client));
                Err(Failure::Unknown)
            }
        }
    }
}

fn config(url: &str) -> Result<Config> {
    // The error of a parser may repeat what it could not read, and a URL holds a password.
    let bad = |_| StoreError::Failed("the database URL cannot be read".to_owned());
    let mut config = Config::from_str(url).map_err(bad)?;
    config.connect_timeout(PATIENCE);
    if config.get_application_name().is_none() {
        config.application_name("relay-reference");
    }
    Ok(config)
}

fn pool(config: &Config) -> Result<Pool> {
    let settings = Hook::async_fn(|client, _| {
        Box::pin(async move {
            let sql = "SET statement_timeout = '10s'";
            client.batch_execute(sql).await.map_err(HookError::Backend)
        })
    });
    let pool = Pool::builder(Manager::new(config.clone(), NoTls))
        .max_size(CONNECTIONS)
        .post_create(settings)
        .build();
    pool.map_err(|error| StoreError::Failed(error.to_string()))
}

/// How a try ended without a result.
enum Failure {
    /// The next try may do better. Repeating is safe: every write is idempotent by content.
    Again,
    /// No connection was free in time; nothing was done.
    Busy,
    /// Nobody knows what was done.
    Unknown,
    /// For good.
    Final(StoreError),
}

impl Failure {
    /// What the caller hears. After a try whose end nobody saw, "nothing was stored" is no longer known.
    fn told(self, tried: bool) -> StoreError {
        match self {
            Self::Again | Self::Unknown => StoreError::Unreachable,
            Self::Busy | Self::Final(StoreError::Overloaded | StoreError::Full) if tried => {
                StoreError::Unreachable
            }
            Self::Busy => StoreError::Overloaded,
            Self::Final(error) => error,
        }
    }
}

/// What an error of the database means. Its text is left out, since it may hold stored bytes.
fn failure(error: &Error) -> Failure {
    let Some(code) = error.code() else {
        let lost = error.is_closed() || cause(error).is_some_and(|cause| cause.is::<io::Error>());
        return if lost { Failure::Again } else { Failure::Final(words(error)) };
    };
    match *code {
        SqlState::DISK_FULL => Failure::Final(StoreError::Full),
        SqlState::OUT_OF_MEMORY | SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE => {
            Failure::Final(StoreError::Overloaded)
        }
        _ if passes(code) => Failure::Again,
        _ => Failure::Final(StoreError::Failed(format!("PostgreSQL error {}", code.code()))),
    }
}

/// Conflicts that the database resolved against this statement, and servers that stop or start.
fn passes(code: &SqlState) -> bool {
    let conflict = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    // Connection exceptions, insufficient resources, operator intervention.
    let class = ["08", "53", "57"].iter().any(|class| code.code().starts_with(class));
    conflict.contains(code) || class
}

fn cause(error: &Error) -> Option<&(dyn std::error::Error + 'static)> {
    std::error::Error::source(error)
}

/// For the operator; what is said when connecting and migrating holds nothing of users.
fn words(error: &Error) -> StoreError {
    let cause = cause(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    StoreError::Failed(format!("PostgreSQL: {error}{cause}"))
}

impl Store for PostgresStore {
    fn append(&self, append: Append) -> Result<Appended> {
        let done = self.run(async |client| append::append(client, &append).await)?;
        if done == Appended::Committed {
            self.hints.add(append.workspace);
        }
        Ok(done)
    }

    fn head(&self, workspace: &WorkspaceId) -> Result<Option<Head>> {
        self.run(async |client| reads::head(client, workspace).await)
    }

    fn entries(
        &self,
        workspace: &WorkspaceId,
        from: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Vec<u8>>> {
        self.run(async |client| reads::entries(client, workspace, from, limit, bytes).await)
    }

    fn put_sealed(
        &self,
        workspace: &WorkspaceId,
        hash: SealedHash,
        bytes: Vec<u8>,
        now: u64,
    ) -> Result<()> {
        self.run(async |client| writes::sealed(client, workspace, &hash, &bytes, now).await)
    }

    fn deliveries(
        &self,
        workspace: &WorkspaceId,
        recipient: &MemberId,
        from: u64,
        bytes: usize,
    ) -> Result<(Vec<Delivered>, bool)> {
        self.run(async |client| reads::deliveries(client, workspace, recipient, from, bytes).await)
    }

    fn put_ack(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
        rank: AckRank,
        ack: Vec<u8>,
    ) -> Result<()> {
        self.run(async |client| writes::ack(client, &workspace, &member, rank, &ack).await)
    }

    fn acks(&self, workspace: &WorkspaceId) -> Result<Vec<Vec<u8>>> {
        self.run(async |client| reads::acks(client, workspace).await)
    }

    fn put_identity(&self, id: MemberId, recipient: Vec<u8>) -> Result<()> {
        self.run(async |client| writes::identity(client, &id, &recipient).await)
    }

    fn identity(&self, id: &MemberId) -> Result<Option<Vec<u8>>> {
        self.run(async |client| reads::identity(client, id).await)
    }

    fn put_reply(
        &self,
        invite: EntryHash,
        workspace: WorkspaceId,
        reply: Vec<u8>,
    ) -> Result<Replied> {
        let stored =
            self.run(async |client| writes::reply(client, &invite, &workspace, &reply).await)?;
        if stored {
            return Ok(Replied::Stored);
        }
        let same = self.reply(&invite)? == Some((workspace, reply));
        Ok(if same { Replied::Same } else { Replied::Taken })
    }

    fn reply(&self, invite: &EntryHash) -> Result<Option<(WorkspaceId, Vec<u8>)>> {
        self.run(async |client| reads::reply(client, invite).await)
    }

    fn admit(&self, ids: Vec<MemberId>) -> Result<()> {
        self.run(async |client| writes::admit(client, &ids).await)
    }

    fn is_admitted(&self, id: &MemberId) -> Result<bool> {
        self.run(async |client| reads::is_admitted(client, id).await)
    }

    fn usage(&self, workspace: &WorkspaceId) -> Result<u64> {
        self.run(async |client| reads::usage(client, workspace).await)
    }

    fn prune(&self, before: u64) -> Result<usize> {
        self.run(async |client| writes::prune(client, before).await)
    }

    fn beat(&self) -> Result<()> {
        self.run(async |client| writes::beat(client).await)
    }

    /// Calls that wait for a connection.
    fn queue_depth(&self) -> usize {
        self.pool.status().waiting
    }

    fn disk_bytes(&self) -> u64 {
        self.run(async |client| reads::disk_bytes(client).await).unwrap_or_default()
    }

    fn follow(&self, watch: &Arc<Watch>) {
        let Some(runtime) = &self.runtime else { return };
        let watch = Arc::clone(watch);
        runtime.spawn(hints::poll(Arc::clone(&watch), self.pool.clone(), self.watching));
        if self.watching == Watching::Listen {
            runtime.spawn(hints::listen(watch, self.config.clone()));
        }
    }

    fn close(&self) {
        self.pool.close();
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        // Waiting for it would block, and this may run where nothing may.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_lost_try_nobody_is_told_that_nothing_was_stored() {
        let nothing_stored = [StoreError::Overloaded, StoreError::Full];
        for failure in [
            || Failure::Busy,
            || Failure::Final(StoreError::Overloaded),
            || Failure::Final(StoreError::Full),
        ] {
            assert!(nothing_stored.contains(&failure().told(false)));
            assert_eq!(failure().told(true), StoreError::Unreachable);
        }
        let failed = StoreError::Failed("PostgreSQL error 42P01".to_owned());
        assert_eq!(Failure::Final(failed.clone()).told(true), failed);
    }
}
