//! What is going to happen, in order of time.
//!
//! An entry is never taken back. It carries the serial number of the shift, offer, visit or leg that it is meant for,
//! and comes to nothing when that has gone by then.

use std::{cmp::Ordering, collections::BinaryHeap};

use stats::event::Millis;

use super::local::DateNumber;

/// Number of a shift, pause, visit, offer or leg; never given twice in a simulation.
pub type Serial = u64;

/// Something that is going to happen.
#[derive(Debug, Clone, Copy)]
pub enum Happening {
    /// A transaction arrives at a queue.
    Arrival { queue: u32 },
    /// A local date begins.
    Date(DateNumber),
    /// An agent comes to work, until an instant.
    ShiftStart { agent: u32, end: Millis },
    /// It is an agent's turn, in a shift.
    Agent { agent: u32, shift: Serial, turn: AgentTurn },
    /// Something befalls a transaction: the visit, offer or leg with the serial number.
    Contact { contact: u32, serial: Serial, turn: ContactTurn },
}

/// What an agent does by the clock.
#[derive(Debug, Clone, Copy)]
pub enum AgentTurn {
    /// Wants a pause, as soon as the work at hand is done.
    PauseDue(Pause),
    /// The pause with the serial number is over.
    PauseOver(Serial),
    /// Is ready again after having declined an offer.
    Collected,
    /// May place a call.
    Dial,
    /// May listen in to a call.
    MonitorStart,
    MonitorEnd,
    /// Line 2 fails.
    LineFails,
    LineMended,
    /// The shift ends.
    ShiftOver,
}

/// Why an agent takes no work: the items of the status code lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the directory's status codes name them")]
pub enum Pause {
    Lunch,
    ShortBreak,
    Personal,
    /// Set by the system after an unanswered offer.
    Unanswered,
    Training,
    Meeting,
    Paperwork,
    Coaching,
}

/// What befalls a transaction.
#[derive(Debug, Clone, Copy)]
pub enum ContactTurn {
    /// The customer's patience is at its end (a visit).
    PatienceOver,
    /// An agent's reaction to an offer.
    Answer,
    Decline,
    RingsOut,
    /// Steps of a leg.
    Hold,
    Resume,
    Mute,
    Unmute,
    /// A question to a colleague on line 2 while the customer is on hold.
    AskColleague,
    /// The talk is over: release, or transfer.
    TalkOver,
    Release,
    Complete,
}

/// The agenda.
#[derive(Debug, Clone, Default)]
pub struct Agenda {
    entries: BinaryHeap<Entry>,
    number: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Millis,
    /// Entries of one instant come in the order in which they were made.
    number: u64,
    happening: Happening,
}

impl Agenda {
    /// Enters what happens at an instant.
    pub fn enter(&mut self, at: Millis, happening: Happening) {
        self.number += 1;
        self.entries.push(Entry { at, number: self.number, happening });
    }

    /// Takes the earliest.
    pub fn take(&mut self) -> Option<(Millis, Happening)> {
        self.entries.pop().map(|entry| (entry.at, entry.happening))
    }
}

impl Ord for Entry {
    /// The heap gives the greatest first: the earliest is the greatest.
    fn cmp(&self, other: &Entry) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}
