//! The embedded journal without a thread: whoever drives it says when the writer takes its turn, and a disk that fails or
//! dies as a seed says lies under it (`disk`). For simulations.

pub(crate) mod dice;
pub(crate) mod disk;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc::sync_channel},
    time::Duration,
};

use stats::event::Millis;

use super::{
    Batch, Journal, JournalError, Position, Settings, Snapshot, Trend,
    chore::{Chore, Task},
    queue::Queue,
    read::{self, Readers},
    snapshots,
    sqlite::{self, Prepared},
    trends::{self, KeepTrends},
    writer::{Health, Writer},
};
use crate::{
    database::{self, OpenError, ServerLock},
    tenants::TenantId,
};

/// The journal in `rtstats.db`, step by step.
pub(crate) struct SteppedJournal {
    queue: Arc<Queue>,
    health: Arc<Health>,
    readers: Readers,
    /// None once it has ended.
    writer: Mutex<Option<Writer>>,
    _lock: ServerLock,
}

impl SteppedJournal {
    pub(crate) fn open(folder: &Path, settings: Settings) -> Result<SteppedJournal, OpenError> {
        let Prepared { path, queue, health, writer, half_written, lock } =
            sqlite::prepare(folder, settings, Box::new(|_| {}))?;
        if !half_written.is_empty() {
            let chore = Chore { task: Task::Drop(half_written), reply: None };
            assert!(queue.push_chore(chore).is_ok(), "the queue has just been opened");
        }
        let (readers, writer) = (Readers::new(path), Mutex::new(Some(writer)));
        Ok(SteppedJournal { queue, health, readers, writer, _lock: lock })
    }

    /// The writer's next turn: it commits what waits, and does a slice of a chore.
    pub(crate) fn turn(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.as_mut() {
            assert!(writer.turn(Duration::ZERO), "the queue is open");
        }
    }

    /// Stops cleanly.
    pub(crate) fn finish(&self) -> Result<(), JournalError> {
        self.turn();
        self.readers.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map_or(Ok(()), Writer::finish)
    }

    /// Ends without a word, as a kill does.
    pub(crate) fn die(&self) {
        self.readers.close();
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.queue.abandon();
    }

    /// Where a tenant's log still begins.
    pub(crate) fn first(&self, tenant: TenantId) -> Result<Position, JournalError> {
        read::extent(&*self.readers.lend()?, tenant).map(|extent| extent.first)
    }

    fn chore(&self, task: Task) -> Result<(), JournalError> {
        let (reply, answer) = sync_channel(1);
        self.queue.push_chore(Chore { task, reply: Some(reply) })?;
        loop {
            self.turn();
            if let Ok(done) = answer.try_recv() {
                return done;
            }
        }
    }
}

/// Another program copies the write-ahead log into the database, as a backup or a command may do at any time.
pub(crate) fn carry_over_beside(folder: &Path) -> Result<(), OpenError> {
    let path = database::path_in(folder);
    let connection = database::connect(&path)?;
    database::run::leave_log(&connection, true).map_err(OpenError::sqlite(&path))?;
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    copied.map_err(OpenError::sqlite(&path))
}

impl Journal for SteppedJournal {
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
        let task = sqlite::keep(&*self.readers.lend()?, tenant, &snapshot)?;
        self.chore(task)
    }

    fn retain(&self, received_from: Millis) -> Result<(), JournalError> {
        let planned = sqlite::plan(&*self.readers.lend()?, received_from);
        self.chore(Task::Retain(planned.map_err(JournalError::failed)?))
    }

    fn keep_trends(&self, trends: Vec<Trend>, from: Millis) -> Result<(), JournalError> {
        self.chore(Task::KeepTrends(KeepTrends { trends, from }))
    }

    fn trends(&self, tenant: TenantId, after: Millis) -> Result<Vec<Trend>, JournalError> {
        trends::read(&*self.readers.lend()?, tenant, after)
    }

    fn trouble(&self) -> Option<String> {
        self.health.get()
    }
}
