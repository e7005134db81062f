//! The embedded journal without a thread: whoever drives it says when the writer takes its turn, and a disk that fails or
//! dies as a seed says lies under it (`disk`). For simulations.

pub(crate) mod dice;
pub(crate) mod disk;

use std::{
    path::Path,
    sync::{Mutex, PoisonError, mpsc::sync_channel},
    time::Duration,
};

use super::{
    JournalError, Position, Settings,
    chore::{Chore, Task},
    embedded::{Embedded, Opened},
    read,
    sqlite::{self, Prepared},
    writer::Writer,
};
use crate::{
    database::{self, OpenError, ServerLock},
    tenants::TenantId,
};

/// The journal in `rtstats.db`, step by step.
pub(crate) struct SteppedJournal {
    opened: Opened,
    /// None once it has ended.
    writer: Mutex<Option<Writer>>,
    _lock: ServerLock,
}

impl SteppedJournal {
    pub(crate) fn open(folder: &Path, settings: Settings) -> Result<SteppedJournal, OpenError> {
        let Prepared { opened, writer, lock, .. } =
            sqlite::prepare(folder, settings, Box::new(|_| {}))?;
        Ok(SteppedJournal { opened, writer: Mutex::new(Some(writer)), _lock: lock })
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
        self.opened.readers.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map_or(Ok(()), Writer::finish)
    }

    /// Ends without a word, as a kill does.
    pub(crate) fn die(&self) {
        self.opened.readers.close();
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.opened.queue.abandon();
    }

    /// Where a tenant's log still begins.
    pub(crate) fn first(&self, tenant: TenantId) -> Result<Position, JournalError> {
        read::extent(&*self.opened.readers.lend()?, tenant).map(|extent| extent.first)
    }
}

impl Embedded for SteppedJournal {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn chore(&self, task: Task) -> Result<(), JournalError> {
        let (reply, answer) = sync_channel(1);
        self.opened.queue.push_chore(Chore { task, reply: Some(reply) })?;
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
