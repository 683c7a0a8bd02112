//! From C's arguments to Rust's, and back.

use std::{
    ffi::c_char,
    panic::{AssertUnwindSafe, catch_unwind},
    slice, str,
};

use agentsecrets_core::{Error, ErrorCode, Result};

use super::{
    error::agentsecrets_error,
    table::{Handle, put},
};

/// Runs a call; its code, and its error where a place for one is given.
///
/// # Safety
/// `error` is null or points to a place for a pointer.
pub(super) unsafe fn call(
    error: *mut *mut agentsecrets_error,
    run: impl FnOnce() -> Result<()>,
) -> i32 {
    let result = catch_unwind(AssertUnwindSafe(run));
    let result = result.unwrap_or_else(|_| {
        Err(Error::new(ErrorCode::Poisoned, "the call broke down; free its handles"))
    });
    let Err(failure) = result else { return 0 };
    let code = failure.code() as i32;
    if !error.is_null() && error.is_aligned() {
        let handle = catch_unwind(AssertUnwindSafe(|| put(failure)));
        // SAFETY: the caller says that this is a place for a pointer.
        unsafe { error.write(handle.unwrap_or(std::ptr::null_mut())) };
    }
    code
}

/// A panic must not cross into C.
pub(super) fn guard<T>(otherwise: T, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(otherwise)
}

fn bad(why: &'static str) -> Error {
    Error::new(ErrorCode::InvalidArgument, why)
}

/// The options that a program knows; none where the pointer is null.
///
/// # Safety
/// `given` is null or points to a structure of C that begins with its size, with that many bytes.
pub(super) unsafe fn options<T: Copy>(given: *const T) -> Result<Option<T>> {
    if given.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller says that it points to a structure that begins with its size.
    let size = unsafe { given.cast::<u32>().read_unaligned() } as usize;
    match size == size_of::<T>() && given.is_aligned() {
        // SAFETY: the size says that all of it is there.
        true => Ok(Some(unsafe { given.read() })),
        false => Err(bad("options of another size")),
    }
}

/// Bytes that are borrowed for the call.
///
/// # Safety
/// `data` is null or points to `size` bytes that nobody changes during the call.
pub(super) unsafe fn bytes<'a>(data: *const u8, size: usize) -> Result<&'a [u8]> {
    match (data.is_null(), size) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(bad("NULL with a size that is not zero")),
        (false, size) if size > isize::MAX as usize => Err(bad("a size that no object has")),
        // SAFETY: the caller says so, and the size is one that an object can have.
        (false, size) => Ok(unsafe { slice::from_raw_parts(data, size) }),
    }
}

/// A text that is borrowed for the call.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn text<'a>(data: *const c_char, size: usize) -> Result<&'a str> {
    // SAFETY: as the caller says.
    let bytes = unsafe { bytes(data.cast(), size) }?;
    str::from_utf8(bytes).map_err(|_| bad("a text that is not UTF-8"))
}

/// A place for an output.
pub(super) struct Place<T>(*mut T);

impl<T> Place<T> {
    /// Before anything is done.
    ///
    /// # Safety
    /// `place` is null or points to a place for a `T`.
    pub(super) unsafe fn new(place: *mut T) -> Result<Self> {
        match place.is_null() || !place.is_aligned() {
            true => Err(bad("no place for the output")),
            false => Ok(Self(place)),
        }
    }

    pub(super) fn write(&self, value: T) {
        // SAFETY: who made this place says that it is one.
        unsafe { self.0.write(value) };
    }
}

impl<H: Handle> Place<*mut H> {
    /// Writes a new handle.
    pub(super) fn put(&self, value: H::Inside) {
        self.write(put(value));
    }
}

/// Bytes that are borrowed for one call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct agentsecrets_slice {
    /// Where they are.
    pub data: *const u8,
    /// How many.
    pub size: usize,
}

/// A list of borrowed bytes.
///
/// # Safety
/// `list` is null or points to `count` slices, each as [`bytes`].
pub(super) unsafe fn slices<'a>(
    list: *const agentsecrets_slice,
    count: usize,
) -> Result<Vec<&'a [u8]>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if list.is_null() || !list.is_aligned() || count > MOST {
        return Err(bad("no list of this count"));
    }
    // SAFETY: the caller says that it points to as many.
    let list = unsafe { slice::from_raw_parts(list, count) };
    // SAFETY: as the caller says of each.
    list.iter().map(|one| unsafe { bytes(one.data, one.size) }).collect()
}

/// Most elements of a list: more is a size that was mistaken.
const MOST: usize = 1 << 24;

/// Places for as many outputs.
pub(super) struct Outputs<T>(*mut T, usize);

impl<T> Outputs<T> {
    /// Before anything is done.
    ///
    /// # Safety
    /// `places` is null or points to `count` places for a `T`.
    pub(super) unsafe fn new(places: *mut T, count: usize) -> Result<Self> {
        match count > 0 && (places.is_null() || !places.is_aligned() || count > MOST) {
            true => Err(bad("no places for the outputs")),
            false => Ok(Self(places, count)),
        }
    }

    pub(super) fn write(&self, place: usize, value: T) {
        if place < self.1 {
            // SAFETY: who made these places says that there are as many.
            unsafe { self.0.add(place).write(value) };
        }
    }
}
