//! The slow model: SPEC §4 written down as plainly as it reads.
//!
//! Every interval, visit, leg and rejection is kept for ever; `figures` sums them by brute force at the asked instant.
//! It shares no code with the engine, only the event types that both read.

use std::collections::BTreeMap;

use stats::event::{Base, Event, ExplicitLine, GivenCode, Kind, Line, Media, Millis, Sla};

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
type Sense = Result<(), ()>;

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

    fn fold_transaction(&mut self, number: usize, at: Millis, kind: &Kind<'_>) -> Sense {
        match kind {
            Kind::TransactionQueued { transaction, queue } => {
                let queue = self.queue(*queue)?;
                if self.open_visit(transaction).is_ok() {
                    return Err(());
                }
                self.enter(at, transaction, queue);
                Ok(())
            }
            Kind::TransactionOffered { transaction, agent, line } => {
                let (agent, visit) = (self.agent(agent)?, self.open_visit(transaction)?);
                if self.open_leg(transaction, agent).is_ok() {
                    return Err(());
                }
                let queue = self.visits[visit].queue;
                let mut leg = self.new_leg(number, transaction, agent, Some(queue), *line);
                leg.offer = Some(visit);
                self.legs.push(leg);
                Ok(())
            }
            Kind::TransactionRejected { transaction, agent } => {
                let agent = self.agent(agent)?;
                self.end_offer(at, transaction, agent)?;
                self.agents[agent].rejections.push(at);
                Ok(())
            }
            Kind::TransactionWithdrawn { transaction, agent } => {
                let agent = self.agent(agent)?;
                self.end_offer(at, transaction, agent)
            }
            Kind::TransactionAccepted { transaction, agent, line } => {
                self.accept(number, at, transaction, agent, *line)
            }
            Kind::TransactionPlaced { transaction, agent, queue, media, line } => {
                let agent = self.agent(agent)?;
                let queue = queue.map(|queue| self.queue(queue)).transpose()?;
                if self.open_visit(transaction).is_ok() || self.open_leg(transaction, agent).is_ok()
                {
                    return Err(());
                }
                if let Some(queue) = queue {
                    let visit = self.enter(at, transaction, queue);
                    self.visits[visit].ended = Some((at, Ending::Accepted));
                }
                let mut leg = self.new_leg(number, transaction, agent, queue, *line);
                leg.media = media.unwrap_or(leg.media);
                leg.processing = Some((at, None));
                self.legs.push(leg);
                Ok(())
            }
            Kind::TransactionAbandoned { transaction } => {
                let visit = self.open_visit(transaction)?;
                self.end_visit(at, visit, Ending::Abandoned);
                Ok(())
            }
            Kind::TransactionDiverted { transaction } => {
                let visit = self.open_visit(transaction)?;
                self.end_visit(at, visit, Ending::Diverted);
                Ok(())
            }
            _ => self.fold_leg(at, kind),
        }
    }

    fn fold_leg(&mut self, at: Millis, kind: &Kind<'_>) -> Sense {
        match kind {
            Kind::TransactionHeld { transaction, agent } => {
                self.processing_leg(transaction, agent)?.held = true;
            }
            Kind::TransactionResumed { transaction, agent } => {
                self.processing_leg(transaction, agent)?.held = false;
            }
            Kind::TransactionMuted { transaction, agent } => {
                self.processing_leg(transaction, agent)?.muted = true;
            }
            Kind::TransactionUnmuted { transaction, agent } => {
                self.processing_leg(transaction, agent)?.muted = false;
            }
            Kind::TransactionReleased { transaction, agent } => {
                leave_processing(self.processing_leg(transaction, agent)?, at);
            }
            Kind::TransactionCompleted { transaction, agent } => {
                let agent = self.agent(agent)?;
                let leg = self.open_leg(transaction, agent)?;
                let leg = &mut self.legs[leg];
                if leg.offered() {
                    return Err(());
                }
                end_leg(leg, at);
            }
            other => unreachable!("{other:?} has an arm of its own"),
        }
        Ok(())
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

    fn accept(
        &mut self,
        number: usize,
        at: Millis,
        transaction: &str,
        agent: &str,
        line: Option<Line>,
    ) -> Sense {
        let (agent, visit) = (self.agent(agent)?, self.open_visit(transaction)?);
        let leg = match self.open_leg(transaction, agent) {
            Ok(leg) if self.legs[leg].offer == Some(visit) => leg,
            Ok(_) => return Err(()),
            Err(()) => {
                let queue = Some(self.visits[visit].queue);
                let line = line.unwrap_or(Line::One);
                self.legs.push(self.new_leg(number, transaction, agent, queue, line));
                self.legs.len() - 1
            }
        };
        let leg = &mut self.legs[leg];
        leg.offer = None;
        leg.line = line.unwrap_or(leg.line);
        leg.processing = Some((at, None));
        leg.stage_event = number;
        self.end_visit(at, visit, Ending::Accepted);
        Ok(())
    }

    fn enter(&mut self, at: Millis, transaction: &str, queue: usize) -> usize {
        self.visits.push(Visit {
            transaction: transaction.to_string(),
            queue,
            entered: at,
            sla: self.queues[queue].sla,
            ended: None,
        });
        self.visits.len() - 1
    }

    /// Ends a visit and the offers of it that are left.
    fn end_visit(&mut self, at: Millis, visit: usize, ending: Ending) {
        self.visits[visit].ended = Some((at, ending));
        for leg in self.legs.iter_mut().filter(|leg| leg.offer == Some(visit)) {
            leg.ended = leg.ended.or(Some(at));
        }
    }

    fn end_offer(&mut self, at: Millis, transaction: &str, agent: usize) -> Sense {
        let leg = self.open_leg(transaction, agent)?;
        if !self.legs[leg].offered() {
            return Err(());
        }
        self.legs[leg].ended = Some(at);
        Ok(())
    }

    fn new_leg(
        &self,
        number: usize,
        transaction: &str,
        agent: usize,
        queue: Option<usize>,
        line: Line,
    ) -> Leg {
        Leg {
            transaction: transaction.to_string(),
            agent,
            queue,
            offer: None,
            media: queue.map_or(Media::Phone, |queue| self.queues[queue].media),
            line,
            held: false,
            muted: false,
            stage_event: number,
            processing: None,
            ended: None,
        }
    }

    fn agent(&self, id: &str) -> Result<usize, ()> {
        self.agents.iter().position(|agent| !agent.removed && agent.id == id).ok_or(())
    }

    fn queue(&self, id: u32) -> Result<usize, ()> {
        self.queues.iter().position(|queue| !queue.removed && queue.id == id).ok_or(())
    }

    fn open_visit(&self, transaction: &str) -> Result<usize, ()> {
        let open = |visit: &Visit| visit.ended.is_none() && visit.transaction == transaction;
        self.visits.iter().rposition(open).ok_or(())
    }

    fn open_leg(&self, transaction: &str, agent: usize) -> Result<usize, ()> {
        let open =
            |leg: &Leg| leg.ended.is_none() && leg.agent == agent && leg.transaction == transaction;
        self.legs.iter().rposition(open).ok_or(())
    }

    fn processing_leg(&mut self, transaction: &str, agent: &str) -> Result<&mut Leg, ()> {
        let agent = self.agent(agent)?;
        let leg = self.open_leg(transaction, agent)?;
        Some(&mut self.legs[leg]).filter(|leg| leg.is_processing()).ok_or(())
    }

    /// Works every agent's statuses out afresh and notes which changed with this event.
    fn note_changes(&mut self, at: Millis) {
        for number in 0..self.agents.len() {
            if self.agents[number].removed {
                continue;
            }
            let status = self.agent_status(number);
            let lines = [self.line1(number), self.line2(number)];
            let agent = &mut self.agents[number];
            let shown = if status == base_status(agent.base) {
                agent.code.clone()
            } else {
                Code::default()
            };
            let was = agent.status_log.last().expect("starts with one").1;
            if was != status {
                agent.status_log.push((at, status));
            }
            if (was != status || agent.shown != shown) && agent.shown_changed.is_some() {
                agent.shown_changed = Some(at);
            }
            agent.shown = shown;
            for (line, now) in agent.lines.iter_mut().zip(lines) {
                if line.0 != now {
                    *line = (now, at);
                }
            }
        }
    }

    /// SPEC §3.1: agent-status.
    fn agent_status(&self, agent: usize) -> i64 {
        let base = self.agents[agent].base;
        let any =
            |stage: fn(&Leg) -> bool| self.legs.iter().any(|leg| leg.agent == agent && stage(leg));
        if base == Base::LoggedOut {
            9
        } else if any(Leg::is_processing) {
            2
        } else if any(Leg::offered) {
            1
        } else if any(Leg::is_post_processing) {
            3
        } else {
            base_status(base)
        }
    }

    fn line1(&self, agent: usize) -> i64 {
        let owner = &self.agents[agent];
        match (owner.base, owner.explicit[0], self.leg_on(agent, Line::One)) {
            (Base::LoggedOut, _, _) => -1,
            (_, Some(_), _) => 4,
            (_, None, Some(leg)) if leg.offered() => 3,
            (_, None, Some(leg)) if leg.held => 1,
            (_, None, Some(leg)) if leg.muted => 2,
            (_, None, Some(_)) => 5,
            (_, None, None) => 0,
        }
    }

    fn line2(&self, agent: usize) -> i64 {
        let owner = &self.agents[agent];
        match (owner.base, owner.explicit[1], self.leg_on(agent, Line::Two)) {
            (Base::LoggedOut, _, _) => -1,
            (_, Some(ExplicitLine::Error), _) => 3,
            (_, Some(_), _) => 4,
            (_, None, Some(leg)) if leg.offered() => 0,
            (_, None, Some(leg)) if leg.held => 1,
            (_, None, Some(leg)) if leg.muted => 2,
            (_, None, Some(_)) => 5,
            (_, None, None) => -1,
        }
    }

    /// The phone leg that counts on a line.
    fn leg_on(&self, agent: usize, line: Line) -> Option<&Leg> {
        let on_line = |leg: &&Leg| {
            leg.agent == agent
                && leg.media == Media::Phone
                && leg.line == line
                && (leg.offered() || leg.is_processing())
        };
        self.legs.iter().filter(on_line).max_by_key(|leg| leg.stage_event)
    }
}

fn leave_processing(leg: &mut Leg, at: Millis) {
    if let Some((from, None)) = leg.processing {
        leg.processing = Some((from, Some(at)));
    }
    (leg.held, leg.muted) = (false, false);
}

fn end_leg(leg: &mut Leg, at: Millis) {
    leave_processing(leg, at);
    leg.ended = Some(at);
}

/// The agent-status that a base status gives by itself.
pub fn base_status(base: Base) -> i64 {
    match base {
        Base::Available => 0,
        Base::OnBreak => 4,
        Base::WorkOffline => 5,
        Base::LoggedOut => 9,
    }
}

fn line_index(line: Line) -> usize {
    match line {
        Line::One => 0,
        Line::Two => 1,
    }
}
