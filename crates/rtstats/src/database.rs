//! The one database file of a data folder: its creation, the checks before it is used, its locks.
//!
//! The journal and the tenants live in it. It is never started afresh where something already lies: a file that
//! is foreign, newer, cut short or damaged is refused with what to do, and stays as it was.
//!
//! Durability: WAL with `synchronous=FULL`, so that COMMIT returns after the log reached the disk; `fullfsync`
//! makes that true on macOS, whose plain `fsync` stops at the drive's cache, and changes nothing elsewhere.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

pub(crate) mod log_end;
pub(crate) mod removal;
pub(crate) mod run;
pub(crate) mod schema;
mod server_lock;
pub(crate) mod trail;

pub use server_lock::ServerLock;
pub(crate) use server_lock::server_runs;

/// The database's name in the data folder.
pub const FILE: &str = "rtstats.db";

/// How long a connection waits for another process's short write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system refused.
    #[error("{path}: {reason}{}", advice(.reason))]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What it said; told by this error itself, so that it is not its source.
        reason: io::Error,
    },
    /// Another server holds the folder.
    #[error(
        "another rtstats server already runs on {0}; stop it first, or give this one its own data folder"
    )]
    Running(PathBuf),
    /// Not one of our files, or one whose first page is damaged.
    #[error(
        "{path} is not a database of rtstats, or its header is damaged ({found}); nothing was changed: put a \
         backup in its place, or move it away to start afresh"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found there.
        found: String,
    },
    /// Written by a later rtstats.
    #[error(
        "{path} has version {found} of the database's form, and this rtstats knows versions up to {known}; \
         nothing was changed: start the newer rtstats that wrote it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// One of ours, but not whole.
    #[error(
        "{path} is damaged: {what}; nothing was changed: put a backup in its place, or move it (with its -wal) away to start afresh"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What isn't as it was written.
        what: String,
    },
    /// SQLite refused for another reason.
    #[error("{path}: {reason}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it said; told by this error itself, so that it is not its source.
        reason: rusqlite::Error,
    },
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
        let path = path.to_owned();
        move |reason| OpenError::Io { path, reason }
    }

    /// Sorts what SQLite says into damage and other trouble.
    pub(crate) fn sqlite(path: &Path) -> impl Fn(rusqlite::Error) -> OpenError {
        let path = path.to_owned();
        move |reason| match reason.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                OpenError::Foreign { path: path.clone(), found: reason.to_string() }
            }
            Some(ErrorCode::DatabaseCorrupt) => {
                OpenError::Damaged { path: path.clone(), what: reason.to_string() }
            }
            _ => OpenError::Sqlite { path: path.clone(), reason },
        }
    }
}

/// What to do about the system's refusal, where that is plain.
fn advice(refusal: &io::Error) -> &'static str {
    match refusal.kind() {
        io::ErrorKind::PermissionDenied => {
            "; run it as the user who owns the data folder, the one that the server runs as"
        }
        io::ErrorKind::NotADirectory => {
            "; the data folder must be a folder, not a file or below one"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "; the data folder must be on a disk that can be written"
        }
        _ => "",
    }
}

/// Where the database of a folder lies.
pub(crate) fn path_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Where the write-ahead log of a database lies.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Makes the folder, for its owner alone, unless it is there; gives its absolute path.
pub(crate) fn prepare_folder(folder: &Path) -> Result<PathBuf, OpenError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(OpenError::io(folder))?;
    // Absolute also because SQLite takes a path that starts with `file:` for a URI.
    folder.canonicalize().map_err(OpenError::io(folder))
}

/// Opens the database of a folder, creates it where neither it nor a remnant of it is there.
pub(crate) fn open(folder: &Path) -> Result<Connection, OpenError> {
    let folder = prepare_folder(folder)?;
    let path = path_in(&folder);
    let wal = log_of(&path);
    match fs::metadata(&path) {
        Ok(data) if data.len() == 0 => {
            let what = if wal.exists() {
                "it is empty beside a write-ahead log that still holds data"
            } else {
                "it is empty, and rtstats never leaves it so"
            };
            return Err(OpenError::Damaged { path, what: what.to_owned() });
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if wal.exists() {
                let what = "it is gone, but its write-ahead log is still there".to_owned();
                return Err(OpenError::Damaged { path, what });
            }
            create(&folder, &path)?;
        }
        Err(reason) => return Err(OpenError::Io { path, reason }),
    }
    connect(&path)
}

/// One more connection to a database that is there, checked and set up.
pub(crate) fn connect(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sqlite = OpenError::sqlite(path);
    let mut connection = Connection::open_with_flags(path, flags).map_err(&sqlite)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&sqlite)?;
    let version = check_identity(&connection, path)?;
    set_up(&connection).map_err(&sqlite)?;
    run::check_log(&connection, path)?;
    let mode: String =
        connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0)).map_err(&sqlite)?;
    if mode != "wal" {
        let found = format!("its journal mode can't be WAL here but stays {mode}");
        return Err(OpenError::Foreign { path: path.to_owned(), found });
    }
    if version < schema::VERSION {
        schema::migrate(&mut connection).map_err(&sqlite)?;
    }
    Ok(connection)
}

/// The version of the form that the database has, which is ours and none that we don't know.
fn check_identity(connection: &Connection, path: &Path) -> Result<i32, OpenError> {
    let sqlite = OpenError::sqlite(path);
    let number = |pragma: &str| -> Result<i32, OpenError> {
        connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(&sqlite)
    };
    let application = number("application_id")?;
    if application != schema::APPLICATION_ID {
        let found = format!("its application id is {application:#x}");
        return Err(OpenError::Foreign { path: path.to_owned(), found });
    }
    let found = number("user_version")?;
    if found > schema::VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: schema::VERSION });
    }
    if !schema::is_ours(connection, found).map_err(&sqlite)? {
        let what = "its tables are not those that rtstats made".to_owned();
        return Err(OpenError::Damaged { path: path.to_owned(), what });
    }
    Ok(found)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(
        "PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON;
         PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;",
    )
}

/// Builds the database beside its place and puts it there whole, so that a crash leaves all or nothing.
fn create(folder: &Path, path: &Path) -> Result<(), OpenError> {
    let fresh = folder.join(format!("{FILE}.{}.new", std::process::id()));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(OpenError::Io { path: fresh, reason: error });
        }
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(&fresh).map_err(OpenError::io(&fresh))?);
    let connection = Connection::open(&fresh).map_err(OpenError::sqlite(&fresh))?;
    set_up(&connection)
        .and_then(|()| schema::create(&connection))
        .and_then(|()| connection.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(())))
        .map_err(OpenError::sqlite(&fresh))?;
    connection.close().map_err(|(_, error)| OpenError::sqlite(&fresh)(error))?;
    // A link, unlike a rename, leaves alone what another process has put there meanwhile.
    match fs::hard_link(&fresh, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(_) if !path.exists() => return fs::rename(&fresh, path).map_err(OpenError::io(path)),
        Err(reason) => return Err(OpenError::Io { path: path.to_owned(), reason }),
    }
    fs::remove_file(&fresh).map_err(OpenError::io(&fresh))?;
    sync_folder(folder)
}

/// Makes the new name in the folder durable, where the system can.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), OpenError> {
    if cfg!(unix) {
        File::open(folder).and_then(|opened| opened.sync_all()).map_err(OpenError::io(folder))?;
    }
    Ok(())
}
