//! Folded workspaces, kept for a while: each is rebuilt from the log when it is not there.

use std::{
    collections::{BTreeMap, HashMap},
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

/// What a folded workspace weighs beside its entries, in entries: some kilobytes.
const WORKSPACE: u64 = 16;

#[derive(Default)]
struct Slots {
    clock: u64,
    by_id: HashMap<WorkspaceId, Known>,
    /// The same by when they were used last.
    by_use: BTreeMap<u64, WorkspaceId>,
    weight: u64,
}

struct Known {
    used: u64,
    weight: u64,
    slot: Slot,
}

impl Slots {
    /// The slot of a workspace, which is the one used last from now on.
    fn touch(&mut self, workspace: &WorkspaceId) -> &mut Known {
        self.clock += 1;
        let used = self.clock;
        let known = self.by_id.entry(*workspace).or_insert_with(|| {
            self.weight += WORKSPACE;
            Known { used, weight: WORKSPACE, slot: Slot::default() }
        });
        self.by_use.remove(&known.used);
        self.by_use.insert(used, *workspace);
        known.used = used;
        known
    }

    /// Lets go of those used longest ago, but never of the last one.
    fn shrink(&mut self, most: u64) {
        while self.weight > most && self.by_id.len() > 1 {
            let Some((_, oldest)) = self.by_use.pop_first() else { return };
            self.weight -= self.by_id.remove(&oldest).map_or(0, |known| known.weight);
        }
    }
}

/// The workspaces used last, as many as fit: a thousand long logs or ten thousand short ones.
pub struct States {
    slots: Mutex<Slots>,
    most: u64,
}

impl States {
    /// Keeps workspaces of at most `most` entries together, which take about 300 bytes each.
    pub fn new(most: u64) -> Self {
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
            self.weigh(workspace, head.seq);
        }
        Ok(held.clone())
    }

    /// Takes in what a commit led to.
    pub fn advance(&self, state: State) {
        let (workspace, seq) = (state.workspace(), state.head().seq);
        let slot = self.slot(&workspace);
        let mut held = lock(&slot);
        if held.as_ref().is_none_or(|known| known.head().seq < seq) {
            *held = Some(Arc::new(state));
            self.weigh(&workspace, seq);
        }
    }

    fn slot(&self, workspace: &WorkspaceId) -> Slot {
        let mut slots = lock(&self.slots);
        let slot = Arc::clone(&slots.touch(workspace).slot);
        slots.shrink(self.most);
        slot
    }

    /// Notes how long the log of a workspace is.
    fn weigh(&self, workspace: &WorkspaceId, seq: u64) {
        let mut slots = lock(&self.slots);
        let known = slots.touch(workspace);
        let before = std::mem::replace(&mut known.weight, WORKSPACE + seq);
        slots.weight = slots.weight - before + WORKSPACE + seq;
        slots.shrink(self.most);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> WorkspaceId {
        WorkspaceId([byte; 32])
    }

    fn kept(states: &States) -> Vec<u8> {
        let slots = lock(&states.slots);
        let weights: u64 = slots.by_id.values().map(|known| known.weight).sum();
        assert_eq!((slots.weight, slots.by_id.len()), (weights, slots.by_use.len()));
        slots.by_use.values().map(|id| id.0[0]).collect()
    }

    #[test]
    fn those_used_last_are_kept_as_far_as_they_fit() {
        let states = States::new(100);
        (1..=6).for_each(|byte| drop(states.slot(&id(byte))));
        assert_eq!(kept(&states), [1, 2, 3, 4, 5, 6]);
        states.slot(&id(1));
        states.slot(&id(7));
        assert_eq!(kept(&states), [3, 4, 5, 6, 1, 7]);
        states.weigh(&id(5), 30);
        assert_eq!(kept(&states), [6, 1, 7, 5]);
        states.weigh(&id(5), 0);
        states.slot(&id(8));
        assert_eq!(kept(&states), [6, 1, 7, 5, 8]);
    }

    #[test]
    fn one_that_is_larger_than_all_may_be_is_kept_alone() {
        let states = States::new(100);
        states.slot(&id(1));
        states.weigh(&id(2), 1_000_000);
        assert_eq!(kept(&states), [2]);
        states.slot(&id(3));
        assert_eq!(kept(&states), [3]);
    }
}
