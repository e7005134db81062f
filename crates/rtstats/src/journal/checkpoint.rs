//! Carrying the write-ahead log over into the database file, beside the commits rather than between them.
//!
//! A thread of its own copies the bulk over its own connection while commits go on. By itself it would never end:
//! commits add frames meanwhile, and the write-ahead log starts anew only when all are copied. So once the bulk
//! is done the writer copies the few that are left, which takes about one more fsync, and its next commit begins
//! at the front of the file. Used again, the file needs no new blocks, and that is what keeps an fsync short.

use std::{
    fs::OpenOptions,
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, TransactionBehavior};

use super::JournalError;
use crate::database::{self, OpenError, run};

/// Frames (pages of 4 KiB) that wait before copying begins: 16 MiB. Fewer copy the same index pages more often,
/// more make a start after a crash read more.
const FRAMES: i64 = 4_096;

/// What SQLite answers to a checkpoint.
struct Outcome {
    busy: bool,
    /// Frames that wait.
    frames: i64,
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Outcome> {
    let mut statement = connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    statement.query_row([], |row| {
        let (log, copied): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(Outcome { busy: row.get::<_, i64>(0)? != 0, frames: log - copied })
    })
}

/// Copies all and starts the write-ahead log anew; false if a reader or another writer stood in the way.
pub(super) fn renew(connection: &Connection) -> rusqlite::Result<bool> {
    checkpoint(connection, "RESTART").map(|outcome| !outcome.busy)
}

/// Writes the log again as it is, and syncs it.
///
/// After a sync that failed, what it was to write may never reach the disk, though it can be read and later syncs succeed.
/// Before the database file is touched on the word of such a log, it has to be there. What is written again is the cache's
/// business once more.
pub(super) fn write_again(connection: &mut Connection, path: &Path) -> Result<(), JournalError> {
    // Nobody else writes meanwhile.
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let _alone = begun.map_err(JournalError::failed)?;
    let log = database::log_of(path);
    rewrite(&log).map_err(|error| JournalError::failed(format!("{}: {error}", log.display())))
}

fn rewrite(log: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(log)?;
    let mut bytes = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut bytes)?;
        if read == 0 {
            break;
        }
        file.seek(io::SeekFrom::Current(-(read as i64)))?;
        file.write_all(&bytes[..read])?;
    }
    #[cfg(test)]
    super::stepped::disk::written_again(log)?;
    file.sync_all()
}

/// Copies all but leaves the file saying that it awaits the write-ahead log that goes on (see [`run`]).
///
/// Where a reader stands in the way the file may not say so; the next time comes with the next bulk.
pub(super) fn hand_over(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    run::await_log(connection, path)?;
    let copied = checkpoint(connection, "PASSIVE");
    run::go_on(connection)?;
    copied.map(drop)
}

/// Copies all and empties the write-ahead log, as far as nobody stands in the way.
pub(super) fn finish(connection: &Connection) -> rusqlite::Result<()> {
    checkpoint(connection, "TRUNCATE").map(|_| ())
}

/// The thread that copies.
pub(super) struct Checkpointer {
    /// None once it is to end.
    ask: Option<SyncSender<()>>,
    asked: bool,
    bulk_done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Checkpointer, OpenError> {
        let connection = database::connect(path)?;
        run::leave_log(&connection, true).map_err(OpenError::sqlite(path))?;
        let (ask, asked) = sync_channel(1);
        let bulk_done = Arc::new(AtomicBool::new(false));
        let told = bulk_done.clone();
        let thread = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || copy(&connection, &asked, &told))
            .map_err(OpenError::io(path))?;
        Ok(Checkpointer { ask: Some(ask), asked: false, bulk_done, thread: Some(thread) })
    }

    /// To be called after each commit, on the writer's connection.
    pub(super) fn after_commit(
        &mut self,
        connection: &Connection,
        path: &Path,
    ) -> rusqlite::Result<()> {
        if self.bulk_done.swap(false, Ordering::AcqRel) {
            self.asked = false;
            hand_over(connection, path)?;
        } else if !self.asked && checkpoint(connection, "NOOP")?.frames >= FRAMES {
            self.asked = true;
            if let Some(ask) = &self.ask {
                // The channel holds the one question that may be open.
                let _ = ask.try_send(());
            }
        }
        Ok(())
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been told on standard error; copying is done at the next start at the latest.
            let _ = thread.join();
        }
    }
}

fn copy(connection: &Connection, asked: &Receiver<()>, bulk_done: &AtomicBool) {
    while asked.recv().is_ok() {
        if let Err(error) = checkpoint(connection, "PASSIVE") {
            tracing::warn!(%error, "the write-ahead log could not be carried over; it grows until it can");
        }
        bulk_done.store(true, Ordering::Release);
    }
}
