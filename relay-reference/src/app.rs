//! What all requests share: the database, folded states, who waits, and how much may go on at once.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use agentsecrets_core::{crypto::VerifyingKey, request_signature::Verified};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{
    limits::{Allowance, Rates},
    metrics::Metrics,
    problem::Problem,
    registration::Registration,
    states::States,
    store::Store,
    watch::Watch,
};

/// Entries of all folded workspaces together.
const FOLDED: u64 = 262_144;
const NONCES: usize = 100_000;
/// Threads that work at once; a commit holds one until it is durable, so a group fills.
pub const WORKERS: usize = 256;
/// Requests that wait for a thread.
const WAITING: usize = 1_024;
const PATIENCE: Duration = Duration::from_secs(5);
const REFUSAL: Duration = Duration::from_secs(1);
/// Memory for request bodies under way.
const BODY_BYTES: usize = 64 << 20;
/// Uploads for workspaces that nobody has committed yet, in an hour: they need no membership.
const STRANGERS_BYTES: usize = 1 << 30;
/// Bytes that a workspace may hold where nobody says otherwise.
pub const QUOTA: u64 = 1 << 30;

/// The relay behind its listeners.
pub struct App {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Folded workspaces.
    pub states: States,
    /// Who waits for news.
    pub watch: Arc<Watch>,
    /// Counters.
    pub metrics: Metrics,
    /// The authority that signatures have to name.
    pub authority: String,
    /// Bytes of bodies that may still come in.
    pub bodies: Arc<Semaphore>,
    /// Bytes that may be uploaded for workspaces that are not there yet.
    pub uploads: Allowance,
    /// Requests of each key.
    pub rates: Rates,
    /// Who may begin workspaces.
    pub registration: Registration,
    /// Bytes that a workspace may hold.
    pub quota: u64,
    nonces: Mutex<Nonces>,
    workers: Semaphore,
    waiting: Semaphore,
}

impl App {
    /// A relay over a store.
    pub fn new(store: Arc<dyn Store>, authority: String) -> Self {
        Self {
            store,
            states: States::new(FOLDED),
            watch: Arc::default(),
            metrics: Metrics::default(),
            authority,
            bodies: Arc::new(Semaphore::new(BODY_BYTES)),
            rates: Rates::default(),
            registration: Registration::default(),
            quota: QUOTA,
            uploads: Allowance::new(STRANGERS_BYTES),
            nonces: Mutex::default(),
            workers: Semaphore::new(WORKERS),
            waiting: Semaphore::new(WAITING),
        }
    }

    /// Does work that computes or blocks, on a thread for it; what waited too long is refused.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(place) = self.waiting.try_acquire() else {
            // The body goes at once, the answer when its `Retry-After` is over: whoever comes again
            // without a pause would cost more than the work.
            drop(work);
            sleep(REFUSAL).await;
            return Err(Problem::overloaded());
        };
        let worker = timeout(PATIENCE, self.workers.acquire()).await;
        let _worker = worker.ok().and_then(Result::ok).ok_or_else(Problem::overloaded)?;
        drop(place);
        let app = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&app)).await;
        done.unwrap_or_else(|_| Err(Problem::internal("a worker panicked")))
    }

    /// Remembers a request's nonce.
    ///
    /// # Errors
    /// `bad_signature` where it was used before.
    pub fn spend_nonce(&self, verified: &Verified) -> Result<(), Problem> {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if nonces.spend((verified.key, verified.nonce)) {
            return Ok(());
        }
        Err(Problem::bad_signature("the nonce was used before"))
    }
}

/// The nonces seen last. Bounded: a replay that gets past it changes nothing, since every change
/// is idempotent by content, and reads only sealed bytes.
#[derive(Default)]
struct Nonces {
    seen: HashSet<(VerifyingKey, [u8; 16])>,
    order: VecDeque<(VerifyingKey, [u8; 16])>,
}

impl Nonces {
    fn spend(&mut self, nonce: (VerifyingKey, [u8; 16])) -> bool {
        if !self.seen.insert(nonce) {
            return false;
        }
        self.order.push_back(nonce);
        if self.order.len() > NONCES {
            self.order.pop_front().map(|oldest| self.seen.remove(&oldest));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::store::MemoryStore;

    #[test]
    fn a_refusal_takes_as_long_as_it_tells_to_wait() {
        let app = Arc::new(App::new(Arc::new(MemoryStore::default()), "relay.test".to_owned()));
        let _all = app.waiting.try_acquire_many(WAITING as u32).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let start = Instant::now();
        let refused = runtime.block_on(app.run(|_| Ok(())));
        assert!(refused.is_err() && start.elapsed() >= REFUSAL);
    }
}
