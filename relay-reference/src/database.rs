//! Which database a relay runs over.

#[cfg(feature = "sqlite")]
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "sqlite")]
use crate::store::SqliteStore;
use crate::store::{Archive, MemoryStore, Result, Store, StoreError};
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
    /// Opens it for an operator's command, which `makes` it where it is missing. Blocks.
    ///
    /// # Errors
    /// What the database refuses; memory has nothing to walk.
    #[cfg_attr(not(feature = "sqlite"), expect(unused_variables))]
    pub fn open_archive(&self, makes: bool) -> Result<Box<dyn Archive>> {
        match self {
            Self::Memory => Err(StoreError::Failed("memory is gone with its relay".to_owned())),
            #[cfg(feature = "sqlite")]
            Self::Folder(folder) => Ok(Box::new(match makes {
                true => SqliteStore::open(folder)?,
                false => SqliteStore::open_existing(folder)?,
            })),
            #[cfg(feature = "postgres")]
            Self::Postgres(url, watching) => Ok(Box::new(PostgresStore::open(url, *watching)?)),
        }
    }

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
