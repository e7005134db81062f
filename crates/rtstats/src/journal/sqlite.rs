//! The embedded journal: one SQLite file in the data folder, one server on it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc::sync_channel},
    thread::{self, JoinHandle},
};

use stats::event::Millis;

use super::{
    Depth, JournalError, Observer, check,
    chore::{Chore, Task},
    embedded::{Embedded, Opened},
    queue::Queue,
    read::Readers,
    snapshots,
    writer::{Health, Writer},
};
use crate::{
    clock,
    database::{self, OpenError, ServerLock, log_end},
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
    opened: Opened,
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
        let Prepared { path, opened, writer, lock } = prepare(folder, settings, observer)?;
        let writer = start(writer, &path)?;
        let running = Mutex::new(Some(Running { writer, _lock: lock }));
        Ok(SqliteJournal { opened, running })
    }

    /// Writes what waits, marks the stop as clean and lets the folder go. Later appends fail.
    pub fn close(&self) -> Result<(), JournalError> {
        self.opened.queue.close();
        self.opened.readers.close();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { writer, _lock }) = running else { return Ok(()) };
        writer.join().unwrap_or_else(|_| Err(JournalError::failed("its thread panicked")))
    }
}

impl Embedded for SqliteJournal {
    fn opened(&self) -> &Opened {
        &self.opened
    }

    fn chore(&self, task: Task) -> Result<(), JournalError> {
        let (reply, answer) = sync_channel(1);
        self.opened.queue.push_chore(Chore { task, reply: Some(reply) })?;
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
    pub(super) opened: Opened,
    pub(super) writer: Writer,
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
    if !half_written.is_empty() {
        let chore = Chore { task: Task::Drop(half_written), reply: None };
        assert!(queue.push_chore(chore).is_ok(), "the queue has just been opened");
    }
    let opened = Opened { queue, health, readers: Readers::new(path.clone()) };
    Ok(Prepared { path, opened, writer, lock })
}

fn start(writer: Writer, path: &Path) -> Result<JoinHandle<Result<(), JournalError>>, OpenError> {
    thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run())
        .map_err(OpenError::io(path))
}
