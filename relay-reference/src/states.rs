//! Folded workspaces, kept for a while: each is rebuilt from the log when it is not there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use agentsecrets_core::{
    encoding::WorkspaceId,
    log::{Head, SignedEntry, State},
};

use crate::{
    problem::Problem,
    store::{Store, StoreError},
};

const PAGE: usize = 500;
const PAGE_BYTES: usize = 1 << 20;

/// One workspace; locked while it is folded, so that many who ask at once fold once.
type Slot = Arc<Mutex<Option<Arc<State>>>>;

#[derive(Default)]
struct Slots {
    clock: u64,
    /// When each was used last, by the clock.
    by_id: HashMap<WorkspaceId, (u64, Slot)>,
}

/// The workspaces used last.
pub struct States {
    slots: Mutex<Slots>,
    most: usize,
}

impl States {
    /// Keeps at most `most` workspaces.
    pub fn new(most: usize) -> Self {
        Self { slots: Mutex::default(), most }
    }

    /// The state at the store's head; `None` for an unknown workspace.
    pub fn current(
        &self,
        store: &dyn Store,
        workspace: &WorkspaceId,
    ) -> Result<Option<Arc<State>>, Problem> {
        let Some(head) = store.head(workspace)? else { return Ok(None) };
        let slot = self.slot(workspace);
        let mut held = lock(&slot);
        let head = match held.as_ref().is_some_and(|state| state.head().seq > head.seq) {
            // A commit came in between, or the database was put back to an older state.
            true => match store.head(workspace)? {
                Some(head) => head,
                None => return Ok(None),
            },
            false => head,
        };
        if held.as_ref().is_none_or(|state| state.head() != head) {
            let start = held.take().filter(|state| state.head().seq < head.seq);
            let anew = |_| catch_up(store, workspace, None, head);
            let state = match start.is_some() {
                true => catch_up(store, workspace, start, head).or_else(anew)?,
                false => catch_up(store, workspace, None, head)?,
            };
            *held = Some(Arc::new(state));
        }
        Ok(held.clone())
    }

    /// Takes in what a commit led to.
    pub fn advance(&self, state: State) {
        let slot = self.slot(&state.workspace());
        let mut held = lock(&slot);
        if held.as_ref().is_none_or(|known| known.head().seq < state.head().seq) {
            *held = Some(Arc::new(state));
        }
    }

    fn slot(&self, workspace: &WorkspaceId) -> Slot {
        let mut guard = lock(&self.slots);
        let Slots { clock, by_id } = &mut *guard;
        *clock += 1;
        if by_id.len() >= self.most && !by_id.contains_key(workspace) {
            let oldest = by_id.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| *id);
            oldest.map(|id| by_id.remove(&id));
        }
        let (used, slot) = by_id.entry(*workspace).or_default();
        *used = *clock;
        Arc::clone(slot)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Folds on from what is held up to `head`.
fn catch_up(
    store: &dyn Store,
    workspace: &WorkspaceId,
    held: Option<Arc<State>>,
    head: Head,
) -> Result<State, Problem> {
    let mut state = held.map(Arc::unwrap_or_clone);
    loop {
        let next = state.as_ref().map_or(0, |state| state.head().seq + 1);
        if next > head.seq {
            return state.ok_or_else(|| broken("an empty log"));
        }
        let page = store.entries(workspace, next, PAGE, PAGE_BYTES)?;
        if page.is_empty() {
            return Err(broken("a log ends before its head"));
        }
        for bytes in page {
            let entry = SignedEntry::parse(&bytes).map_err(|error| broken(error.message()))?;
            state = Some(fold(state, &entry).map_err(|error| broken(error.message()))?);
        }
    }
}

/// The state after one more entry.
pub fn fold(state: Option<State>, entry: &SignedEntry) -> agentsecrets_core::Result<State> {
    match state {
        None => State::genesis(entry),
        Some(mut state) => state.apply(entry).map(|()| state),
    }
}

/// What was checked before it was stored does not fail later, unless the disk changed it.
fn broken(why: &str) -> Problem {
    StoreError::Failed(format!("the stored log does not fold: {why}")).into()
}
