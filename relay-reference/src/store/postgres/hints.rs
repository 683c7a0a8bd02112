//! News between relays of one database. A notification is a hint: who waits reads the log again
//! after it. None is part of a commit, since NOTIFY holds one lock of the whole database until its
//! transaction is durable; and polling finds what no hint told.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use agentsecrets_core::encoding::WorkspaceId;
use deadpool_postgres::Pool;
use tokio::{sync::Notify, time::sleep};
use tokio_postgres::{AsyncMessage, Config, Connection, NoTls, Socket, tls::NoTlsStream};

use super::reads;
use crate::watch::Watch;

const CHANNEL: &str = "agentsecrets_relay";
/// At most twenty notifications a second of one relay.
const BETWEEN: Duration = Duration::from_millis(50);
/// A payload has to stay below 8,000 bytes.
const OF_ONE: usize = 120;
const POLL_BEHIND: Duration = Duration::from_secs(5);
const POLL_ALONE: Duration = Duration::from_secs(1);

/// How a relay learns of commits by others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watching {
    /// LISTEN, and a poll every five seconds behind it.
    #[default]
    Listen,
    /// A poll every second, for engines and poolers without LISTEN.
    Poll,
}

/// Workspaces with commits that others are to hear of.
#[derive(Default)]
pub(super) struct Hints {
    workspaces: Mutex<HashSet<WorkspaceId>>,
    some: Notify,
}

impl Hints {
    pub(super) fn add(&self, workspace: WorkspaceId) {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).insert(workspace);
        self.some.notify_one();
    }

    fn take(&self) -> Vec<WorkspaceId> {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}

/// Sends what has gathered, at once after a quiet time, then at its pace.
pub(super) async fn send(hints: Arc<Hints>, pool: Pool) {
    loop {
        hints.some.notified().await;
        for some in hints.take().chunks(OF_ONE) {
            let payload: Vec<_> = some.iter().map(ToString::to_string).collect();
            // A hint that is lost costs a wait until the next poll, no more.
            if let Ok(client) = pool.get().await {
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] =
                    [&CHANNEL, &payload.join(" ")];
                let _ = client.execute("SELECT pg_notify($1, $2)", &values).await;
            }
            sleep(BETWEEN).await;
        }
    }
}

/// Listens for as long as the process lives; after a lost connection everybody looks anew.
pub(super) async fn listen(watch: Arc<Watch>, config: Config) {
    loop {
        if let Ok((client, connection)) = config.connect(NoTls).await {
            let hearing = tokio::spawn(hear(connection, Arc::clone(&watch)));
            if client.batch_execute(&format!("LISTEN {CHANNEL}")).await.is_ok() {
                watch.wake_all();
                let _ = hearing.await;
            } else {
                hearing.abort();
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Until the connection ends.
async fn hear(mut connection: Connection<Socket, NoTlsStream>, watch: Arc<Watch>) {
    loop {
        let message = std::future::poll_fn(|context| connection.poll_message(context)).await;
        match message {
            Some(Ok(AsyncMessage::Notification(told))) => {
                told.payload().split(' ').filter_map(WorkspaceId::from_hex).for_each(|workspace| {
                    watch.notify(&workspace);
                });
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return,
        }
    }
}

/// Compares the heads of workspaces that somebody waits for with those of the last look.
pub(super) async fn poll(watch: Arc<Watch>, pool: Pool, watching: Watching) {
    let pause = if watching == Watching::Poll { POLL_ALONE } else { POLL_BEHIND };
    let mut known: HashMap<WorkspaceId, u64> = HashMap::new();
    while !pool.is_closed() {
        sleep(pause).await;
        let waited = watch.workspaces();
        known.retain(|workspace, _| waited.contains(workspace));
        let Ok(client) = pool.get().await else { continue };
        let Ok(heads) = reads::heads(&client, &waited).await else { continue };
        for (workspace, seq) in heads {
            if known.insert(workspace, seq) != Some(seq) {
                watch.notify(&workspace);
            }
        }
    }
}
