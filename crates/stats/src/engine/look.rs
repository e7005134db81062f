//! One agent as it is now, without copying or freezing everybody else.

use std::{collections::BTreeMap, sync::Arc};

use super::{CodeList, Engine, Status};
use crate::event::Base;

/// What one agent is, has chosen and works for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentNow {
    /// What people read.
    pub name: Arc<str>,
    /// What follows from that and from the calls, as agent-status tells it.
    pub status: Status,
    /// What the agent chose.
    pub base: Base,
    /// The list and the item of the code given with it, as far as they were given.
    pub code: (Option<i64>, Option<i64>),
    /// The queues to which the agent is assigned, by number.
    pub ties: Vec<Tie>,
    /// All code lists of the tenant, by number.
    pub codes: BTreeMap<i64, CodeList>,
}

/// An agent's tie to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// The queue's number.
    pub queue: u32,
    /// Its name.
    pub name: Arc<str>,
    /// Whether the agent takes work from it.
    pub enabled: bool,
}

impl Engine {
    /// One agent now; none if there is no such agent. Costs as much as the agent has queues and the tenant has codes.
    pub fn agent_now(&self, agent: &str) -> Option<AgentNow> {
        let fold = &self.fold;
        let agent = &fold.agents[fold.agent_slot(agent).ok()?];
        let tie = |assignment: &super::agent::Assignment| {
            let queue = &fold.queues[assignment.queue];
            Tie { queue: queue.id, name: queue.name.clone(), enabled: assignment.enabled }
        };
        let mut ties: Vec<Tie> = agent.assignments.iter().map(tie).collect();
        ties.sort_unstable_by_key(|tie| tie.queue);
        Some(AgentNow {
            name: agent.name.clone(),
            status: agent.status_time.status(),
            base: agent.base,
            code: (agent.code.list, agent.code.item),
            ties,
            codes: fold.codes.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse::parse_batch, zone::Zone};

    #[test]
    fn an_agent_is_told_with_status_queues_and_codes() {
        let log = r#"
            {"time":1,"type":"queue.configured","queue":9,"name":"Sales","media":"phone"}
            {"time":1,"type":"queue.configured","queue":2,"name":"Help","media":"chat"}
            {"time":1,"type":"agent.configured","agent":"ann","name":"Ann"}
            {"time":1,"type":"assignment.set","agent":"ann","queue":9,"assigned":true}
            {"time":1,"type":"assignment.set","agent":"ann","queue":2,"assigned":true,"enabled":false}
            {"time":1,"type":"codes.configured","list":1,"name":"Breaks","items":[{"item":3,"short_code":"DOC","name":"Papers","status":"work-offline"}]}
            {"time":2,"type":"agent.status","agent":"ann","status":"work-offline","list":1,"item":3}
        "#;
        let mut engine = Engine::new(Zone::named("UTC").unwrap());
        for line in parse_batch(log.as_bytes(), None).unwrap() {
            engine.apply(&line.event);
        }
        let ann = engine.agent_now("ann").unwrap();
        assert_eq!(
            (&*ann.name, ann.status, ann.base, ann.code),
            ("Ann", Status::WorkOffline, Base::WorkOffline, (Some(1), Some(3)))
        );
        let ties: Vec<_> =
            ann.ties.iter().map(|tie| (tie.queue, &*tie.name, tie.enabled)).collect();
        assert_eq!(ties, [(2, "Help", false), (9, "Sales", true)]);
        let papers = &ann.codes[&1].items[&3];
        assert_eq!((&*papers.name, papers.status), ("Papers", Base::WorkOffline));
        let kept = Engine::restore(&engine.snapshot()).unwrap();
        assert_eq!(
            kept.agent_now("ann"),
            Some(ann),
            "a snapshot keeps names and statuses of codes"
        );
        assert_eq!(engine.agent_now("bob"), None);

        let call = r#"
            {"time":3,"type":"transaction.queued","transaction":"c","queue":9}
            {"time":4,"type":"transaction.accepted","transaction":"c","agent":"ann"}
        "#;
        for line in parse_batch(call.as_bytes(), None).unwrap() {
            engine.apply(&line.event);
        }
        let ann = engine.agent_now("ann").unwrap();
        assert_eq!((ann.status, ann.base), (Status::Busy, Base::WorkOffline));
    }
}
