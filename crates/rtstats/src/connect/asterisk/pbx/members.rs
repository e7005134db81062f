//! The members of the PBX's queues, as the manager interface tells them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Which member of which queue: the queue's name and the member's interface.
pub type MemberKey = (String, String);

/// One membership of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The queue's name.
    pub queue: String,
    /// What the queue dials.
    pub interface: String,
    /// What the queue watches.
    pub state_interface: String,
    /// The member's name; the interface where none was given.
    pub name: String,
    /// The agent that it stands for.
    pub agent: String,
    /// Not to be called, and why.
    pub paused: Option<String>,
    /// Place of the pause among all pauses seen: the latest gives the agent's reason.
    pub paused_order: u64,
    /// State of the device.
    pub device: DeviceState,
    /// The member's own wrap-up time; 0 leaves it to the queue.
    pub wrap_up_seconds: u32,
    /// In a call of this queue now.
    pub in_call: bool,
    /// Calls of this queue that the PBX has counted for it.
    pub calls_taken: u64,
    /// When the last call of this queue ended, in the PBX's epoch seconds; 0 before the first.
    pub last_call: i64,
}

/// The device states of Asterisk's `AST_DEVICE_…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// 0: nobody knows.
    Unknown,
    /// 1: idle.
    NotInUse,
    /// 2, 3, 7, 8: in a call, busy, a second call ringing, on hold.
    InUse,
    /// 4: no such device.
    Invalid,
    /// 5: not registered, not reachable.
    Unavailable,
    /// 6: ringing.
    Ringing,
}

impl DeviceState {
    /// From the number that member events carry.
    pub fn from_status(status: &str) -> DeviceState {
        match status {
            "1" => DeviceState::NotInUse,
            "2" | "3" | "7" | "8" => DeviceState::InUse,
            "4" => DeviceState::Invalid,
            "5" => DeviceState::Unavailable,
            "6" => DeviceState::Ringing,
            _ => DeviceState::Unknown,
        }
    }

    /// Whether a call could reach it.
    pub fn is_reachable(self) -> bool {
        !matches!(self, DeviceState::Invalid | DeviceState::Unavailable)
    }
}

/// All memberships, and the agents and devices behind them.
#[derive(Debug, Default)]
pub struct Members {
    by_key: BTreeMap<MemberKey, Member>,
    by_agent: HashMap<String, BTreeSet<MemberKey>>,
    /// Who sits at a device. A device that had a member once keeps its agent: calls may outlast memberships.
    by_device: HashMap<String, String>,
    pauses: u64,
    /// What the PBX had counted at the last listing, and the talks that ended since.
    taken: HashMap<MemberKey, u64>,
    talks: HashMap<MemberKey, u64>,
}

impl Members {
    /// Takes in a membership's present state; tells whether anything changed.
    pub fn put(&mut self, mut member: Member) -> bool {
        let key = (member.queue.clone(), member.interface.clone());
        let known = self.by_key.get(&key);
        member.paused_order = match known {
            Some(known) if known.paused == member.paused => known.paused_order,
            _ => {
                self.pauses += 1;
                self.pauses
            }
        };
        if known == Some(&member) {
            return false;
        }
        if let Some(known) = known
            && known.agent != member.agent
        {
            let agent = known.agent.clone();
            self.unlink(&agent, &key);
        }
        for device in devices(&member) {
            self.by_device.insert(device.to_owned(), member.agent.clone());
        }
        self.by_agent.entry(member.agent.clone()).or_default().insert(key.clone());
        self.by_key.insert(key, member);
        true
    }

    /// A membership ends.
    pub fn remove(&mut self, key: &MemberKey) -> Option<Member> {
        let member = self.by_key.remove(key)?;
        self.unlink(&member.agent, key);
        Some(member)
    }

    fn unlink(&mut self, agent: &str, key: &MemberKey) {
        if let Some(keys) = self.by_agent.get_mut(agent) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_agent.remove(agent);
            }
        }
    }

    /// A membership.
    pub fn get(&self, queue: &str, interface: &str) -> Option<&Member> {
        self.by_key.get(&(queue.to_owned(), interface.to_owned()))
    }

    /// The memberships of an agent.
    pub fn of_agent(&self, agent: &str) -> impl Iterator<Item = &Member> {
        self.by_agent.get(agent).into_iter().flatten().filter_map(|key| self.by_key.get(key))
    }

    /// All memberships.
    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_key.values()
    }

    /// How many memberships there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// A talk of a membership has ended, and was told.
    pub fn talked(&mut self, key: &MemberKey) {
        *self.talks.entry(key.clone()).or_default() += 1;
    }

    /// Calls that the PBX counted for a membership since the last listing and that were not heard to end; none where
    /// nobody can know.
    pub fn unheard(&self, member: &Member) -> Option<u64> {
        let key = (member.queue.clone(), member.interface.clone());
        let before = *self.taken.get(&key)?;
        // Counts that went back were reset, by a restart or an operator.
        let grown = if before <= member.calls_taken {
            member.calls_taken - before
        } else {
            member.calls_taken
        };
        Some(grown.saturating_sub(self.talks.get(&key).copied().unwrap_or(0)))
    }

    /// A listing was compared: growth is counted from here.
    pub fn count_from_here(&mut self) {
        self.talks.clear();
        self.taken =
            self.by_key.iter().map(|(key, member)| (key.clone(), member.calls_taken)).collect();
    }

    /// All memberships' keys.
    pub fn keys(&self) -> impl Iterator<Item = &MemberKey> {
        self.by_key.keys()
    }

    /// Who sits at a device.
    pub fn agent_at(&self, device: &str) -> Option<&str> {
        self.by_device.get(device).map(String::as_str)
    }

    /// A device belongs to an agent: a hint has told it.
    pub fn seat(&mut self, device: &str, agent: &str) {
        self.by_device.insert(device.to_owned(), agent.to_owned());
    }
}

/// The devices whose channels are the member's: what the queue dials, and what it watches if that is a device.
fn devices(member: &Member) -> impl Iterator<Item = &str> {
    [&member.interface, &member.state_interface].into_iter().filter_map(|name| device(name))
}

/// The device of an interface: without the options after a second slash, and none where it is no channel's.
pub fn device(interface: &str) -> Option<&str> {
    let (technology, rest) = interface.split_once('/')?;
    let end = rest.find('/').unwrap_or(rest.len());
    (!technology.is_empty() && end > 0).then(|| &interface[..technology.len() + 1 + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_names_its_device() {
        assert_eq!(device("PJSIP/101"), Some("PJSIP/101"));
        assert_eq!(device("Local/101@agents/n"), Some("Local/101@agents"));
        for none in ["Agent:1001", "Custom:x", "hint:101@ext-local", "", "PJSIP/", "/x"] {
            assert_eq!(device(none), None, "{none}");
        }
    }
}
