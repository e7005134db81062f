//! What an operator decides about how Asterisk's world becomes ours.

use std::collections::BTreeMap;

use stats::event::Sla;

/// The mapping's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Number, name, wrap-up and service level of queues, by the queue's name in queues.conf.
    pub queues: BTreeMap<String, QueueMapping>,
    /// Serve the queues of `queues` alone, not whatever the PBX has.
    pub only_listed_queues: bool,
    /// Agent ids by the member's name or interface, over what `agent_id` says.
    pub agents: BTreeMap<String, String>,
    /// Where an agent id comes from.
    pub agent_id: AgentId,
    /// Status codes of pause reasons, by the reason's text.
    pub pauses: BTreeMap<String, PauseMapping>,
    /// Number of the status code list that holds the pause reasons.
    pub code_list: i64,
    /// Wrap-up time of queues that name none: AMI doesn't tell a queue's `wrapuptime`.
    pub wrap_up_seconds: u32,
    /// The percentage of the service level where the PBX's `servicelevel` gives the limit.
    pub sla_percent: u8,
    /// Whether calls beside the queues keep their agent busy.
    pub direct_calls: bool,
}

/// One queue's settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueueMapping {
    /// The number that the API shows.
    pub number: Option<u32>,
    /// The name that the API shows.
    pub name: Option<String>,
    /// Wrap-up time, as `wrapuptime` in queues.conf.
    pub wrap_up_seconds: Option<u32>,
    /// Service level, instead of the PBX's `servicelevel`.
    pub sla: Option<Sla>,
}

/// One pause reason's settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PauseMapping {
    /// Number of the item in the status code list.
    pub item: Option<i64>,
    /// What documents show; without it the reason's text.
    pub short_code: Option<String>,
    /// Paused for this reason is work offline, not on break.
    pub work_offline: bool,
}

/// Where an agent id comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AgentId {
    /// The member's name, as queue_log has it.
    #[default]
    Name,
    /// The member's interface: `PJSIP/101` is agent 101.
    Interface,
}

impl Default for Mapping {
    fn default() -> Mapping {
        Mapping {
            queues: BTreeMap::new(),
            only_listed_queues: false,
            agents: BTreeMap::new(),
            agent_id: AgentId::Name,
            pauses: BTreeMap::new(),
            code_list: 1,
            wrap_up_seconds: 0,
            sla_percent: 80,
            direct_calls: true,
        }
    }
}
