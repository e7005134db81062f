//! A connector at work: it takes the server's present state, logs in to the PBX, tells what differs, and follows.
//!
//! One loop on one thread. Its parts know nothing of each other: the line (`Link`) gives messages, the model
//! ([`Pbx`]) turns them into events, the outlet numbers them, the [`Sink`] gets them onto disk. While the line is cut the
//! model lives on: its timers run, and what the server has not taken yet waits. Only when the server refuses, or the
//! tenant is gone, everything begins anew from the server's state.

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use stats::{event::Millis, parse};
use tokio::{
    sync::watch,
    time::{sleep, sleep_until, timeout},
};

use super::{
    ami::Message,
    clock_offset::ClockOffset,
    pbx::{Pbx, Told},
    reconnect::{Change, Link},
    settings::Connection,
};
use crate::{
    connect::{
        kept::{Kept, KeptError},
        outlet::Outlet,
        sink::{Sink, SinkError},
        status::{Cause, Figures, Monitor, Stage},
    },
    post::Receipt,
};

/// The messages that the model uses, and that are counted one by one.
pub const KINDS: &[&str] = &[
    "AgentCalled",
    "AgentComplete",
    "AgentConnect",
    "AgentLogin",
    "AgentRingNoAnswer",
    "CoreShowChannel",
    "DialEnd",
    "FullyBooted",
    "Hangup",
    "HangupRequest",
    "Hold",
    "LocalOptimizationEnd",
    "Newchannel",
    "Newstate",
    "QueueCallerAbandon",
    "QueueCallerJoin",
    "QueueCallerLeave",
    "QueueEntry",
    "QueueMember",
    "QueueMemberAdded",
    "QueueMemberPause",
    "QueueMemberPenalty",
    "QueueMemberRemoved",
    "QueueMemberRinginuse",
    "QueueMemberStatus",
    "QueueParams",
    "Reload",
    "Rename",
    "SoftHangupRequest",
    "Unhold",
    "VarSet",
];

/// How often the server's state is asked for anew at most, since it was another than was told.
const ANEW_EVERY: Duration = Duration::from_secs(60);

/// How long a stop waits for events that are on their way.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Why a connector can't go on by itself.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The server.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The names.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// The server holds something else than it was told.
    #[error("the server's state is another than was told; comparing anew")]
    Drifted,
    /// The server's state can't be read.
    #[error("the server's present state can't be read: line {0}: {1}")]
    Present(u32, String),
}

/// One connector.
pub struct Connector {
    connection: Connection,
    kept: Kept,
    sink: Sink,
    monitor: Arc<Monitor>,
    stopping: watch::Receiver<bool>,
    /// When the server's state may be asked for anew.
    anew_from: Instant,
}

/// A batch under way; at its end the instants of its live events, and what the server said.
type Sending<'a> =
    Pin<Box<dyn Future<Output = (Vec<Millis>, Result<Receipt, SinkError>)> + Send + 'a>>;

impl Connector {
    /// A connector that ends once `stopping` is true, or its sender is gone.
    pub fn new(
        connection: Connection,
        kept: Kept,
        sink: Sink,
        monitor: Arc<Monitor>,
        stopping: watch::Receiver<bool>,
    ) -> Connector {
        let anew_from = Instant::now();
        Connector { connection, kept, sink, monitor, stopping, anew_from }
    }

    /// Works until it is stopped. A removed tenant is waited for; any other refusal ends it.
    pub async fn run(&mut self) -> Result<(), SessionError> {
        loop {
            let error = match self.live().await {
                Ok(()) => {
                    self.monitor.enter(Stage::Stopped);
                    return Ok(());
                }
                Err(error) => error,
            };
            match error {
                SessionError::Sink(_) => self.monitor.cut(Cause::Server, &error.to_string()),
                _ => self.monitor.trouble(&error.to_string()),
            }
            tracing::warn!(connector = self.monitor.name(), "{error}");
            match error {
                SessionError::Sink(SinkError::Gone(_)) => {}
                SessionError::Drifted => self.anew_from = Instant::now() + ANEW_EVERY,
                error => return Err(error),
            }
        }
    }

    /// From the server's state on, until it is stopped or the server refuses.
    async fn live(&mut self) -> Result<(), SessionError> {
        self.monitor.enter(Stage::Waiting);
        let names = self.kept.load()?;
        let source = self.connection.source();
        let present = tokio::select! {
            biased;
            () = stopped(&mut self.stopping) => return Ok(()),
            present = self.sink.present(&source) => present?,
        };
        let name = self.connection.name.as_str();
        let mut pbx = Pbx::new(name, self.connection.mapping.clone(), names);
        let lines: Result<Vec<_>, _> = parse::lines(&present.lines).collect();
        let lines =
            lines.map_err(|wrong| SessionError::Present(wrong.line, wrong.error.message))?;
        pbx.believe(&lines, present.counted);
        drop(lines);
        let outlet = Outlet::new(source, present.seq, self.kept.clone(), self.monitor.clone());
        let work = Work {
            pbx,
            outlet,
            sink: &self.sink,
            monitor: &self.monitor,
            link: Link::new(&self.connection.target, &self.monitor),
            offset: ClockOffset::default(),
            figures: Figures::default(),
            told: Vec::new(),
            has_drifted: false,
            anew_from: self.anew_from,
        };
        work.follow(&mut self.stopping).await
    }
}

/// Waits until the connector is to stop.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone has nobody left to stop it otherwise.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// All parts at work.
struct Work<'a> {
    pbx: Pbx,
    outlet: Outlet,
    sink: &'a Sink,
    monitor: &'a Monitor,
    link: Link<'a>,
    offset: ClockOffset,
    /// What the model counted when it was last looked at.
    figures: Figures,
    /// Emptied after each use; kept for its room.
    told: Vec<Told>,
    /// What the server answered doesn't fit to what it was told before.
    has_drifted: bool,
    /// When the server's state may be asked for anew.
    anew_from: Instant,
}

impl<'a> Work<'a> {
    async fn follow(mut self, stopping: &mut watch::Receiver<bool>) -> Result<(), SessionError> {
        let mut sending: Option<Sending<'a>> = None;
        let mut messages = Vec::new();
        let mut gone = std::pin::pin!(self.sink.gone());
        loop {
            self.hand_out(&mut sending);
            let is_idle = sending.is_none() && self.outlet.is_empty();
            if self.has_drifted && is_idle && Instant::now() >= self.anew_from {
                return Err(SessionError::Drifted);
            }
            tokio::select! {
                biased;
                () = stopped(stopping) => break,
                error = &mut gone => return Err(error.into()),
                (live, sent) = under_way(&mut sending) => {
                    sending = None;
                    let receipt = sent?;
                    // Others changed the directory, or wrote under our name.
                    self.has_drifted |= receipt.ignored > 0 || receipt.duplicates > 0;
                    self.outlet.taken(&live, receipt, self.sink.now());
                }
                () = at_instant(self.outlet.due()), if sending.is_none() => {}
                () = at_time(self.pbx.due(), self.sink.now()) => {
                    let now = self.sink.now();
                    self.pbx.wake(now, &mut self.told);
                    self.tell(now);
                    self.ask();
                }
                change = self.link.next(&mut messages), if !self.outlet.is_full() => {
                    self.heard(change, &mut messages);
                }
            }
        }
        self.end(sending).await
    }

    /// Begins a batch if none is under way: one at a time, then all that has gathered.
    fn hand_out(&mut self, sending: &mut Option<Sending<'a>>) {
        if sending.is_some() {
            return;
        }
        if let Some(batch) = self.outlet.next() {
            let (sink, (lines, live)) = (self.sink, batch.into_parts());
            *sending = Some(Box::pin(async move { (live, sink.send(lines).await) }));
        }
    }

    fn heard(&mut self, change: Change, messages: &mut Vec<Message>) {
        let now = self.sink.now();
        match change {
            Change::LoggedIn => {
                self.offset = ClockOffset::default();
                self.pbx.connected(now);
            }
            Change::Cut => self.pbx.disconnected(now),
            Change::Messages => {}
        }
        for message in messages.drain(..) {
            self.monitor.message(message.name(), now);
            let at = self.offset.happened(message.timestamp(), now);
            self.pbx.message(at, &message, &mut self.told);
        }
        self.tell(now);
        self.ask();
    }

    /// Asks the PBX what the model wants to know. While the line is cut nobody can be asked.
    fn ask(&mut self) {
        if let Some(session) = self.link.session() {
            for ask in self.pbx.asks() {
                let id = session.send(&ask.action());
                self.pbx.asked(ask, id);
            }
        }
        if let Some(refusal) = self.pbx.take_refusal() {
            let connector = self.monitor.name();
            tracing::warn!(connector, "{refusal}");
            self.monitor.trouble(&refusal);
        }
    }

    /// Hands on what the model told, and looks at what it counted.
    fn tell(&mut self, now: Millis) {
        let figures = self.pbx.figures();
        let compared = figures.resyncs != self.figures.resyncs;
        let is_live = self.link.is_compared;
        if self.pbx.names().take_changed() {
            self.outlet.keep(self.pbx.names().clone());
        }
        for told in self.told.drain(..) {
            let certain = told.certain.filter(|_| is_live);
            self.outlet.tell(told.time, told.kind, now, certain);
        }
        if compared {
            self.compared(figures);
        }
        if figures != self.figures {
            self.monitor.holds(figures);
            self.figures = figures;
        }
    }

    /// A listing was compared: the first of a session is worth a line, a later one only if it set something right.
    fn compared(&mut self, figures: Figures) {
        let connector = self.monitor.name();
        let corrections = figures.corrections - self.figures.corrections;
        let missed = figures.missed - self.figures.missed;
        let Figures { queues, members, visits, .. } = figures;
        if !self.link.is_compared {
            self.link.is_compared = true;
            self.monitor.enter(Stage::Following);
            tracing::info!(
                connector,
                queues,
                members,
                callers = visits,
                corrections,
                missed_calls = missed,
                "the present state was compared; following"
            );
        } else if corrections > 0 {
            tracing::info!(
                connector,
                corrections,
                missed_calls = missed,
                "a comparison set figures right"
            );
        }
    }

    /// Lets what is on its way arrive, for a while, and says farewell.
    async fn end(mut self, mut sending: Option<Sending<'a>>) -> Result<(), SessionError> {
        let flush = async {
            loop {
                self.hand_out(&mut sending);
                if sending.is_none() {
                    return Ok(());
                }
                let (live, sent) = under_way(&mut sending).await;
                sending = None;
                self.outlet.taken(&live, sent?, self.sink.now());
            }
        };
        let flushed: Result<Result<(), SinkError>, _> = timeout(STOP_GRACE, flush).await;
        self.link.end().await;
        match flushed {
            Ok(flushed) => Ok(flushed?),
            // They are not lost: the next start finds what differs.
            Err(_) => {
                tracing::warn!(connector = self.monitor.name(), "stopped with events on their way");
                Ok(())
            }
        }
    }
}

async fn under_way(sending: &mut Option<Sending<'_>>) -> (Vec<Millis>, Result<Receipt, SinkError>) {
    match sending {
        Some(sending) => sending.await,
        None => pending().await,
    }
}

async fn at_instant(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant.into()).await,
        None => pending().await,
    }
}

async fn at_time(time: Option<Millis>, now: Millis) {
    match time {
        Some(time) => sleep(Duration::from_millis(u64::try_from(time - now).unwrap_or(0))).await,
        None => pending().await,
    }
}
