//! The engine: one tenant's fold over its log of events (SPEC §3, §4).
//!
//! Pure: no clock, no I/O, no threads; the same log gives the same answer everywhere. An event costs amortised O(1)
//! (the order of waiting visits and of pending limits is a logarithm), a freeze O(agents + queues), and nothing is
//! rescanned. What no window can reach any more leaves no trace.

mod agent;
mod directory;
mod fold;
mod freeze;
mod leg;
mod line;
mod look;
mod names;
mod outcome;
mod present;
mod queue;
mod service_level;
mod slots;
mod snapshot;
mod stages;
mod status_time;
mod trails;
mod window;

pub use directory::{CodeList, ListedCode};
pub use freeze::{AgentTimes, SlaTarget};
pub use look::{AgentNow, Tie};
pub use names::{CodeNames, Names};
pub use outcome::{Account, Outcome, Reason, Source};
pub use present::Present;
pub use snapshot::SnapshotError;
pub use status_time::Status;

use fold::Fold;
use outcome::Admission;

use crate::{
    event::{Event, Millis},
    limit,
    zone::{Day, Zone},
};

/// One tenant's statistics.
#[derive(Debug, Clone)]
pub struct Engine {
    zone: Zone,
    sla_target: SlaTarget,
    /// The last counted time.
    counted: Option<Millis>,
    /// The latest instant counted or described.
    horizon: Option<Millis>,
    account: Account,
    fold: Fold,
    /// The fold of a date that has stopped and will begin again, or that has begun and stopped: see `enter_day`.
    parked: Option<Box<Fold>>,
}

/// Days that are lived through one by one after a long silence: a date that stops and begins again lies within them.
const DAYS_LIVED_MS: i64 = 3 * 86_400_000;

impl Engine {
    /// A tenant of which nothing is known yet.
    pub fn new(zone: Zone) -> Engine {
        Engine {
            zone,
            sla_target: SlaTarget::Hours,
            counted: None,
            horizon: None,
            account: Account::default(),
            fold: Fold::new(),
            parked: None,
        }
    }

    /// What the field sla-target shows; a setting, not part of the state.
    pub fn with_sla_target(mut self, sla_target: SlaTarget) -> Engine {
        self.sla_target = sla_target;
        self
    }

    /// The tenant's time zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Counts an event at `max(its time, the last counted time)`, or says why not.
    pub fn apply(&mut self, event: &Event<'_>) -> Outcome {
        let admission = self.account.admit(event);
        if let Admission::Duplicate = admission {
            self.account.count(Outcome::Duplicate);
            return Outcome::Duplicate;
        }
        let at = self.counted.map_or(event.time, |counted| counted.max(event.time));
        self.counted = Some(at);
        self.advance(at);
        let applied = match admission {
            Admission::NoRoom => Err(Reason::Limit),
            Admission::New | Admission::Duplicate => self.fold.apply(at, &event.kind),
        };
        if let (Some(parked), Ok(())) = (&mut self.parked, applied) {
            let again = parked.apply(at, &event.kind);
            assert!(again.is_ok(), "both folds of a date that recurs have seen the same events");
        }
        let outcome = applied.map_or_else(Outcome::Ignored, |()| Outcome::Applied);
        self.account.count(outcome);
        outcome
    }

    /// The instant at which an event would count, or none if it is a duplicate.
    pub fn would_count(&self, event: &Event<'_>) -> Option<Millis> {
        let at = self.counted.map_or(event.time, |counted| counted.max(event.time));
        (!self.account.is_duplicate(event)).then_some(at)
    }

    /// How many agents and queues are configured.
    pub fn sizes(&self) -> (usize, usize) {
        (self.fold.agents.iter().count(), self.fold.queues.iter().count())
    }

    /// The last counted time.
    pub fn counted(&self) -> Option<Millis> {
        self.counted
    }

    /// The latest instant counted or described: nothing earlier can be described any more.
    pub fn horizon(&self) -> Option<Millis> {
        self.horizon
    }

    /// What became of the events so far.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Moves the windows on to `now`. An earlier `now` than one seen before moves nothing.
    fn advance(&mut self, now: Millis) {
        if self.horizon.is_some_and(|horizon| now <= horizon) {
            return;
        }
        if now >= self.fold.day.end {
            self.live_through_days(now);
        }
        self.horizon = Some(now);
        self.fold.advance(now);
        if let Some(parked) = &mut self.parked {
            parked.advance(now);
        }
    }

    fn live_through_days(&mut self, now: Millis) {
        while now >= self.fold.day.end {
            let lived_from = now - DAYS_LIVED_MS;
            if self.fold.day.end < lived_from {
                self.parked = None;
                self.fold.roll(self.zone.day_of(lived_from));
            } else {
                self.enter_day(self.zone.day_of(self.fold.day.end));
            }
        }
    }

    /// Where clocks are set back over midnight, a date stops, the next one lasts a moment, the first comes back, and
    /// then the next one again, each from its own first instant. Both are kept up to date for that hour.
    fn enter_day(&mut self, day: Day) {
        if day.start == self.fold.day.start {
            self.fold.day = day;
            return;
        }
        let recurs = self.zone.day_of(day.end).start == self.fold.day.start;
        let left = recurs.then(|| Box::new(self.fold.clone()));
        match self.parked.take() {
            Some(parked) if parked.day.start == day.start => {
                self.fold = *parked;
                self.fold.day = day;
            }
            _ => self.fold.roll(day),
        }
        self.parked = left;
    }
}

impl Fold {
    /// A new day begins: its figures start at nothing.
    fn roll(&mut self, day: Day) {
        self.day = day;
        for (_, agent) in self.agents.iter_mut() {
            agent.roll(day.start);
        }
        for (_, queue) in self.queues.iter_mut() {
            queue.roll();
        }
    }
}

const _: () = assert!(DAYS_LIVED_MS > limit::WINDOW_MS);
