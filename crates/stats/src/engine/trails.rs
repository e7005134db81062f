//! What has entered the last 30 minutes, and what is taken back as it leaves them.
//!
//! Entries are small: an instant keeps its low 32 bits, since all lie within 30 minutes of the horizon; durations
//! lie within the window too. What counts at an instant that the window has already left, as late events
//! may, is taken back at once instead of being kept.

use serde::{Deserialize, Serialize};

use super::{fold::Fold, service_level::Verdict, status_time::Class, window::Trail};
use crate::{event::Millis, limit};

/// One trail a kind of entry, each in the order of time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Trails {
    moves: Trail<Move>,
    pub leg_starts: Trail<LegStart>,
    pub visit_starts: Trail<VisitStart>,
    visit_ends: Trail<VisitEnd>,
}

/// Something that an agent did: the agent's place and 4 bits of [`MoveKind`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Move {
    low_time: u32,
    agent_and_kind: u32,
}

/// What an agent did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveKind {
    Class(Class),
    Released,
    LeftProcessing,
    LeftPostProcessing,
    Rejected,
}

/// A leg entered processing. [`OPEN`] durations are not known yet.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct LegStart {
    low_time: u32,
    agent: u32,
    /// [`NO_QUEUE`] if none.
    queue: u32,
    pub processed_ms: u32,
    pub handled_ms: u32,
}

/// A visit began: the queue's place and 2 bits of [`Verdict`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct VisitStart {
    low_time: u32,
    queue_and_verdict: u32,
    pub wait_ms: u32,
}

impl VisitStart {
    /// Replaces the verdict.
    pub fn judge(&mut self, verdict: Verdict) {
        self.queue_and_verdict = self.queue_and_verdict & !0b11 | verdict.bits();
    }
}

/// A visit was accepted or abandoned: the queue's place and 1 bit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct VisitEnd {
    low_time: u32,
    queue_and_accepted: u32,
}

/// A duration that is not known yet.
pub const OPEN: u32 = u32::MAX;
const NO_QUEUE: u32 = u32::MAX;

impl MoveKind {
    fn bits(self) -> u32 {
        match self {
            MoveKind::Class(class) => class as u32,
            MoveKind::Released => 4,
            MoveKind::LeftProcessing => 5,
            MoveKind::LeftPostProcessing => 6,
            MoveKind::Rejected => 7,
        }
    }

    fn from_bits(bits: u32) -> MoveKind {
        match bits {
            0..=3 => MoveKind::Class(Class::numbered(bits)),
            4 => MoveKind::Released,
            5 => MoveKind::LeftProcessing,
            6 => MoveKind::LeftPostProcessing,
            _ => MoveKind::Rejected,
        }
    }
}

impl Fold {
    /// The trailing edge of the last 30 minutes.
    fn w(&self) -> Millis {
        self.horizon - limit::WINDOW_MS
    }

    /// Entries are younger than 30 minutes at the horizon that they are read by: the one before it moves on.
    fn whole_time(&self, low_time: u32) -> Millis {
        self.horizon - i64::from((self.horizon as u32).wrapping_sub(low_time))
    }

    /// Moves the leading edge on, and takes back what the trailing edge passes.
    pub fn advance(&mut self, horizon: Millis) {
        let w = horizon - limit::WINDOW_MS;
        while let Some(entry) = self.trails.moves.front() {
            let at = self.whole_time(entry.low_time);
            if at > w {
                break;
            }
            self.trails.moves.pop();
            self.take_back_move(
                at,
                entry.agent_and_kind >> 4,
                MoveKind::from_bits(entry.agent_and_kind & 15),
            );
        }
        while let Some(entry) = self.trails.leg_starts.front() {
            let at = self.whole_time(entry.low_time);
            if at > w {
                break;
            }
            self.trails.leg_starts.pop();
            self.take_back_leg_start(at, entry);
        }
        while let Some(entry) = self.trails.visit_starts.front() {
            if self.whole_time(entry.low_time) > w {
                break;
            }
            self.trails.visit_starts.pop();
            self.take_back_visit_start(w, entry);
        }
        while let Some(entry) = self.trails.visit_ends.front() {
            if self.whole_time(entry.low_time) > w {
                break;
            }
            self.trails.visit_ends.pop();
            self.take_back_visit_end(entry.queue_and_accepted);
        }
        self.horizon = horizon;
        self.agents.release(w);
        self.queues.release(w);
    }

    /// Remembers what an agent did, until the window leaves it.
    pub fn trail_move(&mut self, at: Millis, agent: u32, kind: MoveKind) {
        if at <= self.w() {
            self.take_back_move(at, agent, kind);
        } else {
            let agent_and_kind = agent << 4 | kind.bits();
            self.trails.moves.push(Move { low_time: at as u32, agent_and_kind });
        }
    }

    fn take_back_move(&mut self, at: Millis, agent: u32, kind: MoveKind) {
        let Some(agent) = self.agents.get_mut(agent) else { return };
        match kind {
            MoveKind::Class(class) => agent.status_time.trail(at, class),
            MoveKind::Released => {
                agent.window.processing.trail_leave(at);
                agent.window.wrap_up.trail_enter(at);
            }
            MoveKind::LeftProcessing => agent.window.processing.trail_leave(at),
            MoveKind::LeftPostProcessing => agent.window.wrap_up.trail_leave(at),
            MoveKind::Rejected => agent.window.rejected -= 1,
        }
    }

    /// Remembers that a leg entered processing; the number finds it again.
    pub fn trail_leg_start(&mut self, at: Millis, agent: u32, queue: Option<u32>) -> u64 {
        let queue = queue.unwrap_or(NO_QUEUE);
        let entry =
            LegStart { low_time: at as u32, agent, queue, processed_ms: OPEN, handled_ms: OPEN };
        if at <= self.w() {
            self.take_back_leg_start(at, entry);
            Trail::<LegStart>::NONE
        } else {
            self.trails.leg_starts.push(entry)
        }
    }

    fn take_back_leg_start(&mut self, at: Millis, entry: LegStart) {
        if let Some(agent) = self.agents.get_mut(entry.agent) {
            agent.window.accepted -= 1;
            agent.window.processing.trail_enter(at);
            if entry.handled_ms != OPEN {
                agent.window.handled.take(i64::from(entry.handled_ms));
            }
        }
        if entry.queue != NO_QUEUE
            && entry.processed_ms != OPEN
            && let Some(queue) = self.queues.get_mut(entry.queue)
        {
            queue.window.duration.take(i64::from(entry.processed_ms));
        }
    }

    /// Remembers that a visit began; the number finds it again.
    pub fn trail_visit_start(&mut self, at: Millis, queue: u32) -> u64 {
        let entry =
            VisitStart { low_time: at as u32, queue_and_verdict: queue << 2, wait_ms: OPEN };
        if at <= self.w() {
            self.take_back_visit_start(self.w(), entry);
            Trail::<VisitStart>::NONE
        } else {
            self.trails.visit_starts.push(entry)
        }
    }

    fn take_back_visit_start(&mut self, w: Millis, entry: VisitStart) {
        let Some(queue) = self.queues.get_mut(entry.queue_and_verdict >> 2) else { return };
        queue.window.queued -= 1;
        if entry.wait_ms != OPEN {
            queue.window.waited.take(i64::from(entry.wait_ms));
            queue.window.longest.expire(w);
        }
        let verdict = Verdict::from_bits(entry.queue_and_verdict & 0b11);
        queue.window.service.change(verdict, Verdict::default());
    }

    /// Remembers that a visit was accepted or abandoned.
    pub fn trail_visit_end(&mut self, at: Millis, queue: u32, accepted: bool) {
        let queue_and_accepted = queue << 1 | u32::from(accepted);
        if at <= self.w() {
            self.take_back_visit_end(queue_and_accepted);
        } else {
            self.trails.visit_ends.push(VisitEnd { low_time: at as u32, queue_and_accepted });
        }
    }

    fn take_back_visit_end(&mut self, queue_and_accepted: u32) {
        let Some(queue) = self.queues.get_mut(queue_and_accepted >> 1) else { return };
        if queue_and_accepted & 1 == 1 {
            queue.window.accepted -= 1;
        } else {
            queue.window.abandoned -= 1;
        }
    }
}
