//! One agent: what it chose, what follows from its legs, and its figures.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    leg::List,
    line::LineState,
    status_time::{Status, StatusTime},
    window::{Average, DayTime, SlidingTime},
};
use crate::event::{Base, Line, Millis};

/// One agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Agent {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub group: u32,
    /// By place of the queue.
    pub assignments: Vec<Assignment>,
    /// The same by the queues' numbers, as the live feed tells it; none after a change.
    #[serde(skip)]
    pub queues: Option<Arc<[i64]>>,
    pub base: Base,
    pub code: Code,
    pub status_time: StatusTime,
    /// Last change of the pair (agent-status, shown code); none before the first `agent.status`.
    pub pair_since: Option<Millis>,
    pub last_login: Option<Millis>,
    /// agent-media-id: 0 before any leg entered processing.
    pub media_id: u8,
    pub legs: List,
    pub stages: Stages,
    pub lines: [LineState; 2],
    pub day: AgentDay,
    pub window: AgentWindow,
    /// The empty text, shared by all agents.
    pub no_text: Arc<str>,
}

/// Tie to a queue.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Assignment {
    pub queue: u32,
    pub enabled: bool,
}

/// A status code as it is shown; all empty is no code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    pub list: Option<i64>,
    pub item: Option<i64>,
    pub short_code: Arc<str>,
}

/// The agent's legs by stage.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Stages {
    pub offered: u32,
    pub processing: u32,
    pub post_processing: u32,
}

/// Figures of the day.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct AgentDay {
    pub accepted: i64,
    pub rejected: i64,
    pub processing: DayTime,
    pub wrap_up: DayTime,
    /// Processing time of the legs that entered processing in the day and have left it.
    pub processed: Average,
}

/// Figures of the last 30 minutes.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct AgentWindow {
    pub accepted: i64,
    pub rejected: i64,
    pub processing: SlidingTime,
    pub wrap_up: SlidingTime,
    /// Processing and post-processing time of the legs that entered processing in the window and have ended.
    pub handled: Average,
}

impl Agent {
    /// A new agent: logged out, with nothing done yet.
    pub fn new(id: Arc<str>, no_text: Arc<str>) -> Agent {
        Agent {
            id,
            name: no_text.clone(),
            group: 0,
            assignments: Vec::new(),
            queues: None,
            base: Base::LoggedOut,
            code: Code { list: None, item: None, short_code: no_text.clone() },
            status_time: StatusTime::default(),
            pair_since: None,
            last_login: None,
            media_id: 0,
            legs: List::default(),
            stages: Stages::default(),
            lines: [LineState::default(), LineState::default()],
            day: AgentDay::default(),
            window: AgentWindow::default(),
            no_text,
        }
    }

    /// The agent-status that follows from base status and legs (SPEC §3.1).
    pub fn derived_status(&self) -> Status {
        if self.base == Base::LoggedOut {
            Status::LoggedOut
        } else if self.stages.processing > 0 {
            Status::Busy
        } else if self.stages.offered > 0 {
            Status::Offered
        } else if self.stages.post_processing > 0 {
            Status::PostProcessing
        } else {
            self.base.into()
        }
    }

    /// The code, while agent-status equals the base status.
    pub fn shown_code(&self) -> Option<&Code> {
        (self.status_time.status() == self.base.into()).then_some(&self.code)
    }

    pub fn line_mut(&mut self, line: Line) -> &mut LineState {
        &mut self.lines[line as usize]
    }

    /// A new day begins.
    pub fn roll(&mut self, day_start: Millis) {
        self.status_time.roll();
        let AgentDay { mut processing, mut wrap_up, .. } = self.day;
        processing.roll(day_start);
        wrap_up.roll(day_start);
        self.day = AgentDay { processing, wrap_up, ..AgentDay::default() };
    }
}

impl Code {
    /// Whether there is anything to show.
    pub fn is_some(&self) -> bool {
        self.list.is_some() || self.item.is_some() || !self.short_code.is_empty()
    }
}
