//! The events that feed the engine, as types: SPEC §4, one variant a type.
//!
//! An `Event` borrows its text from the line that it was read from. Reading lines is `parse`'s work,
//! meaning is the engine's: a value here is well-formed and says nothing of whether it makes sense.

pub(crate) mod rfc3339;
pub mod schema;
mod words;
mod write;

pub use words::Type;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// Text of an event, borrowed from its line unless it held escapes.
pub type Text<'a> = Cow<'a, str>;

/// One event: what happened, when, and where it stands in its source's numbering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// The event's own time, which may be late: the engine counts it at `max(time, last counted time)`.
    pub time: Millis,
    /// Source and sequence number, by which duplicates are known.
    pub origin: Option<Origin<'a>>,
    /// What happened.
    pub kind: Kind<'a>,
}

/// Who sent an event, and its number among that source's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Name of the source, 1–64 characters.
    pub source: Text<'a>,
    /// The event's number in its source, from 1.
    pub seq: u64,
}

/// What happened: one variant for each event type of SPEC §4.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named and explained in SPEC §4's table")]
pub enum Kind<'a> {
    QueueConfigured {
        queue: u32,
        name: Text<'a>,
        media: Media,
        sla: Option<Sla>,
    },
    QueueRemoved {
        queue: u32,
    },
    GroupConfigured {
        group: u32,
        name: Text<'a>,
    },
    GroupRemoved {
        group: u32,
    },
    AgentConfigured {
        agent: Text<'a>,
        name: Text<'a>,
        group: Option<u32>,
    },
    AgentRemoved {
        agent: Text<'a>,
    },
    AssignmentSet {
        agent: Text<'a>,
        queue: u32,
        assigned: bool,
        enabled: bool,
    },
    CodesConfigured {
        list: i64,
        name: Text<'a>,
        items: Vec<CodeItem<'a>>,
    },
    AgentStatus {
        agent: Text<'a>,
        status: Base,
        code: GivenCode<'a>,
    },
    LineStatus {
        agent: Text<'a>,
        line: Line,
        status: ExplicitLine,
    },
    TransactionQueued {
        transaction: Text<'a>,
        queue: u32,
    },
    TransactionOffered {
        transaction: Text<'a>,
        agent: Text<'a>,
        line: Line,
    },
    TransactionRejected {
        transaction: Text<'a>,
        agent: Text<'a>,
    },
    TransactionWithdrawn {
        transaction: Text<'a>,
        agent: Text<'a>,
    },
    TransactionAccepted {
        transaction: Text<'a>,
        agent: Text<'a>,
        line: Option<Line>,
    },
    TransactionPlaced {
        transaction: Text<'a>,
        agent: Text<'a>,
        queue: Option<u32>,
        media: Option<Media>,
        line: Line,
    },
    TransactionHeld {
        transaction: Text<'a>,
        agent: Text<'a>,
    },
    TransactionResumed {
        transaction: Text<'a>,
        agent: Text<'a>,
    },
    TransactionMuted {
        transaction: Text<'a>,
        agent: Text<'a>,
    },
    TransactionUnmuted {
        transaction: Text<'a>,
        agent: Text<'a>,
    },
    TransactionReleased {
        transaction: Text<'a>,
        agent: Text<'a>,
    },
    TransactionCompleted {
        transaction: Text<'a>,
        agent: Text<'a>,
    },
    TransactionAbandoned {
        transaction: Text<'a>,
    },
    TransactionDiverted {
        transaction: Text<'a>,
    },
}

/// A medium; the numbers are those of the field agent-media-id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Media {
    Phone = 1,
    Chat = 2,
    Email = 3,
    Voicemail = 4,
}

/// A queue's service level agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sla {
    /// The share that is to be accepted within the limit, 0–100.
    pub percent: u8,
    /// The limit.
    pub within_seconds: u32,
    /// Length of an evaluation period, at least 1.
    pub evaluate_every_seconds: u32,
}

/// The base status: what the agent chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Base {
    Available,
    OnBreak,
    WorkOffline,
    LoggedOut,
}

/// The status code given with an `agent.status`, as far as it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenCode<'a> {
    /// Number of the code list.
    pub list: Option<i64>,
    /// Number of the item in its list.
    pub item: Option<i64>,
    /// Short code; where it is missing, the one configured for list and item counts.
    pub short_code: Option<Text<'a>>,
}

/// One item of a status code list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeItem<'a> {
    /// Number of the item in its list.
    pub item: i64,
    /// What documents show.
    pub short_code: Text<'a>,
    /// What people read.
    pub name: Text<'a>,
    /// `Base::OnBreak` or `Base::WorkOffline`.
    pub status: Base,
}

/// One of an agent's two phone lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Line {
    #[default]
    One,
    Two,
}

impl Line {
    /// The number that events use.
    pub fn number(self) -> u8 {
        match self {
            Line::One => 1,
            Line::Two => 2,
        }
    }
}

/// A line's explicit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExplicitLine {
    /// A supervisor listens.
    Monitoring,
    /// Line 2 only.
    Error,
    /// None: the line shows what its leg says.
    Clear,
}
