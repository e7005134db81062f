//! Time in each agent-status: day-login-time, day-available-time, day-break-time, day-offline-time and the
//! thirty-min-… of the last three (SPEC §3.1).
//!
//! Invariant: the times in the agent-statuses 0 to 5 sum to the login time, to the millisecond.

use serde::{Deserialize, Serialize};

use super::window::SlidingTime;
use crate::event::{Base, Millis};

/// The field agent-status; the numbers are the field's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Status {
    Available = 0,
    Offered = 1,
    Busy = 2,
    PostProcessing = 3,
    OnBreak = 4,
    WorkOffline = 5,
    LoggedOut = 9,
}

impl From<Base> for Status {
    fn from(base: Base) -> Status {
        match base {
            Base::Available => Status::Available,
            Base::OnBreak => Status::OnBreak,
            Base::WorkOffline => Status::WorkOffline,
            Base::LoggedOut => Status::LoggedOut,
        }
    }
}

/// The statuses whose time the last 30 minutes show, and all the others as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Class {
    Available = 0,
    OnBreak = 1,
    WorkOffline = 2,
    Other = 3,
}

impl Class {
    /// By number, as window entries keep it.
    pub fn numbered(number: u32) -> Class {
        match number {
            0 => Class::Available,
            1 => Class::OnBreak,
            2 => Class::WorkOffline,
            _ => Class::Other,
        }
    }
}

impl From<Status> for Class {
    fn from(status: Status) -> Class {
        match status {
            Status::Available => Class::Available,
            Status::OnBreak => Class::OnBreak,
            Status::WorkOffline => Class::WorkOffline,
            Status::Offered | Status::Busy | Status::PostProcessing | Status::LoggedOut => {
                Class::Other
            }
        }
    }
}

/// One agent's times in the statuses.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusTime {
    status: Status,
    /// When the present status began.
    entered: Millis,
    /// Ended time of the day in the statuses 0 to 5.
    day_ms: [i64; 6],
    sliding: [SlidingTime; 3],
    /// The class at the trailing edge of the window.
    trailing: Class,
}

impl Default for StatusTime {
    fn default() -> Self {
        StatusTime {
            status: Status::LoggedOut,
            entered: 0,
            day_ms: [0; 6],
            sliding: [SlidingTime::default(); 3],
            trailing: Class::Other,
        }
    }
}

impl StatusTime {
    /// The present status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Enters another status; tells the class that the trailing edge is to hear of, if it changed.
    pub fn change(&mut self, at: Millis, status: Status, day_start: Millis) -> Option<Class> {
        if let Some(ended_ms) = self.day_ms.get_mut(self.status as usize) {
            *ended_ms += (at - self.entered.max(day_start)).max(0);
        }
        let (old, new) = (Class::from(self.status), Class::from(status));
        self.status = status;
        self.entered = at;
        if old == new {
            return None;
        }
        if let Some(time) = self.sliding.get_mut(old as usize) {
            time.leave(at);
        }
        if let Some(time) = self.sliding.get_mut(new as usize) {
            time.enter(at);
        }
        Some(new)
    }

    /// The trailing edge passes the change to `class` at `at`.
    pub fn trail(&mut self, at: Millis, class: Class) {
        if let Some(time) = self.sliding.get_mut(self.trailing as usize) {
            time.trail_leave(at);
        }
        if let Some(time) = self.sliding.get_mut(class as usize) {
            time.trail_enter(at);
        }
        self.trailing = class;
    }

    /// A new day begins.
    pub fn roll(&mut self) {
        self.day_ms = [0; 6];
    }

    /// Time of the day in `status`, which is one of 0 to 5.
    pub fn day_ms(&self, status: Status, now: Millis, day_start: Millis) -> i64 {
        let ongoing_ms = if status == self.status { now - self.entered.max(day_start) } else { 0 };
        self.day_ms[status as usize] + ongoing_ms
    }

    /// Time of the day that the base status was not logged out: agent-status 9 is just the base logged out.
    pub fn login_ms(&self, now: Millis, day_start: Millis) -> i64 {
        use Status::{Available, Busy, Offered, OnBreak, PostProcessing, WorkOffline};
        [Available, Offered, Busy, PostProcessing, OnBreak, WorkOffline]
            .iter()
            .map(|status| self.day_ms(*status, now, day_start))
            .sum()
    }

    /// Time of the last 30 minutes in a class that they show.
    pub fn sliding_ms(&self, class: Class, now: Millis, w: Millis) -> i64 {
        self.sliding[class as usize].total_ms(now, w)
    }
}
