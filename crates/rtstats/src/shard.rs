//! The engines at work: each shard is a thread that owns some tenants' engines and lives by one loop over one
//! closed enum of inputs.
//!
//! Nothing else touches an engine. A tenant's inputs arrive in the order of its log; what the log already holds
//! when a tenant opens is replayed first, and what arrives again after that is known by its position and skipped.

mod desk;
mod keeper;
mod parsed;
mod recover;
#[cfg(test)]
mod simulation;
mod speakers;
mod tenancy;
mod worker;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use stats::{
    document::Frozen,
    engine::{Account, AgentNow, Names, Reason, SlaTarget},
    event::Millis,
};
use tokio::sync::{Notify, oneshot};

pub use desk::{Denied, Desk, Shared, Sources};
pub use parsed::Parsed;
use recover::Recovered;
pub use speakers::{CONSOLE, HISTORY, Spoken};
use worker::Worker;

use crate::{
    board::{Board, Document},
    journal::{Journal, Position},
    telemetry::Metrics,
    tenants::{Tenant, TenantId},
};

/// What the shards go by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads that own engines, at least 1.
    pub shards: usize,
    /// What the field sla-target shows.
    pub sla_target: SlaTarget,
    /// A tenant's state is kept after so many events, …
    pub snapshot_every_events: u64,
    /// … or after so long, if anything happened.
    pub snapshot_every: Duration,
    /// The clock that documents and snapshots go by.
    pub now: fn() -> Millis,
}

/// All shards, and the tenants that they serve.
pub struct Shards {
    inputs: Vec<mpsc::Sender<Input>>,
    live: ArcSwap<HashMap<TenantId, Arc<Live>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A tenant that is served.
pub struct Live {
    /// Its number.
    pub id: TenantId,
    /// Its name.
    pub name: Arc<str>,
    /// Its latest documents.
    pub board: Arc<Board>,
    /// What a live feed waits for.
    pub stir: Stir,
    /// Where who sends it events asks for its present state.
    senders: Arc<Desk<Written>>,
    /// Where our own connectors ask for it: answers that senders don't read are not in their way.
    connectors: Arc<Desk<Written>>,
    state: AtomicU8,
}

/// Tells that a tenant's state has changed, at next to no cost while nobody wants to know.
#[derive(Debug, Default)]
pub struct Stir {
    watched: AtomicBool,
    since_last_look: AtomicBool,
    notify: Notify,
}

impl Stir {
    /// Whether somebody wants to know from now on.
    pub fn watch(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    /// Ends at the next change while it is watched, at once if there was one since it ended last.
    pub async fn changed(&self) {
        self.notify.notified().await;
    }

    /// Whether events were applied since this was last asked.
    pub fn take(&self) -> bool {
        self.since_last_look.swap(false, Ordering::Relaxed)
    }

    fn tell(&self) {
        if self.watched.load(Ordering::Relaxed) {
            self.notify.notify_one();
        }
    }
}

/// How a tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Its log is being replayed.
    Recovering = 0,
    /// It is served.
    Ready = 1,
    /// Its log can't be read or applied; the reason is in the server's log.
    Broken = 2,
}

/// Why a shard gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The tenant's log is still being replayed, or the server stops.
    #[error("the tenant is not ready")]
    NotReady,
    /// The tenant's state is broken.
    #[error("the tenant's state is broken")]
    Broken,
}

/// Everything that a tenant shows at one instant.
#[derive(Debug, Clone)]
pub struct View {
    /// All figures.
    pub frozen: Frozen,
    /// The last counted time.
    pub counted: Option<Millis>,
    /// What groups and status codes are called.
    pub names: Arc<Names>,
    /// When its sources spoke last.
    pub sources: Vec<Spoken>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Events that were taken up, the ignored ones among them.
    pub accepted: u64,
    /// Events whose numbers had been seen.
    pub duplicates: u64,
    /// Lines that made no sense in the present state.
    pub ignored: Vec<(u32, Reason)>,
}

/// The account of a tenant's events at one instant.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Whose.
    pub tenant: Arc<str>,
    /// The server's clock as it was taken.
    pub instant: Millis,
    /// The last counted time.
    pub counted: Option<Millis>,
    /// Events in the log.
    pub events: u64,
    /// What became of them.
    pub account: Account,
    /// Agents and queues that are configured.
    pub agents: usize,
    /// See `agents`.
    pub queues: usize,
}

/// What a tenant's engine believes at one instant, for who sends it events.
#[derive(Debug, Clone)]
pub struct Present {
    /// The last counted time; none before any event.
    pub counted: Option<Millis>,
    /// The highest number seen of the source that was asked for; 0 if none.
    pub seq: u64,
    /// The present state as events, one a line.
    pub lines: Bytes,
}

/// What a tenant's engine believes at one instant, as a document.
pub struct Written {
    /// The last counted time; none before any event.
    pub counted: Option<Millis>,
    /// The present state as events, one a line.
    pub document: Arc<Document>,
}

/// A tenant's present state and the highest number seen of each source that was asked for; 0 if none.
type Copied = (stats::engine::Present, Vec<u64>);

/// A copy that is made.
type Copying = Pin<Box<dyn Future<Output = Result<Copied, Unavailable>> + Send>>;

/// Present states as documents that may be there at a time, of one tenant: an answer that nobody reads holds one.
const WRITTEN_MAX: usize = 3;

/// Told on the shard's thread what became of a batch.
pub type Reply = Box<dyn FnOnce(Result<Applied, Unavailable>) + Send>;

/// All that can happen to a shard.
enum Input {
    Open {
        live: Arc<Live>,
        tenant: Arc<Tenant>,
    },
    /// A replay has ended.
    Opened {
        tenant: TenantId,
        recovered: Box<Recovered>,
    },
    Close(TenantId),
    Apply {
        tenant: TenantId,
        after: Position,
        parsed: Parsed,
        reply: Reply,
    },
    Freeze {
        tenant: TenantId,
        reply: oneshot::Sender<Result<Frozen, Unavailable>>,
    },
    View {
        tenant: TenantId,
        reply: oneshot::Sender<Result<View, Unavailable>>,
    },
    Ledger {
        tenant: Option<TenantId>,
        reply: oneshot::Sender<Vec<Ledger>>,
    },
    Present {
        tenant: TenantId,
        sources: Sources,
        reply: oneshot::Sender<Result<Copied, Unavailable>>,
    },
    Agent {
        tenant: TenantId,
        agent: String,
        source: String,
        reply: oneshot::Sender<Result<(Option<AgentNow>, u64), Unavailable>>,
    },
    /// The state at this position is stored, or could not be.
    Kept {
        tenant: TenantId,
        position: Position,
        stored: bool,
    },
    Stop,
}

impl Shards {
    /// Starts the threads, with no tenants yet.
    pub fn start(
        settings: &Settings,
        journal: &Arc<dyn Journal>,
        metrics: &Metrics,
    ) -> std::io::Result<Arc<Shards>> {
        let mut inputs = Vec::new();
        let mut threads = Vec::new();
        for number in 0..settings.shards.max(1) {
            let (sender, receiver) = mpsc::channel();
            let (journal, metrics) = (journal.clone(), metrics.clone());
            let worker = Worker::new(settings.clone(), journal, metrics, sender.clone())?;
            let thread = std::thread::Builder::new()
                .name(format!("shard-{number}"))
                .spawn(move || worker.run(&receiver))?;
            inputs.push(sender);
            threads.push(thread);
        }
        let live = ArcSwap::from_pointee(HashMap::new());
        Ok(Arc::new(Shards { inputs, live, threads: Mutex::new(threads) }))
    }

    /// Serves exactly these tenants from now on: opens new ones, closes those that are gone.
    pub fn serve<'a>(&self, tenants: impl ExactSizeIterator<Item = &'a Arc<Tenant>>) {
        let old = self.live.load_full();
        let mut live = HashMap::with_capacity(tenants.len());
        for tenant in tenants {
            if let Some(known) = old.get(&tenant.id) {
                live.insert(tenant.id, known.clone());
                continue;
            }
            let opened = Arc::new(Live::new(tenant.id, tenant.name.as_str()));
            live.insert(tenant.id, opened.clone());
            self.send(tenant.id, Input::Open { live: opened, tenant: tenant.clone() });
        }
        for gone in old.keys().filter(|id| !live.contains_key(id)) {
            self.send(*gone, Input::Close(*gone));
        }
        self.live.store(Arc::new(live));
    }

    /// A tenant that is served.
    pub fn live(&self, tenant: TenantId) -> Option<Arc<Live>> {
        self.live.load().get(&tenant).cloned()
    }

    /// Gives back the documents that nobody asks for any more.
    pub fn forget_aged_documents(&self, refresh_every: Duration) {
        for live in self.live.load().values() {
            live.board.forget_aged(refresh_every);
        }
    }

    /// Tenants in each state.
    pub fn states(&self) -> [usize; 3] {
        let mut states = [0; 3];
        for live in self.live.load().values() {
            states[live.state() as usize] += 1;
        }
        states
    }

    /// Applies a batch that the journal made durable; `after` is the position behind it. Called in the log's order.
    pub fn apply(&self, tenant: TenantId, after: Position, parsed: Parsed, reply: Reply) {
        self.send(tenant, Input::Apply { tenant, after, parsed, reply });
    }

    /// All figures of a tenant now.
    pub async fn freeze(self: Arc<Self>, tenant: TenantId) -> Result<Frozen, Unavailable> {
        let (reply, frozen) = oneshot::channel();
        self.send(tenant, Input::Freeze { tenant, reply });
        frozen.await.unwrap_or(Err(Unavailable::NotReady))
    }

    /// What a tenant's engine believes now, and how far it has followed a source.
    pub async fn present(&self, tenant: TenantId, source: String) -> Result<Present, Denied> {
        let live = self.live(tenant).ok_or(Unavailable::NotReady)?;
        let asked = live.connectors.ask(Some(source), self.copy(tenant), Written::of);
        let (written, seq) = asked.await?;
        let Written { counted, document } = &written.made;
        Ok(Present { counted: *counted, seq, lines: document.plain() })
    }

    /// The same for a sender, who shares it with others that ask now, and takes as long to read it as it likes.
    pub async fn written(
        &self,
        tenant: TenantId,
        source: Option<String>,
    ) -> Result<(Arc<Shared<Written>>, u64), Denied> {
        let live = self.live(tenant).ok_or(Unavailable::NotReady)?;
        live.senders.ask(source, self.copy(tenant), Written::of).await
    }

    /// Everything that a tenant shows now; comes when its shard comes to it.
    pub fn view(&self, tenant: TenantId) -> oneshot::Receiver<Result<View, Unavailable>> {
        let (reply, view) = oneshot::channel();
        self.send(tenant, Input::View { tenant, reply });
        view
    }

    /// All tenants that are served.
    pub fn all_live(&self) -> Arc<HashMap<TenantId, Arc<Live>>> {
        self.live.load_full()
    }

    /// Has a tenant's shard copy its state. For a [`Desk`]: it costs too much for each who asks.
    pub fn copy(&self, tenant: TenantId) -> impl FnOnce(Sources) -> Copying + Send + use<> {
        let shard = self.shard(tenant).clone();
        move |sources| {
            let (reply, copied) = oneshot::channel();
            send(&shard, Input::Present { tenant, sources, reply });
            Box::pin(async { copied.await.unwrap_or(Err(Unavailable::NotReady)) })
        }
    }

    /// One agent now, if there is such an agent, and the highest number seen of a source.
    pub async fn agent_now(
        &self,
        tenant: TenantId,
        agent: String,
        source: String,
    ) -> Result<(Option<AgentNow>, u64), Unavailable> {
        let (reply, now) = oneshot::channel();
        self.send(tenant, Input::Agent { tenant, agent, source, reply });
        now.await.unwrap_or(Err(Unavailable::NotReady))
    }

    /// A tenant's account now; none while it is not ready.
    pub async fn ledger(&self, tenant: TenantId) -> Option<Ledger> {
        let (reply, ledgers) = oneshot::channel();
        self.send(tenant, Input::Ledger { tenant: Some(tenant), reply });
        ledgers.await.ok()?.pop()
    }

    /// All tenants' accounts now, by name.
    pub async fn ledgers(&self) -> Vec<Ledger> {
        let mut replies = Vec::new();
        for shard in &self.inputs {
            let (reply, ledgers) = oneshot::channel();
            if shard.send(Input::Ledger { tenant: None, reply }).is_ok() {
                replies.push(ledgers);
            }
        }
        let mut all = Vec::new();
        for ledgers in replies {
            all.extend(ledgers.await.unwrap_or_default());
        }
        all.sort_by(|a: &Ledger, b| a.tenant.cmp(&b.tenant));
        all
    }

    /// Stops the threads once they have done what lies before them and kept every tenant's state.
    pub fn stop(&self) {
        for shard in &self.inputs {
            // A shard that is gone already has nothing left to stop.
            let _ = shard.send(Input::Stop);
        }
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a shard ended by a panic");
            }
        }
    }

    fn shard(&self, tenant: TenantId) -> &mpsc::Sender<Input> {
        &self.inputs[tenant.0 as usize % self.inputs.len()]
    }

    fn send(&self, tenant: TenantId, input: Input) {
        send(self.shard(tenant), input);
    }
}

fn send(shard: &mpsc::Sender<Input>, input: Input) {
    if shard.send(input).is_err() {
        tracing::debug!("a shard that has stopped was asked for something");
    }
}

impl Written {
    /// There may be a hundred thousand lines: they are written beside shard and connections.
    fn of(present: &stats::engine::Present) -> Written {
        let mut lines = Vec::new();
        for event in present.events() {
            event.write_line(&mut lines);
        }
        let document = Arc::new(Document::new(lines.into()));
        Written { counted: present.counted(), document }
    }
}

impl Live {
    /// A tenant whose log is still to be replayed.
    pub(crate) fn new(id: TenantId, name: &str) -> Live {
        Live {
            id,
            name: Arc::from(name),
            board: Arc::default(),
            stir: Stir::default(),
            senders: Desk::new(WRITTEN_MAX),
            connectors: Desk::new(WRITTEN_MAX),
            state: AtomicU8::new(State::Recovering as u8),
        }
    }

    /// How it stands.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Recovering,
            1 => State::Ready,
            _ => State::Broken,
        }
    }

    fn enter(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
        self.stir.tell();
    }

    /// Events were applied.
    fn stirred(&self) {
        self.stir.since_last_look.store(true, Ordering::Relaxed);
        self.stir.tell();
    }
}
