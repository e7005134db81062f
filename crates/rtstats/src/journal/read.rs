//! Reading a log: row by row, each checked, in short read transactions.
//!
//! A long read transaction would keep the write-ahead log from being reused, so a long log is read in runs; what
//! is asked for is what was there when reading began. Nothing is ever skipped: a row that is missing or not as it
//! was written ends the reading with an error.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
};

use rusqlite::{Connection, Rows};

use super::{
    JournalError, Position,
    row::{self, Extent, Unpacker},
};
use crate::{
    database::{self, OpenError, run},
    tenants::TenantId,
};

/// Stored bytes after which a read transaction ends.
const RUN_BYTES: usize = 4 << 20;

/// Rows after which a read transaction ends.
const RUN_ROWS: usize = 4_096;

/// A log's reader beside a running server or without one: it changes nothing and takes no lock.
pub struct LogReader(Connection);

impl LogReader {
    /// Opens the logs of a data folder.
    pub fn open(folder: &Path) -> Result<LogReader, OpenError> {
        let connection = database::open(folder)?;
        let query_only = connection.execute_batch("PRAGMA query_only=ON");
        query_only.map_err(OpenError::sqlite(folder))?;
        Ok(LogReader(connection))
    }

    /// Where the log still begins, since what lies before was dropped by retention, and where it ends.
    pub fn extent(&self, tenant: TenantId) -> Result<(Position, Position), JournalError> {
        extent(&self.0, tenant).map(|extent| (extent.first, extent.after))
    }

    /// Reads a tenant's log as [`super::Journal::read`] does.
    pub fn read(
        &self,
        tenant: TenantId,
        after: Position,
        each: &mut dyn FnMut(Position, &[u8]),
    ) -> Result<(), JournalError> {
        log(&self.0, tenant, after, each)
    }
}

/// Connections that read; each is lent to one reader at a time.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// Connections that stay open unused: as many as can work side by side.
    idle_max: usize,
}

/// A lent connection.
pub(super) struct Reader<'a> {
    /// Always there until dropped.
    connection: Option<Connection>,
    home: &'a Readers,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Readers {
        let idle_max = thread::available_parallelism().map_or(1, usize::from);
        Readers { path, idle: Mutex::default(), idle_max }
    }

    pub(super) fn lend(&self) -> Result<Reader<'_>, JournalError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = database::connect(&self.path).map_err(JournalError::failed)?;
                let query_only = connection.execute_batch("PRAGMA query_only=ON");
                query_only.map_err(JournalError::failed)?;
                run::leave_log(&connection, true).map_err(JournalError::failed)?;
                connection
            }
        };
        Ok(Reader { connection: Some(connection), home: self })
    }

    /// Closes those that are not lent.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        // Only `drop` takes it out.
        self.connection.as_ref().unwrap_or_else(|| unreachable!("a lent connection is there"))
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.home.idle_max {
            idle.extend(self.connection.take());
        }
    }
}

/// Where a tenant's log begins and ends.
pub(super) fn extent(connection: &Connection, tenant: TenantId) -> Result<Extent, JournalError> {
    row::extent(connection, tenant).map_err(JournalError::failed)?.ok_or(JournalError::Gone(tenant))
}

/// Reads a log from `after` to where it ends now.
pub(super) fn log(
    connection: &Connection,
    tenant: TenantId,
    after: Position,
    each: &mut dyn FnMut(Position, &[u8]),
) -> Result<(), JournalError> {
    let Extent { first, after: end } = extent(connection, tenant)?;
    if after < first {
        return Err(JournalError::Failed(format!(
            "the log of tenant {} begins at position {}, the events from {} on were dropped by retention",
            tenant.0, first.0, after.0
        )));
    }
    if after > end {
        return Err(JournalError::Failed(format!(
            "the log of tenant {} ends at position {}, before {}: the database is damaged or was put back \
             from an older backup",
            tenant.0, end.0, after.0
        )));
    }
    let mut unpacker = Unpacker::new().map_err(JournalError::failed)?;
    let mut at = after;
    while at < end {
        at = run(connection, tenant, at, end, &mut unpacker, each)?;
    }
    Ok(())
}

/// Reads rows from the one that holds `at` on, and says where it stopped.
fn run(
    connection: &Connection,
    tenant: TenantId,
    at: Position,
    end: Position,
    unpacker: &mut Unpacker,
    each: &mut dyn FnMut(Position, &[u8]),
) -> Result<Position, JournalError> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {} FROM log WHERE tenant = ?1
             AND first >= (SELECT max(first) FROM log WHERE tenant = ?1 AND first <= ?2) ORDER BY first",
            row::COLUMNS
        ))
        .map_err(JournalError::failed)?;
    let mut rows = statement.query((tenant.0, at.0 as i64)).map_err(JournalError::failed)?;
    let mut reached = at;
    let mut bytes = 0;
    for _ in 0..RUN_ROWS {
        if reached >= end || bytes >= RUN_BYTES {
            break;
        }
        let Some(stored) = next(&mut rows, tenant, reached, unpacker, each)? else { break };
        bytes += stored.bytes;
        reached = stored.after;
    }
    if reached == at {
        return Err(JournalError::damaged(format!(
            "the row of tenant {} at position {} is missing, though its log ends at {}",
            tenant.0, at.0, end.0
        )));
    }
    Ok(reached)
}

struct Stored {
    after: Position,
    bytes: usize,
}

fn next(
    rows: &mut Rows<'_>,
    tenant: TenantId,
    at: Position,
    unpacker: &mut Unpacker,
    each: &mut dyn FnMut(Position, &[u8]),
) -> Result<Option<Stored>, JournalError> {
    let Some(row) = rows.next().map_err(JournalError::failed)? else { return Ok(None) };
    let checked = row::checked(row).map_err(JournalError::damaged)?;
    let place = checked.place;
    if place.tenant != tenant || place.first > at || place.after() <= at {
        return Err(JournalError::damaged(format!(
            "tenant {}: a row at position {} of {} events follows where {} was due",
            tenant.0, place.first.0, place.events, at.0
        )));
    }
    let lines = unpacker.unpack(checked.codec, checked.bytes).map_err(JournalError::damaged)?;
    let rest = skip(lines, at.0 - place.first.0);
    each(place.after(), rest);
    Ok(Some(Stored { after: place.after(), bytes: checked.bytes.len() }))
}

/// Leaves out the first events of some lines; a blank line holds none.
fn skip(mut lines: &[u8], events: u64) -> &[u8] {
    for _ in 0..events {
        loop {
            let end = memchr::memchr(b'\n', lines).map_or(lines.len(), |feed| feed + 1);
            let (line, rest) = lines.split_at(end);
            lines = rest;
            if rest.is_empty() || !line.trim_ascii().is_empty() {
                break;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_a_crowd_needed_are_closed_after_it() {
        let folder = tempfile::tempdir().unwrap();
        drop(database::open(folder.path()).unwrap());
        let readers = Readers::new(database::path_in(folder.path()));
        let crowd: Vec<_> = (0..readers.idle_max + 3).map(|_| readers.lend().unwrap()).collect();
        drop(crowd);
        assert_eq!(readers.idle.lock().unwrap().len(), readers.idle_max);
        readers.close();
        assert_eq!(readers.idle.lock().unwrap().len(), 0);
    }

    #[test]
    fn skipping_events_passes_over_blank_lines() {
        assert_eq!(skip(b"a\nb\nc\n", 0), b"a\nb\nc\n");
        assert_eq!(skip(b"a\nb\nc\n", 2), b"c\n");
        assert_eq!(skip(b"\n \na\n\r\nb\n", 1), b"\r\nb\n");
        assert_eq!(skip(b"a\n", 2), b"");
    }
}
