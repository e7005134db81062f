//! One life of the machine: the parts of the server on an open journal, and each of their steps.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use bytes::Bytes;
use stats::{
    document::Frozen,
    engine::{Account, SlaTarget},
    event::Millis,
};
use tokio::sync::oneshot;

use crate::{
    board::{Board, Refresh},
    database::OpenError,
    journal::{
        Batch, Journal, JournalError, Position, Settings as JournalSettings, Snapshot,
        stepped::SteppedJournal,
    },
    shard::{
        Input, Live, Parsed, Settings, State, Unavailable,
        keeper::{self, Keeper},
        recover::{self, Order},
        worker::Worker,
    },
    telemetry::Metrics,
    tenants::{Tenant, TenantId},
};

/// A snapshot is due after so many events.
const SNAPSHOT_EVERY: u64 = 12;

/// What the journal said of a batch.
pub struct Told {
    pub tenant: TenantId,
    pub lines: Bytes,
    pub outcome: Result<Position, JournalError>,
}

/// What a tenant's engine holds and shows.
pub struct Seen {
    pub frozen: Frozen,
    pub position: u64,
    pub account: Account,
}

/// A tenant's board.
#[derive(Default)]
pub struct Shown {
    pub board: Arc<Board>,
    /// The refresh that it showed last, and what that was made from.
    pub made_from: Option<(Arc<Refresh>, Frozen)>,
}

pub struct Life {
    pub journal: Arc<SteppedJournal>,
    worker: Worker,
    orders: mpsc::Receiver<Order>,
    snapshots: mpsc::Receiver<(TenantId, Snapshot)>,
    snapshots_pending: Arc<AtomicUsize>,
    /// What lies before the worker.
    inbox: Arc<Mutex<VecDeque<Input>>>,
    told: Arc<Mutex<Vec<Told>>>,
    metrics: Metrics,
    pub live: Vec<Arc<Live>>,
    /// Their documents.
    pub boards: Vec<Shown>,
}

fn lock<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Life {
    pub fn begin(
        folder: &Path,
        tenants: &[Arc<Tenant>],
        now: fn() -> Millis,
    ) -> Result<Life, OpenError> {
        let settings = JournalSettings { now, ..JournalSettings::default() };
        let journal = Arc::new(SteppedJournal::open(folder, settings)?);
        let settings = Settings {
            shards: 1,
            sla_target: SlaTarget::Hours,
            snapshot_every_events: SNAPSHOT_EVERY,
            snapshot_every: Duration::MAX,
            now,
        };
        let metrics = Metrics::new();
        let (keeper, snapshots, snapshots_pending) = Keeper::driven();
        let (recovery, orders) = mpsc::channel();
        let shared: Arc<dyn Journal> = journal.clone();
        let mut worker = Worker::driven(settings, shared, metrics.clone(), keeper, recovery);
        let mut live = Vec::new();
        for tenant in tenants {
            live.push(Arc::new(Live::new(tenant.id, tenant.name.as_str())));
            let live = live[live.len() - 1].clone();
            worker.take(Input::Open { live, tenant: tenant.clone() });
        }
        let boards = tenants.iter().map(|_| Shown::default()).collect();
        let (inbox, told) = Default::default();
        Ok(Life {
            journal,
            worker,
            orders,
            snapshots,
            snapshots_pending,
            inbox,
            told,
            metrics,
            live,
            boards,
        })
    }

    /// As ingest does it: the journal first, and then the shard, in the log's order.
    pub fn append(&self, tenant: TenantId, lines: &[String]) {
        let lines = Bytes::from(lines.concat());
        let parsed = Parsed::new(lines.clone(), None).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let events = parsed.lines().len() as u32;
        let (inbox, told, sent) = (self.inbox.clone(), self.told.clone(), lines.clone());
        let durable = Box::new(move |outcome: Result<Position, JournalError>| {
            if let Ok(after) = outcome {
                let reply = Box::new(move |applied: Result<_, Unavailable>| {
                    assert!(applied != Err(Unavailable::Broken), "{tenant:?} is broken");
                });
                lock(&inbox).push_back(Input::Apply { tenant, after, parsed, reply });
            }
            lock(&told).push(Told { tenant, lines: sent, outcome });
        });
        let batch = Batch { tenant, lines, events, durable };
        assert!(self.journal.append(batch).is_ok(), "the queue has room");
    }

    /// The journal's writer takes a turn; what it said meanwhile.
    pub fn turn(&self) -> Vec<Told> {
        self.journal.turn();
        self.heard()
    }

    /// What the journal has said since this was asked last.
    pub fn heard(&self) -> Vec<Told> {
        std::mem::take(&mut lock(&self.told))
    }

    /// The shard takes up its next input; false if there is none.
    pub fn deliver(&mut self) -> bool {
        let Some(input) = lock(&self.inbox).pop_front() else { return false };
        self.worker.take(input);
        true
    }

    /// The next tenant that waits for its replay is replayed; false if none does.
    pub fn recover(&mut self) -> bool {
        let Ok(order) = self.orders.try_recv() else { return false };
        let recovered = Box::new(recover::recover(&*self.journal, &order, &self.metrics));
        lock(&self.inbox).push_back(Input::Opened { tenant: order.live.id, recovered });
        true
    }

    /// The next snapshot that waits is stored, or can't be; false if none waits.
    pub fn keep(&mut self) -> bool {
        let Ok((tenant, snapshot)) = self.snapshots.try_recv() else { return false };
        let kept = keeper::keep(&*self.journal, &self.metrics, tenant, snapshot);
        self.snapshots_pending.fetch_sub(1, Ordering::Release);
        lock(&self.inbox).push_back(kept);
        true
    }

    /// All of a tenant now.
    pub fn look(&mut self, tenant: TenantId) -> Result<Seen, Unavailable> {
        let (reply, mut ledgers) = oneshot::channel();
        self.worker.take(Input::Ledger { tenant: Some(tenant), reply });
        let (reply, mut frozen) = oneshot::channel();
        self.worker.take(Input::Freeze { tenant, reply });
        let frozen = frozen.try_recv().expect("the worker has answered")?;
        let ledger = ledgers.try_recv().expect("the worker has answered").pop();
        let ledger = ledger.expect("what can be frozen has an account");
        Ok(Seen { frozen, position: ledger.events, account: ledger.account })
    }

    /// Nothing waits any more, and every tenant is served.
    pub fn settle(&mut self) -> Vec<Told> {
        let mut told = self.turn();
        while self.recover() || self.keep() || self.deliver() {}
        told.extend(self.heard());
        told
    }

    pub fn is_broken(&self) -> bool {
        self.live.iter().any(|live| live.state() == State::Broken)
    }

    /// As the server stops: every state is kept.
    pub fn stop(self) -> Result<(), JournalError> {
        let (_, inputs) = mpsc::channel();
        self.worker.stop(&inputs);
        let finished = self.journal.finish();
        self.journal.die();
        finished
    }

    /// As it is killed.
    pub fn die(self) -> Vec<Told> {
        self.journal.die();
        self.heard()
    }
}
