//! The directory: queues, agents, assignments and status codes as the log configures and removes them.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    agent::{Agent, Assignment, Code},
    fold::Fold,
    leg::{Chain, Stage},
    outcome::Reason,
    queue::{Column, Queue},
};
use crate::{
    event::{Base, CodeItem, GivenCode, Media, Millis, Sla},
    limit,
};

/// A status code list as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeList {
    /// What people read.
    pub name: Arc<str>,
    /// By their numbers.
    pub items: BTreeMap<i64, ListedCode>,
}

/// An item of a status code list as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedCode {
    /// What documents show.
    pub short_code: Arc<str>,
    /// What people read.
    pub name: Arc<str>,
    /// `Base::OnBreak` or `Base::WorkOffline`: the status that it is for.
    pub status: Base,
}

impl Fold {
    pub(super) fn configure_queue(
        &mut self,
        id: u32,
        name: &str,
        media: Media,
        sla: Option<Sla>,
    ) -> Result<(), Reason> {
        let slot = if let Ok(slot) = self.queue_slot(id) {
            slot
        } else {
            if self.queues.len() >= limit::SLOTS_MAX {
                return Err(Reason::Limit);
            }
            let slot = self.queues.insert(Queue::new(id, self.no_text.clone(), media));
            self.index.queues.insert(id, slot);
            slot
        };
        let queue = &mut self.queues[slot];
        if *queue.name != *name {
            queue.name = Arc::from(name);
        }
        queue.media = media;
        queue.sla = sla;
        Ok(())
    }

    pub(super) fn remove_queue(&mut self, at: Millis, id: u32) -> Result<(), Reason> {
        let slot = self.queue_slot(id)?;
        let queue = &self.queues[slot];
        let (open, in_progress) =
            (!queue.waiting.is_empty() || queue.offered > 0, !queue.in_progress.is_empty());
        if open {
            self.end_visits(at, slot);
        }
        if in_progress {
            for leg in self.legs.iter_mut().filter(|leg| leg.queue == Some(slot)) {
                leg.queue = None;
            }
        }
        for (_, agent) in self.agents.iter_mut() {
            agent.assignments.retain(|tie| tie.queue != slot);
            agent.queues = None;
        }
        self.queues.remove(slot, at);
        self.index.queues.remove(&id);
        Ok(())
    }

    /// The open visits of a queue that is being removed end, and with them their offers.
    fn end_visits(&mut self, at: Millis, slot: u32) {
        let of_queue = |visit: &super::queue::Visit| visit.queue == slot;
        let visiting: Vec<u32> = self
            .transactions
            .iter()
            .filter(|(_, transaction)| transaction.visit.as_ref().is_some_and(of_queue))
            .map(|(transaction, _)| transaction as u32)
            .collect();
        for transaction in visiting {
            self.end_offers(at, transaction);
            self.transactions[transaction as usize].visit = None;
            self.forget_if_done(transaction);
        }
    }

    pub(super) fn configure_agent(
        &mut self,
        id: &str,
        name: &str,
        group: Option<u32>,
    ) -> Result<(), Reason> {
        let slot = match self.agent_slot(id) {
            Ok(slot) => slot,
            Err(_) if self.agents.len() >= limit::SLOTS_MAX => return Err(Reason::Limit),
            Err(_) => self.insert_agent(id),
        };
        let agent = &mut self.agents[slot];
        agent.name = Arc::from(name);
        agent.group = group.unwrap_or(0);
        Ok(())
    }

    pub(super) fn remove_agent(&mut self, at: Millis, id: &str) -> Result<(), Reason> {
        let slot = self.agent_slot(id)?;
        let legs: Vec<u32> = self.legs.chained(self.agents[slot].legs, Chain::Agent).collect();
        for leg in legs {
            let (stage, transaction) = (self.legs[leg].stage, self.legs[leg].transaction);
            self.end_leg(at, leg);
            if stage == Stage::Offered {
                self.take_offer(transaction);
            }
            self.forget_if_done(transaction);
        }
        self.unindex_agent(slot);
        if let Some(agent) = self.agents.remove(slot, at) {
            for tie in &agent.assignments {
                self.untie(&agent, *tie);
            }
        }
        Ok(())
    }

    pub(super) fn set_assignment(
        &mut self,
        agent: &str,
        queue: u32,
        enabled: Option<bool>,
    ) -> Result<(), Reason> {
        let (slot, queue) = (self.agent_slot(agent)?, self.queue_slot(queue)?);
        let agent = &mut self.agents[slot];
        agent.queues = None;
        let place = agent.assignments.binary_search_by_key(&queue, |tie| tie.queue);
        let old = place.ok().map(|place| agent.assignments[place]);
        match (place, enabled) {
            (Ok(place), Some(enabled)) => agent.assignments[place].enabled = enabled,
            (Ok(place), None) => drop(agent.assignments.remove(place)),
            (Err(place), Some(enabled)) => {
                agent.assignments.insert(place, Assignment { queue, enabled });
            }
            (Err(_), None) => {}
        }
        let column = Column::from(agent.status_time.status()) as usize;
        let queue = &mut self.queues[queue];
        if let Some(old) = old {
            queue.assigned -= 1;
            queue.enabled[column] -= u32::from(old.enabled);
        }
        if let Some(enabled) = enabled {
            queue.assigned += 1;
            queue.enabled[column] += u32::from(enabled);
        }
        Ok(())
    }

    fn untie(&mut self, agent: &Agent, tie: Assignment) {
        let queue = &mut self.queues[tie.queue];
        queue.assigned -= 1;
        let column = Column::from(agent.status_time.status()) as usize;
        queue.enabled[column] -= u32::from(tie.enabled);
    }

    pub(super) fn configure_codes(&mut self, list: i64, name: &str, items: &[CodeItem<'_>]) {
        let code = |item: &CodeItem<'_>| ListedCode {
            short_code: Arc::from(&*item.short_code),
            name: Arc::from(&*item.name),
            status: item.status,
        };
        let items = items.iter().map(|item| (item.item, code(item))).collect();
        self.codes.insert(list, CodeList { name: Arc::from(name), items });
        self.index.names = None;
    }

    /// A given code with its configured short code, unless it names its own.
    pub(super) fn resolve_code(&self, given: &GivenCode<'_>) -> Code {
        let configured = || {
            let list = self.codes.get(&given.list?)?;
            list.items.get(&given.item?).map(|code| code.short_code.clone())
        };
        let short_code = match &given.short_code {
            Some(own) if own.is_empty() => self.no_text.clone(),
            Some(own) => Arc::from(&**own),
            None => configured().unwrap_or_else(|| self.no_text.clone()),
        };
        Code { list: given.list, item: given.item, short_code }
    }
}
