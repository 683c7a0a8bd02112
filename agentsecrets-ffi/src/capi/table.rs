//! The table behind handles.

use std::{
    any::Any,
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, LazyLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use agentsecrets_core::{Error, ErrorCode, Result};

struct Slot {
    value: Box<dyn Any + Send + Sync>,
    poisoned: AtomicBool,
}

static TABLE: LazyLock<RwLock<HashMap<usize, Arc<Slot>>>> = LazyLock::new(RwLock::default);
/// Numbers are never used again, so a handle that was freed stays one.
static NEXT: AtomicUsize = AtomicUsize::new(0x1000);
const STEP: usize = 0x10;

/// What stands behind a type of handles.
pub(super) trait Handle {
    /// The object.
    type Inside: Any + Send + Sync;
}

/// An object in use: it lives on until its last use ends, whoever frees the handle meanwhile. A
/// panic during a use poisons it.
pub(super) struct Use<T> {
    slot: Arc<Slot>,
    kind: std::marker::PhantomData<T>,
}

impl<T: Any> Deref for Use<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self.slot.value.downcast_ref() {
            Some(value) => value,
            None => unreachable!("the kind was checked"),
        }
    }
}

impl<T> Drop for Use<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.slot.poisoned.store(true, Ordering::SeqCst);
        }
    }
}

/// A new handle.
pub(super) fn put<H: Handle>(value: H::Inside) -> *mut H {
    let number = NEXT.fetch_add(STEP, Ordering::Relaxed);
    let slot = Arc::new(Slot { value: Box::new(value), poisoned: AtomicBool::new(false) });
    TABLE.write().unwrap_or_else(PoisonError::into_inner).insert(number, slot);
    std::ptr::without_provenance_mut(number)
}

/// The object of a handle.
///
/// # Errors
/// `invalid_argument` for anything that is no live handle of this kind; `poisoned`.
pub(super) fn get<H: Handle>(handle: *const H) -> Result<Use<H::Inside>> {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    let slot = table.get(&handle.addr()).filter(|slot| slot.value.is::<H::Inside>());
    let slot = slot.ok_or_else(|| {
        Error::new(ErrorCode::InvalidArgument, "no live handle of the kind that the call takes")
    })?;
    if slot.poisoned.load(Ordering::SeqCst) {
        return Err(Error::new(ErrorCode::Poisoned, "an earlier call with this handle broke down"));
    }
    let using = Use { slot: Arc::clone(slot), kind: std::marker::PhantomData };
    #[cfg(feature = "inject-panic")]
    inject::panic_where_asked();
    Ok(using)
}

/// Panics on demand, in the thread that asks.
#[cfg(feature = "inject-panic")]
pub(super) mod inject {
    use std::cell::Cell;

    thread_local!(static NEXT: Cell<bool> = const { Cell::new(false) });

    /// The next use of a handle in this thread breaks down.
    #[cfg(test)]
    pub(in super::super) fn next_use_panics() {
        NEXT.set(true);
    }

    #[allow(clippy::panic)] // What it is for.
    pub(super) fn panic_where_asked() {
        if NEXT.take() {
            panic!("injected");
        }
    }
}

/// Ends a handle; nothing where it is none of this kind.
pub(super) fn end<H: Handle>(handle: *mut H) {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    let known = table.get(&handle.addr()).is_some_and(|slot| slot.value.is::<H::Inside>());
    let slot = if known { table.remove(&handle.addr()) } else { None };
    // What is inside is dropped, and wiped, without the lock.
    drop(table);
    drop(slot);
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use agentsecrets_core::ErrorCode;

    use super::{
        super::{
            args::call,
            bytes::{agentsecrets_bytes, agentsecrets_bytes_free},
            error::{agentsecrets_error, agentsecrets_error_code, agentsecrets_error_free},
        },
        *,
    };

    #[test]
    fn a_panic_becomes_a_code_and_poisons_the_handles_in_use() {
        let (used, spared) =
            (put::<agentsecrets_bytes>(vec![1]), put::<agentsecrets_bytes>(vec![2]));
        let mut error: *mut agentsecrets_error = null_mut();
        let run = || {
            let _used = get(used)?;
            panic!("injected");
        };
        // SAFETY: the place is one.
        let code = unsafe { call(&raw mut error, run) };
        assert_eq!(code, ErrorCode::Poisoned as i32);
        assert_eq!(agentsecrets_error_code(error), code);
        assert_eq!(get(used).err().map(|error| error.code()), Some(ErrorCode::Poisoned));
        assert!(get(spared).is_ok());
        agentsecrets_error_free(error);
        agentsecrets_bytes_free(used);
        assert_eq!(get(used).err().map(|error| error.code()), Some(ErrorCode::InvalidArgument));
    }

    #[test]
    fn what_is_in_use_lives_until_its_last_use_ends() {
        let handle = put::<agentsecrets_bytes>(vec![7; 3]);
        let using = get(handle).unwrap();
        agentsecrets_bytes_free(handle);
        assert_eq!(*using, [7; 3]);
        assert!(get(handle).is_err());
        let another = put::<agentsecrets_error>(Error::new(ErrorCode::Busy, "x"));
        assert_ne!(another.addr(), handle.addr(), "a number is never used again");
    }
}
