//! The one thread that writes: it drains a bounded queue into one durable transaction after the
//! other, and answers after COMMIT.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use agentsecrets_core::encoding::{EntryHash, MemberId, SealedHash, WorkspaceId};
use rusqlite::Connection;

use super::{Result, StoreError, failed, writes};
use crate::store::{AckRank, Append, Appended, Replied};

const QUEUE: usize = 1024;
const QUEUE_BYTES: usize = 64 << 20;
const GROUP: usize = 256;
const GROUP_BYTES: usize = 1 << 20;
/// Work that waited longer is dropped: its client has given up or will be told to come again.
const PATIENCE: Duration = Duration::from_secs(5);

type Reply<T> = SyncSender<Result<T>>;

/// One write and where its answer goes.
pub(super) enum Work {
    Append(Append, Reply<Appended>),
    Sealed { workspace: WorkspaceId, hash: SealedHash, bytes: Vec<u8>, now: u64, reply: Reply<()> },
    Identity { id: MemberId, recipient: Vec<u8>, reply: Reply<()> },
    Ack { workspace: WorkspaceId, member: MemberId, rank: AckRank, ack: Vec<u8>, reply: Reply<()> },
    Reply { invite: EntryHash, workspace: WorkspaceId, bytes: Vec<u8>, reply: Reply<Replied> },
    Prune { before: u64, reply: Reply<usize> },
    Drop { workspace: WorkspaceId, hashes: Vec<SealedHash>, reply: Reply<usize> },
    Admit { ids: Vec<MemberId>, reply: Reply<()> },
    Beat { reply: Reply<()> },
}

struct Job {
    work: Work,
    size: usize,
    queued: Instant,
}

/// An answer that waits for COMMIT; called with the error that undid everything, if any.
type Answer = Box<dyn FnOnce(Option<StoreError>)>;

#[derive(Default)]
struct Load {
    jobs: AtomicUsize,
    bytes: AtomicUsize,
}

/// The queue's near end.
pub(super) struct Writer {
    queue: Mutex<Option<SyncSender<Job>>>,
    load: Arc<Load>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        let load = Arc::new(Load::default());
        let theirs = Arc::clone(&load);
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || drain(&connection, &receiver, &theirs))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        let (queue, thread) = (Mutex::new(Some(sender)), Mutex::new(Some(thread)));
        Ok(Self { queue, load, thread })
    }

    /// Queues work and waits until it is durable.
    pub(super) fn run<T>(&self, size: usize, work: impl FnOnce(Reply<T>) -> Work) -> Result<T> {
        let (reply, answer) = sync_channel(1);
        self.queue(Job { work: work(reply), size, queued: Instant::now() })?;
        answer.recv().unwrap_or(Err(StoreError::Overloaded))
    }

    fn queue(&self, job: Job) -> Result<()> {
        if self.load.bytes.load(Relaxed) > QUEUE_BYTES {
            return Err(StoreError::Overloaded);
        }
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let queue = queue.ok_or(StoreError::Overloaded)?;
        let size = job.size;
        self.load.jobs.fetch_add(1, Relaxed);
        self.load.bytes.fetch_add(size, Relaxed);
        queue.try_send(job).map_err(|error| {
            let (TrySendError::Full(job) | TrySendError::Disconnected(job)) = error;
            self.load.taken(&job);
            StoreError::Overloaded
        })
    }

    pub(super) fn depth(&self) -> usize {
        self.load.jobs.load(Relaxed)
    }

    /// Lets the thread finish what is queued, and waits for it.
    pub(super) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic of the writer has been reported by the runtime already.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

impl Load {
    fn taken(&self, job: &Job) {
        self.jobs.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(job.size, Relaxed);
    }
}

fn drain(connection: &Connection, queue: &Receiver<Job>, load: &Load) {
    while let Some(group) = next_group(queue) {
        group.iter().for_each(|job| load.taken(job));
        commit(connection, group);
    }
    if let Err(error) = writes::checkpoint(connection).map_err(failed) {
        crate::report(&format!("checkpoint: {error}"));
    }
}

/// Waits for one job, then takes what else is there, up to the group's limits.
fn next_group(queue: &Receiver<Job>) -> Option<Vec<Job>> {
    let first = queue.recv().ok()?;
    let mut bytes = first.size;
    let mut group = vec![first];
    while group.len() < GROUP && bytes < GROUP_BYTES {
        match queue.recv_timeout(Duration::ZERO) {
            Ok(job) => {
                bytes += job.size;
                group.push(job);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    Some(group)
}

fn commit(connection: &Connection, group: Vec<Job>) {
    let late = |job: &Job| job.queued.elapsed() > PATIENCE;
    let (late, group): (Vec<_>, Vec<_>) = group.into_iter().partition(late);
    // Dropping the reply's near end answers `overloaded`.
    drop(late);
    if group.is_empty() {
        return;
    }
    let mut answers = Vec::with_capacity(group.len());
    let done = transaction(connection, group, &mut answers).map_err(failed);
    if done.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    let undone = done.err();
    answers.into_iter().for_each(|answer| answer(undone.clone()));
}

fn transaction(
    connection: &Connection,
    group: Vec<Job>,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    group.into_iter().try_for_each(|job| one(connection, job.work, answers))?;
    connection.execute_batch("COMMIT")
}

fn one(connection: &Connection, work: Work, answers: &mut Vec<Answer>) -> rusqlite::Result<()> {
    match work {
        Work::Append(append, reply) => {
            saved(connection, reply, answers, || writes::append(connection, &append))
        }
        Work::Sealed { workspace, hash, bytes, now, reply } => {
            let write = || writes::sealed(connection, &workspace, &hash, &bytes, Some(now));
            saved(connection, reply, answers, write)
        }
        Work::Identity { id, recipient, reply } => {
            saved(connection, reply, answers, || writes::identity(connection, &id, &recipient))
        }
        Work::Ack { workspace, member, rank, ack, reply } => {
            let write = || writes::ack(connection, &workspace, &member, rank, &ack);
            saved(connection, reply, answers, write)
        }
        Work::Reply { invite, workspace, bytes, reply } => {
            let write = || writes::reply(connection, &invite, &workspace, &bytes);
            saved(connection, reply, answers, write)
        }
        Work::Prune { before, reply } => {
            saved(connection, reply, answers, || writes::prune(connection, before))
        }
        Work::Drop { workspace, hashes, reply } => {
            let write = || writes::drop_sealed(connection, &workspace, &hashes);
            saved(connection, reply, answers, write)
        }
        Work::Admit { ids, reply } => {
            saved(connection, reply, answers, || writes::admit(connection, &ids))
        }
        Work::Beat { reply } => saved(connection, reply, answers, || writes::beat(connection)),
    }
}

/// Runs one write under a savepoint, so that its failure undoes no other's; a full disk ends the
/// whole group.
fn saved<T: Send + 'static>(
    connection: &Connection,
    reply: Reply<T>,
    answers: &mut Vec<Answer>,
    write: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<()> {
    connection.prepare_cached("SAVEPOINT one")?.execute([])?;
    let result = match write() {
        Err(error) if connection.is_autocommit() || is_full(&error) => {
            answers.push(answer(reply, Err(StoreError::Overloaded)));
            return Err(error);
        }
        Err(error) => {
            connection.prepare_cached("ROLLBACK TO one")?.execute([])?;
            Err(failed(error))
        }
        Ok(value) => Ok(value),
    };
    connection.prepare_cached("RELEASE one")?.execute([])?;
    answers.push(answer(reply, result));
    Ok(())
}

fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

fn answer<T: Send + 'static>(reply: Reply<T>, result: Result<T>) -> Answer {
    Box::new(move |undone| {
        // Nobody may wait any more, and that is fine.
        let _ = reply.send(undone.map_or(result, Err));
    })
}
