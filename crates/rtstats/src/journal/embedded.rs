//! What the embedded journal does, whoever drives its writer: a thread of its own ([`SqliteJournal`](super::SqliteJournal))
//! or a simulation, step by step.

use std::sync::Arc;

use rusqlite::Connection;
use stats::event::Millis;

use super::{
    Batch, Journal, JournalError, Position, Snapshot,
    chore::{self, Keep, Retain, Task},
    queue::Queue,
    read::{self, Readers},
    snapshots,
    trends::{self, KeepTrends, Trend},
    writer::Health,
};
use crate::{database::removal, tenants::TenantId};

/// What is shared with the writer, and what reads beside it.
pub(super) struct Opened {
    pub(super) queue: Arc<Queue>,
    pub(super) health: Arc<Health>,
    pub(super) readers: Readers,
}

/// A journal in `rtstats.db` with a writer.
pub(super) trait Embedded: Send + Sync + 'static {
    fn opened(&self) -> &Opened;

    /// Has the writer do a chore, and waits for its end.
    fn chore(&self, task: Task) -> Result<(), JournalError>;
}

impl<J: Embedded> Journal for J {
    fn append(&self, batch: Batch) -> Result<(), JournalError> {
        self.opened().queue.push(batch)
    }

    fn read(
        &self,
        tenant: TenantId,
        after: Position,
        each: &mut dyn FnMut(Position, &[u8]),
    ) -> Result<(), JournalError> {
        read::log(&*self.opened().readers.lend()?, tenant, after, each)
    }

    fn end(&self, tenant: TenantId) -> Result<Position, JournalError> {
        read::extent(&*self.opened().readers.lend()?, tenant).map(|extent| extent.after)
    }

    fn snapshots(
        &self,
        tenant: TenantId,
        each: &mut dyn FnMut(Snapshot) -> bool,
    ) -> Result<(), JournalError> {
        snapshots::read(&*self.opened().readers.lend()?, tenant, each)
    }

    fn keep_snapshot(&self, tenant: TenantId, snapshot: Snapshot) -> Result<(), JournalError> {
        let task = keep(&*self.opened().readers.lend()?, tenant, &snapshot)?;
        self.chore(task)
    }

    fn retain(&self, received_from: Millis) -> Result<(), JournalError> {
        let retain =
            plan(&*self.opened().readers.lend()?, received_from).map_err(JournalError::failed)?;
        self.chore(Task::Retain(retain))
    }

    fn keep_trends(&self, trends: Vec<Trend>, from: Millis) -> Result<(), JournalError> {
        self.chore(Task::KeepTrends(KeepTrends { trends, from }))
    }

    fn trends(&self, tenant: TenantId, after: Millis) -> Result<Vec<Trend>, JournalError> {
        trends::read(&*self.opened().readers.lend()?, tenant, after)
    }

    /// It tries by itself every second whether appends work again.
    fn trouble(&self) -> Option<String> {
        self.opened().health.get()
    }
}

/// A snapshot as it will be written, and those that go for it.
fn keep(
    connection: &Connection,
    tenant: TenantId,
    snapshot: &Snapshot,
) -> Result<Task, JournalError> {
    let packed = snapshots::pack(tenant, snapshot)?;
    let Snapshot { position, taken, .. } = *snapshot;
    let superseded = snapshots::superseded(connection, tenant, position, taken);
    Ok(Task::Keep(Keep::new(packed, superseded.map_err(JournalError::failed)?)))
}

/// What retention may drop. Snapshots are read and checked here, so that the writer needn't.
fn plan(connection: &Connection, received_from: Millis) -> rusqlite::Result<Retain> {
    let tenants: Vec<TenantId> = connection
        .prepare_cached("SELECT id FROM tenant ORDER BY id")?
        .query_map([], |row| row.get(0).map(TenantId))?
        .collect::<Result<_, _>>()?;
    let mut limits = Vec::new();
    for tenant in tenants {
        let oldest = chore::oldest(connection, tenant)?;
        if oldest.is_some_and(|(_, received, _)| received < received_from)
            && let Some(limit) = snapshots::relied_on(connection, tenant)?
        {
            limits.push((tenant, limit));
        }
    }
    Ok(Retain { received_from, limits, removed: removal::pending(connection)? })
}
