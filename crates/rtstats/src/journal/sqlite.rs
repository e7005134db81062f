//! The embedded journal: one SQLite file in the data folder, one server on it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc::sync_channel},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use stats::event::Millis;

use super::{
    Batch, Depth, Journal, JournalError, Observer, Position, Snapshot, check,
    chore::{self, Chore, Keep, Retain, Task},
    queue::Queue,
    read::{self, Readers},
    snapshots,
    trends::{self, KeepTrends, Trend},
    writer::{Health, Writer},
};
use crate::{
    clock,
    database::{self, OpenError, ServerLock, log_end, removal},
    tenants::TenantId,
};

/// How the journal is set up.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What may wait to be written; beyond it an append is refused as [`JournalError::Full`].
    pub queue_max: Depth,
    /// Bytes of lines in one commit, unless one batch alone is larger.
    pub group_bytes_max: usize,
    /// Bytes of the database file that appends may fill; None: all that the disk has.
    pub file_bytes_max: Option<u64>,
    /// The clock that says when events are received.
    pub now: fn() -> Millis,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            queue_max: Depth { batches: 65_536, bytes: 64 << 20 },
            group_bytes_max: 8 << 20,
            file_bytes_max: None,
            now: clock::now,
        }
    }
}

/// The journal in `rtstats.db`.
pub struct SqliteJournal {
    queue: Arc<Queue>,
    health: Arc<Health>,
    readers: Readers,
    running: Mutex<Option<Running>>,
}

/// What lasts from opening to closing.
struct Running {
    writer: JoinHandle<Result<(), JournalError>>,
    /// Let go last.
    _lock: ServerLock,
}

impl SqliteJournal {
    /// Opens the journal of a data folder, creates it where there is none, and takes the folder for this server.
    pub fn open(
        folder: &Path,
        settings: Settings,
        observer: Observer,
    ) -> Result<SqliteJournal, OpenError> {
        let Prepared { path, queue, health, writer, half_written, lock } =
            prepare(folder, settings, observer)?;
        let writer = start(writer, &path)?;
        let running = Mutex::new(Some(Running { writer, _lock: lock }));
        let journal = SqliteJournal { queue, health, readers: Readers::new(path), running };
        if !half_written.is_empty() {
            // Refused only by a writer that has ended already; then nothing needs them either.
            let _ = journal.queue.push_chore(Chore { task: Task::Drop(half_written), reply: None });
        }
        Ok(journal)
    }

    /// Writes what waits, marks the stop as clean and lets the folder go. Later appends fail.
    pub fn close(&self) -> Result<(), JournalError> {
        self.queue.close();
        self.readers.close();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { writer, _lock }) = running else { return Ok(()) };
        writer.join().unwrap_or_else(|_| Err(JournalError::failed("its thread panicked")))
    }

    /// Has the writer do a chore, and waits for its end.
    fn chore(&self, task: Task) -> Result<(), JournalError> {
        let (reply, answer) = sync_channel(1);
        self.queue.push_chore(Chore { task, reply: Some(reply) })?;
        answer.recv().unwrap_or_else(|_| Err(JournalError::closed()))
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "closing the journal");
        }
    }
}

/// A journal that is open, and whose writer does nothing yet.
pub(super) struct Prepared {
    pub(super) path: PathBuf,
    pub(super) queue: Arc<Queue>,
    pub(super) health: Arc<Health>,
    pub(super) writer: Writer,
    /// Snapshots that a crash left so.
    pub(super) half_written: Vec<i64>,
    pub(super) lock: ServerLock,
}

pub(super) fn prepare(
    folder: &Path,
    settings: Settings,
    observer: Observer,
) -> Result<Prepared, OpenError> {
    let lock = ServerLock::acquire(folder)?;
    let folder = database::prepare_folder(folder)?;
    let path = database::path_in(&folder);
    let connection = database::open(&folder)?;
    log_end::tell_damage(&connection, &path);
    check::whole(&connection, &path)?;
    let half_written = snapshots::incomplete(&connection).map_err(OpenError::sqlite(&path))?;
    let queue = Arc::new(Queue::new(settings.queue_max));
    let health = Arc::new(Health::default());
    let writer = Writer::new(&path, settings, queue.clone(), health.clone(), observer)?;
    // Kept open until here: closing the last connection would carry the write-ahead log over in between.
    drop(connection);
    Ok(Prepared { path, queue, health, writer, half_written, lock })
}

fn start(writer: Writer, path: &Path) -> Result<JoinHandle<Result<(), JournalError>>, OpenError> {
    thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run())
        .map_err(OpenError::io(path))
}

impl Journal for SqliteJournal {
    fn append(&self, batch: Batch) -> Result<(), JournalError> {
        self.queue.push(batch)
    }

    fn read(
        &self,
        tenant: TenantId,
        after: Position,
        each: &mut dyn FnMut(Position, &[u8]),
    ) -> Result<(), JournalError> {
        read::log(&*self.readers.lend()?, tenant, after, each)
    }

    fn end(&self, tenant: TenantId) -> Result<Position, JournalError> {
        read::extent(&*self.readers.lend()?, tenant).map(|extent| extent.after)
    }

    fn snapshots(
        &self,
        tenant: TenantId,
        each: &mut dyn FnMut(Snapshot) -> bool,
    ) -> Result<(), JournalError> {
        snapshots::read(&*self.readers.lend()?, tenant, each)
    }

    fn keep_snapshot(&self, tenant: TenantId, snapshot: Snapshot) -> Result<(), JournalError> {
        self.chore(keep(&*self.readers.lend()?, tenant, &snapshot)?)
    }

    fn retain(&self, received_from: Millis) -> Result<(), JournalError> {
        let retain = plan(&*self.readers.lend()?, received_from).map_err(JournalError::failed)?;
        self.chore(Task::Retain(retain))
    }

    fn keep_trends(&self, trends: Vec<Trend>, from: Millis) -> Result<(), JournalError> {
        self.chore(Task::KeepTrends(KeepTrends { trends, from }))
    }

    fn trends(&self, tenant: TenantId, after: Millis) -> Result<Vec<Trend>, JournalError> {
        trends::read(&*self.readers.lend()?, tenant, after)
    }

    /// It tries by itself every second whether appends work again.
    fn trouble(&self) -> Option<String> {
        self.health.get()
    }
}

/// A snapshot as it will be written, and those that go for it.
pub(super) fn keep(
    connection: &Connection,
    tenant: TenantId,
    snapshot: &Snapshot,
) -> Result<Task, JournalError> {
    let packed = snapshots::pack(tenant, snapshot)?;
    let Snapshot { position, taken, .. } = *snapshot;
    let superseded = snapshots::superseded(connection, tenant, position, taken);
    Ok(Task::Keep(Keep::new(packed, superseded.map_err(JournalError::failed)?)))
}

/// What retention may drop. Snapshots are read and checked here, so that the writer needn't.
pub(super) fn plan(connection: &Connection, received_from: Millis) -> rusqlite::Result<Retain> {
    let tenants: Vec<TenantId> = connection
        .prepare_cached("SELECT id FROM tenant ORDER BY id")?
        .query_map([], |row| row.get(0).map(TenantId))?
        .collect::<Result<_, _>>()?;
    let mut limits = Vec::new();
    for tenant in tenants {
        let oldest = chore::oldest(connection, tenant)?;
        if oldest.is_some_and(|(_, received, _)| received < received_from)
            && let Some(limit) = snapshots::relied_on(connection, tenant)?
        {
            limits.push((tenant, limit));
        }
    }
    Ok(Retain { received_from, limits, removed: removal::pending(connection)? })
}
