//! One open tenant of a shard: its engine and where in the log it stands.

use std::time::{Duration, Instant};

use stats::{
    document::Frozen,
    engine::{AgentNow, Engine, Outcome},
    event::Millis,
};

use super::{Applied, Copied, Ledger, Live, Parsed, Settings, View, speakers::Speakers};
use crate::journal::{Position, Snapshot};

/// One open tenant.
pub struct Tenancy {
    pub engine: Engine,
    /// Behind the last event that the engine has seen.
    pub position: Position,
    speakers: Speakers,
    /// What the journal holds of its state.
    kept: Position,
    /// What is on its way there.
    keeping: Option<Position>,
    kept_at: Instant,
    /// When keeping failed last, if it did since.
    failed: Option<Instant>,
}

/// How long keeping rests after it failed.
const RETRY: Duration = Duration::from_secs(5);

impl Tenancy {
    pub fn new(engine: Engine, position: Position, kept: Position) -> Tenancy {
        Tenancy {
            speakers: Speakers::of(&engine),
            engine,
            position,
            kept,
            keeping: None,
            kept_at: Instant::now(),
            failed: None,
        }
    }

    /// Applies a batch, unless a replay of the log has already brought it.
    pub fn apply(&mut self, after: Position, parsed: &Parsed, now: Millis) -> Applied {
        let mut applied = Applied::default();
        if after <= self.position {
            applied.accepted = parsed.lines().len() as u64;
            return applied;
        }
        let mut before = None;
        for line in parsed.lines() {
            let source = line.event.origin.as_ref().map(|origin| &*origin.source);
            // A batch is of one source as a rule, which is heard once.
            if source.is_none() || before != source {
                self.speakers.heard(source, line.event.time, now);
                before = source;
            }
            match self.engine.apply(&line.event) {
                Outcome::Applied => applied.accepted += 1,
                Outcome::Duplicate => applied.duplicates += 1,
                Outcome::Ignored(reason) => {
                    applied.accepted += 1;
                    applied.ignored.push((line.number, reason));
                }
            }
        }
        self.position = after;
        applied
    }

    pub fn freeze(&mut self, now: Millis) -> Frozen {
        self.engine.freeze(now)
    }

    /// What the engine believes, and the highest number that it has seen of each source.
    pub fn present(&self, sources: &[Option<String>]) -> Copied {
        let seq = |source: &Option<String>| source.as_ref().map_or(0, |source| self.seq(source));
        (self.engine.present(), sources.iter().map(seq).collect())
    }

    /// One agent, and the highest number seen of a source.
    pub fn agent_now(&self, agent: &str, source: &str) -> (Option<AgentNow>, u64) {
        (self.engine.agent_now(agent), self.seq(source))
    }

    fn seq(&self, source: &str) -> u64 {
        self.engine.account().source(source).map_or(0, |source| source.seq)
    }

    pub fn view(&mut self, now: Millis) -> View {
        let frozen = self.engine.freeze(now);
        View {
            frozen,
            counted: self.engine.counted(),
            names: self.engine.names(),
            sources: self.speakers.spoken(self.engine.account(), now),
        }
    }

    pub fn ledger(&self, live: &Live, now: Millis) -> Ledger {
        let (agents, queues) = self.engine.sizes();
        Ledger {
            tenant: live.name.clone(),
            instant: now,
            counted: self.engine.counted(),
            events: self.position.0,
            account: self.engine.account().clone(),
            agents,
            queues,
        }
    }

    /// Whether its state is to be kept by now.
    pub fn snapshot_due(&self, settings: &Settings) -> bool {
        // One on its way at a time: however fast events come, the disk sets the pace of snapshots.
        let events = self.position.0 - self.kept.0;
        let free = self.keeping.is_none() && self.failed.is_none_or(|at| at.elapsed() >= RETRY);
        let due = events >= settings.snapshot_every_events
            || (events > 0 && self.kept_at.elapsed() >= settings.snapshot_every);
        free && due
    }

    /// Whether anything happened since its state was kept.
    pub fn changed(&self) -> bool {
        self.position > self.kept
    }

    /// What became of a state on its way to the journal.
    pub fn was_kept(&mut self, position: Position, stored: bool) {
        if self.keeping == Some(position) {
            self.keeping = None;
        }
        if stored {
            self.kept = self.kept.max(position);
            self.failed = None;
        } else {
            self.failed = Some(Instant::now());
        }
    }

    /// Its state, to be kept.
    pub fn snapshot(&mut self, now: Millis) -> Snapshot {
        self.keeping = Some(self.position);
        self.kept_at = Instant::now();
        Snapshot { position: self.position, taken: now, state: self.engine.snapshot() }
    }
}
