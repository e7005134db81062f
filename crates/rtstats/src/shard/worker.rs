//! A shard's loop.
//!
//! A broken assertion of one tenant's engine takes no other tenant down: its state is dropped and replayed from the
//! journal beside the shard's work, and if that breaks again and again the tenant alone answers with an error.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use stats::{document::Frozen, event::Millis, zone::Zone};

use super::{
    Applied, Input, Ledger, Live, Parsed, Reply, Settings, State, Unavailable, View,
    keeper::Keeper,
    recover::{self, Order, Recovered, Replayed},
    tenancy::Tenancy,
};
use crate::{
    journal::{Journal, Position},
    telemetry::Metrics,
    tenants::{Tenant, TenantId},
};

/// How often a shard without inputs looks round.
const TICK: Duration = Duration::from_secs(1);

/// A tenant that breaks assertions so often is not replayed again.
const FAULTS_MAX: u32 = 3;

/// Documents that lie further ahead of the clock than this are not waited for.
const AHEAD_MS_MAX: Millis = 60_000;

pub struct Worker {
    settings: Settings,
    journal: Arc<dyn Journal>,
    metrics: Metrics,
    keeper: Keeper,
    recovery: mpsc::Sender<Order>,
    tenants: BTreeMap<TenantId, Served>,
}

struct Served {
    live: Arc<Live>,
    zone: Zone,
    /// None while it is being recovered, and once it is broken.
    open: Option<Tenancy>,
    /// Batches that became durable meanwhile.
    waiting: VecDeque<Waiting>,
    /// Assertions that it broke.
    faults: u32,
    /// Whether its documents lie ahead of the clock.
    ahead: Ahead,
}

/// How documents stand towards the clock, and what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ahead {
    No,
    /// Events count ahead of the clock; that was told.
    ByEvents,
    /// Documents alone were; the log was replayed for it.
    Replayed,
}

struct Waiting {
    after: Position,
    parsed: Parsed,
    reply: Reply,
}

impl Worker {
    /// A shard's worker; `own` leads to its inputs.
    pub fn new(
        settings: Settings,
        journal: Arc<dyn Journal>,
        metrics: Metrics,
        own: mpsc::Sender<Input>,
    ) -> std::io::Result<Worker> {
        let keeper = Keeper::start(journal.clone(), metrics.clone(), own.clone())?;
        let recovery = recover::start(journal.clone(), metrics.clone(), own)?;
        Ok(Worker { settings, journal, metrics, keeper, recovery, tenants: BTreeMap::new() })
    }

    /// A worker whose keeper and recovery are whoever drives it.
    #[cfg(test)]
    pub fn driven(
        settings: Settings,
        journal: Arc<dyn Journal>,
        metrics: Metrics,
        keeper: Keeper,
        recovery: mpsc::Sender<Order>,
    ) -> Worker {
        Worker { settings, journal, metrics, keeper, recovery, tenants: BTreeMap::new() }
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
        self.stop(inputs);
    }

    pub(super) fn take(&mut self, input: Input) {
        // Whoever asked may have gone: then nobody hears the reply, and that is all.
        match input {
            Input::Open { live, tenant } => self.open(live, &tenant),
            Input::Opened { tenant, recovered } => self.opened(tenant, *recovered),
            Input::Close(tenant) => drop(self.tenants.remove(&tenant)),
            Input::Apply { tenant, after, parsed, reply } => {
                self.apply(tenant, Waiting { after, parsed, reply });
            }
            Input::Freeze { tenant, reply } => drop(reply.send(self.freeze(tenant))),
            Input::View { tenant, reply } => drop(reply.send(self.view(tenant))),
            Input::Ledger { tenant, reply } => drop(reply.send(self.ledgers(tenant))),
            // A copy costs too much for nobody.
            Input::Present { reply, .. } if reply.is_closed() => {}
            Input::Present { tenant, sources, reply } => {
                let present = self.with_open(tenant, |open| open.present(&sources));
                drop(reply.send(present));
            }
            Input::Agent { tenant, agent, source, reply } => {
                let now = self.with_open(tenant, |open| open.agent_now(&agent, &source));
                drop(reply.send(now));
            }
            Input::Kept { tenant, position, stored } => {
                kept(&mut self.tenants, tenant, position, stored);
            }
            Input::Stop => {}
        }
    }

    fn open(&mut self, live: Arc<Live>, tenant: &Tenant) {
        match Zone::named(&tenant.zone) {
            Ok(zone) => {
                let waiting = VecDeque::new();
                let ahead = Ahead::No;
                let served = Served { live, zone, open: None, waiting, faults: 0, ahead };
                self.recover(&served, None, None);
                self.tenants.insert(tenant.id, served);
            }
            Err(error) => {
                tracing::error!(tenant = &*live.name, %error, "the tenant can't be served");
                live.enter(State::Broken);
            }
        }
    }

    /// Has a tenant replayed beside the shard's work.
    fn recover(&self, served: &Served, until: Option<Position>, described_until: Option<Millis>) {
        served.live.enter(State::Recovering);
        let (live, zone) = (served.live.clone(), served.zone.clone());
        if self.recovery.send(Order { live, zone, until, described_until }).is_err() {
            let tenant = &*served.live.name;
            tracing::error!(tenant, "the thread that recovers tenants is gone");
            served.live.enter(State::Broken);
        }
    }

    fn opened(&mut self, tenant: TenantId, recovered: Recovered) {
        let Some(served) = self.tenants.get_mut(&tenant) else { return };
        match recovered {
            Ok(Replayed { engine, position, kept }) => {
                let engine = engine.with_sla_target(self.settings.sla_target);
                served.open = Some(Tenancy::new(engine, position, kept));
                served.live.enter(State::Ready);
                for batch in std::mem::take(&mut served.waiting) {
                    self.apply(tenant, batch);
                }
            }
            Err(error) => {
                tracing::error!(tenant = &*served.live.name, %error, "the tenant can't be served");
                served.give_up();
            }
        }
    }

    /// Does something with an open tenant. After a broken assertion its state is dropped and replayed up to where
    /// it stood; what it was to do is not done.
    fn with_open<T>(
        &mut self,
        tenant: TenantId,
        work: impl FnOnce(&mut Tenancy) -> T,
    ) -> Result<T, Unavailable> {
        let served = self.tenants.get_mut(&tenant).ok_or(Unavailable::NotReady)?;
        let Some(open) = &mut served.open else { return Err(served.unavailable()) };
        let stood = open.position;
        if let Ok(done) = catch_unwind(AssertUnwindSafe(|| work(open))) {
            return Ok(done);
        }
        tracing::error!(tenant = &*served.live.name, "an assertion broke");
        served.open = None;
        served.faults += 1;
        if served.faults >= FAULTS_MAX {
            served.give_up();
            return Err(Unavailable::Broken);
        }
        self.recover(&self.tenants[&tenant], Some(stood), None);
        Err(Unavailable::NotReady)
    }

    fn apply(&mut self, tenant: TenantId, batch: Waiting) {
        let now = (self.settings.now)();
        match self.with_open(tenant, |open| open.apply(batch.after, &batch.parsed, now)) {
            Ok(applied) => {
                self.count(tenant, &applied);
                (batch.reply)(Ok(applied));
            }
            Err(Unavailable::NotReady) => match self.tenants.get_mut(&tenant) {
                Some(served) => served.waiting.push_back(batch),
                None => (batch.reply)(Err(Unavailable::NotReady)),
            },
            Err(Unavailable::Broken) => (batch.reply)(Err(Unavailable::Broken)),
        }
    }

    fn count(&mut self, tenant: TenantId, applied: &Applied) {
        let ignored = applied.ignored.len() as u64;
        self.metrics.events_applied(applied.accepted - ignored);
        self.metrics.events_duplicate(applied.duplicates);
        for (_, reason) in &applied.ignored {
            self.metrics.events_ignored(*reason, 1);
        }
        let served = self.tenants.get(&tenant);
        if let Some(served) = served {
            served.live.stirred();
        }
        let open = served.and_then(|served| served.open.as_ref());
        if let Some(counted) = open.and_then(|open| open.engine.counted()) {
            self.metrics.last_event(counted);
        }
        if open.is_some_and(|open| open.snapshot_due(&self.settings)) {
            self.keep(tenant);
        }
    }

    fn freeze(&mut self, tenant: TenantId) -> Result<Frozen, Unavailable> {
        let (begun, now) = (Instant::now(), (self.settings.now)());
        let frozen = self.with_open(tenant, |open| open.freeze(now))?;
        self.come_back(tenant, frozen.instant, now)?;
        self.metrics.refresh(frozen.instant, begun.elapsed());
        Ok(frozen)
    }

    fn view(&mut self, tenant: TenantId) -> Result<View, Unavailable> {
        let (begun, now) = (Instant::now(), (self.settings.now)());
        let view = self.with_open(tenant, |open| open.view(now))?;
        self.come_back(tenant, view.frozen.instant, now)?;
        self.metrics.live_view(begun.elapsed());
        Ok(view)
    }

    /// The clock was ahead, documents were made meanwhile, and it was put right: then they would stay ahead for as long. So
    /// the tenant is replayed, without the snapshots that have seen that time, and describes the present again. Where events count
    /// ahead of the clock they hold: time never runs backwards in a tenant.
    fn come_back(
        &mut self,
        tenant: TenantId,
        described: Millis,
        now: Millis,
    ) -> Result<(), Unavailable> {
        let Some(served) = self.tenants.get_mut(&tenant) else { return Ok(()) };
        let Some(open) = &served.open else { return Ok(()) };
        let (name, ahead_ms) = (&*served.live.name, described - now);
        if ahead_ms <= AHEAD_MS_MAX {
            served.ahead = Ahead::No;
        } else if open.engine.counted().is_some_and(|counted| counted - now > AHEAD_MS_MAX) {
            if served.ahead != Ahead::ByEvents {
                tracing::warn!(
                    tenant = name,
                    ahead_ms,
                    "events count ahead of the server's clock: all documents describe that instant until the clock has caught up"
                );
            }
            served.ahead = Ahead::ByEvents;
        } else if served.ahead != Ahead::Replayed {
            tracing::warn!(
                tenant = name,
                ahead_ms,
                "documents were made while the server's clock was ahead: replaying the log to describe the present"
            );
            served.ahead = Ahead::Replayed;
            let stood = open.position;
            served.open = None;
            self.recover(&self.tenants[&tenant], Some(stood), Some(now + AHEAD_MS_MAX));
            return Err(Unavailable::NotReady);
        }
        Ok(())
    }

    fn ledgers(&self, tenant: Option<TenantId>) -> Vec<Ledger> {
        let now = (self.settings.now)();
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
            let now = (self.settings.now)();
            self.keeper.take(tenant, open.snapshot(now));
        }
    }

    /// The server stops: every changed state is kept, so that the next start replays nothing.
    pub(super) fn stop(self, inputs: &mpsc::Receiver<Input>) {
        let Worker { settings, journal, keeper, mut tenants, .. } = self;
        keeper.finish();
        for input in inputs.try_iter() {
            if let Input::Kept { tenant, position, stored } = input {
                kept(&mut tenants, tenant, position, stored);
            }
        }
        for (tenant, served) in &mut tenants {
            let Some(open) = served.open.as_mut().filter(|open| open.changed()) else { continue };
            let snapshot = open.snapshot((settings.now)());
            if let Err(error) = journal.keep_snapshot(*tenant, snapshot) {
                tracing::warn!(tenant = &*served.live.name, %error, "a snapshot was not kept");
            }
        }
    }
}

/// A state on its way to the journal is there, or could not be stored.
fn kept(
    tenants: &mut BTreeMap<TenantId, Served>,
    tenant: TenantId,
    position: Position,
    stored: bool,
) {
    if let Some(open) = tenants.get_mut(&tenant).and_then(|served| served.open.as_mut()) {
        open.was_kept(position, stored);
    }
}

impl Served {
    fn unavailable(&self) -> Unavailable {
        match self.live.state() {
            State::Broken => Unavailable::Broken,
            State::Recovering | State::Ready => Unavailable::NotReady,
        }
    }

    /// It is served no more; who waits for it is told so.
    fn give_up(&mut self) {
        self.open = None;
        self.live.enter(State::Broken);
        for batch in self.waiting.drain(..) {
            (batch.reply)(Err(Unavailable::Broken));
        }
    }
}
