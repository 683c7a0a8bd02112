//! SQLite, embedded: one writer thread with group commit, a few read-only connections.

use std::{
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use agentsecrets_core::{
    encoding::{EntryHash, MemberId, SealedHash, WorkspaceId},
    log::Head,
};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{AckRank, Append, Appended, Delivered, Replied, Result, Store, StoreError};

mod archive;
mod reads;
mod schema;
mod writer;
mod writes;

use writer::{Work, Writer};

/// Older ones may lose committed writes when two connections checkpoint (the WAL-reset bug).
const OLDEST: i32 = 3_051_003;
const READERS: usize = 3;

/// A store in one SQLite file.
pub struct SqliteStore {
    file: PathBuf,
    /// Before the writer, which is to close last and tidy up.
    readers: Mutex<Vec<Connection>>,
    writer: Writer,
    returned: Condvar,
}

impl SqliteStore {
    /// Opens or makes `relay.sqlite` in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// A SQLite that is too old, a newer schema, or a folder that cannot be written.
    pub fn open(folder: &Path) -> Result<Self> {
        if rusqlite::version_number() < OLDEST {
            return Err(StoreError::Failed("SQLite is older than 3.51.3".to_owned()));
        }
        std::fs::create_dir_all(folder).map_err(|error| StoreError::Failed(error.to_string()))?;
        let file = folder.join("relay.sqlite");
        let connection = open(&file, OpenFlags::default()).map_err(failed)?;
        schema::prepare(&connection)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let readers = (0..READERS).map(|_| open(&file, flags)).collect::<rusqlite::Result<_>>();
        let readers = Mutex::new(readers.map_err(failed)?);
        Ok(Self { file, writer: Writer::start(connection)?, readers, returned: Condvar::new() })
    }

    /// Opens a database that is there and has this relay's schema: whoever looks at one changes
    /// nothing about it.
    ///
    /// # Errors
    /// No database, an older schema or a newer one.
    pub fn open_existing(folder: &Path) -> Result<Self> {
        let file = folder.join("relay.sqlite");
        if !file.exists() {
            return Err(StoreError::Failed(format!("{} is not there", file.display())));
        }
        match schema::is_current(&open(&file, OpenFlags::default()).map_err(failed)?)? {
            true => Self::open(folder),
            false => Err(StoreError::Failed(
                "the database has another schema: a relay of this release upgrades an older one \
                 when it starts; until then use the release that wrote it"
                    .to_owned(),
            )),
        }
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.borrow();
        let result = read(&connection).map_err(failed);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        self.returned.notify_one();
        result
    }

    fn borrow(&self) -> Connection {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = readers.pop() {
                return connection;
            }
            readers = self.returned.wait(readers).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn open(file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// What an error of SQLite means. After an I/O error nothing is known about what is durable, and
/// trying again may report success for lost data: the process ends, and recovery reads the WAL.
fn failed(error: rusqlite::Error) -> StoreError {
    const SHM_SIZE: i32 = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
    match error.sqlite_error() {
        Some(e) if e.code == ErrorCode::DiskFull || e.extended_code == SHM_SIZE => StoreError::Full,
        Some(e) if is_fatal(e.code) => {
            crate::report::report_now(&format!("storage failed, exiting: {error}"));
            std::process::exit(74)
        }
        _ => StoreError::Failed(error.to_string()),
    }
}

fn is_fatal(code: ErrorCode) -> bool {
    use ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
    matches!(code, SystemIoFailure | DatabaseCorrupt | NotADatabase)
}

impl Store for SqliteStore {
    fn append(&self, append: Append) -> Result<Appended> {
        self.writer.run(append.size(), |reply| Work::Append(append, reply))
    }

    fn head(&self, workspace: &WorkspaceId) -> Result<Option<Head>> {
        self.read(|connection| reads::head(connection, workspace))
    }

    fn entries(
        &self,
        workspace: &WorkspaceId,
        from: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Vec<u8>>> {
        self.read(|connection| reads::entries(connection, workspace, from, limit, bytes))
    }

    fn put_sealed(
        &self,
        workspace: &WorkspaceId,
        hash: SealedHash,
        bytes: Vec<u8>,
        now: u64,
    ) -> Result<()> {
        let workspace = *workspace;
        self.writer.run(bytes.len(), |reply| Work::Sealed { workspace, hash, bytes, now, reply })
    }

    fn deliveries(
        &self,
        workspace: &WorkspaceId,
        recipient: &MemberId,
        from: u64,
        bytes: usize,
    ) -> Result<(Vec<Delivered>, bool)> {
        self.read(|connection| reads::deliveries(connection, workspace, recipient, from, bytes))
    }

    fn put_ack(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
        rank: AckRank,
        ack: Vec<u8>,
    ) -> Result<()> {
        self.writer.run(ack.len(), |reply| Work::Ack { workspace, member, rank, ack, reply })
    }

    fn acks(&self, workspace: &WorkspaceId) -> Result<Vec<Vec<u8>>> {
        self.read(|connection| reads::acks(connection, workspace))
    }

    fn put_identity(&self, id: MemberId, recipient: Vec<u8>) -> Result<()> {
        self.writer.run(recipient.len(), |reply| Work::Identity { id, recipient, reply })
    }

    fn identity(&self, id: &MemberId) -> Result<Option<Vec<u8>>> {
        self.read(|connection| reads::identity(connection, id))
    }

    fn put_reply(
        &self,
        invite: EntryHash,
        workspace: WorkspaceId,
        reply: Vec<u8>,
    ) -> Result<Replied> {
        let bytes = reply;
        self.writer.run(bytes.len(), |reply| Work::Reply { invite, workspace, bytes, reply })
    }

    fn reply(&self, invite: &EntryHash) -> Result<Option<(WorkspaceId, Vec<u8>)>> {
        self.read(|connection| reads::reply(connection, invite))
    }

    fn admit(&self, ids: Vec<MemberId>) -> Result<()> {
        self.writer.run(0, |reply| Work::Admit { ids, reply })
    }

    fn is_admitted(&self, id: &MemberId) -> Result<bool> {
        self.read(|connection| reads::is_admitted(connection, id))
    }

    fn usage(&self, workspace: &WorkspaceId) -> Result<u64> {
        self.read(|connection| reads::usage(connection, workspace))
    }

    fn prune(&self, before: u64) -> Result<usize> {
        self.writer.run(0, |reply| Work::Prune { before, reply })
    }

    fn beat(&self) -> Result<()> {
        self.writer.run(0, |reply| Work::Beat { reply })
    }

    fn queue_depth(&self) -> usize {
        self.writer.depth()
    }

    fn disk_bytes(&self) -> u64 {
        let size = |file: &Path| std::fs::metadata(file).map_or(0, |found| found.len());
        let log = self.file.with_extension("sqlite-wal");
        size(&self.file) + size(&log)
    }

    fn close(&self) {
        self.writer.close();
    }
}
