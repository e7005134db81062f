//! phone-line1-status and phone-line2-status with their times (SPEC §3.1).

use serde::{Deserialize, Serialize};

use super::leg::{Leg, List, Stage};
use crate::event::{ExplicitLine, Line, Millis};

/// Not in use.
pub const UNUSED: i64 = -1;
const IDLE: i64 = 0;
const ON_HOLD: i64 = 1;
const ON_MUTE: i64 = 2;
const LINE_1_OFFERED: i64 = 3;
const LINE_2_OFFERED: i64 = 0;
const LINE_2_ERROR: i64 = 3;
const MONITORING: i64 = 4;
const PROCESSING: i64 = 5;

/// One of an agent's lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LineState {
    /// Set by `line.status`; `Clear` is none.
    pub explicit: ExplicitLine,
    /// The phone legs offered or processing on the line, in the order in which that stage began.
    pub legs: List,
    status: i64,
    since: Millis,
}

impl Default for LineState {
    fn default() -> Self {
        LineState { explicit: ExplicitLine::Clear, legs: List::default(), status: UNUSED, since: 0 }
    }
}

impl LineState {
    /// Computes the status anew at `at`; `shown` is the leg that counts: the last of `legs`.
    pub fn refresh(&mut self, at: Millis, line: Line, logged_out: bool, shown: Option<&Leg>) {
        let status = match (logged_out, self.explicit, shown) {
            (true, _, _) => UNUSED,
            (_, ExplicitLine::Monitoring, _) => MONITORING,
            (_, ExplicitLine::Error, _) => LINE_2_ERROR,
            (_, ExplicitLine::Clear, Some(leg)) => leg_status(line, leg),
            (_, ExplicitLine::Clear, None) => match line {
                Line::One => IDLE,
                Line::Two => UNUSED,
            },
        };
        if status != self.status {
            self.status = status;
            self.since = at;
        }
    }

    /// The field phone-lineN-status.
    pub fn status(&self) -> i64 {
        self.status
    }

    /// Since when the line shows its status.
    pub fn since(&self) -> Millis {
        self.since
    }

    /// The field phone-lineN-status-time: −1 while unused or, on line 1, idle.
    pub fn seconds(&self, line: Line, now: Millis) -> i64 {
        self.shown_since(line).map_or(-1, |since| (now - since) / 1_000)
    }

    /// The instant that phone-lineN-status-time counts from; none while unused or, on line 1, idle.
    pub fn shown_since(&self, line: Line) -> Option<Millis> {
        let quiet = self.status == UNUSED || (line == Line::One && self.status == IDLE);
        (!quiet).then_some(self.since)
    }
}

fn leg_status(line: Line, leg: &Leg) -> i64 {
    match (leg.stage, line) {
        (Stage::Offered, Line::One) => LINE_1_OFFERED,
        (Stage::Offered, Line::Two) => LINE_2_OFFERED,
        _ if leg.held => ON_HOLD,
        _ if leg.muted => ON_MUTE,
        _ => PROCESSING,
    }
}
