//! The present state as events, by which a sender finds out what the engine believes.
//!
//! Applied in their order to a fresh engine of the same zone, they lead to the same present: who waits where and since
//! when, who works what, who is assigned and chose which status. What is over is not in them: counts, averages and the
//! sums of day and window begin at nothing there. The engine does not keep the beginning of every fact; where it does
//! not, the time is since when the documents show it, or the earliest at which it can have begun.
//!
//! Invariants: times never run backwards, an event comes after those that it needs, and the same state gives the same
//! events, whichever way it came about and wherever in memory it lies.

use std::{cmp::Reverse, collections::BinaryHeap};

use hashbrown::HashMap;

use super::{
    Engine,
    agent::{Agent, Code},
    directory::CodeList,
    fold::{Fold, Index},
    freeze::order_of_agents,
    leg::{Chain, Leg, Stage},
    line::LineState,
    queue::Queue,
    status_time::Status,
    trails::Trails,
};
use crate::event::{
    Base, CodeItem, Event, ExplicitLine, GivenCode, Kind, Line, Media, Millis, Text,
};

/// An engine's present state apart from the engine, which goes on meanwhile.
#[derive(Debug, Clone)]
pub struct Present {
    counted: Option<Millis>,
    fold: Fold,
}

impl Engine {
    /// The present state, to be told elsewhere: copying costs a small part of telling, and nothing for what is over.
    pub fn present(&self) -> Present {
        Present { counted: self.counted, fold: self.fold.without_figures() }
    }
}

impl Present {
    /// The state as events in the order of time, the directory first; none before anything has counted.
    ///
    /// The directory carries the earliest time among the others, or the last counted time if there are none. There
    /// are as many events as there are queues, agents, assignments, open visits, legs and their flags.
    pub fn events(&self) -> impl Iterator<Item = Event<'_>> {
        self.counted.into_iter().flat_map(|counted| {
            let facts = Facts::of(&self.fold).in_order();
            let first = facts.first().map_or(counted, |fact| fact.time);
            let event = move |kind| Event { time: first, origin: None, kind };
            self.fold.directory().map(event).chain(facts)
        })
    }

    /// Only the directory: groups, queues, code lists, agents, assignments, each in the order of its names.
    pub fn directory(&self) -> impl Iterator<Item = Kind<'_>> {
        self.fold.directory().filter(|kind| !matches!(kind, Kind::LineStatus { .. }))
    }

    /// The last counted time.
    pub fn counted(&self) -> Option<Millis> {
        self.counted
    }
}

impl Fold {
    /// A copy without windows, sums and index.
    fn without_figures(&self) -> Fold {
        let bare = |queue: &Queue| {
            let sla = queue.sla;
            Queue { sla, ..Queue::new(queue.id, queue.name.clone(), queue.media) }
        };
        Fold {
            horizon: self.horizon,
            day: self.day,
            agents: self.agents.map(Agent::clone),
            queues: self.queues.map(bare),
            transactions: self.transactions.clone(),
            legs: self.legs.clone(),
            groups: self.groups.clone(),
            codes: self.codes.clone(),
            no_text: self.no_text.clone(),
            trails: Trails::default(),
            index: Index::default(),
        }
    }

    /// Groups, queues, code lists, agents, assignments, and the lines of agents that never had a status.
    fn directory(&self) -> impl Iterator<Item = Kind<'_>> {
        let order = order_of_agents(self);
        let agents: Vec<&Agent> = order.into_iter().map(|slot| &self.agents[slot]).collect();
        let mut queues: Vec<_> = self.queues.iter().map(|(_, queue)| queue).collect();
        queues.sort_unstable_by_key(|queue| queue.id);
        let groups = self
            .groups
            .iter()
            .map(|(group, name)| Kind::GroupConfigured { group: *group, name: text(name) });
        let queues = queues.into_iter().map(|queue| queue_configured(queue, queue.media));
        let codes = self.codes.iter().map(|(list, codes)| codes_configured(*list, codes));
        let people: Vec<Kind<'_>> = agents.iter().map(|agent| agent_configured(agent)).collect();
        let unseen: Vec<Kind<'_>> = agents
            .iter()
            .filter(|agent| agent.pair_since.is_none())
            .flat_map(|agent| explicit_lines(agent).map(|line| line_status(agent, line)))
            .collect();
        let ties = agents.into_iter().flat_map(|agent| self.assignments(agent));
        groups.chain(queues).chain(codes).chain(people).chain(ties).chain(unseen)
    }

    fn assignments<'a>(&'a self, agent: &'a Agent) -> impl Iterator<Item = Kind<'a>> {
        let ties = agent.assignments.iter();
        let mut ties: Vec<_> = ties.map(|tie| (self.queues[tie.queue].id, tie.enabled)).collect();
        ties.sort_unstable();
        ties.into_iter().map(|(queue, enabled)| Kind::AssignmentSet {
            agent: text(&agent.id),
            queue,
            assigned: true,
            enabled,
        })
    }
}

/// What began at a time of its own, and what can only be told after it.
struct Fact<'a> {
    time: Millis,
    name: Name<'a>,
    kind: Kind<'a>,
    /// A queue and the medium that it had as an offer from it began, where it has another by now.
    under: Option<(&'a Queue, Media)>,
    then: Vec<u32>,
    waits_for: u32,
}

/// Tells facts of one time apart, in the same way in every engine: step, transaction, agent.
type Name<'a> = (Step, &'a str, &'a str);

/// Facts of one time that do not wait for each other come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Status,
    Line(u8),
    Placed,
    Held,
    Muted,
    Released,
    Queued,
    Offered,
}

struct Facts<'a> {
    fold: &'a Fold,
    facts: Vec<Fact<'a>>,
    /// The facts with which legs begin, by leg.
    begun: HashMap<u32, u32>,
}

impl<'a> Facts<'a> {
    fn of(fold: &'a Fold) -> Facts<'a> {
        let mut facts = Facts { fold, facts: Vec::new(), begun: HashMap::new() };
        for (_, agent) in fold.agents.iter() {
            facts.tell_agent(agent);
        }
        for (_, transaction) in &fold.transactions {
            let Some(visit) = &transaction.visit else { continue };
            let queue = fold.queues[visit.queue].id;
            let kind = Kind::TransactionQueued { transaction: text(&transaction.id), queue };
            let queued = facts.tell(visit.entered, (Step::Queued, &transaction.id, ""), kind);
            for leg in fold.legs.chained(transaction.legs, Chain::Transaction) {
                let begun = facts.begun[&leg];
                match fold.legs[leg].stage {
                    Stage::Offered => facts.link(queued, begun),
                    // Accepted from an earlier visit, or placed: neither can happen while this one is open.
                    Stage::Processing | Stage::PostProcessing => facts.link(begun, queued),
                }
            }
        }
        facts
    }

    /// An agent's status, its lines and its legs. Legs that share a line come in the order that the line has them in.
    fn tell_agent(&mut self, agent: &'a Agent) {
        if let Some(since) = status_since(agent) {
            let (agent_id, code) = (text(&agent.id), given(&agent.code));
            let kind = Kind::AgentStatus { agent: agent_id, status: agent.base, code };
            self.tell(since, (Step::Status, "", &agent.id), kind);
            for line in explicit_lines(agent) {
                let set = agent.lines[line as usize].since();
                let time = if agent.base == Base::LoggedOut { since } else { set.max(since) };
                let step = Step::Line(line.number());
                self.tell(time, (step, "", &agent.id), line_status(agent, line));
            }
        }
        for line in &agent.lines {
            self.tell_line(agent, line);
        }
        for leg in self.fold.legs.chained(agent.legs, Chain::Agent) {
            if !self.begun.contains_key(&leg) {
                self.tell_leg(agent, leg, None, None);
            }
        }
    }

    /// The legs that are offered or processing on a line. It shows the last of them; where that is offered, those
    /// offered before it have not been shown for longer.
    fn tell_line(&mut self, agent: &'a Agent, line: &'a LineState) {
        let legs: Vec<u32> = self.fold.legs.chained(line.legs, Chain::Line).collect();
        let is_offered = |leg: &u32| self.fold.legs[*leg].stage == Stage::Offered;
        let offered = legs.iter().rev().take_while(|leg| is_offered(leg)).count();
        let shown_from = legs.len().saturating_sub(offered.max(1));
        let speaks = agent.base != Base::LoggedOut && line.explicit == ExplicitLine::Clear;
        let mut before: Option<u32> = None;
        for (place, leg) in legs.into_iter().enumerate() {
            let not_before = before.map(|before| self.facts[before as usize].time);
            let shown = (speaks && place >= shown_from).then(|| line.since());
            let begun = self.tell_leg(agent, leg, not_before, shown);
            if let Some(before) = before {
                self.link(before, begun);
            }
            before = Some(begun);
        }
    }

    /// A leg with its flags; `shown` is since when its line shows it as it is.
    fn tell_leg(
        &mut self,
        agent: &'a Agent,
        slot: u32,
        not_before: Option<Millis>,
        shown: Option<Millis>,
    ) -> u32 {
        let leg = &self.fold.legs[slot];
        let transaction = &self.fold.transactions[leg.transaction as usize];
        let (id, of) = (|| text(&transaction.id), || text(&agent.id));
        let name = |step| (step, &*transaction.id, &*agent.id);
        let begun = if leg.stage == Stage::Offered {
            let entered = transaction.visit.as_ref().map(|visit| visit.entered);
            let is_offered = agent.status_time.status() == Status::Offered;
            let status = agent.pair_since.filter(|_| is_offered);
            // The latest of what was before the offer, or came with it.
            let time = [entered, not_before, shown, status].into_iter().flatten().max();
            let kind = Kind::TransactionOffered { transaction: id(), agent: of(), line: leg.line };
            let begun = self.tell(time.unwrap_or(leg.started), name(Step::Offered), kind);
            let queue = leg.queue.map(|queue| &self.fold.queues[queue]);
            let queue = queue.filter(|queue| queue.media != leg.media);
            self.facts[begun as usize].under = queue.map(|queue| (queue, leg.media));
            begun
        } else {
            self.tell(leg.started, name(Step::Placed), self.placed(agent, leg))
        };
        self.begun.insert(slot, begun);
        if leg.held {
            let kind = Kind::TransactionHeld { transaction: id(), agent: of() };
            let held = self.tell(shown.unwrap_or(leg.started), name(Step::Held), kind);
            self.link(begun, held);
        }
        if leg.muted {
            // Hold outranks mute: the line does not tell since when a held leg is muted too.
            let since = shown.filter(|_| !leg.held).unwrap_or(leg.started);
            let kind = Kind::TransactionMuted { transaction: id(), agent: of() };
            let muted = self.tell(since, name(Step::Muted), kind);
            self.link(begun, muted);
        }
        if leg.stage == Stage::PostProcessing {
            let shows = agent.status_time.status() == Status::PostProcessing;
            let since = agent.pair_since.filter(|_| shows).unwrap_or(leg.started);
            let kind = Kind::TransactionReleased { transaction: id(), agent: of() };
            let released = self.tell(since, name(Step::Released), kind);
            self.link(begun, released);
        }
        begun
    }

    /// However a leg came to be in processing, one event tells of it whole.
    fn placed(&self, agent: &'a Agent, leg: &Leg) -> Kind<'a> {
        let transaction = &self.fold.transactions[leg.transaction as usize];
        let queue = leg.queue.map(|queue| &self.fold.queues[queue]);
        let own: Option<Media> = queue.map(|queue| queue.media);
        Kind::TransactionPlaced {
            transaction: text(&transaction.id),
            agent: text(&agent.id),
            queue: queue.map(|queue| queue.id),
            media: Some(leg.media).filter(|media| Some(*media) != own),
            line: leg.line,
        }
    }

    fn tell(&mut self, time: Millis, name: Name<'a>, kind: Kind<'a>) -> u32 {
        self.facts.push(Fact { time, name, kind, under: None, then: Vec::new(), waits_for: 0 });
        (self.facts.len() - 1) as u32
    }

    fn link(&mut self, before: u32, after: u32) {
        self.facts[before as usize].then.push(after);
        self.facts[after as usize].waits_for += 1;
    }

    /// By time, then each after those that it waits for, then by name.
    fn in_order(mut self) -> Vec<Event<'a>> {
        let key = |number: u32, fact: &Fact<'a>| Reverse((fact.time, fact.name, number));
        let mut ready: BinaryHeap<_> = (0..)
            .zip(&self.facts)
            .filter(|(_, fact)| fact.waits_for == 0)
            .map(|(number, fact)| key(number, fact))
            .collect();
        let (mut events, mut told) = (Vec::with_capacity(self.facts.len()), 0);
        while let Some(Reverse((time, _, number))) = ready.pop() {
            let fact = &mut self.facts[number as usize];
            told += 1;
            let mut tell = |kind| events.push(Event { time, origin: None, kind });
            match fact.under {
                None => tell(fact.kind.clone()),
                Some((queue, media)) => {
                    tell(queue_configured(queue, media));
                    tell(fact.kind.clone());
                    tell(queue_configured(queue, queue.media));
                }
            }
            for then in std::mem::take(&mut fact.then) {
                let fact = &mut self.facts[then as usize];
                fact.waits_for -= 1;
                if fact.waits_for == 0 {
                    ready.push(key(then, fact));
                }
            }
        }
        assert_eq!(told, self.facts.len(), "the log had an order of all that waits for each other");
        events
    }
}

/// Since when an agent is as its base status says; none before its first.
///
/// Under legs the engine does not know when the agent chose it: that was at its last login or later.
fn status_since(agent: &Agent) -> Option<Millis> {
    let covered = agent.base != Base::LoggedOut && agent.legs.len > 0;
    let last_login = agent.last_login.filter(|_| covered);
    agent.pair_since.map(|since| last_login.unwrap_or(since))
}

fn queue_configured(queue: &Queue, media: Media) -> Kind<'_> {
    Kind::QueueConfigured { queue: queue.id, name: text(&queue.name), media, sla: queue.sla }
}

fn agent_configured(agent: &Agent) -> Kind<'_> {
    let group = (agent.group != 0).then_some(agent.group);
    Kind::AgentConfigured { agent: text(&agent.id), name: text(&agent.name), group }
}

fn codes_configured(list: i64, codes: &CodeList) -> Kind<'_> {
    let items = codes.items.iter().map(|(item, code)| CodeItem {
        item: *item,
        short_code: text(&code.short_code),
        name: text(&code.name),
        status: code.status,
    });
    let items = items.collect();
    Kind::CodesConfigured { list, name: text(&codes.name), items }
}

/// The code as it is shown: its list may have been configured anew since.
fn given(code: &Code) -> GivenCode<'_> {
    let short_code = code.is_some().then(|| text(&code.short_code));
    GivenCode { list: code.list, item: code.item, short_code }
}

fn explicit_lines(agent: &Agent) -> impl Iterator<Item = Line> {
    let explicit = |line: &Line| agent.lines[*line as usize].explicit != ExplicitLine::Clear;
    [Line::One, Line::Two].into_iter().filter(explicit)
}

fn line_status(agent: &Agent, line: Line) -> Kind<'_> {
    let status = agent.lines[line as usize].explicit;
    Kind::LineStatus { agent: text(&agent.id), line, status }
}

fn text(text: &str) -> Text<'_> {
    Text::Borrowed(text)
}
