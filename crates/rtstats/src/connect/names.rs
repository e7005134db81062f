//! The numbers and ids under which rtstats knows what another system calls by names: configured, or assigned once and
//! kept.
//!
//! Pure: it is read from text and written to text; where the text lies is its owner's matter.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stats::limit;

/// Names of another system, and what they are called here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Names {
    /// Queue numbers by the queue's name.
    queues: BTreeMap<String, u32>,
    /// Agent ids by the member's name.
    agents: BTreeMap<String, String>,
    /// Items of the status code list by the reason's text.
    codes: BTreeMap<String, i64>,
    /// Something was assigned since it was last taken for writing.
    #[serde(skip)]
    changed: bool,
}

impl Names {
    /// The number of a queue; a new one gets the lowest number above all others.
    pub fn queue(&mut self, name: &str) -> u32 {
        if let Some(number) = self.queues.get(name) {
            return *number;
        }
        let number = self.free_queue(|_| false);
        self.queues.insert(name.to_owned(), number);
        self.changed = true;
        number
    }

    /// The lowest number above all others that is not taken elsewhere either; from the lowest on where there is none above.
    pub fn free_queue(&self, is_taken: impl Fn(u32) -> bool) -> u32 {
        let own: BTreeSet<u32> = self.queues.values().copied().collect();
        let above = own.last().map_or(1, |last| last.saturating_add(1));
        let mut numbers = (above..=limit::QUEUE_ID_MAX).chain(1..above);
        // There are more numbers than a memory holds names.
        numbers
            .find(|number| !own.contains(number) && !is_taken(*number))
            .unwrap_or(limit::QUEUE_ID_MAX)
    }

    /// The number of a queue that is known.
    pub fn known_queue(&self, name: &str) -> Option<u32> {
        self.queues.get(name).copied()
    }

    /// The queue that has a number.
    pub fn queue_name(&self, number: u32) -> Option<&str> {
        self.queues.iter().find(|(_, known)| **known == number).map(|(name, _)| name.as_str())
    }

    /// Gives a queue its configured number.
    pub fn set_queue(&mut self, name: &str, number: u32) {
        if self.queues.get(name) != Some(&number) {
            self.queues.insert(name.to_owned(), number);
            self.changed = true;
        }
    }

    /// The id of the agent that a member's name stands for, once it is known.
    pub fn known_agent(&self, member: &str) -> Option<&str> {
        self.agents.get(member).map(String::as_str)
    }

    /// Gives a member's name its agent id.
    pub fn set_agent(&mut self, member: &str, agent: &str) {
        if self.agents.get(member).is_none_or(|known| known != agent) {
            self.agents.insert(member.to_owned(), agent.to_owned());
            self.changed = true;
        }
    }

    /// The item that a reason's text has in the status code list; a new one gets the next number.
    pub fn code(&mut self, reason: &str) -> i64 {
        if let Some(item) = self.codes.get(reason) {
            return *item;
        }
        let item = self.codes.values().max().map_or(1, |max| max.saturating_add(1));
        self.codes.insert(reason.to_owned(), item);
        self.changed = true;
        item
    }

    /// The item of a reason that is known.
    pub fn known_code(&self, reason: &str) -> Option<i64> {
        self.codes.get(reason).copied()
    }

    /// Gives a reason its configured item.
    pub fn set_code(&mut self, reason: &str, item: i64) {
        if self.codes.get(reason) != Some(&item) {
            self.codes.insert(reason.to_owned(), item);
            self.changed = true;
        }
    }

    /// All reasons with their items.
    pub fn codes(&self) -> impl ExactSizeIterator<Item = (&str, i64)> {
        self.codes.iter().map(|(reason, item)| (reason.as_str(), *item))
    }

    /// Whether anything was assigned since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

/// The agent id in a member's name or interface: the name itself; of an interface such as `PJSIP/101` or
/// `Local/101@agents/n` what stands between technology and context. Characters that an id can't hold become `-`.
pub fn agent_id(member: &str) -> String {
    let part = match member.split_once('/') {
        Some((_technology, rest)) => {
            let rest = rest.split('/').next().unwrap_or(rest);
            rest.split('@').next().unwrap_or(rest)
        }
        None => member,
    };
    let part = if part.is_empty() { member } else { part };
    let clean = part.chars().map(|c| if c == '/' || c.is_control() { '-' } else { c });
    let id: String = clean.take(limit::ID_CHARS_MAX).collect();
    if id.is_empty() { "-".to_owned() } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_assigned_once_and_kept() {
        let mut names = Names::default();
        names.set_queue("sales", 101);
        assert_eq!((names.queue("support"), names.queue("sales")), (102, 101));
        assert_eq!((names.code("Lunch"), names.code("Coffee"), names.code("Lunch")), (1, 2, 1));
        assert!(names.take_changed() && !names.take_changed());
        let kept: Names = serde_json::from_str(&serde_json::to_string(&names).unwrap()).unwrap();
        assert_eq!(kept, names);
    }

    #[test]
    fn an_interface_gives_the_id_that_people_dial() {
        for (member, id) in [
            ("Ann Lee", "Ann Lee"),
            ("PJSIP/101", "101"),
            ("Local/101@from-queue/n", "101"),
            ("Agent/1001", "1001"),
            ("SIP/", "SIP-"),
            ("", "-"),
        ] {
            assert_eq!(agent_id(member), id, "{member:?}");
        }
    }
}
