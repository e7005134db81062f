//! The slow model: SPEC §4 written down as plainly as it reads.
//!
//! Every interval, visit, leg and rejection is kept for ever; `figures` sums them by brute force at the asked instant.
//! It shares no code with the engine, only the event types that both read.

use std::collections::BTreeMap;

use stats::event::{Base, Event, ExplicitLine, GivenCode, Kind, Line, Media, Millis, Sla};

use crate::transactions::end_leg;

/// One tenant's whole history.
#[derive(Clone, Default)]
pub struct Model {
    pub counted: Option<Millis>,
    pub described: Option<Millis>,
    seqs: BTreeMap<String, u64>,
    groups: Vec<u32>,
    short_codes: BTreeMap<i64, BTreeMap<i64, String>>,
    /// Every agent that ever was; one that was removed and configured again is here twice.
    pub agents: Vec<Agent>,
    /// Every queue that ever was, likewise.
    pub queues: Vec<Queue>,
    /// By (agent, queue): whether enabled.
    pub assignments: BTreeMap<(usize, usize), bool>,
    pub visits: Vec<Visit>,
    pub legs: Vec<Leg>,
}

/// List, item and short code.
pub type Code = (Option<i64>, Option<i64>, String);

#[derive(Clone)]
pub struct Agent {
    pub id: String,
    pub name: String,
    pub group: Option<u32>,
    pub removed: bool,
    pub base: Base,
    pub code: Code,
    /// Each value with the instant since when it holds.
    pub base_log: Vec<(Millis, Base)>,
    pub status_log: Vec<(Millis, i64)>,
    pub shown: Code,
    pub shown_changed: Option<Millis>,
    pub last_login: Option<Millis>,
    pub explicit: [Option<ExplicitLine>; 2],
    pub lines: [(i64, Millis); 2],
    pub rejections: Vec<Millis>,
}

#[derive(Clone)]
pub struct Queue {
    pub id: u32,
    pub name: String,
    pub media: Media,
    pub sla: Option<Sla>,
    pub removed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Accepted,
    Abandoned,
    Diverted,
    QueueRemoved,
}

#[derive(Clone)]
pub struct Visit {
    pub transaction: String,
    pub queue: usize,
    pub entered: Millis,
    pub sla: Option<Sla>,
    pub ended: Option<(Millis, Ending)>,
}

#[derive(Clone)]
pub struct Leg {
    pub transaction: String,
    pub agent: usize,
    pub queue: Option<usize>,
    /// The visit that is offered; none once it is accepted.
    pub offer: Option<usize>,
    pub media: Media,
    pub line: Line,
    pub held: bool,
    pub muted: bool,
    /// Number of the event with which the present stage began.
    pub stage_event: usize,
    pub processing: Option<(Millis, Option<Millis>)>,
    pub ended: Option<Millis>,
}

impl Leg {
    pub fn offered(&self) -> bool {
        self.offer.is_some() && self.ended.is_none()
    }

    pub fn is_processing(&self) -> bool {
        matches!(self.processing, Some((_, None)))
    }

    pub fn is_post_processing(&self) -> bool {
        matches!(self.processing, Some((_, Some(_)))) && self.ended.is_none()
    }
}

/// What the model says became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Applied,
    Duplicate,
    Ignored,
}

/// `Err` where the event makes no sense in the present state.
pub type Sense = Result<(), ()>;

impl Model {
    pub fn apply(&mut self, number: usize, event: &Event<'_>) -> Fate {
        if let Some(origin) = &event.origin {
            let highest = self.seqs.entry(origin.source.to_string()).or_default();
            if origin.seq <= *highest {
                return Fate::Duplicate;
            }
            *highest = origin.seq;
        }
        let at = self.counted.unwrap_or(event.time).max(event.time);
        self.counted = Some(at);
        match self.fold(number, at, &event.kind) {
            Ok(()) => {
                self.note_changes(at);
                Fate::Applied
            }
            Err(()) => Fate::Ignored,
        }
    }

    fn fold(&mut self, number: usize, at: Millis, kind: &Kind<'_>) -> Sense {
        match kind {
            Kind::QueueConfigured { queue, name, media, sla } => {
                match self.queue(*queue) {
                    Ok(known) => {
                        let known = &mut self.queues[known];
                        (known.name, known.media, known.sla) = (name.to_string(), *media, *sla);
                    }
                    Err(()) => self.queues.push(Queue {
                        id: *queue,
                        name: name.to_string(),
                        media: *media,
                        sla: *sla,
                        removed: false,
                    }),
                }
                Ok(())
            }
            Kind::QueueRemoved { queue } => self.remove_queue(at, *queue),
            Kind::GroupConfigured { group, .. } => {
                if !self.groups.contains(group) {
                    self.groups.push(*group);
                }
                Ok(())
            }
            Kind::GroupRemoved { group } => {
                let at = self.groups.iter().position(|known| known == group).ok_or(())?;
                self.groups.remove(at);
                Ok(())
            }
            Kind::AgentConfigured { agent, name, group } => {
                self.configure_agent(at, agent, name, *group);
                Ok(())
            }
            Kind::AgentRemoved { agent } => self.remove_agent(at, agent),
            Kind::AssignmentSet { agent, queue, assigned, enabled } => {
                let pair = (self.agent(agent)?, self.queue(*queue)?);
                if *assigned {
                    self.assignments.insert(pair, *enabled);
                } else {
                    self.assignments.remove(&pair);
                }
                Ok(())
            }
            Kind::CodesConfigured { list, items, .. } => {
                let codes = items.iter().map(|item| (item.item, item.short_code.to_string()));
                self.short_codes.insert(*list, codes.collect());
                Ok(())
            }
            Kind::AgentStatus { agent, status, code } => self.set_status(at, agent, *status, code),
            Kind::LineStatus { agent, line, status } => {
                let agent = self.agent(agent)?;
                let explicit = (*status != ExplicitLine::Clear).then_some(*status);
                self.agents[agent].explicit[line_index(*line)] = explicit;
                Ok(())
            }
            _ => self.fold_transaction(number, at, kind),
        }
    }

    fn configure_agent(&mut self, at: Millis, id: &str, name: &str, group: Option<u32>) {
        if let Ok(known) = self.agent(id) {
            let known = &mut self.agents[known];
            (known.name, known.group) = (name.to_string(), group);
            return;
        }
        self.agents.push(Agent {
            id: id.to_string(),
            name: name.to_string(),
            group,
            removed: false,
            base: Base::LoggedOut,
            code: Code::default(),
            base_log: vec![(at, Base::LoggedOut)],
            status_log: vec![(at, 9)],
            shown: Code::default(),
            shown_changed: None,
            last_login: None,
            explicit: [None; 2],
            lines: [(-1, at); 2],
            rejections: Vec::new(),
        });
    }

    fn set_status(&mut self, at: Millis, id: &str, base: Base, given: &GivenCode<'_>) -> Sense {
        let agent = self.agent(id)?;
        let configured = given.list.zip(given.item).and_then(|(list, item)| {
            self.short_codes.get(&list).and_then(|items| items.get(&item)).cloned()
        });
        let short = given.short_code.as_ref().map(|short| short.to_string());
        let agent = &mut self.agents[agent];
        if agent.base == Base::LoggedOut && base != Base::LoggedOut {
            agent.last_login = Some(at);
        }
        agent.base = base;
        agent.base_log.push((at, base));
        agent.code = (given.list, given.item, short.or(configured).unwrap_or_default());
        // The first one counts as a change, whatever it says.
        agent.shown_changed = agent.shown_changed.or(Some(at));
        Ok(())
    }

    fn remove_queue(&mut self, at: Millis, id: u32) -> Sense {
        let queue = self.queue(id)?;
        for visit in 0..self.visits.len() {
            if self.visits[visit].queue == queue && self.visits[visit].ended.is_none() {
                self.end_visit(at, visit, Ending::QueueRemoved);
            }
        }
        self.assignments.retain(|(_, of), _| *of != queue);
        self.queues[queue].removed = true;
        Ok(())
    }

    fn remove_agent(&mut self, at: Millis, id: &str) -> Sense {
        let agent = self.agent(id)?;
        for leg in self.legs.iter_mut().filter(|leg| leg.agent == agent && leg.ended.is_none()) {
            end_leg(leg, at);
        }
        self.assignments.retain(|(of, _), _| *of != agent);
        self.agents[agent].removed = true;
        Ok(())
    }

    pub fn agent(&self, id: &str) -> Result<usize, ()> {
        self.agents.iter().position(|agent| !agent.removed && agent.id == id).ok_or(())
    }

    pub fn queue(&self, id: u32) -> Result<usize, ()> {
        self.queues.iter().position(|queue| !queue.removed && queue.id == id).ok_or(())
    }

    pub fn open_visit(&self, transaction: &str) -> Result<usize, ()> {
        let open = |visit: &Visit| visit.ended.is_none() && visit.transaction == transaction;
        self.visits.iter().rposition(open).ok_or(())
    }

    pub fn open_leg(&self, transaction: &str, agent: usize) -> Result<usize, ()> {
        let open =
            |leg: &Leg| leg.ended.is_none() && leg.agent == agent && leg.transaction == transaction;
        self.legs.iter().rposition(open).ok_or(())
    }
}

fn line_index(line: Line) -> usize {
    match line {
        Line::One => 0,
        Line::Two => 1,
    }
}
