//! How a running server learns of changes that another process made.

use std::path::Path;

use rusqlite::Connection;

use super::{
    directory::{Directory, written},
    store::TenantError,
};
use crate::database::{self, OpenError};

/// A server's eye on the tenants: polled some twenty times a second, it costs a look into shared memory while
/// nothing has changed.
pub struct Watch {
    connection: Connection,
    /// SQLite's count of other connections' commits, as of the last look.
    data_version: i64,
    /// The generation of the last directory, None before the first.
    generation: Option<u64>,
}

impl Watch {
    /// Begins to watch the tenants of a data folder; the first [`Watch::poll`] gives their directory.
    pub fn open(folder: &Path) -> Result<Watch, OpenError> {
        let connection = database::open(folder)?;
        Ok(Watch { connection, data_version: 0, generation: None })
    }

    /// The directory, if it has changed since it was last given.
    pub fn poll(&mut self) -> Result<Option<Directory>, TenantError> {
        // Read before the rest, so that a change in between is seen at the next look.
        let mut statement = self.connection.prepare_cached("PRAGMA data_version")?;
        let data_version: i64 = statement.query_row([], |row| row.get(0))?;
        drop(statement);
        let known = self.generation.is_some() && data_version == self.data_version;
        if known || self.generation == Some(written(&self.connection)?) {
            self.data_version = data_version;
            return Ok(None);
        }
        let directory = Directory::load(&mut self.connection)?;
        self.data_version = data_version;
        self.generation = Some(directory.generation());
        Ok(Some(directory))
    }

    /// Says that the directory of a generation is in force: whoever made the change waits for it.
    pub fn confirm(&mut self, generation: u64) -> Result<(), TenantError> {
        let mut statement =
            self.connection.prepare_cached("UPDATE generation SET seen = ?1 WHERE seen < ?1")?;
        statement.execute([generation as i64])?;
        Ok(())
    }
}
