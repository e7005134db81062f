//! Work of the writer that can wait: keeping a snapshot or trends, dropping what is no longer needed.
//!
//! Each is done in slices of a few milliseconds between the commits of batches, so that no append waits long.
//! Slices are committed without waiting for the disk: the log is written in order, so whatever survives a power
//! loss is a prefix, and what a later durable commit relies on lies before it.

use std::{sync::mpsc::SyncSender, time::Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use stats::event::Millis;

use super::{
    JournalError, Position, row,
    snapshots::{PIECE_BYTES, Packed},
    trends::KeepTrends,
};
use crate::{
    database::removal::{self, SLICE},
    tenants::TenantId,
};

/// A chore, and who waits for its end.
pub(super) struct Chore {
    pub(super) task: Task,
    pub(super) reply: Option<SyncSender<Result<(), JournalError>>>,
}

/// Why a chore ended early.
pub(super) enum Trouble {
    /// It makes no sense any more.
    Refused(JournalError),
    /// The database failed.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Trouble {
        Trouble::Sqlite(error)
    }
}

pub(super) enum Task {
    /// Writes a snapshot, then drops those that it supersedes.
    Keep(Keep),
    /// Drops snapshots, by id.
    Drop(Vec<i64>),
    /// Drops what retention allows and what removed tenants left.
    Retain(Retain),
    /// Writes a minute's trends.
    KeepTrends(KeepTrends),
}

impl Task {
    /// Whether the next slice has to be on disk when it is done.
    pub(super) fn must_last(&self) -> bool {
        matches!(self, Task::Keep(keep) if keep.written >= keep.packed.bytes.len())
    }

    /// Does a slice; true once all is done.
    pub(super) fn step(&mut self, connection: &mut Connection) -> Result<bool, Trouble> {
        match self {
            Task::Keep(keep) => {
                if keep.step(connection)? {
                    *self = Task::Drop(std::mem::take(&mut keep.superseded));
                }
                Ok(false)
            }
            Task::Drop(ids) => Ok(drop_snapshots(connection, ids)?),
            Task::Retain(retain) => Ok(retain.step(connection)?),
            Task::KeepTrends(keep) => keep.step(connection),
        }
    }
}

/// A snapshot being written.
pub(super) struct Keep {
    packed: Packed,
    superseded: Vec<i64>,
    /// Its row, once there.
    id: Option<i64>,
    /// Bytes in the database.
    written: usize,
}

impl Keep {
    pub(super) fn new(packed: Packed, superseded: Vec<i64>) -> Keep {
        Keep { packed, superseded, id: None, written: 0 }
    }

    fn step(&mut self, connection: &mut Connection) -> Result<bool, Trouble> {
        let transaction = begin(connection)?;
        let tenant = self.packed.header.tenant;
        let position = self.packed.header.position;
        let Some(extent) = row::extent(&transaction, tenant)? else {
            return Err(Trouble::Refused(JournalError::Gone(tenant)));
        };
        if position > extent.after {
            return Err(Trouble::Refused(JournalError::Failed(format!(
                "a snapshot at position {} is beyond the end of the log at {}",
                position.0, extent.after.0
            ))));
        }
        let done = self.write(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    fn write(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
        let id = match self.id {
            Some(id) => id,
            None => self.insert(transaction)?,
        };
        if self.written >= self.packed.bytes.len() {
            transaction.execute("UPDATE snapshot SET complete = 1 WHERE id = ?1", [id])?;
            return Ok(true);
        }
        let until = Instant::now() + SLICE;
        let mut statement = transaction
            .prepare_cached("INSERT INTO piece (snapshot, number, bytes) VALUES (?1, ?2, ?3)")?;
        while let Some(rest) = self.packed.bytes.get(self.written..).filter(|rest| !rest.is_empty())
        {
            let piece = &rest[..rest.len().min(PIECE_BYTES)];
            statement.execute((id, (self.written / PIECE_BYTES) as i64, piece))?;
            self.written += piece.len();
            if Instant::now() >= until {
                break;
            }
        }
        Ok(false)
    }

    fn insert(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
        let header = self.packed.header;
        transaction.execute(
            "INSERT INTO snapshot (tenant, position, taken_ms, checksum, complete) VALUES (?1, ?2, ?3, ?4, 0)",
            (header.tenant.0, header.position.0 as i64, header.taken, header.checksum),
        )?;
        let id = transaction.last_insert_rowid();
        self.id = Some(id);
        Ok(id)
    }
}

/// Retention under way.
pub(super) struct Retain {
    /// Events received before it may go.
    pub(super) received_from: Millis,
    /// Tenants still to be looked at, each with the position before which its log may go.
    pub(super) limits: Vec<(TenantId, Position)>,
    /// Removed tenants whose rows still lie there.
    pub(super) removed: Vec<u32>,
}

impl Retain {
    fn step(&mut self, connection: &mut Connection) -> rusqlite::Result<bool> {
        if let Some((tenant, limit)) = self.limits.last().copied() {
            if drop_rows(connection, tenant, self.received_from, limit)? {
                self.limits.pop();
            }
        } else if let Some(tenant) = self.removed.last().copied() {
            if removal::slice(connection, tenant)? {
                self.removed.pop();
            }
        } else {
            return Ok(true);
        }
        Ok(false)
    }
}

/// Drops a slice of a tenant's oldest rows; true once none may go any more.
fn drop_rows(
    connection: &mut Connection,
    tenant: TenantId,
    received_from: Millis,
    limit: Position,
) -> rusqlite::Result<bool> {
    let transaction = begin(connection)?;
    let until = Instant::now() + SLICE;
    let mut first = None;
    let mut done = false;
    while !done && Instant::now() < until {
        match oldest(&transaction, tenant)? {
            Some((id, received, after)) if received < received_from && after <= limit => {
                transaction.prepare_cached("DELETE FROM log WHERE id = ?1")?.execute([id])?;
                first = Some(after);
            }
            _ => done = true,
        }
    }
    if let Some(first) = first {
        let mut statement =
            transaction.prepare_cached("UPDATE extent SET first = ?2 WHERE tenant = ?1")?;
        statement.execute((tenant.0, first.0 as i64))?;
    }
    transaction.commit()?;
    Ok(done)
}

/// The row with which a tenant's log begins: its id, when it was received, the position after it.
pub(super) fn oldest(
    connection: &Connection,
    tenant: TenantId,
) -> rusqlite::Result<Option<(i64, Millis, Position)>> {
    use rusqlite::OptionalExtension as _;
    let mut statement = connection.prepare_cached(
        "SELECT id, received_ms, first + events FROM log WHERE tenant = ?1 ORDER BY first LIMIT 1",
    )?;
    let row = statement.query_row([tenant.0], |row| {
        Ok((row.get(0)?, row.get(1)?, Position(row.get::<_, i64>(2)? as u64)))
    });
    row.optional()
}

/// Drops a slice of some snapshots; true once they are gone.
fn drop_snapshots(connection: &mut Connection, ids: &mut Vec<i64>) -> rusqlite::Result<bool> {
    let Some(id) = ids.last().copied() else { return Ok(true) };
    let transaction = begin(connection)?;
    // Half-dropped must not look like damaged.
    transaction.execute("UPDATE snapshot SET complete = 0 WHERE id = ?1", [id])?;
    let until = Instant::now() + SLICE;
    let mut statement = transaction.prepare_cached(
        "DELETE FROM piece WHERE id = (SELECT id FROM piece WHERE snapshot = ?1 ORDER BY number LIMIT 1)",
    )?;
    while Instant::now() < until {
        if statement.execute([id])? == 0 {
            transaction.execute("DELETE FROM snapshot WHERE id = ?1", [id])?;
            ids.pop();
            break;
        }
    }
    drop(statement);
    transaction.commit()?;
    Ok(ids.is_empty())
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}
