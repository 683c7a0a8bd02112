//! Which database a relay runs over.

use std::{path::PathBuf, sync::Arc};

#[cfg(feature = "sqlite")]
use crate::store::SqliteStore;
use crate::store::{MemoryStore, Result, Store};
#[cfg(feature = "postgres")]
use crate::store::{PostgresStore, postgres::Watching};

/// Where everything is kept.
#[derive(Clone, Default)]
pub enum Database {
    /// Nowhere: for tests.
    #[default]
    Memory,
    /// SQLite, in a folder.
    #[cfg(feature = "sqlite")]
    Folder(PathBuf),
    /// PostgreSQL, at a URL that may hold a password.
    #[cfg(feature = "postgres")]
    Postgres(String, Watching),
}

impl Database {
    /// Opens it. Blocks.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn open(&self) -> Result<Arc<dyn Store>> {
        match self {
            Self::Memory => Ok(Arc::new(MemoryStore::default())),
            #[cfg(feature = "sqlite")]
            Self::Folder(folder) => Ok(Arc::new(SqliteStore::open(folder)?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(url, watching) => Ok(Arc::new(PostgresStore::open(url, *watching)?)),
        }
    }
}
