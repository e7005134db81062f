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
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, TransactionBehavior, ffi};

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
    /// How what was asked for has ended.
    copied: Receiver<rusqlite::Result<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Checkpointer, OpenError> {
        let connection = connect(path)?;
        let (ask, asked) = sync_channel(1);
        let (told, copied) = sync_channel(1);
        let own = path.to_owned();
        let thread = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || copy(&own, connection, &asked, &told))
            .map_err(OpenError::io(path))?;
        Ok(Checkpointer { ask: Some(ask), asked: false, copied, thread: Some(thread) })
    }

    /// To be called after each commit, on the writer's connection. An error may be the thread's: whatever it met with is
    /// to be taken for one of the writer's own.
    pub(super) fn after_commit(
        &mut self,
        connection: &Connection,
        path: &Path,
    ) -> rusqlite::Result<()> {
        if let Ok(copied) = self.copied.try_recv() {
            self.asked = false;
            copied?;
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

    /// Ends the thread, and tells how what it did last has ended.
    pub(super) fn end(&mut self) -> rusqlite::Result<()> {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been told on standard error; copying is done at the next start at the latest.
            let _ = thread.join();
        }
        self.copied.try_recv().unwrap_or(Ok(()))
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "the write-ahead log could not be carried over");
        }
    }
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    let connection = database::connect(path)?;
    run::leave_log(&connection, true).map_err(OpenError::sqlite(path))?;
    Ok(connection)
}

fn copy(
    path: &Path,
    connection: Connection,
    asked: &Receiver<()>,
    told: &SyncSender<rusqlite::Result<()>>,
) {
    let mut connection = Some(connection);
    while asked.recv().is_ok() {
        // The channel holds the one answer that may be open.
        let _ = told.try_send(copy_bulk(path, &mut connection));
    }
}

/// Copies what waits now. A connection that met with an error is not used again.
fn copy_bulk(path: &Path, connection: &mut Option<Connection>) -> rusqlite::Result<()> {
    let own = match connection.take() {
        Some(own) => own,
        None => connect(path).map_err(|error| {
            let code = ffi::Error::new(ffi::SQLITE_CANTOPEN);
            rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
        })?,
    };
    checkpoint(&own, "PASSIVE")?;
    *connection = Some(own);
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::ErrorCode;

    use super::{
        super::stepped::disk::{Disk, Failing},
        *,
    };

    /// What comes of a question once the thread has answered.
    fn answer(
        checkpointer: &mut Checkpointer,
        writer: &Connection,
        path: &Path,
    ) -> rusqlite::Result<()> {
        assert!(checkpointer.asked, "so much waits");
        while checkpointer.asked {
            checkpointer.after_commit(writer, path)?;
            thread::yield_now();
        }
        Ok(())
    }

    #[test]
    fn an_error_of_the_thread_is_told_to_the_writer_and_its_connection_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        drop(database::open(&folder).unwrap());
        let disk = Disk::under(&folder, 1);
        let path = database::path_in(&folder);
        let writer = connect(&path).unwrap();
        writer.execute_batch("PRAGMA wal_autocheckpoint=0").unwrap();
        let bulk = "INSERT INTO piece (snapshot, number, bytes) VALUES (1, 0, zeroblob(?1))";
        writer.execute(bulk, [(FRAMES + 1) * 4_096]).unwrap();
        let mut checkpointer = Checkpointer::start(&path).unwrap();
        disk.set_failing(Failing { sync: 100, ..Failing::default() });
        checkpointer.after_commit(&writer, &path).unwrap();
        while disk.failures().is_empty() {
            thread::yield_now();
        }
        disk.set_failing(Failing::default());
        // The disk has told the failed sync to all who had the file open, once, and says no more of it.
        let writer = connect(&path).unwrap();
        let told = answer(&mut checkpointer, &writer, &path).unwrap_err();
        assert_eq!(told.sqlite_error_code(), Some(ErrorCode::SystemIoFailure), "{told}");
        checkpointer.after_commit(&writer, &path).unwrap();
        answer(&mut checkpointer, &writer, &path).unwrap();
        assert!(checkpoint(&writer, "NOOP").unwrap().frames < 16, "all but what says so is copied");
        drop((checkpointer, writer));
        Disk::forget(&folder);
    }
}
