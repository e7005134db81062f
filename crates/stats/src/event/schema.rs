//! What each type of event holds, as data: for descriptions of the API and for documents.
//!
//! Reading events is `parse`'s work, whose code is made for speed; tests hold that both say the same, type by type and
//! field by field.

use super::{Base, ExplicitLine, Media, Type};
use crate::limit;

/// One type of event.
#[derive(Debug, Clone, Copy)]
pub struct EventType {
    /// The type.
    pub of_type: Type,
    /// What it says.
    pub about: &'static str,
    /// Its fields besides [`EVERY_EVENT`]'s.
    pub fields: &'static [EventField],
    /// What one field demands of another.
    pub rule: Option<Rule>,
}

/// One field of an event, or of an object within it.
#[derive(Debug, Clone, Copy)]
pub struct EventField {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// What it may hold.
    pub holds: Holds,
    /// What it means.
    pub about: &'static str,
}

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub enum Holds {
    /// RFC 3339 with an offset, or whole milliseconds since the epoch.
    Time,
    /// Text of so many characters.
    Text {
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A login id: text without `/` and control characters.
    AgentId,
    /// A whole number within bounds.
    Whole {
        /// The lowest.
        min: i64,
        /// The highest.
        max: u64,
    },
    /// True or false.
    Flag,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// An object of these fields.
    Object(&'static [EventField]),
    /// At most so many objects of these fields.
    Objects {
        /// The most.
        max: usize,
        /// Their fields.
        fields: &'static [EventField],
    },
}

/// What one field demands of another.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// One of the two must be given.
    Either(&'static str, &'static str),
    /// The word is for line 2 only.
    SecondLineOnly(&'static str),
}

const fn required(name: &'static str, holds: Holds, about: &'static str) -> EventField {
    EventField { name, required: true, holds, about }
}

const fn optional(name: &'static str, holds: Holds, about: &'static str) -> EventField {
    EventField { name, required: false, holds, about }
}

const NUMBER: Holds = Holds::Whole { min: i64::MIN, max: i64::MAX as u64 };
const NAME: Holds = Holds::Text { min: 0, max: limit::NAME_CHARS_MAX };
const QUEUE_NUMBER: Holds = Holds::Whole { min: 1, max: limit::QUEUE_ID_MAX as u64 };
const GROUP_NUMBER: Holds = Holds::Whole { min: 1, max: limit::GROUP_ID_MAX as u64 };
const PHONE_LINE: Holds = Holds::Whole { min: 1, max: 2 };
const SECONDS_MAX: u64 = limit::SLA_SECONDS_MAX as u64;

const QUEUE: EventField = required("queue", QUEUE_NUMBER, "Number of the queue.");
const AGENT: EventField = required("agent", Holds::AgentId, "Login id of the agent.");
const GROUP: EventField = required("group", GROUP_NUMBER, "Number of the group.");
const TRANSACTION: EventField = required(
    "transaction",
    Holds::Text { min: 1, max: limit::ID_CHARS_MAX },
    "The call, chat, email or voicemail; unique while it lasts.",
);
const LINE: EventField = optional("line", PHONE_LINE, "The phone line; 1 unless given.");

/// The fields of every event, whose source and number come together or not at all.
pub const EVERY_EVENT: &[EventField] = &[
    required(
        "time",
        Holds::Time,
        "When it happened: RFC 3339 with an offset, or whole milliseconds since 1970-01-01T00:00:00Z.",
    ),
    required("type", Holds::Word(Type::WORDS), "The type of the event."),
    optional(
        "source",
        Holds::Text { min: 1, max: limit::SOURCE_CHARS_MAX },
        "The sender's name; with `seq` it makes the event count once, however often it is sent.",
    ),
    optional(
        "seq",
        Holds::Whole { min: 1, max: u64::MAX },
        "The event's number among its source's, rising by one.",
    ),
];

const SLA: &[EventField] = &[
    required(
        "percent",
        Holds::Whole { min: 0, max: 100 },
        "How many of a hundred visits are to be accepted within the limit.",
    ),
    required("within_seconds", Holds::Whole { min: 0, max: SECONDS_MAX }, "The limit."),
    optional(
        "evaluate_every_seconds",
        Holds::Whole { min: 1, max: SECONDS_MAX },
        "Length of the evaluation period; 900 unless given.",
    ),
];

const CODE_ITEM: &[EventField] = &[
    required("item", NUMBER, "Number of the item in its list."),
    required("short_code", NAME, "Short code, as the documents show it."),
    required("name", NAME, "Name of the item."),
    required("status", Holds::Word(&["on-break", "work-offline"]), "The status it goes with."),
];

const fn of(of_type: Type, fields: &'static [EventField], about: &'static str) -> EventType {
    EventType { of_type, about, fields, rule: None }
}

const LEG: &[EventField] = &[TRANSACTION, AGENT];
const VISIT: &[EventField] = &[TRANSACTION];

/// Every type of event: the directory, the agents, the transactions.
pub const EVENT_TYPES: &[EventType] = &[
    of(
        Type::QueueConfigured,
        &[
            QUEUE,
            required("name", NAME, "Name of the queue."),
            required("media", Holds::Word(Media::WORDS), "The medium of its transactions."),
            optional("sla", Holds::Object(SLA), "The service level aimed at; none unless given."),
        ],
        "Creates the queue or replaces its settings as a whole.",
    ),
    of(Type::QueueRemoved, &[QUEUE], "Forgets the queue with its assignments and figures."),
    of(
        Type::GroupConfigured,
        &[GROUP, required("name", NAME, "Name of the group.")],
        "Names a group of agents.",
    ),
    of(Type::GroupRemoved, &[GROUP], "Forgets the group's name."),
    of(
        Type::AgentConfigured,
        &[
            AGENT,
            required("name", NAME, "Full name of the agent."),
            optional("group", GROUP_NUMBER, "Number of the agent's group; none unless given."),
        ],
        "Creates the agent, logged out, or replaces name and group.",
    ),
    of(Type::AgentRemoved, &[AGENT], "Forgets the agent with its assignments and figures."),
    of(
        Type::AssignmentSet,
        &[
            AGENT,
            QUEUE,
            required("assigned", Holds::Flag, "Whether the agent is assigned to the queue."),
            optional("enabled", Holds::Flag, "Whether it is enabled there; true unless given."),
        ],
        "Assigns the agent to the queue, or takes that back.",
    ),
    of(
        Type::CodesConfigured,
        &[
            required("list", NUMBER, "Number of the status code list."),
            required("name", NAME, "Name of the list."),
            required(
                "items",
                Holds::Objects { max: limit::CODE_ITEMS_MAX, fields: CODE_ITEM },
                "The codes of the list.",
            ),
        ],
        "Creates a list of status codes or replaces it as a whole.",
    ),
    of(
        Type::AgentStatus,
        &[
            AGENT,
            required("status", Holds::Word(Base::WORDS), "What the agent chose."),
            optional("list", NUMBER, "List of the status code."),
            optional("item", NUMBER, "Item of the status code in its list."),
            optional(
                "short_code",
                NAME,
                "Short code; unless given the one configured for list and item.",
            ),
        ],
        "Sets what the agent chose, and the status code that goes with it.",
    ),
    EventType {
        rule: Some(Rule::SecondLineOnly("error")),
        ..of(
            Type::LineStatus,
            &[
                AGENT,
                required("line", PHONE_LINE, "The phone line."),
                required(
                    "status",
                    Holds::Word(ExplicitLine::WORDS),
                    "The line's own status; `error` on line 2 only; `clear` takes it back.",
                ),
            ],
            "Sets or clears a phone line's own status.",
        )
    },
    of(Type::TransactionQueued, &[TRANSACTION, QUEUE], "A visit begins: it waits."),
    of(
        Type::TransactionOffered,
        &[TRANSACTION, AGENT, LINE],
        "The visit is offered to this agent too.",
    ),
    of(Type::TransactionRejected, LEG, "This offer ends and counts as a rejection."),
    of(Type::TransactionWithdrawn, LEG, "This offer ends and does not count."),
    of(
        Type::TransactionAccepted,
        &[
            TRANSACTION,
            AGENT,
            optional("line", PHONE_LINE, "The phone line; the offer's, or 1, unless given."),
        ],
        "The visit is accepted, and the agent's leg is in processing.",
    ),
    EventType {
        rule: Some(Rule::Either("queue", "media")),
        ..of(
            Type::TransactionPlaced,
            &[
                TRANSACTION,
                AGENT,
                optional("queue", QUEUE_NUMBER, "The queue in which it counts, if in one."),
                optional(
                    "media",
                    Holds::Word(Media::WORDS),
                    "The medium; the queue's unless given, and needed without a queue.",
                ),
                LINE,
            ],
            "An outbound transaction, at once in processing.",
        )
    },
    of(Type::TransactionHeld, LEG, "The leg is on hold."),
    of(Type::TransactionResumed, LEG, "The leg is not on hold any more."),
    of(Type::TransactionMuted, LEG, "The leg is on mute."),
    of(Type::TransactionUnmuted, LEG, "The leg is not on mute any more."),
    of(Type::TransactionReleased, LEG, "Processing ends, post-processing begins."),
    of(Type::TransactionCompleted, LEG, "The leg ends."),
    of(Type::TransactionAbandoned, VISIT, "The customer left while waiting or offered."),
    of(
        Type::TransactionDiverted,
        VISIT,
        "The system moved the waiting or offered visit elsewhere.",
    ),
];
