//! Commands of an operator, over the database itself: backup, verify, export, import, prune.

use std::{fmt, io};

use agentsecrets_core::encoding::WorkspaceId;

use crate::store::{Archive, StoreError};

/// A copy of a SQLite database.
#[cfg(feature = "sqlite")]
pub mod backup;
/// Everything, as lines of text.
pub mod export;
/// Such lines, into an empty database.
pub mod import;
/// Forgetting what no member needs any more.
pub mod prune;
/// Whether everything stored is what its authors signed.
pub mod verify;

/// Workspaces, entries and such that one query fetches.
const PAGE: usize = 200;

/// Why a command did not do its work, for the operator.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// In one line.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// What a command answers.
pub type Result<T> = std::result::Result<T, Failure>;

/// Goes through all workspaces, sorted.
fn each_workspace(
    store: &dyn Archive,
    mut act: impl FnMut(WorkspaceId) -> Result<()>,
) -> Result<()> {
    let mut after = None;
    loop {
        let page = store.workspaces(after.as_ref(), PAGE)?;
        after = page.last().copied();
        page.into_iter().try_for_each(&mut act)?;
        if after.is_none() {
            return Ok(());
        }
    }
}
