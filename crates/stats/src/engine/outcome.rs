//! What became of an event, and the account of it: how many counted, which were duplicates, why some were ignored.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    event::{Event, Millis},
    limit,
};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counted.
    Applied,
    /// Its number in its source had been seen: nothing happened, not even to the counted time.
    Duplicate,
    /// Well-formed, but without sense in the present state: only the counted time moved on.
    Ignored(Reason),
}

macro_rules! reasons {
    ($($variant:ident $word:literal $about:literal)*) => {
        /// Why an event was ignored.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason { $(#[doc = $about] $variant,)* }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Reason] = &[$(Reason::$variant),*];

            /// The word that answers, metrics and logs use.
            pub fn word(self) -> &'static str {
                match self { $(Reason::$variant => $word,)* }
            }

            /// The reason in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(Reason::$variant => $about,)* }
            }
        }
    };
}

reasons! {
    UnknownAgent "unknown-agent" "No such agent is configured."
    UnknownQueue "unknown-queue" "No such queue is configured."
    UnknownGroup "unknown-group" "No such group is configured."
    AlreadyInQueue "already-in-queue" "The transaction already waits or is offered."
    NotInQueue "not-in-queue" "The transaction neither waits nor is offered."
    NotOffered "not-offered" "The transaction is not offered to this agent."
    LegExists "leg-exists" "This agent already has a leg of this transaction."
    NotProcessing "not-processing" "This agent is not processing this transaction."
    NoLeg "no-leg" "This agent has no accepted leg of this transaction."
    Limit "limit" "A limit of the system is reached."
}

/// The account of a tenant's events since its log began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Events that counted.
    pub applied: u64,
    /// Events not counted because their number had been seen.
    pub duplicates: u64,
    ignored: [u64; Reason::ALL.len()],
    sources: BTreeMap<Arc<str>, Source>,
}

/// One source's numbering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The highest number seen.
    pub seq: u64,
    /// The own time of the event with that number.
    pub last_event: Millis,
    /// Numbers that were skipped on the way to `seq`.
    pub missing: u64,
    /// Events whose number had been seen.
    pub duplicates: u64,
}

impl Account {
    /// Enters an event's number; tells whether it is new.
    pub(super) fn admit(&mut self, event: &Event<'_>) -> Admission {
        let Some(origin) = &event.origin else { return Admission::New };
        if let Some(source) = self.sources.get_mut(&*origin.source) {
            if origin.seq <= source.seq {
                source.duplicates += 1;
                return Admission::Duplicate;
            }
            source.missing += origin.seq - source.seq - 1;
            source.seq = origin.seq;
            source.last_event = event.time;
            return Admission::New;
        }
        if self.sources.len() >= limit::SOURCES_MAX {
            return Admission::NoRoom;
        }
        let first = Source { seq: origin.seq, last_event: event.time, missing: 0, duplicates: 0 };
        self.sources.insert(Arc::from(&*origin.source), first);
        Admission::New
    }

    /// Whether an event's number has been seen.
    pub(super) fn is_duplicate(&self, event: &Event<'_>) -> bool {
        event.origin.as_ref().is_some_and(|origin| {
            self.sources.get(&*origin.source).is_some_and(|source| origin.seq <= source.seq)
        })
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Applied => self.applied += 1,
            Outcome::Duplicate => self.duplicates += 1,
            Outcome::Ignored(reason) => self.ignored[reason as usize] += 1,
        }
    }

    /// Ignored events by reason, each reason once.
    pub fn ignored(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.iter().map(|reason| (*reason, self.ignored[*reason as usize]))
    }

    /// A source's numbering; none before its first event.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// The sources in the order of their names.
    pub fn sources(&self) -> impl Iterator<Item = (&Arc<str>, &Source)> {
        self.sources.iter()
    }
}

/// Whether an event's number is new.
pub(super) enum Admission {
    New,
    Duplicate,
    NoRoom,
}
