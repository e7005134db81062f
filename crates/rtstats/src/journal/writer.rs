//! The one thread that writes: it commits in groups and tells each batch when it is on disk.
//!
//! A group is all that waits, up to a bound, in one transaction. If that fails, all of it is told so and nothing of
//! it is kept; the next group tries anew, on a new connection where the old one can't be trusted.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::{
    Batch, Durable, JournalError, Position, Settings,
    checkpoint::{self, Checkpointer},
    chore::{Chore, Trouble},
    queue::{Depth, Queue},
    row::{self, Packed, Packer, Place},
};
use crate::{
    database::{
        self, OpenError,
        run::{self, OpenFiles},
    },
    tenants::TenantId,
};

/// How often the writer looks whether its files are still there, and, when appends fail and nobody tries, whether
/// the disk works again.
const LOOK: Duration = Duration::from_secs(1);

/// What one commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitReport {
    /// Batches in the group.
    pub batches: usize,
    /// Events in them.
    pub events: u64,
    /// Bytes of their lines.
    pub bytes: usize,
    /// Bytes of the rows, compressed.
    pub stored_bytes: usize,
    /// From taking the group until it was on disk.
    pub took: Duration,
    /// What still waits after it was taken.
    pub queued: Depth,
    /// Whether it failed, and nothing was kept.
    pub failed: bool,
}

/// Told of each commit on the journal's thread: it must be quick.
pub type Observer = Box<dyn Fn(CommitReport) + Send>;

/// The last error, until a commit succeeds again.
#[derive(Default)]
pub(super) struct Health(Mutex<Option<String>>);

impl Health {
    pub(super) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, error: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

pub(super) struct Writer {
    path: PathBuf,
    settings: Settings,
    queue: Arc<Queue>,
    health: Arc<Health>,
    observer: Observer,
    packer: Packer,
    checkpointer: Checkpointer,
    chores: VecDeque<Chore>,
    /// None after a failure that it can't be trusted to have survived.
    connection: Option<Connection>,
    /// Commits of the connection don't wait for the disk just now.
    relaxed: bool,
    /// An I/O error came: frames before the end of the write-ahead log may not be on disk though fsync says so
    /// the next time. All has to be written again and carried over before a commit counts.
    suspect: bool,
    files: OpenFiles,
    looked: Instant,
    /// What happened to the files: from then on nothing is written.
    lost: Option<String>,
}

/// The lines of one tenant in a group.
struct Merged {
    tenant: TenantId,
    events: u64,
    packed: Packed,
}

/// By tenant: where its lines begin, or None for a tenant that is not there.
type Begun = Vec<(TenantId, Option<Position>)>;

impl Writer {
    pub(super) fn new(
        path: &Path,
        settings: Settings,
        queue: Arc<Queue>,
        health: Arc<Health>,
        observer: Observer,
    ) -> Result<Writer, OpenError> {
        let packer = Packer::new().map_err(OpenError::io(path))?;
        let checkpointer = Checkpointer::start(path)?;
        let mut writer = Writer {
            path: path.to_owned(),
            settings,
            queue,
            health,
            observer,
            packer,
            checkpointer,
            chores: VecDeque::new(),
            connection: None,
            relaxed: false,
            suspect: false,
            files: OpenFiles::default(),
            looked: Instant::now(),
            lost: None,
        };
        writer.begin()?;
        Ok(writer)
    }

    /// Marks the database as running: from here on, a stop that doesn't come by `finish` isn't clean.
    ///
    /// On a full or failing disk the server starts all the same, for those who read; the first commit marks it.
    fn begin(&mut self) -> Result<(), OpenError> {
        let connection = self.connection.insert(self.connect()?);
        if let Some(folder) = self.path.parent() {
            // The name of the log may be as new as the log.
            database::sync_folder(folder)?;
        }
        let marked = checkpoint::hand_over(connection, &self.path);
        if let Err(error) = marked {
            match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
                    let error = self.failed(&error);
                    self.after(Some(&error));
                }
                _ => return Err(OpenError::sqlite(&self.path)(error)),
            }
        }
        self.lost = self.files.look(&self.path);
        Ok(())
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) -> Result<(), JournalError> {
        // However this ends, nobody is left waiting for an answer.
        let _guard = Abandon(self.queue.clone());
        while self.turn(LOOK) {}
        self.finish()
    }

    /// Does what waits, or waits no longer than `idle` for something to do; false once nothing is left and nothing more
    /// will come.
    pub(super) fn turn(&mut self, idle: Duration) -> bool {
        let patience = if !self.chores.is_empty() { Duration::ZERO } else { idle };
        let work = self.queue.take(self.settings.group_bytes_max, patience);
        self.chores.extend(work.chores);
        self.look();
        if !work.group.is_empty() {
            self.commit(work.group);
        } else if work.ended && self.chores.is_empty() {
            return false;
        } else if self.chores.is_empty() && self.health.get().is_some() {
            self.probe();
        }
        if !self.chores.is_empty() {
            self.chore();
            self.checkpoint();
        }
        true
    }

    fn connect(&self) -> Result<Connection, OpenError> {
        let connection = database::connect(&self.path)?;
        // The checkpointer does what SQLite would do between commits; the file of the write-ahead log keeps its
        // blocks up to twice of what it usually fills.
        let set_up = connection.execute_batch(
            "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-32768;",
        );
        let sqlite = OpenError::sqlite(&self.path);
        set_up.map_err(&sqlite)?;
        run::leave_log(&connection, true).map_err(&sqlite)?;
        if let Some(bytes) = self.settings.file_bytes_max {
            let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
            let page_bytes: i64 = pragma("page_size").map_err(&sqlite)?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page_bytes.max(1);
            let limit =
                format!("PRAGMA max_page_count={}", pages.clamp(1, i64::from(u32::MAX - 1)));
            connection.query_row(&limit, [], |_| Ok(())).map_err(&sqlite)?;
        }
        Ok(connection)
    }

    /// Looks whether the files are still those that are open. If not, saves what was told durable: the lost log can
    /// still be read, and is carried over into the database file as far as that is there.
    fn look(&mut self) {
        if self.lost.is_some() || self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let Some(lost) = self.files.look(&self.path) else { return };
        self.after(Some(&JournalError::failed(&lost)));
        self.lost = Some(lost);
        if let Some(connection) = &self.connection
            && let Err(error) = checkpoint::finish(connection)
        {
            tracing::error!(%error, "what was written last could not be saved");
        }
    }

    /// The connection, opened anew if need be, with its commits waiting for the disk or not.
    fn ready(&mut self, relaxed: bool) -> Result<&mut Connection, JournalError> {
        if let Some(lost) = &self.lost {
            return Err(JournalError::failed(lost));
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.relaxed = false;
                self.connect().map_err(JournalError::failed)?
            }
        };
        if self.suspect {
            checkpoint::write_again(&mut connection, &self.path)?;
            let renewed = checkpoint::renew(&connection).map_err(JournalError::failed)?;
            if !renewed {
                return Err(JournalError::failed(
                    "after an I/O error the log can't be renewed yet",
                ));
            }
            self.suspect = false;
        }
        if self.relaxed != relaxed {
            let mode = if relaxed { "NORMAL" } else { "FULL" };
            connection.pragma_update(None, "synchronous", mode).map_err(JournalError::failed)?;
            self.relaxed = relaxed;
        }
        Ok(self.connection.insert(connection))
    }

    fn commit(&mut self, group: Vec<Batch>) {
        let start = Instant::now();
        let queued = self.queue.depth();
        let mut report = CommitReport {
            batches: group.len(),
            events: group.iter().map(|batch| u64::from(batch.events)).sum(),
            bytes: group.iter().map(|batch| batch.lines.len()).sum(),
            stored_bytes: 0,
            took: Duration::ZERO,
            queued,
            failed: false,
        };
        let outcome = self.write(&group, &mut report.stored_bytes);
        report.took = start.elapsed();
        report.failed = outcome.is_err();
        self.after(outcome.as_ref().err());
        tell(group, outcome);
        (self.observer)(report);
        self.checkpoint();
    }

    fn write(&mut self, group: &[Batch], stored: &mut usize) -> Result<Begun, JournalError> {
        let merged = merge(group, &mut self.packer)?;
        *stored = merged.iter().map(|merged| merged.packed.len()).sum();
        let received = (self.settings.now)();
        let connection = self.ready(false)?;
        let begun = write_rows(connection, &merged, received);
        begun.map_err(|error| self.failed(&error))
    }

    /// Leaves behind what can't be trusted after an error.
    fn failed(&mut self, error: &rusqlite::Error) -> JournalError {
        if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
            self.suspect = true;
            self.connection = None;
        }
        // A rollback that failed leaves the transaction open.
        self.connection = self.connection.take().filter(Connection::is_autocommit);
        JournalError::failed(error)
    }

    fn after(&self, error: Option<&JournalError>) {
        let text = error.map(ToString::to_string);
        match (&text, self.health.get()) {
            (Some(text), None) => tracing::error!(error = %text, "appending fails"),
            (None, Some(_)) => tracing::info!("appending works again"),
            _ => {}
        }
        self.health.set(text);
    }

    /// Writes something small, to see whether the disk works again.
    fn probe(&mut self) {
        let written = match self.ready(false).map(|connection| run::probe(connection)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(error) => Err(error),
        };
        self.after(written.err().as_ref());
    }

    fn checkpoint(&mut self) {
        if self.lost.is_none()
            && let Some(connection) = &self.connection
            && let Err(error) = self.checkpointer.after_commit(connection, &self.path)
        {
            tracing::warn!(%error, "the write-ahead log could not be carried over");
            self.failed(&error);
        }
    }

    /// Does a slice of the first chore.
    fn chore(&mut self) {
        let Some(mut chore) = self.chores.pop_front() else { return };
        let relaxed = !chore.task.must_last();
        let stepped = self
            .ready(relaxed)
            .map_err(Trouble::Refused)
            .and_then(|connection| chore.task.step(connection));
        let ended = match stepped {
            Ok(false) => return self.chores.push_front(chore),
            Ok(true) => Ok(()),
            Err(Trouble::Refused(error)) => Err(error),
            Err(Trouble::Sqlite(error)) => Err(self.failed(&error)),
        };
        if let Some(reply) = chore.reply {
            // Whoever asked may have gone; the work is done all the same.
            let _ = reply.send(ended);
        }
    }

    /// Marks the stop as clean and carries all over.
    pub(super) fn finish(mut self) -> Result<(), JournalError> {
        if let (Some(lost), Some(connection)) = (&self.lost, &self.connection) {
            // Saved already where that could be; if not, this is the last occasion.
            checkpoint::finish(connection).map_err(JournalError::failed)?;
            return Err(JournalError::failed(lost));
        }
        if let Err(error) = self.checkpointer.end() {
            self.failed(&error);
        }
        let connection = self.ready(false)?;
        run::end(connection).map_err(JournalError::failed)?;
        let Some(connection) = self.connection else { return Ok(()) };
        checkpoint::finish(&connection).map_err(JournalError::failed)?;
        run::leave_log(&connection, false).map_err(JournalError::failed)?;
        connection.close().map_err(|(_, error)| JournalError::failed(error))
    }
}

/// Ends the waiting of all when the writer ends.
struct Abandon(Arc<Queue>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Puts the lines of each tenant together, tenants in the order in which they first come.
fn merge(group: &[Batch], packer: &mut Packer) -> Result<Vec<Merged>, JournalError> {
    let mut by_tenant: Vec<&Batch> = group.iter().collect();
    // Stable: within a tenant the order stays.
    by_tenant.sort_by_key(|batch| batch.tenant);
    by_tenant
        .chunk_by(|one, other| one.tenant == other.tenant)
        .map(|batches| {
            let events = batches.iter().map(|batch| u64::from(batch.events)).sum();
            let packed = packer.pack(join(batches)).map_err(JournalError::failed)?;
            Ok(Merged { tenant: batches[0].tenant, events, packed })
        })
        .collect()
}

fn join(batches: &[&Batch]) -> Bytes {
    if let [batch] = batches
        && batch.lines.ends_with(b"\n")
    {
        return batch.lines.clone();
    }
    let bytes: usize = batches.iter().map(|batch| batch.lines.len() + 1).sum();
    let mut lines = BytesMut::with_capacity(bytes);
    for batch in batches.iter().filter(|batch| batch.events > 0) {
        lines.extend_from_slice(&batch.lines);
        if !batch.lines.ends_with(b"\n") {
            lines.extend_from_slice(b"\n");
        }
    }
    lines.freeze()
}

fn write_rows(
    connection: &mut Connection,
    merged: &[Merged],
    received: stats::event::Millis,
) -> rusqlite::Result<Begun> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut begun = Begun::with_capacity(merged.len());
    for Merged { tenant, events, packed } in merged {
        let extent = row::extent(&transaction, *tenant)?;
        begun.push((*tenant, extent.map(|extent| extent.after)));
        let Some(extent) = extent.filter(|_| *events > 0) else { continue };
        let place = Place { tenant: *tenant, first: extent.after, events: *events, received };
        row::insert(&transaction, place, packed)?;
        row::set_after(&transaction, *tenant, place.after())?;
    }
    run::go_on(&transaction)?;
    transaction.commit()?;
    Ok(begun)
}

/// Tells each batch, in the order of the log.
fn tell(group: Vec<Batch>, outcome: Result<Begun, JournalError>) {
    let mut begun = match outcome {
        Ok(begun) => begun,
        Err(error) => {
            for batch in group {
                call(batch.durable, Err(error.clone()));
            }
            return;
        }
    };
    for batch in group {
        let next = begun.binary_search_by_key(&batch.tenant, |(tenant, _)| *tenant);
        let next = next.ok().and_then(|at| begun[at].1.as_mut());
        let answer = match next {
            Some(next) => {
                next.0 += u64::from(batch.events);
                Ok(*next)
            }
            None => Err(JournalError::Gone(batch.tenant)),
        };
        call(batch.durable, answer);
    }
}

/// A mistake of one that waits must not take the journal down.
fn call(durable: Durable, answer: Result<Position, JournalError>) {
    if catch_unwind(AssertUnwindSafe(|| durable(answer))).is_err() {
        tracing::error!("who waited for a batch panicked when told that it is durable");
    }
}
