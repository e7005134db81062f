//! The lock by which one server owns a data folder, and by which others see that it runs.
//!
//! It lies on a file of its own: the operating system drops it with the process, however that ends, and it never
//! meets SQLite's own locks.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::OpenError;

/// The lock's name in the data folder.
const FILE: &str = "server.lock";

/// A command may look at the lock just when a server starts: it lets go within microseconds.
const PATIENCE: Duration = Duration::from_millis(200);

/// Held by a server from its start to its end.
#[derive(Debug)]
pub struct ServerLock {
    /// Open for as long as the lock is held.
    _file: File,
}

impl ServerLock {
    /// Takes the folder for this process.
    pub fn acquire(folder: &Path) -> Result<ServerLock, OpenError> {
        let folder = super::prepare_folder(folder)?;
        let (file, path) = open(&folder)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(ServerLock { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => return Err(OpenError::Running(folder)),
                Err(TryLockError::Error(reason)) => return Err(OpenError::Io { path, reason }),
            }
        }
    }
}

/// Whether a server holds the folder.
pub(crate) fn server_runs(folder: &Path) -> Result<bool, OpenError> {
    let (file, path) = open(folder)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(reason)) => Err(OpenError::Io { path, reason }),
    }
}

fn open(folder: &Path) -> Result<(File, PathBuf), OpenError> {
    let path = folder.join(FILE);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(OpenError::io(&path))?;
    Ok((file, path))
}
