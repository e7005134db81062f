//! A shard's loop.
//!
//! A broken assertion of one tenant's engine takes no other tenant down: its state is dropped and replayed from the
//! journal, and if that breaks too the tenant alone answers with an error.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use stats::{document::Frozen, event::Millis, zone::Zone};

use super::{
    Applied, Input, Ledger, Live, Parsed, Settings, State, Unavailable, recover::recover,
    tenancy::Tenancy,
};
use crate::{
    clock,
    journal::{Journal, Position, Snapshot},
    telemetry::Metrics,
    tenants::{Tenant, TenantId},
};

/// How often a shard without inputs looks round.
const TICK: Duration = Duration::from_secs(1);

pub struct Worker {
    settings: Settings,
    journal: Arc<dyn Journal>,
    metrics: Metrics,
    keeper: Keeper,
    tenants: BTreeMap<TenantId, Served>,
}

struct Served {
    live: Arc<Live>,
    zone: Zone,
    /// None once it is broken.
    open: Option<Tenancy>,
}

impl Served {
    fn counted(&self) -> Option<Millis> {
        self.open.as_ref()?.engine.counted()
    }
}

impl Worker {
    pub fn new(settings: Settings, journal: Arc<dyn Journal>, metrics: Metrics) -> Worker {
        let keeper = Keeper::start(journal.clone(), metrics.clone());
        Worker { settings, journal, metrics, keeper, tenants: BTreeMap::new() }
    }

    pub fn run(mut self, inputs: &mpsc::Receiver<Input>) {
        let mut ticked = Instant::now();
        loop {
            match inputs.recv_timeout(TICK) {
                Ok(Input::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Ok(input) => self.take(input),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.keep_due();
            }
        }
        self.keep_all();
    }

    fn take(&mut self, input: Input) {
        // Whoever asked may have gone: then nobody hears the reply, and that is all.
        match input {
            Input::Open { live, tenant } => self.open(live, &tenant),
            Input::Close(tenant) => drop(self.tenants.remove(&tenant)),
            Input::Apply { tenant, after, parsed, reply } => {
                reply(self.apply(tenant, after, &parsed));
            }
            Input::Freeze { tenant, reply } => drop(reply.send(self.freeze(tenant))),
            Input::Ledger { tenant, reply } => drop(reply.send(self.ledgers(tenant))),
            Input::Stop => {}
        }
    }

    fn open(&mut self, live: Arc<Live>, tenant: &Tenant) {
        match Zone::named(&tenant.zone) {
            Ok(zone) => {
                let mut served = Served { live, zone, open: None };
                self.recover(&mut served);
                self.tenants.insert(tenant.id, served);
            }
            Err(error) => {
                tracing::error!(tenant = &*live.name, %error, "the tenant can't be served");
                live.enter(State::Broken);
            }
        }
    }

    fn recover(&self, served: &mut Served) {
        let Served { live, zone, open } = served;
        live.enter(State::Recovering);
        let recovered =
            catch_unwind(AssertUnwindSafe(|| recover(&*self.journal, live, zone, &self.metrics)));
        match recovered {
            Ok(Ok((engine, position, kept))) => {
                let engine = engine.with_sla_target(self.settings.sla_target);
                *open = Some(Tenancy::new(engine, position, kept));
                live.enter(State::Ready);
            }
            Ok(Err(error)) => {
                tracing::error!(tenant = &*live.name, %error, "the tenant can't be served");
                live.enter(State::Broken);
            }
            Err(_) => {
                tracing::error!(
                    tenant = &*live.name,
                    "replaying the tenant's log broke an assertion"
                );
                live.enter(State::Broken);
            }
        }
    }

    /// Does something with an open tenant; after a broken assertion it is replayed and asked once more.
    fn with_open<T>(
        &mut self,
        tenant: TenantId,
        mut work: impl FnMut(&mut Tenancy) -> T,
    ) -> Result<T, Unavailable> {
        let mut served = self.tenants.remove(&tenant).ok_or(Unavailable::NotReady)?;
        let mut answer = Err(Unavailable::Broken);
        for _ in 0..2 {
            let Some(open) = &mut served.open else { break };
            if let Ok(done) = catch_unwind(AssertUnwindSafe(|| work(open))) {
                answer = Ok(done);
                break;
            }
            tracing::error!(tenant = &*served.live.name, "an assertion broke; replaying its log");
            served.open = None;
            self.recover(&mut served);
        }
        if answer.is_err() && served.open.take().is_some() {
            served.live.enter(State::Broken);
        }
        self.tenants.insert(tenant, served);
        answer
    }

    fn apply(
        &mut self,
        tenant: TenantId,
        after: Position,
        parsed: &Parsed,
    ) -> Result<Applied, Unavailable> {
        let applied = self.with_open(tenant, |open| open.apply(after, parsed))?;
        if let Some(counted) = self.tenants.get(&tenant).and_then(Served::counted) {
            self.metrics.last_event(counted);
        }
        let ignored = applied.ignored.len() as u64;
        self.metrics.events_applied(applied.accepted - ignored);
        self.metrics.events_duplicate(applied.duplicates);
        for (_, reason) in &applied.ignored {
            self.metrics.events_ignored(*reason, 1);
        }
        if self.tenants.get(&tenant).is_some_and(|served| self.due(served)) {
            self.keep(tenant);
        }
        Ok(applied)
    }

    fn freeze(&mut self, tenant: TenantId) -> Result<Frozen, Unavailable> {
        let begun = Instant::now();
        let frozen = self.with_open(tenant, |open| open.freeze(clock::now()))?;
        self.metrics.refresh(frozen.instant, begun.elapsed());
        Ok(frozen)
    }

    fn ledgers(&self, tenant: Option<TenantId>) -> Vec<Ledger> {
        let now = clock::now();
        let asked = |id: &TenantId| tenant.is_none_or(|tenant| tenant == *id);
        let open = self.tenants.iter().filter(|(id, _)| asked(id));
        open.filter_map(|(_, served)| Some(served.open.as_ref()?.ledger(&served.live, now)))
            .collect()
    }

    fn due(&self, served: &Served) -> bool {
        served.open.as_ref().is_some_and(|open| open.snapshot_due(&self.settings))
    }

    fn keep_due(&mut self) {
        let due: Vec<TenantId> = self
            .tenants
            .iter()
            .filter(|(_, served)| self.due(served))
            .map(|(tenant, _)| *tenant)
            .collect();
        for tenant in due {
            self.keep(tenant);
        }
    }

    /// Hands a tenant's state to the keeper; while that is busy the log stands for it, and a later look tries again.
    fn keep(&mut self, tenant: TenantId) {
        let open = self.tenants.get_mut(&tenant).and_then(|served| served.open.as_mut());
        if let Some(open) = open
            && self.keeper.has_room()
        {
            self.keeper.take(tenant, open.snapshot(clock::now()));
        }
    }

    /// The server stops: every changed state is kept, so that the next start replays nothing.
    fn keep_all(&mut self) {
        for (tenant, served) in &mut self.tenants {
            let Some(open) = served.open.as_mut().filter(|open| open.changed()) else { continue };
            let snapshot = open.snapshot(clock::now());
            if let Err(error) = self.journal.keep_snapshot(*tenant, snapshot) {
                tracing::warn!(tenant = &*served.live.name, %error, "a snapshot was not kept");
            }
        }
    }
}

/// Snapshots are stored on a thread of their own, so that a shard never waits for the disk.
struct Keeper {
    snapshots: mpsc::Sender<(TenantId, Snapshot)>,
    pending: Arc<AtomicUsize>,
}

/// Snapshots that wait for the disk at a time: each is a tenant's whole state in memory.
const KEEPER_PENDING_MAX: usize = 8;

impl Keeper {
    fn start(journal: Arc<dyn Journal>, metrics: Metrics) -> Keeper {
        let (sender, snapshots) = mpsc::channel::<(TenantId, Snapshot)>();
        let pending = Arc::new(AtomicUsize::new(0));
        let stored = pending.clone();
        let keep = move || {
            for (tenant, snapshot) in snapshots {
                let (begun, bytes) = (Instant::now(), snapshot.state.len());
                match journal.keep_snapshot(tenant, snapshot) {
                    Ok(()) => metrics.snapshot(bytes, begun.elapsed()),
                    Err(error) => {
                        metrics.snapshot_failed();
                        tracing::warn!(tenant = tenant.0, %error, "a snapshot was not kept");
                    }
                }
                stored.fetch_sub(1, Ordering::Release);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("keeper".into()).spawn(keep) {
            tracing::error!(%error, "snapshots can't be kept: a start will replay more of the log");
            pending.store(KEEPER_PENDING_MAX, Ordering::Release);
        }
        Keeper { snapshots: sender, pending }
    }

    fn has_room(&self) -> bool {
        self.pending.load(Ordering::Acquire) < KEEPER_PENDING_MAX
    }

    fn take(&self, tenant: TenantId, snapshot: Snapshot) {
        self.pending.fetch_add(1, Ordering::AcqRel);
        if self.snapshots.send((tenant, snapshot)).is_err() {
            tracing::error!("the thread that keeps snapshots is gone");
        }
    }
}
