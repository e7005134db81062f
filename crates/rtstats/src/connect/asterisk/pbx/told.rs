//! What the server has been told of the directory: the other side of every comparison.

use std::collections::BTreeMap;

use stats::event::{Base, GivenCode, Kind, Media, Sla};

/// The directory as the server knows it, whoever told it.
#[derive(Debug, Default)]
pub struct Directory {
    /// Queues by number.
    pub queues: BTreeMap<u32, ToldQueue>,
    /// Agents by id.
    pub agents: BTreeMap<String, ToldAgent>,
    /// Items of the status code lists with their short codes: what the server keeps of them.
    pub codes: BTreeMap<i64, BTreeMap<i64, String>>,
}

/// A queue as the server knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldQueue {
    /// Its display name.
    pub name: String,
    /// Its medium.
    pub media: Media,
    /// Its service level.
    pub sla: Option<Sla>,
}

/// An agent as the server knows it.
#[derive(Debug, Default)]
pub struct ToldAgent {
    /// The agent's name.
    pub name: String,
    /// The agent's group.
    pub group: Option<u32>,
    /// The base status; none before the first one.
    pub base: Option<Base>,
    /// The status code given with it.
    pub code: Code,
    /// Queues, and whether the assignment is enabled.
    pub assignments: BTreeMap<u32, bool>,
}

/// A status code as an event gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code {
    /// Number of the list.
    pub list: Option<i64>,
    /// Number of the item.
    pub item: Option<i64>,
    /// The short code.
    pub short_code: Option<String>,
}

impl Code {
    /// As an event carries it.
    pub fn given(&self) -> GivenCode<'static> {
        GivenCode {
            list: self.list,
            item: self.item,
            short_code: self.short_code.clone().map(Into::into),
        }
    }
}

impl Directory {
    /// Takes in what an event tells the server; events that are not of the directory change nothing.
    pub fn learn(&mut self, kind: &Kind<'_>) {
        match kind {
            Kind::QueueConfigured { queue, name, media, sla } => {
                let told = ToldQueue { name: name.to_string(), media: *media, sla: *sla };
                self.queues.insert(*queue, told);
            }
            Kind::QueueRemoved { queue } => {
                self.queues.remove(queue);
                for agent in self.agents.values_mut() {
                    agent.assignments.remove(queue);
                }
            }
            Kind::AgentConfigured { agent, name, group } => {
                let told = self.agents.entry(agent.to_string()).or_default();
                told.name = name.to_string();
                told.group = *group;
            }
            Kind::AgentRemoved { agent } => {
                self.agents.remove(&**agent);
            }
            Kind::AssignmentSet { agent, queue, assigned, enabled } => {
                if let Some(told) = self.agents.get_mut(&**agent) {
                    match assigned {
                        true => told.assignments.insert(*queue, *enabled),
                        false => told.assignments.remove(queue),
                    };
                }
            }
            Kind::CodesConfigured { list, items, .. } => {
                let items = items.iter().map(|item| (item.item, item.short_code.to_string()));
                self.codes.insert(*list, items.collect());
            }
            Kind::AgentStatus { agent, status, code } => {
                if let Some(told) = self.agents.get_mut(&**agent) {
                    told.base = Some(*status);
                    told.code = Code {
                        list: code.list,
                        item: code.item,
                        short_code: code.short_code.as_deref().map(str::to_owned),
                    };
                }
            }
            _ => {}
        }
    }
}
