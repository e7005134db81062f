//! The contact centre at work: its state, and the loop that takes one happening after the other.
//!
//! Discrete events: state changes only when a happening is taken from the agenda, and every event that a happening
//! brings about carries its instant. What agents do by the clock is in `shifts`, who gets which transaction in
//! `routing`, what becomes of it in `handling`.

use std::{
    borrow::Cow,
    collections::{BTreeSet, VecDeque},
};

use stats::event::{Base, Event, Kind, Line, Millis, Origin, Text};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    agenda::{Agenda, Happening, Pause, Serial},
    curve::Arrivals,
    desk::{Desk, Habits},
    dice::Dice,
    directory,
    local::LocalTime,
    plan::Plan,
    world::World,
};

/// A contact centre as an endless sequence of events in the order of their times.
///
/// No clock and no I/O: whoever takes the events decides how far to go, and may go on later.
#[derive(Debug, Clone)]
pub struct Simulation {
    pub(super) world: World,
    pub(super) dice: Dice,
    pub(super) local: LocalTime,
    pub(super) agenda: Agenda,
    /// The instant of the happening at hand.
    pub(super) now: Millis,
    pub(super) desks: Vec<DeskState>,
    pub(super) staff: Vec<AgentState>,
    pub(super) floors: Vec<Floor>,
    pub(super) contacts: Vec<Contact>,
    /// Places in `contacts` that are free.
    pub(super) vacant: Vec<u32>,
    /// Events that the happenings so far have brought about and nobody has taken yet.
    outbox: VecDeque<Event<'static>>,
    source: String,
    source_digest: u32,
    seq: u64,
    serial: Serial,
    contact_number: u64,
}

/// A queue's state.
#[derive(Debug, Clone)]
pub struct DeskState {
    pub desk: Desk,
    pub habits: Habits,
    pub arrivals: Arrivals,
    /// Contacts waiting, by the instant of their entry.
    pub waiting: BTreeSet<(Millis, u32)>,
}

/// A site's agents who could take work.
#[derive(Debug, Clone, Default)]
pub struct Floor {
    /// Without any work, longest idle first.
    pub free: BTreeSet<(Millis, u32)>,
    /// With room for another chat, fewest first.
    pub sharing: BTreeSet<(u8, Millis, u32)>,
}

/// An agent's state.
#[derive(Debug, Clone)]
pub struct AgentState {
    pub base: Base,
    /// The present shift's number; 0 before the first.
    pub shift: Serial,
    /// The present pause's number.
    pub pause: Option<Serial>,
    /// Not quite there after having declined an offer.
    pub collecting: bool,
    /// What the agent does as soon as the work at hand is done.
    pub wish: Option<Wish>,
    /// Offers and legs that take the agent whole.
    pub solo: u8,
    /// Chats and emails, offered or being worked.
    pub shared: u8,
    pub idle_since: Millis,
    pub place: Place,
    pub monitoring: bool,
    pub line_failed: bool,
}

/// What an agent does as soon as the work at hand is done.
#[derive(Debug, Clone, Copy)]
pub enum Wish {
    /// Pauses; `told` where the status is set already.
    Pause { pause: Pause, told: bool },
    /// Goes home.
    Leave,
}

/// In which of the floor's sets an agent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Nowhere,
    Free(Millis),
    Sharing(u8, Millis),
}

/// A transaction that waits, is offered or is being worked.
#[derive(Debug, Clone, Default)]
pub struct Contact {
    /// By which the transaction is named.
    pub number: u64,
    pub visit: Option<Visit>,
    pub legs: Vec<Leg>,
}

/// A transaction's passage through a queue.
#[derive(Debug, Clone)]
pub struct Visit {
    pub serial: Serial,
    pub queue: u32,
    pub entered: Millis,
    pub offers: Vec<Offer>,
    /// The leg that waits for a colleague to take over.
    pub consulting: Option<Serial>,
}

/// An offer to an agent.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    pub serial: Serial,
    pub agent: u32,
    /// The first of those who are rung at once, to whom a missed call counts.
    pub first: bool,
}

/// An agent's work on a transaction.
#[derive(Debug, Clone, Copy)]
pub struct Leg {
    pub serial: Serial,
    pub agent: u32,
    /// None for a call of the agent's own.
    pub queue: Option<u32>,
}

impl Simulation {
    /// A contact centre at the beginning of its plan.
    pub fn new(plan: Plan) -> Simulation {
        let world = World::new(plan.agents, plan.queues);
        let desks = world.queues.iter().map(|queue| DeskState {
            desk: queue.desk,
            habits: queue.desk.habits(),
            arrivals: Arrivals::new(queue.desk.curve(), queue.per_weekday),
            waiting: BTreeSet::new(),
        });
        let mut simulation = Simulation {
            dice: Dice::new(plan.seed),
            local: LocalTime::new(&plan.zone),
            agenda: Agenda::default(),
            now: plan.start,
            desks: desks.collect(),
            staff: vec![AgentState::at_home(); world.agents.len()],
            floors: vec![Floor::default(); world.sites.len()],
            contacts: Vec::new(),
            vacant: Vec::new(),
            outbox: VecDeque::new(),
            source_digest: xxh3_64(plan.source.as_bytes()) as u32,
            source: plan.source,
            seq: 0,
            serial: 0,
            contact_number: 0,
            world,
        };
        simulation.open();
        simulation
    }

    /// The time of the next event.
    pub fn next_time(&mut self) -> Millis {
        self.fill();
        self.outbox.front().map_or(Millis::MAX, |event| event.time)
    }

    /// The next event, unless it is later than an instant.
    pub fn next_until(&mut self, until: Millis) -> Option<Event<'static>> {
        if self.next_time() > until { None } else { self.outbox.pop_front() }
    }

    fn open(&mut self) {
        for kind in directory::events(&self.world) {
            self.tell(kind);
        }
        self.open_roster();
        for queue in 0..self.desks.len() as u32 {
            self.leave_backlog(queue);
            self.await_arrival(queue);
        }
    }

    /// Takes happenings until there is an event to hand out.
    fn fill(&mut self) {
        while self.outbox.is_empty() {
            let Some((at, happening)) = self.agenda.take() else { return };
            self.now = at;
            match happening {
                Happening::Arrival { queue } => self.arrive(queue),
                Happening::Date(date) => self.begin_date(date),
                Happening::ShiftStart { agent, end } => self.start_shift(agent, end),
                Happening::Agent { agent, shift, turn } => self.take_turn(agent, shift, turn),
                Happening::Contact { contact, serial, turn } => self.befall(contact, serial, turn),
            }
        }
    }

    /// Brings an event about, now.
    pub(super) fn tell(&mut self, kind: Kind<'static>) {
        self.seq += 1;
        let source = Cow::Owned(self.source.clone());
        let origin = Some(Origin { source, seq: self.seq });
        self.outbox.push_back(Event { time: self.now, origin, kind });
    }

    /// Tells what an agent does with a transaction.
    pub(super) fn tell_of(
        &mut self,
        kind: impl FnOnce(Text<'static>, Text<'static>) -> Kind<'static>,
        contact: u32,
        agent: u32,
    ) {
        let kind = kind(self.transaction(contact), self.login(agent));
        self.tell(kind);
    }

    /// A number that nothing else in this simulation has.
    pub(super) fn new_serial(&mut self) -> Serial {
        self.serial += 1;
        self.serial
    }

    /// A transaction of which nothing is known yet.
    pub(super) fn new_contact(&mut self) -> u32 {
        self.contact_number += 1;
        let number = self.contact_number;
        if let Some(contact) = self.vacant.pop() {
            self.contacts[contact as usize].number = number;
            return contact;
        }
        self.contacts.push(Contact { number, visit: None, legs: Vec::new() });
        self.contacts.len() as u32 - 1
    }

    /// Forgets a transaction that neither waits nor is worked.
    pub(super) fn forget_if_done(&mut self, contact: u32) {
        let done = &self.contacts[contact as usize];
        if done.visit.is_none() && done.legs.is_empty() {
            self.vacant.push(contact);
        }
    }

    /// The transaction's name: the source's digest keeps simulations of one tenant apart.
    pub(super) fn transaction(&self, contact: u32) -> Text<'static> {
        let number = self.contacts[contact as usize].number;
        Cow::Owned(format!("{:08x}-{number}", self.source_digest))
    }

    pub(super) fn login(&self, agent: u32) -> Text<'static> {
        Cow::Owned(self.world.agents[agent as usize].person.login.clone())
    }

    /// The line on which agents take calls.
    pub(super) const CALL_LINE: Line = Line::One;
}

impl Iterator for Simulation {
    type Item = Event<'static>;

    fn next(&mut self) -> Option<Event<'static>> {
        self.fill();
        self.outbox.pop_front()
    }
}

impl AgentState {
    fn at_home() -> AgentState {
        AgentState {
            base: Base::LoggedOut,
            shift: 0,
            pause: None,
            collecting: false,
            wish: None,
            solo: 0,
            shared: 0,
            idle_since: 0,
            place: Place::Nowhere,
            monitoring: false,
            line_failed: false,
        }
    }

    /// Whether nothing is offered to the agent and nothing is being worked.
    pub fn has_no_work(&self) -> bool {
        self.solo == 0 && self.shared == 0
    }
}
