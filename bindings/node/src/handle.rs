//! What stands behind an object of JavaScript's.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use agentsecrets::model::{Error, ErrorCode, Result};

enum State<T> {
    Open(Arc<T>),
    Closed,
    Poisoned,
}

/// An object until it is closed, or until a panic in a use of it.
pub(crate) struct Handle<T>(Arc<Mutex<State<T>>>);

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Handle<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(State::Open(Arc::new(value)))))
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object, which lives on until its last use ends.
    pub(crate) fn get(&self) -> Result<Arc<T>> {
        match &*self.state() {
            State::Open(value) => Ok(Arc::clone(value)),
            State::Closed => Err(Error::new(ErrorCode::Closed, "it was closed before")),
            State::Poisoned => {
                Err(Error::new(ErrorCode::Poisoned, "an earlier call with this object broke down"))
            }
        }
    }

    pub(crate) fn close(&self) {
        *self.state() = State::Closed;
    }

    /// Uses it; a panic becomes a code and poisons it.
    pub(crate) fn using<R>(&self, run: impl FnOnce(&Arc<T>) -> Result<R>) -> Result<R> {
        let value = self.get()?;
        let done = unwinding(|| run(&value));
        if matches!(&done, Err(error) if error.code() == ErrorCode::Poisoned) {
            *self.state() = State::Poisoned;
        }
        done
    }
}

/// Runs it; a panic becomes a code.
pub(crate) fn unwinding<R>(run: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(Error::new(ErrorCode::Poisoned, "the call broke down in the middle"))
    })
}
