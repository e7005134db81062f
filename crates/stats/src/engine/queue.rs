//! One queue: its visits, its agents by status, and its figures.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    service_level::{ServiceLevel, Share, Verdict},
    status_time::Status,
    window::{Average, Longest},
};
use crate::event::{Media, Millis, Sla};

/// One queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Queue {
    pub id: u32,
    pub name: Arc<str>,
    pub media: Media,
    pub sla: Option<Sla>,
    pub assigned: u32,
    /// Enabled agents, by [`Column`].
    pub enabled: [u32; COLUMNS],
    /// Visits waiting, by entry and place of their transaction.
    pub waiting: BTreeSet<(Millis, u32)>,
    /// Visits offered to at least one agent.
    pub offered: u32,
    /// Legs in processing or post-processing, by agent.
    pub in_progress: BTreeMap<u32, u32>,
    pub day: QueueDay,
    pub window: QueueWindow,
    pub service: ServiceLevel,
}

/// The columns of the agent-count-… fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    WaitTransact = 0,
    Busy = 1,
    PostProcess = 2,
    OnBreak = 3,
    WorkOffline = 4,
    LoggedOut = 5,
}

pub const COLUMNS: usize = 6;

impl From<Status> for Column {
    fn from(status: Status) -> Column {
        match status {
            Status::Available => Column::WaitTransact,
            Status::Offered | Status::Busy => Column::Busy,
            Status::PostProcessing => Column::PostProcess,
            Status::OnBreak => Column::OnBreak,
            Status::WorkOffline => Column::WorkOffline,
            Status::LoggedOut => Column::LoggedOut,
        }
    }
}

/// Figures of the day.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct QueueDay {
    pub queued: i64,
    pub accepted: i64,
    pub abandoned: i64,
    /// Wait of the visits that entered in the day and have their outcome.
    pub waited: Average,
    /// Processing time of the legs that entered processing in the day and have left it.
    pub duration: Average,
}

/// Figures of the last 30 minutes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct QueueWindow {
    pub queued: i64,
    pub accepted: i64,
    pub abandoned: i64,
    pub waited: Average,
    pub longest: Longest,
    pub duration: Average,
    pub service: Share,
}

/// One passage of a transaction through a queue, while it is waiting or offered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Visit {
    pub queue: u32,
    pub entered: Millis,
    /// The limit of the SLA configured at its entry.
    pub limit_ms: Option<i64>,
    pub verdict: Verdict,
    /// Agents that it is offered to.
    pub offers: u32,
    /// Number of its entry in the trail of visit starts.
    pub start_number: u64,
}

/// How a visit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Accepted,
    Abandoned,
    Diverted,
}

/// A transaction, while a visit or a leg of it is open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transaction {
    pub id: Arc<str>,
    pub visit: Option<Visit>,
    pub legs: super::leg::List,
}

impl Queue {
    pub fn new(id: u32, name: Arc<str>, media: Media) -> Queue {
        Queue {
            id,
            name,
            media,
            sla: None,
            assigned: 0,
            enabled: [0; COLUMNS],
            waiting: BTreeSet::new(),
            offered: 0,
            in_progress: BTreeMap::new(),
            day: QueueDay::default(),
            window: QueueWindow::default(),
            service: ServiceLevel::default(),
        }
    }

    /// A new day begins.
    pub fn roll(&mut self) {
        self.day = QueueDay::default();
        self.service.roll();
    }

    /// A leg of `agent` enters processing.
    pub fn begin_progress(&mut self, agent: u32) {
        *self.in_progress.entry(agent).or_insert(0) += 1;
    }

    /// A leg of `agent` ends.
    pub fn end_progress(&mut self, agent: u32) {
        if let std::collections::btree_map::Entry::Occupied(mut legs) =
            self.in_progress.entry(agent)
        {
            *legs.get_mut() -= 1;
            if *legs.get() == 0 {
                legs.remove();
            }
        }
    }
}
