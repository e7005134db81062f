//! A tenant's directory as the engine believes it: queues, groups, agents, assignments, status codes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use stats::{
    engine::Present,
    event::{Base, CodeItem, Kind, Media, Sla},
};
use xxhash_rust::xxh3::xxh3_64;

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    pub name: String,
    pub media: Media,
    pub sla: Option<Sla>,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub name: String,
    pub group: Option<u32>,
    /// Whether it takes work from a queue, by the number of each queue to which it is assigned.
    pub queues: BTreeMap<u32, bool>,
}

/// A status code list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    pub name: String,
    pub items: Vec<Item>,
}

/// An item of a status code list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    pub item: i64,
    pub short_code: String,
    pub name: String,
    /// The word of the status that it is for.
    pub status: &'static str,
}

/// The directory of one tenant at one position of its log.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    pub queues: BTreeMap<u32, Queue>,
    pub groups: BTreeMap<u32, String>,
    pub agents: BTreeMap<String, Agent>,
    pub codes: BTreeMap<i64, Codes>,
    /// Agents assigned, and those of them enabled, by queue.
    pub assigned: BTreeMap<u32, (usize, usize)>,
    /// The highest number seen of our own source.
    pub seq: u64,
}

impl Roster {
    /// Reads it from an engine's present state.
    pub fn of(present: &Present, seq: u64) -> Roster {
        let mut roster = Roster { seq, ..Roster::default() };
        present.directory().for_each(|kind| roster.take(kind));
        roster
    }

    fn take(&mut self, kind: Kind<'_>) {
        match kind {
            Kind::QueueConfigured { queue, name, media, sla } => {
                self.queues.insert(queue, Queue { name: name.into_owned(), media, sla });
            }
            Kind::GroupConfigured { group, name } => {
                self.groups.insert(group, name.into_owned());
            }
            Kind::AgentConfigured { agent, name, group } => {
                let queues = BTreeMap::new();
                self.agents
                    .insert(agent.into_owned(), Agent { name: name.into_owned(), group, queues });
            }
            Kind::AssignmentSet { agent, queue, enabled, .. } => {
                let count = self.assigned.entry(queue).or_default();
                count.0 += 1;
                count.1 += usize::from(enabled);
                if let Some(agent) = self.agents.get_mut(&*agent) {
                    agent.queues.insert(queue, enabled);
                }
            }
            Kind::CodesConfigured { list, name, items } => {
                let items = items.into_iter().map(|item| Item {
                    item: item.item,
                    short_code: item.short_code.into_owned(),
                    name: item.name.into_owned(),
                    status: item.status.word(),
                });
                self.codes.insert(list, Codes { name: name.into_owned(), items: items.collect() });
            }
            _ => {}
        }
    }

    /// Takes up events about agents and their assignments; gives the agents with all they had before and have since.
    pub fn apply(&mut self, kinds: &[Kind<'_>]) -> Vec<(String, Option<Value>, Option<Value>)> {
        let whole = |roster: &Roster, id: &str| {
            let agent = roster.agents.get(id)?;
            Some(json!({ "name": agent.name, "group": agent.group, "queues": agent.queues }))
        };
        let mut changed: Vec<(String, Option<Value>, Option<Value>)> = Vec::new();
        for kind in kinds {
            let (Kind::AgentConfigured { agent, .. } | Kind::AssignmentSet { agent, .. }) = kind
            else {
                continue;
            };
            if changed.last().is_none_or(|(last, ..)| *last != **agent) {
                changed.push((agent.to_string(), whole(self, agent), None));
            }
            match kind {
                Kind::AgentConfigured { agent, name, group } => {
                    let queues = self.agents.remove(&**agent).map(|agent| agent.queues);
                    let name = name.to_string();
                    let agent_now =
                        Agent { name, group: *group, queues: queues.unwrap_or_default() };
                    self.agents.insert(agent.to_string(), agent_now);
                }
                Kind::AssignmentSet { agent, queue, assigned, enabled } => {
                    if let Some(agent) = self.agents.get_mut(&**agent) {
                        match assigned {
                            true => agent.queues.insert(*queue, *enabled),
                            false => agent.queues.remove(queue),
                        };
                    }
                }
                _ => {}
            }
        }
        for (id, _, after) in &mut changed {
            *after = whole(self, id);
        }
        changed
    }

    /// The lowest number above all queues, from 101 on.
    pub fn next_queue(&self) -> u32 {
        self.queues.keys().next_back().map_or(101, |last| last.saturating_add(1))
    }

    /// The lowest number above all groups.
    pub fn next_group(&self) -> u32 {
        self.groups.keys().next_back().map_or(1, |last| last.saturating_add(1))
    }

    /// The lowest number above all code lists.
    pub fn next_codes(&self) -> i64 {
        self.codes.keys().next_back().map_or(1, |last| last.saturating_add(1).max(1))
    }

    /// A group's name with its number; a dash for none.
    pub fn group_name(&self, group: Option<u32>) -> String {
        match group {
            None => "–".to_owned(),
            Some(group) => match self.groups.get(&group) {
                Some(name) => format!("{name} ({group})"),
                None => group.to_string(),
            },
        }
    }
}

/// What the audit trail keeps of something, and what forms compare to notice that it has changed meanwhile.
pub trait Told {
    /// It, whole.
    fn told(&self) -> Value;

    /// A short text that changes with it.
    fn version(&self) -> String {
        format!("{:016x}", xxh3_64(self.told().to_string().as_bytes()))
    }
}

impl Told for Queue {
    fn told(&self) -> Value {
        let sla = self.sla.map(|sla| {
            json!({
                "percent": sla.percent,
                "within_seconds": sla.within_seconds,
                "evaluate_every_seconds": sla.evaluate_every_seconds,
            })
        });
        json!({ "name": self.name, "media": self.media.word(), "sla": sla })
    }
}

impl Queue {
    /// The event that makes a queue so.
    pub fn configured(&self, queue: u32) -> Kind<'_> {
        let name = self.name.as_str().into();
        Kind::QueueConfigured { queue, name, media: self.media, sla: self.sla }
    }
}

impl Told for Agent {
    fn told(&self) -> Value {
        json!({ "name": self.name, "group": self.group })
    }
}

impl Agent {
    /// The event that makes an agent so.
    pub fn configured<'a>(&'a self, agent: &'a str) -> Kind<'a> {
        Kind::AgentConfigured {
            agent: agent.into(),
            name: self.name.as_str().into(),
            group: self.group,
        }
    }
}

impl Told for Codes {
    fn told(&self) -> Value {
        json!({ "name": self.name, "items": self.items })
    }
}

impl Codes {
    /// The event that makes a list so.
    pub fn configured(&self, list: i64) -> Kind<'_> {
        let items = self.items.iter().map(|item| CodeItem {
            item: item.item,
            short_code: item.short_code.as_str().into(),
            name: item.name.as_str().into(),
            status: Base::of_word(item.status).unwrap_or(Base::OnBreak),
        });
        Kind::CodesConfigured { list, name: self.name.as_str().into(), items: items.collect() }
    }
}

impl Told for String {
    fn told(&self) -> Value {
        json!({ "name": self })
    }
}

#[cfg(test)]
mod tests {
    use stats::{engine::Engine, parse::parse_batch, zone::Zone};

    use super::*;

    #[test]
    fn the_directory_is_read_from_the_engine() {
        let log = r#"
            {"time":1,"type":"queue.configured","queue":115,"name":"Sales","media":"phone","sla":{"percent":80,"within_seconds":20}}
            {"time":1,"type":"group.configured","group":4,"name":"North"}
            {"time":1,"type":"agent.configured","agent":"ann","name":"Ann","group":4}
            {"time":1,"type":"agent.configured","agent":"bob","name":"Bob"}
            {"time":1,"type":"assignment.set","agent":"ann","queue":115,"assigned":true}
            {"time":1,"type":"assignment.set","agent":"bob","queue":115,"assigned":true,"enabled":false}
            {"time":1,"type":"codes.configured","list":7,"name":"Breaks","items":[{"item":1,"short_code":"LUN","name":"Lunch","status":"on-break"}]}
        "#;
        let mut engine = Engine::new(Zone::named("UTC").unwrap());
        for line in parse_batch(log.as_bytes(), None).unwrap() {
            engine.apply(&line.event);
        }
        let roster = Roster::of(&engine.present(), 5);
        let sales = &roster.queues[&115];
        assert_eq!((&*sales.name, sales.sla.unwrap().within_seconds), ("Sales", 20));
        assert_eq!(roster.assigned[&115], (2, 1));
        assert!(roster.agents["ann"].queues[&115]);
        assert_eq!(roster.group_name(roster.agents["ann"].group), "North (4)");
        assert_eq!(roster.codes[&7].items[0].name, "Lunch");
        assert_eq!((roster.next_queue(), roster.next_group(), roster.next_codes()), (116, 5, 8));
        let before = sales.version();
        let changed = Queue { name: "Sale".to_owned(), ..sales.clone() };
        assert_ne!(changed.version(), before);
        assert_eq!(sales.clone().version(), before);
    }
}
