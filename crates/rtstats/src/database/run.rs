//! The mark of a running server: it shows a stop that wasn't clean, and a write-ahead log that went missing.
//!
//! SQLite takes a database without its write-ahead log for whole. So whenever the log begins anew, the database
//! file alone says that it awaits a log, and the log's first commit takes that back. Whoever carries the log over,
//! be it a command, another program or a backup, carries that along; only where the log was lost does the database
//! still await it. While it does, the log is there at its full size: it was written and synced before.

use std::{fs, io, path::Path};

use rusqlite::{Connection, config::DbConfig};

use super::OpenError;

/// The last stop was clean.
const CLEAN: i64 = 1;

/// From here on a number says that a log is awaited, and by which file: a copy of the file awaits nothing.
const AWAITED_FROM: i64 = 2;

/// Bytes of a log that holds a commit: its header, and a page with its own header.
const LOG_BYTES_MIN: u64 = 32 + 24 + 4_096;

/// Whether the last stop was clean.
pub(crate) fn was_clean(connection: &Connection) -> rusqlite::Result<bool> {
    state(connection).map(|state| state == CLEAN)
}

/// Says that the stop is clean.
pub(crate) fn end(connection: &Connection) -> rusqlite::Result<()> {
    set(connection, CLEAN)
}

/// Says that a log is awaited; to be carried over into the file at once, and then taken back.
pub(crate) fn await_log(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    set(connection, awaited_by(path))
}

/// Says that a server runs and its log is here; writes nothing where that is said already.
pub(crate) fn go_on(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE run SET clean = 0 WHERE clean > 0")?.execute([]).map(drop)
}

/// Says so too, and always writes: SQLite doesn't write what is there already.
pub(crate) fn probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE run SET clean = min(clean, 1) - 1", []).map(drop)
}

/// Has closing this connection, be it the last, leave the log or take it away once it is carried over.
///
/// The server's own leave it: where the disk is full, the file may have got the awaiting and the log not its end.
pub(crate) fn leave_log(connection: &Connection, leave: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave).map(drop)
}

fn state(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT clean FROM run", [], |row| row.get(0))
}

fn set(connection: &Connection, state: i64) -> rusqlite::Result<()> {
    connection.execute("UPDATE run SET clean = ?1", [state]).map(drop)
}

fn awaited_by(path: &Path) -> i64 {
    let number = FileId::of(path).ok().flatten().map_or(0, FileId::number);
    AWAITED_FROM + (number & (i64::MAX >> 1))
}

/// Refuses a database whose log is gone.
///
/// The state is read before the log is looked for: a running server that has just said that it awaits one has it.
pub(super) fn check_log(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let sqlite = OpenError::sqlite(path);
    let mode: String =
        connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(&sqlite)?;
    // A copy by `VACUUM INTO` has no log yet.
    if mode != "wal" || state(connection).map_err(&sqlite)? != awaited_by(path) {
        return Ok(());
    }
    let log_bytes = fs::metadata(super::log_of(path)).map_or(0, |data| data.len());
    if log_bytes >= LOG_BYTES_MIN {
        // A server was killed before the log's first commit: the next server's will be that.
        return leave_log(connection, true).map_err(&sqlite);
    }
    let what = "the server that wrote it was killed, and its write-ahead log (rtstats.db-wal) with the latest \
                events is gone since; put the log back if you have it";
    Err(OpenError::Damaged { path: path.to_owned(), what: what.to_owned() })
}

/// What tells a file from another that took its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    /// Looks without opening it: closing would drop SQLite's locks. None where there is no file.
    fn of(path: &Path) -> io::Result<Option<FileId>> {
        match fs::metadata(path) {
            #[cfg(unix)]
            Ok(data) => {
                use std::os::unix::fs::MetadataExt as _;
                Ok(Some(FileId { device: data.dev(), number: data.ino() }))
            }
            #[cfg(not(unix))]
            Ok(_) => Ok(Some(FileId { device: 0, number: 0 })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn number(self) -> i64 {
        self.number.cast_signed()
    }
}

/// The files that a running server has open: under their names must be the same ones.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles {
    database: Option<FileId>,
    log: Option<FileId>,
}

impl OpenFiles {
    /// What is no longer as it was at the first look that found it.
    pub(crate) fn look(&mut self, path: &Path) -> Option<String> {
        let log = super::log_of(path);
        for (seen, path) in [(&mut self.database, path), (&mut self.log, &log)] {
            // What can't be looked at now says nothing.
            let Ok(now) = FileId::of(path) else { continue };
            match (*seen, now) {
                (None, _) => *seen = now,
                (Some(before), Some(now)) if before == now => {}
                (Some(_), now) => {
                    let what = if now.is_some() { "was replaced" } else { "is gone" };
                    return Some(format!(
                        "{} {what} under the running server; what is written now would be lost: restart it",
                        path.display()
                    ));
                }
            }
        }
        None
    }
}
