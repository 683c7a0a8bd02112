//! Files that are replaced whole or not at all, and the lock between processes.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::VaultLock;
use crate::{
    error::{Error, ErrorCode, Result},
    secret::SecretBytes,
};

/// No file of a vault comes near this size.
const LARGEST: u64 = 1 << 30;
const POLL: Duration = Duration::from_millis(20);

/// The folder with those above it, for its owner alone, durable as its files are.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    make_folder(above)?;
    #[cfg_attr(not(unix), allow(unused_mut, reason = "there are no modes to set"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(folder, &error)),
        _ => sync_folder(above),
    }
}

/// The folder of a path; the current one for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The paths of a folder in their order; none where it is not there.
pub(super) fn names(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| failed(folder, &error))?,
    };
    let paths: std::io::Result<Vec<_>> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|error| failed(folder, &error))?;
    paths.sort();
    Ok(paths)
}

/// The whole file, if it is there.
pub(super) fn read(path: &Path) -> Result<Option<SecretBytes>> {
    let file = match File::open(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        file => file.map_err(|error| failed(path, &error))?,
    };
    let size = file.metadata().map_err(|error| failed(path, &error))?.len().min(LARGEST);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| failed(path, &error))?;
    Ok(Some(SecretBytes::new(bytes)))
}

/// Replaces a file: written beside under one fixed name, synced, renamed, folder synced. A crash
/// leaves the old or the new one, and at most one stray file that the next write takes over.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = parent(path);
    make_folder(folder)?;
    crash::point()?;
    let temporary = path.with_extension("new");
    write_new(&temporary, bytes).map_err(|error| given_up(path, &temporary, &error))?;
    crash::point()?;
    fs::rename(&temporary, path).map_err(|error| given_up(path, &temporary, &error))?;
    crash::point()?;
    sync_folder(folder)
}

/// What is left of a failed write takes room that others need.
fn given_up(path: &Path, temporary: &Path, error: &std::io::Error) -> Error {
    let _ = fs::remove_file(temporary);
    failed(path, error)
}

/// Made, where it is not there, for its owner alone.
fn for_writing() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = for_writing().truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<()> {
    crash::point()?;
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(path, &error)),
        Ok(()) => sync_folder(parent(path)),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, &error))
}

/// Elsewhere a folder cannot be opened as a file; the rename itself is as durable as it gets.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}

/// The lock of a vault's folder, within `wait`.
pub(super) fn lock(folder: &Path, wait: Duration) -> Result<VaultLock> {
    make_folder(folder)?;
    let path = folder.join("lock");
    let file = for_writing().truncate(false).open(&path).map_err(|error| failed(&path, &error))?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(VaultLock(Some(file))),
            Err(TryLockError::Error(error)) => return Err(failed(&path, &error)),
            Err(TryLockError::WouldBlock) if since.elapsed() < wait => thread::sleep(POLL),
            Err(TryLockError::WouldBlock) => {
                let cause = "another process is writing this vault";
                return Err(Error::new(ErrorCode::VaultBusy, cause));
            }
        }
    }
}

/// Whether others than its owner may read a file, as far as can be told.
#[cfg(unix)]
pub(super) fn is_open_to_others(path: &Path) -> bool {
    let mode =
        fs::metadata(path).map(|data| std::os::unix::fs::PermissionsExt::mode(&data.permissions()));
    !mode.is_ok_and(|mode| mode & 0o077 == 0)
}

/// Elsewhere rights are lists that no number tells.
#[cfg(not(unix))]
pub(super) fn is_open_to_others(_: &Path) -> bool {
    false
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    let full = matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    );
    match full {
        true => {
            Error::new(ErrorCode::VaultFull, "there is no room to write; what was there is intact")
        }
        false => Error::new(ErrorCode::VaultIo, format!("{}: {}", path.display(), error.kind())),
    }
}

/// Where a crash can cut a change off. Unit tests stop there; otherwise it is nothing.
#[cfg(not(test))]
mod crash {
    pub(super) const fn point() -> crate::error::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod crash {
    use std::cell::Cell;

    use crate::error::{Error, ErrorCode, Result};

    thread_local!(static LEFT: Cell<Option<u32>> = const { Cell::new(None) });

    /// This thread passes so many points, and stops at every later one; `None` passes all.
    pub(in crate::vault) fn after(points: Option<u32>) {
        LEFT.set(points);
    }

    pub(super) fn point() -> Result<()> {
        match LEFT.get() {
            Some(0) => Err(Error::new(ErrorCode::VaultIo, "cut off here")),
            left => {
                LEFT.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }
}
