//! The state of a tenant and what each event does to it: SPEC §4's table.
//!
//! A fold knows one day at a time and is told when it ends; it decides nothing by a clock. An event either
//! applies whole or is ignored with a reason before anything changed.

use std::{collections::BTreeMap, sync::Arc};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use serde::{Deserialize, Serialize};
use slab::Slab;

use super::{
    agent::Agent,
    directory::CodeList,
    leg::{Chain, Legs, List, Stage},
    names::Names,
    outcome::Reason,
    queue::{End, Queue, Transaction},
    slots::Slots,
    trails::Trails,
};
use crate::{
    event::{Base, ExplicitLine, GivenCode, Kind, Line, Media, Millis},
    limit,
    zone::Day,
};

/// All that a tenant's log has come to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fold {
    pub day: Day,
    /// The latest instant counted or described: the leading edge of the windows.
    pub horizon: Millis,
    pub agents: Slots<Agent>,
    pub queues: Slots<Queue>,
    pub transactions: Slab<Transaction>,
    pub legs: Legs,
    pub groups: BTreeMap<u32, Arc<str>>,
    pub codes: BTreeMap<i64, CodeList>,
    pub trails: Trails,
    /// The empty text, shared.
    pub no_text: Arc<str>,
    #[serde(skip)]
    pub index: Index,
}

/// Finds places by name. Not part of a snapshot: it follows from the places.
#[derive(Debug, Clone, Default)]
pub struct Index {
    hasher: DefaultHashBuilder,
    agents: HashTable<Named>,
    transactions: HashTable<Named>,
    pub queues: HashMap<u32, u32>,
    /// Places of the agents in the order of their ids; none after a change.
    pub agent_order: Option<Vec<u32>>,
    /// Names of groups and codes; none after a change.
    pub names: Option<Arc<Names>>,
}

/// A place and how its name begins. Most names are told apart by that alone, without a look at the name itself, which
/// lies elsewhere in memory.
#[derive(Debug, Clone, Copy)]
struct Named {
    slot: u32,
    name_len: u16,
    head: [u8; HEAD_LEN],
}

/// Room for a UUID.
const HEAD_LEN: usize = 38;

impl Named {
    fn new(slot: u32, name: &str) -> Named {
        let mut head = [0; HEAD_LEN];
        let len = name.len().min(HEAD_LEN);
        head[..len].copy_from_slice(&name.as_bytes()[..len]);
        Named { slot, name_len: name.len() as u16, head }
    }

    /// Whether it has this name; `whole` tells the whole of its own where that is needed.
    #[inline]
    fn is<'a>(&self, name: &str, whole: impl FnOnce(u32) -> &'a str) -> bool {
        let len = name.len().min(HEAD_LEN);
        usize::from(self.name_len) == name.len()
            && self.head[..len] == name.as_bytes()[..len]
            && (name.len() <= HEAD_LEN || whole(self.slot) == name)
    }
}

impl Index {
    fn hash(&self, name: &str) -> u64 {
        use std::hash::BuildHasher;
        self.hasher.hash_one(name)
    }
}

impl Fold {
    /// Nothing has happened yet; the first advance opens the first day.
    pub fn new() -> Fold {
        Fold {
            day: Day { start: Millis::MIN, end: Millis::MIN },
            horizon: Millis::MIN,
            agents: Slots::default(),
            queues: Slots::default(),
            transactions: Slab::new(),
            legs: Legs::default(),
            groups: BTreeMap::new(),
            codes: BTreeMap::new(),
            trails: Trails::default(),
            no_text: Arc::from(""),
            index: Index::default(),
        }
    }

    /// Applies an event that counts at `at`, or says why it makes no sense now.
    pub fn apply(&mut self, at: Millis, kind: &Kind<'_>) -> Result<(), Reason> {
        match kind {
            Kind::QueueConfigured { queue, name, media, sla } => {
                self.configure_queue(*queue, name, *media, *sla)
            }
            Kind::QueueRemoved { queue } => self.remove_queue(at, *queue),
            Kind::GroupConfigured { group, name } => {
                self.groups.insert(*group, Arc::from(&**name));
                self.index.names = None;
                Ok(())
            }
            Kind::GroupRemoved { group } => {
                self.index.names = None;
                self.groups.remove(group).map(drop).ok_or(Reason::UnknownGroup)
            }
            Kind::AgentConfigured { agent, name, group } => {
                self.configure_agent(agent, name, *group)
            }
            Kind::AgentRemoved { agent } => self.remove_agent(at, agent),
            Kind::AssignmentSet { agent, queue, assigned, enabled } => {
                self.set_assignment(agent, *queue, assigned.then_some(*enabled))
            }
            Kind::CodesConfigured { list, name, items } => {
                self.configure_codes(*list, name, items);
                Ok(())
            }
            Kind::AgentStatus { agent, status, code } => self.set_base(at, agent, *status, code),
            Kind::LineStatus { agent, line, status } => self.set_line(at, agent, *line, *status),
            _ => self.apply_transaction(at, kind),
        }
    }

    fn apply_transaction(&mut self, at: Millis, kind: &Kind<'_>) -> Result<(), Reason> {
        match kind {
            Kind::TransactionQueued { transaction, queue } => self.enqueue(at, transaction, *queue),
            Kind::TransactionOffered { transaction, agent, line } => {
                self.offer(at, transaction, agent, *line)
            }
            Kind::TransactionRejected { transaction, agent } => {
                self.end_offer(at, transaction, agent, true)
            }
            Kind::TransactionWithdrawn { transaction, agent } => {
                self.end_offer(at, transaction, agent, false)
            }
            Kind::TransactionAccepted { transaction, agent, line } => {
                self.accept(at, transaction, agent, *line)
            }
            Kind::TransactionPlaced { transaction, agent, queue, media, line } => {
                self.place(at, transaction, agent, *queue, *media, *line)
            }
            Kind::TransactionHeld { transaction, agent } => {
                self.flag(at, transaction, agent, |leg| leg.held = true)
            }
            Kind::TransactionResumed { transaction, agent } => {
                self.flag(at, transaction, agent, |leg| leg.held = false)
            }
            Kind::TransactionMuted { transaction, agent } => {
                self.flag(at, transaction, agent, |leg| leg.muted = true)
            }
            Kind::TransactionUnmuted { transaction, agent } => {
                self.flag(at, transaction, agent, |leg| leg.muted = false)
            }
            Kind::TransactionReleased { transaction, agent } => {
                self.release(at, transaction, agent)
            }
            Kind::TransactionCompleted { transaction, agent } => {
                self.complete(at, transaction, agent)
            }
            Kind::TransactionAbandoned { transaction } => {
                self.leave_queue(at, transaction, End::Abandoned)
            }
            Kind::TransactionDiverted { transaction } => {
                self.leave_queue(at, transaction, End::Diverted)
            }
            _ => unreachable!("apply has taken every kind that is not of a transaction"),
        }
    }

    fn set_base(
        &mut self,
        at: Millis,
        agent: &str,
        base: Base,
        given: &GivenCode<'_>,
    ) -> Result<(), Reason> {
        let slot = self.agent_slot(agent)?;
        let code = self.resolve_code(given);
        let agent = &mut self.agents[slot];
        if agent.base == Base::LoggedOut && base != Base::LoggedOut {
            agent.last_login = Some(at);
        }
        let shown_before = agent.shown_code().filter(|code| code.is_some()).cloned();
        agent.base = base;
        agent.code = code;
        let shown = agent.derived_status() == base.into() && agent.code.is_some();
        let pair_kept = agent.derived_status() == agent.status_time.status()
            && shown_before.as_ref() == shown.then_some(&agent.code);
        if agent.pair_since.is_none() || !pair_kept {
            agent.pair_since = Some(at);
        }
        self.refresh_status(at, slot);
        self.refresh_line(at, slot, Line::One);
        self.refresh_line(at, slot, Line::Two);
        Ok(())
    }

    fn set_line(
        &mut self,
        at: Millis,
        agent: &str,
        line: Line,
        status: ExplicitLine,
    ) -> Result<(), Reason> {
        let slot = self.agent_slot(agent)?;
        self.agents[slot].line_mut(line).explicit = status;
        self.refresh_line(at, slot, line);
        Ok(())
    }

    fn enqueue(&mut self, at: Millis, transaction: &str, queue: u32) -> Result<(), Reason> {
        let queue = self.queue_slot(queue)?;
        let known = self.transaction_slot(transaction);
        if known.is_some_and(|known| self.transactions[known as usize].visit.is_some()) {
            return Err(Reason::AlreadyInQueue);
        }
        let transaction = known.unwrap_or_else(|| self.insert_transaction(transaction));
        self.open_visit(at, transaction, queue);
        Ok(())
    }

    fn offer(
        &mut self,
        at: Millis,
        transaction: &str,
        agent: &str,
        line: Line,
    ) -> Result<(), Reason> {
        let agent = self.agent_slot(agent)?;
        let (transaction, queue) = self.visited(transaction)?;
        if self.find_leg(transaction, agent).is_some() {
            return Err(Reason::LegExists);
        }
        self.room_for_leg()?;
        let media = self.queues[queue].media;
        self.begin_leg(at, agent, transaction, Some(queue), media, line, Stage::Offered);
        self.add_offer(transaction);
        self.refresh_status(at, agent);
        Ok(())
    }

    fn end_offer(
        &mut self,
        at: Millis,
        transaction: &str,
        agent: &str,
        rejected: bool,
    ) -> Result<(), Reason> {
        let slot = self.agent_slot(agent)?;
        let leg = self.leg_of(transaction, slot).ok_or(Reason::NotOffered)?;
        if self.legs[leg].stage != Stage::Offered {
            return Err(Reason::NotOffered);
        }
        if rejected {
            self.count_rejection(at, slot);
        }
        let transaction = self.legs[leg].transaction;
        self.end_leg(at, leg);
        self.take_offer(transaction);
        self.refresh_status(at, slot);
        Ok(())
    }

    fn accept(
        &mut self,
        at: Millis,
        transaction: &str,
        agent: &str,
        line: Option<Line>,
    ) -> Result<(), Reason> {
        let agent = self.agent_slot(agent)?;
        let (transaction, queue) = self.visited(transaction)?;
        match self.find_leg(transaction, agent) {
            Some(leg) if self.legs[leg].stage != Stage::Offered => return Err(Reason::LegExists),
            Some(leg) => {
                self.take_offer(transaction);
                self.begin_processing(at, leg, line);
            }
            None => {
                self.room_for_leg()?;
                let (line, media) = (line.unwrap_or(Line::One), self.queues[queue].media);
                self.begin_leg(at, agent, transaction, Some(queue), media, line, Stage::Processing);
            }
        }
        self.close_visit(at, transaction, End::Accepted);
        self.refresh_status(at, agent);
        Ok(())
    }

    fn place(
        &mut self,
        at: Millis,
        transaction: &str,
        agent: &str,
        queue: Option<u32>,
        media: Option<Media>,
        line: Line,
    ) -> Result<(), Reason> {
        let agent = self.agent_slot(agent)?;
        let queue = queue.map(|queue| self.queue_slot(queue)).transpose()?;
        let known = self.transaction_slot(transaction);
        if let Some(known) = known {
            if self.transactions[known as usize].visit.is_some() {
                return Err(Reason::AlreadyInQueue);
            }
            if self.find_leg(known, agent).is_some() {
                return Err(Reason::LegExists);
            }
        }
        self.room_for_leg()?;
        let own_media = queue.map(|queue| self.queues[queue].media);
        let media = media.or(own_media).expect("a placing without queue and media is malformed");
        let transaction = known.unwrap_or_else(|| self.insert_transaction(transaction));
        self.begin_leg(at, agent, transaction, queue, media, line, Stage::Processing);
        if let Some(queue) = queue {
            self.open_visit(at, transaction, queue);
            self.close_visit(at, transaction, End::Accepted);
        }
        self.refresh_status(at, agent);
        Ok(())
    }

    fn flag(
        &mut self,
        at: Millis,
        transaction: &str,
        agent: &str,
        set: impl FnOnce(&mut super::leg::Leg),
    ) -> Result<(), Reason> {
        let slot = self.agent_slot(agent)?;
        let leg = self.leg_of(transaction, slot).ok_or(Reason::NotProcessing)?;
        if self.legs[leg].stage != Stage::Processing {
            return Err(Reason::NotProcessing);
        }
        set(&mut self.legs[leg]);
        let line = self.legs[leg].line;
        self.refresh_line(at, slot, line);
        Ok(())
    }

    fn release(&mut self, at: Millis, transaction: &str, agent: &str) -> Result<(), Reason> {
        let slot = self.agent_slot(agent)?;
        let leg = self.leg_of(transaction, slot).ok_or(Reason::NotProcessing)?;
        if self.legs[leg].stage != Stage::Processing {
            return Err(Reason::NotProcessing);
        }
        self.begin_post_processing(at, leg);
        self.refresh_status(at, slot);
        Ok(())
    }

    fn complete(&mut self, at: Millis, transaction: &str, agent: &str) -> Result<(), Reason> {
        let slot = self.agent_slot(agent)?;
        let leg = self.leg_of(transaction, slot).ok_or(Reason::NoLeg)?;
        if self.legs[leg].stage == Stage::Offered {
            return Err(Reason::NoLeg);
        }
        let transaction = self.legs[leg].transaction;
        self.end_leg(at, leg);
        self.forget_if_done(transaction);
        self.refresh_status(at, slot);
        Ok(())
    }

    fn leave_queue(&mut self, at: Millis, transaction: &str, end: End) -> Result<(), Reason> {
        let (transaction, _) = self.visited(transaction)?;
        self.close_visit(at, transaction, end);
        self.forget_if_done(transaction);
        Ok(())
    }

    pub(super) fn agent_slot(&self, id: &str) -> Result<u32, Reason> {
        let same = |named: &Named| named.is(id, |slot| &self.agents[slot].id);
        let found = self.index.agents.find(self.index.hash(id), same);
        found.map(|named| named.slot).ok_or(Reason::UnknownAgent)
    }

    pub(super) fn queue_slot(&self, id: u32) -> Result<u32, Reason> {
        self.index.queues.get(&id).copied().ok_or(Reason::UnknownQueue)
    }

    fn transaction_slot(&self, id: &str) -> Option<u32> {
        let same = |named: &Named| named.is(id, |slot| &self.transactions[slot as usize].id);
        self.index.transactions.find(self.index.hash(id), same).map(|named| named.slot)
    }

    /// The transaction and its queue, while it waits or is offered.
    fn visited(&self, transaction: &str) -> Result<(u32, u32), Reason> {
        let slot = self.transaction_slot(transaction).ok_or(Reason::NotInQueue)?;
        let visit = self.transactions[slot as usize].visit.as_ref().ok_or(Reason::NotInQueue)?;
        Ok((slot, visit.queue))
    }

    fn leg_of(&self, transaction: &str, agent: u32) -> Option<u32> {
        self.find_leg(self.transaction_slot(transaction)?, agent)
    }

    /// Looks through the shorter of both chains.
    fn find_leg(&self, transaction: u32, agent: u32) -> Option<u32> {
        let of_transaction = self.transactions[transaction as usize].legs;
        let of_agent = self.agents[agent].legs;
        if of_transaction.len <= of_agent.len {
            self.legs
                .chained(of_transaction, Chain::Transaction)
                .find(|leg| self.legs[*leg].agent == agent)
        } else {
            self.legs
                .chained(of_agent, Chain::Agent)
                .find(|leg| self.legs[*leg].transaction == transaction)
        }
    }

    fn room_for_leg(&self) -> Result<(), Reason> {
        if self.legs.len() < limit::SLOTS_MAX { Ok(()) } else { Err(Reason::Limit) }
    }

    pub(super) fn insert_agent(&mut self, id: &str) -> u32 {
        let hash = self.index.hash(id);
        let slot = self.agents.insert(Agent::new(Arc::from(id), self.no_text.clone()));
        let (agents, hasher) = (&self.agents, &self.index.hasher);
        let of = |named: &Named| hash_of(hasher, &agents[named.slot].id);
        self.index.agents.insert_unique(hash, Named::new(slot, id), of);
        self.index.agent_order = None;
        slot
    }

    pub(super) fn unindex_agent(&mut self, slot: u32) {
        let hash = self.index.hash(&self.agents[slot].id);
        if let Ok(entry) = self.index.agents.find_entry(hash, |found| found.slot == slot) {
            entry.remove();
        }
        self.index.agent_order = None;
    }

    fn insert_transaction(&mut self, id: &str) -> u32 {
        let hash = self.index.hash(id);
        let transaction = Transaction { id: Arc::from(id), visit: None, legs: List::default() };
        let slot = self.transactions.insert(transaction) as u32;
        let (transactions, hasher) = (&self.transactions, &self.index.hasher);
        let of = |named: &Named| hash_of(hasher, &transactions[named.slot as usize].id);
        self.index.transactions.insert_unique(hash, Named::new(slot, id), of);
        slot
    }

    /// Forgets a transaction without open visit and legs.
    pub(super) fn forget_if_done(&mut self, slot: u32) {
        let transaction = &self.transactions[slot as usize];
        if transaction.visit.is_some() || transaction.legs.len > 0 {
            return;
        }
        let hash = self.index.hash(&transaction.id);
        if let Ok(entry) = self.index.transactions.find_entry(hash, |found| found.slot == slot) {
            entry.remove();
        }
        self.transactions.remove(slot as usize);
    }

    /// Builds the index anew, after the fold was read from a snapshot.
    pub fn reindex(&mut self) {
        self.index = Index::default();
        let hasher = &self.index.hasher;
        for (slot, agent) in self.agents.iter() {
            let of = |named: &Named| hash_of(hasher, &self.agents[named.slot].id);
            let named = Named::new(slot, &agent.id);
            self.index.agents.insert_unique(hash_of(hasher, &agent.id), named, of);
        }
        for (slot, transaction) in &self.transactions {
            let of = |named: &Named| hash_of(hasher, &self.transactions[named.slot as usize].id);
            let named = Named::new(slot as u32, &transaction.id);
            self.index.transactions.insert_unique(hash_of(hasher, &transaction.id), named, of);
        }
        self.index.queues = self.queues.iter().map(|(slot, queue)| (queue.id, slot)).collect();
    }
}

fn hash_of(hasher: &DefaultHashBuilder, name: &str) -> u64 {
    use std::hash::BuildHasher;
    hasher.hash_one(name)
}

const _: () = assert!(limit::ID_CHARS_MAX * 4 <= u16::MAX as usize, "an id's bytes fit in 16 bits");
