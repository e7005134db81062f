//! How each connector stands: for the log's readers, for metrics, for pages that show connections.
//!
//! A connector tells its [`Monitor`]; whoever shows asks [`Connectors`]. Labels are bounded: a connector's name, which
//! the configuration gives, and words that are declared here.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use stats::event::{Kind, Millis, Type};

use crate::clock;

/// What a connector does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Waits until the server serves its tenant.
    Waiting,
    /// Connects and logs in.
    Connecting,
    /// Is logged in; takes the present state and compares.
    Comparing,
    /// Is logged in and follows what happens.
    Following,
    /// The line is cut, or the login was refused; it tries again.
    Cut,
    /// It has ended.
    Stopped,
}

impl Stage {
    /// The stage in a word.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Waiting => "waiting",
            Stage::Connecting => "connecting",
            Stage::Comparing => "comparing",
            Stage::Following => "following",
            Stage::Cut => "cut",
            Stage::Stopped => "stopped",
        }
    }

    /// Whether it is logged in.
    pub fn is_connected(self) -> bool {
        matches!(self, Stage::Comparing | Stage::Following)
    }
}

/// Why a session ended or never began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Cause {
    /// The other system can't be reached.
    Unreachable,
    /// It refuses the login.
    Login,
    /// TLS isn't agreed on.
    Tls,
    /// The connection ended or broke.
    Closed,
    /// Nothing came any more.
    Silent,
    /// What came can't be read.
    Malformed,
    /// The server took no more events.
    Server,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 7] = [
        Cause::Unreachable,
        Cause::Login,
        Cause::Tls,
        Cause::Closed,
        Cause::Silent,
        Cause::Malformed,
        Cause::Server,
    ];

    /// The word that labels use.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Unreachable => "unreachable",
            Cause::Login => "login",
            Cause::Tls => "tls",
            Cause::Closed => "closed",
            Cause::Silent => "silent",
            Cause::Malformed => "malformed",
            Cause::Server => "server",
        }
    }
}

/// What the other system holds and what was set right, as a connector's model counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Queues.
    pub queues: u64,
    /// Memberships.
    pub members: u64,
    /// Callers in the queues.
    pub visits: u64,
    /// Agents' calls, those in wrap-up too.
    pub legs: u64,
    /// Listings compared.
    pub resyncs: u64,
    /// Differences that a listing set right.
    pub corrections: u64,
    /// Calls that the PBX counts and that nobody told us of, since the line was cut as they happened.
    pub missed: u64,
}

/// Upper ends of the buckets of the lag, in milliseconds.
pub(super) const LAG_ENDS_MS: [u64; 16] =
    [1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 100, 250, 500, 1_000, 5_000, 30_000];

/// Counters of one connector.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) logins: AtomicU64,
    pub(super) cut: [AtomicU64; Cause::ALL.len()],
    /// By the connector's kinds; one more for all others.
    pub(super) messages: Box<[AtomicU64]>,
    pub(super) events: Box<[AtomicU64]>,
    pub(super) batches: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) ignored: AtomicU64,
    /// One more than ends.
    pub(super) lags: [AtomicU64; LAG_ENDS_MS.len() + 1],
    pub(super) lag_ms_sum: AtomicU64,
    pub(super) settled: AtomicU64,
    pub(super) settled_ms_sum: AtomicU64,
}

/// What may change with a stage.
#[derive(Debug, Clone)]
struct Standing {
    stage: Stage,
    since: Millis,
    /// Since when it isn't logged in, whatever it tried meanwhile; none while it is.
    down_since: Option<Millis>,
    /// When something last went wrong, and what.
    trouble: Option<(Millis, String)>,
    figures: Figures,
}

/// One connector's side: it tells what happens.
#[derive(Debug)]
pub struct Monitor {
    pub(super) name: String,
    tenant: String,
    address: String,
    /// Kinds of messages that are told apart.
    pub(super) kinds: &'static [&'static str],
    standing: Mutex<Standing>,
    last_message: AtomicI64,
    pub(super) counters: Counters,
}

/// How one connector stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorStatus {
    /// Its name in the configuration.
    pub name: String,
    /// For whom.
    pub tenant: String,
    /// The other system.
    pub address: String,
    /// What it does.
    pub stage: Stage,
    /// Since when.
    pub since: Millis,
    /// Since when it isn't logged in, whatever it tried meanwhile; none while it is.
    pub down_since: Option<Millis>,
    /// When the other system last told something.
    pub last_message: Option<Millis>,
    /// What last went wrong, in a line.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Millis>,
    /// Messages of the other system.
    pub messages: u64,
    /// Events told to the server.
    pub events: u64,
    /// What it holds.
    pub figures: Figures,
}

/// All connectors of this process; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Connectors(Arc<Mutex<Vec<Arc<Monitor>>>>);

impl Connectors {
    /// A new connector; `kinds` are the messages that are counted one by one.
    pub fn add(
        &self,
        name: impl fmt::Display,
        tenant: impl fmt::Display,
        address: &str,
        kinds: &'static [&'static str],
    ) -> Arc<Monitor> {
        let monitor = Arc::new(Monitor::new(name.to_string(), tenant.to_string(), address, kinds));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(monitor.clone());
        monitor
    }

    /// How each stands, in the order in which they were added.
    pub fn statuses(&self) -> Vec<ConnectorStatus> {
        self.all().iter().map(|monitor| monitor.status()).collect()
    }

    /// How those of a tenant stand.
    pub fn of_tenant(&self, tenant: &str) -> Vec<ConnectorStatus> {
        let all = self.all();
        all.iter().filter(|it| it.tenant == tenant).map(|it| it.status()).collect()
    }

    pub(super) fn all(&self) -> Vec<Arc<Monitor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Monitor {
    fn new(name: String, tenant: String, address: &str, kinds: &'static [&'static str]) -> Monitor {
        let zeros = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        let (stage, since) = (Stage::Waiting, clock::now());
        Monitor {
            name,
            tenant,
            address: address.to_owned(),
            kinds,
            standing: Mutex::new(Standing {
                stage,
                since,
                down_since: Some(since),
                trouble: None,
                figures: Figures::default(),
            }),
            last_message: AtomicI64::new(0),
            counters: Counters {
                logins: AtomicU64::new(0),
                cut: Default::default(),
                messages: zeros(kinds.len() + 1),
                events: zeros(Type::ALL.len()),
                batches: AtomicU64::new(0),
                retries: AtomicU64::new(0),
                ignored: AtomicU64::new(0),
                lags: Default::default(),
                lag_ms_sum: AtomicU64::new(0),
                settled: AtomicU64::new(0),
                settled_ms_sum: AtomicU64::new(0),
            },
        }
    }

    /// The connector's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it does from now on.
    pub fn enter(&self, stage: Stage) {
        self.stand(|standing| {
            if standing.stage != stage {
                (standing.stage, standing.since) = (stage, clock::now());
            }
            standing.down_since = match stage.is_connected() {
                true => None,
                false => standing.down_since.or(Some(standing.since)),
            };
        });
    }

    /// It is logged in.
    pub fn logged_in(&self) {
        self.counters.logins.fetch_add(1, Relaxed);
        self.enter(Stage::Comparing);
    }

    /// It is not logged in, or no longer; the line says why.
    pub fn cut(&self, cause: Cause, line: &str) {
        self.counters.cut[cause as usize].fetch_add(1, Relaxed);
        self.trouble(line);
        self.enter(Stage::Cut);
    }

    /// Something went wrong.
    pub fn trouble(&self, line: &str) {
        self.stand(|standing| standing.trouble = Some((clock::now(), line.to_owned())));
    }

    /// A message of the other system came.
    pub fn message(&self, kind: Option<&str>, at: Millis) {
        let known = self.kinds.iter().position(|known| Some(*known) == kind);
        self.counters.messages[known.unwrap_or(self.kinds.len())].fetch_add(1, Relaxed);
        self.last_message.store(at, Relaxed);
    }

    /// An event is to be told.
    pub fn told(&self, kind: &Kind<'_>) {
        self.counters.events[kind.of_type() as usize].fetch_add(1, Relaxed);
    }

    /// The server has a batch, some events of which it ignored.
    pub fn taken(&self, ignored: u64) {
        self.counters.batches.fetch_add(1, Relaxed);
        self.counters.ignored.fetch_add(ignored, Relaxed);
    }

    /// An event that had happened was certain only after so long.
    pub fn settled(&self, ms: Millis) {
        self.counters.settled.fetch_add(1, Relaxed);
        self.counters.settled_ms_sum.fetch_add(u64::try_from(ms).unwrap_or(0), Relaxed);
    }

    /// An event is durable so long after it was certain.
    pub fn lag(&self, ms: Millis) {
        let ms = u64::try_from(ms).unwrap_or(0);
        let bucket = LAG_ENDS_MS.partition_point(|end| *end < ms);
        self.counters.lags[bucket].fetch_add(1, Relaxed);
        self.counters.lag_ms_sum.fetch_add(ms, Relaxed);
    }

    /// A batch has to be sent again.
    pub fn retried(&self) {
        self.counters.retries.fetch_add(1, Relaxed);
    }

    /// What the model counts now.
    pub fn holds(&self, figures: Figures) {
        self.stand(|standing| standing.figures = figures);
    }

    /// How it stands.
    pub fn status(&self) -> ConnectorStatus {
        let Standing { stage, since, down_since, trouble, figures } =
            self.stand(|standing| standing.clone());
        let sum = |counters: &[AtomicU64]| counters.iter().map(|count| count.load(Relaxed)).sum();
        ConnectorStatus {
            name: self.name.clone(),
            tenant: self.tenant.clone(),
            address: self.address.clone(),
            stage,
            since,
            down_since,
            last_message: Some(self.last_message.load(Relaxed)).filter(|at| *at != 0),
            last_error_at: trouble.as_ref().map(|(at, _)| *at),
            last_error: trouble.map(|(_, line)| line),
            messages: sum(&self.counters.messages),
            events: sum(&self.counters.events),
            figures,
        }
    }

    fn stand<T>(&self, act: impl FnOnce(&mut Standing) -> T) -> T {
        act(&mut self.standing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_was_told() {
        let connectors = Connectors::default();
        let monitor = connectors.add("main", "acme", "pbx:5038", &["Hangup"]);
        assert_eq!(connectors.statuses()[0].stage, Stage::Waiting);
        monitor.logged_in();
        monitor.message(Some("Hangup"), 7);
        monitor.message(Some("Whatever"), 8);
        monitor.told(&Kind::QueueRemoved { queue: 1 });
        monitor.cut(Cause::Closed, "pbx:5038 closed the connection");
        let status = connectors.statuses().remove(0);
        assert_eq!((status.stage, status.messages, status.events), (Stage::Cut, 2, 1));
        assert_eq!(status.last_message, Some(8));
        assert_eq!(status.last_error.as_deref(), Some("pbx:5038 closed the connection"));
        assert_eq!(
            (&*status.name, &*status.tenant, &*status.address),
            ("main", "acme", "pbx:5038")
        );
    }

    #[test]
    fn a_line_is_down_from_its_cut_until_it_is_logged_in_whatever_was_tried() {
        let monitor = Connectors::default().add("main", "acme", "pbx", &[]);
        assert_eq!(monitor.status().down_since, Some(monitor.status().since), "not up yet");
        monitor.logged_in();
        monitor.enter(Stage::Following);
        assert_eq!(monitor.status().down_since, None);
        monitor.cut(Cause::Closed, "closed");
        monitor.stand(|standing| standing.down_since = standing.down_since.map(|at| at - 5_000));
        let cut = monitor.status().down_since;
        for stage in [Stage::Connecting, Stage::Cut, Stage::Stopped] {
            monitor.enter(stage);
            assert_eq!(monitor.status().down_since, cut, "{stage:?}");
        }
        monitor.logged_in();
        assert_eq!(monitor.status().down_since, None);
    }

    #[test]
    fn a_stage_that_lasts_keeps_its_beginning() {
        let monitor = Connectors::default().add("main", "acme", "pbx", &[]);
        let began = monitor.status().since;
        monitor.stand(|standing| standing.since = began - 5_000);
        monitor.enter(Stage::Waiting);
        assert_eq!(monitor.status().since, began - 5_000);
        monitor.enter(Stage::Stopped);
        assert!(monitor.status().since >= began);
    }
}
