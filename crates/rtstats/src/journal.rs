//! The journal: the durable order of every tenant's events, and the snapshots that shorten its replay.
//!
//! Append-only; one order per tenant; an append is answered once it is on disk. The trait is small so that
//! another carrier of the log can stand in for the embedded one.

use std::fmt::Display;

use bytes::Bytes;
use stats::event::Millis;

use crate::tenants::TenantId;

mod check;
mod checkpoint;
mod chore;
mod embedded;
mod queue;
mod read;
mod row;
mod snapshots;
mod sqlite;
#[cfg(test)]
pub(crate) mod stepped;
mod trends;
mod writer;

pub use queue::Depth;
pub use read::LogReader;
pub use sqlite::{Settings, SqliteJournal};
pub use trends::Trend;
pub use writer::{CommitReport, Observer};

/// How many events of its tenant's log lie before: 0 is the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// Told on the journal's thread, in the order of the log, once the batch is on disk: the position after it.
pub type Durable = Box<dyn FnOnce(Result<Position, JournalError>) + Send>;

/// Events to be appended, whole or not at all.
pub struct Batch {
    /// Whose log.
    pub tenant: TenantId,
    /// Well-formed NDJSON lines; the last may lack its line feed.
    pub lines: Bytes,
    /// How many events the lines hold.
    pub events: u32,
    /// Who waits for it.
    pub durable: Durable,
}

/// An engine's state after the events before `position`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Where in the log it was taken.
    pub position: Position,
    /// When it was taken, by the server's clock.
    pub taken: Millis,
    /// The engine's bytes.
    pub state: Vec<u8>,
}

/// What can go wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The queue before the journal is full; nothing was kept.
    #[error("the journal's queue is full")]
    Full,
    /// The world failed; nothing was kept.
    #[error("the journal failed: {0}")]
    Failed(String),
    /// The tenant was removed meanwhile; nothing was kept.
    #[error("there is no tenant {} any more", .0.0)]
    Gone(TenantId),
}

impl JournalError {
    fn failed(cause: impl Display) -> JournalError {
        JournalError::Failed(cause.to_string())
    }

    fn damaged(what: impl Display) -> JournalError {
        JournalError::Failed(format!("the database is damaged: {what}"))
    }

    fn closed() -> JournalError {
        JournalError::Failed("the journal is closed".to_owned())
    }
}

/// The durable order of events.
pub trait Journal: Send + Sync + 'static {
    /// Queues a batch. On an error `durable` is dropped untold and nothing was kept.
    fn append(&self, batch: Batch) -> Result<(), JournalError>;

    /// Reads a tenant's log from a position on, in runs of whole lines, each with the position after it.
    fn read(
        &self,
        tenant: TenantId,
        after: Position,
        each: &mut dyn FnMut(Position, &[u8]),
    ) -> Result<(), JournalError>;

    /// The position after the last event.
    fn end(&self, tenant: TenantId) -> Result<Position, JournalError>;

    /// The kept snapshots, newest first, until `each` says that it is enough; a damaged one is left out with a warning.
    fn snapshots(
        &self,
        tenant: TenantId,
        each: &mut dyn FnMut(Snapshot) -> bool,
    ) -> Result<(), JournalError>;

    /// Keeps a snapshot; older ones that nothing needs any more go. For an hour by the clock one from before it stays.
    fn keep_snapshot(&self, tenant: TenantId, snapshot: Snapshot) -> Result<(), JournalError>;

    /// Drops events received before an instant, as far as a kept snapshot stands for them.
    fn retain(&self, received_from: Millis) -> Result<(), JournalError>;

    /// Keeps a minute's trends of all tenants, whole or not at all, and drops those of minutes that ended before `from`.
    fn keep_trends(&self, trends: Vec<Trend>, from: Millis) -> Result<(), JournalError>;

    /// A tenant's trends of the minutes that ended after an instant, oldest first.
    fn trends(&self, tenant: TenantId, after: Millis) -> Result<Vec<Trend>, JournalError>;

    /// None while appends work, else why the last one failed.
    fn trouble(&self) -> Option<String>;
}
