//! Who waits for news of which workspace. A wake-up is a hint: the log is read again after it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use agentsecrets_core::{crypto::VerifyingKey, encoding::WorkspaceId};
use tokio::sync::watch;

use crate::problem::Problem;

/// Most waiting requests of all.
pub const MOST: usize = 2_048;
/// Most waiting requests of one key.
pub const MOST_OF_ONE: usize = 16;

#[derive(Default)]
struct Waiting {
    workspaces: HashMap<WorkspaceId, watch::Sender<()>>,
    of_key: HashMap<VerifyingKey, usize>,
    all: usize,
    over: bool,
}

/// All waiting requests.
#[derive(Default)]
pub struct Watch(Mutex<Waiting>);

/// A place among the waiting, given back on drop.
pub struct Waiter {
    watch: Arc<Watch>,
    key: VerifyingKey,
    workspace: WorkspaceId,
    news: Option<watch::Receiver<()>>,
}

impl Watch {
    /// Takes a place. News that come after this call are not missed.
    pub fn wait(
        self: &Arc<Self>,
        key: VerifyingKey,
        workspace: WorkspaceId,
    ) -> Result<Waiter, Problem> {
        let mut waiting = self.waiting();
        if waiting.all >= MOST {
            return Err(Problem::overloaded());
        }
        if waiting.of_key.get(&key).is_some_and(|count| *count >= MOST_OF_ONE) {
            return Err(Problem::rate_limited("too many waiting requests of one key", 1));
        }
        waiting.all += 1;
        *waiting.of_key.entry(key).or_default() += 1;
        let sender = waiting.workspaces.entry(workspace).or_insert_with(|| watch::channel(()).0);
        let news = Some(sender.subscribe());
        Ok(Waiter { watch: Arc::clone(self), key, workspace, news })
    }

    /// Wakes everybody who waits for a workspace.
    pub fn notify(&self, workspace: &WorkspaceId) {
        if let Some(sender) = self.waiting().workspaces.get(workspace) {
            sender.send_replace(());
        }
    }

    /// Wakes everybody, where news may have been missed.
    pub fn wake_all(&self) {
        self.waiting().workspaces.values().for_each(|sender| {
            sender.send_replace(());
        });
    }

    /// Workspaces that somebody waits for.
    pub fn workspaces(&self) -> Vec<WorkspaceId> {
        self.waiting().workspaces.keys().copied().collect()
    }

    /// Ends all waiting, now and later: the relay stops.
    pub fn stop(&self) {
        let mut waiting = self.waiting();
        waiting.over = true;
        waiting.workspaces.values().for_each(|sender| sender.send_modify(|_| ()));
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting().all
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Whether waiting makes no sense any more.
    pub fn is_over(&self) -> bool {
        self.watch.waiting().over
    }

    /// Returns at the next news.
    pub async fn news(&mut self) {
        if let Some(news) = &mut self.news {
            // The sender lives as long as anybody waits.
            let _ = news.changed().await;
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        drop(self.news.take());
        let mut waiting = self.watch.waiting();
        waiting.all -= 1;
        if let Some(count) = waiting.of_key.get_mut(&self.key) {
            *count -= 1;
        }
        waiting.of_key.retain(|key, count| *key != self.key || *count > 0);
        let alone = |sender: &watch::Sender<()>| sender.receiver_count() == 0;
        if waiting.workspaces.get(&self.workspace).is_some_and(alone) {
            waiting.workspaces.remove(&self.workspace);
        }
    }
}
