//! Two views of one centre at one instant: Asterisk's own, and our documents; and where they differ.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    ami::{Packet, Reply},
    tally::QueueTally,
};

/// Asterisk's answer to QueueStatus.
#[derive(Debug, Clone, Default)]
pub struct View {
    pub queues: BTreeMap<String, Packet>,
    pub entries: BTreeMap<String, Vec<Packet>>,
    /// Memberships by member's name.
    pub members: BTreeMap<String, Vec<Packet>>,
}

impl View {
    pub fn of(reply: &Reply) -> View {
        let mut view = View::default();
        for packet in &reply.list {
            let packet = packet.clone();
            let queue = packet.get("Queue").to_owned();
            match packet.get("Event") {
                "QueueParams" => drop(view.queues.insert(queue, packet)),
                "QueueEntry" => view.entries.entry(queue).or_default().push(packet),
                "QueueMember" => {
                    let name = packet.get("Name").to_owned();
                    view.members.entry(name).or_default().push(packet);
                }
                _ => {}
            }
        }
        view
    }
}

/// Our lists of queues and agents.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    pub queues: BTreeMap<String, Value>,
    pub agents: BTreeMap<String, Value>,
}

impl Documents {
    pub fn of(queues: &Value, agents: &Value) -> Documents {
        let by = |list: &Value, key: &str| -> BTreeMap<String, Value> {
            let items = list.as_array().unwrap().iter();
            items.map(|item| (item[key].as_str().unwrap().to_owned(), item.clone())).collect()
        };
        Documents {
            queues: by(&queues["queue"], "queue-name"),
            agents: by(&agents["agent"], "agent-id"),
        }
    }

    /// A figure of a queue; a queue that we don't know has none of anything.
    pub fn queue(&self, queue: &str, field: &str) -> i64 {
        self.queues.get(queue).map_or(0, |document| document[field].as_i64().unwrap())
    }

    fn agent(&self, agent: &str, field: &str) -> i64 {
        self.agents.get(agent).map_or(-2, |document| document[field].as_i64().unwrap())
    }
}

/// Counts at which Asterisk began to count anew.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// Ours: accepted, abandoned, diverted.
    pub ours: BTreeMap<String, [i64; 3]>,
    /// Asterisk's: completed, abandoned.
    pub theirs: BTreeMap<String, [i64; 2]>,
    pub tally: BTreeMap<String, QueueTally>,
}

/// One thing on which the two differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub what: String,
    pub asterisk: String,
    pub ours: String,
}

/// Accepted, abandoned and diverted of a queue in our documents.
pub fn outcomes(ours: &Documents, queue: &str) -> [i64; 3] {
    let figure = |field| ours.queue(queue, field);
    let open = figure("queue-size") + figure("number-in-offered");
    let (accepted, abandoned) = (figure("day-accepted"), figure("day-abandoned"));
    [accepted, abandoned, figure("day-queued") - open - accepted - abandoned]
}

/// Everything on which they differ at this instant.
pub fn differences(
    view: &View,
    ours: &Documents,
    base: &Baseline,
    tally: &BTreeMap<String, QueueTally>,
    wrap_ups: &BTreeMap<&str, i64>,
    now: i64,
) -> BTreeSet<Difference> {
    let mut found = BTreeSet::new();
    for (queue, params) in &view.queues {
        compare_waiting(&mut found, view, ours, queue, params);
        let tally = tally.get(queue).copied().unwrap_or_default();
        compare_counts(&mut found, ours, base, queue, params, tally);
        let members = view.members.values().flatten();
        let members = members.filter(|member| member.get("Queue") == queue).count() as i64;
        let assigned = ours.queue(queue, "assigned-agent-count");
        check(&mut found, format!("{queue}: members"), members, assigned);
    }
    for (name, memberships) in &view.members {
        compare_member(&mut found, ours, name, memberships, wrap_ups, now);
    }
    for (agent, document) in &ours.agents {
        let status = document["agent-status"].as_i64().unwrap();
        // Who has left in a call is busy until it ends.
        if !view.members.contains_key(agent) && ![9, 2, 3].contains(&status) {
            let ours = format!("agent-status {status}");
            let asterisk = "no member of any queue".to_owned();
            found.insert(Difference { what: format!("{agent}: status"), asterisk, ours });
        }
    }
    found
}

fn check(found: &mut BTreeSet<Difference>, what: String, asterisk: i64, ours: i64) {
    if asterisk != ours {
        let (asterisk, ours) = (asterisk.to_string(), ours.to_string());
        found.insert(Difference { what, asterisk, ours });
    }
}

fn compare_waiting(
    found: &mut BTreeSet<Difference>,
    view: &View,
    ours: &Documents,
    queue: &str,
    params: &Packet,
) {
    let offered = ours.queue(queue, "number-in-offered");
    let open = ours.queue(queue, "queue-size") + offered;
    check(found, format!("{queue}: callers"), params.number("Calls"), open);
    let waits = view.entries.get(queue).into_iter().flatten().map(|entry| entry.number("Wait"));
    // Ours leaves out whom an agent's phone rings for.
    if offered == 0
        && let Some(longest) = waits.max()
    {
        let shown = ours.queue(queue, "longest-wait-time");
        if (longest - shown).abs() > 1 {
            // The figures grow, so the difference is what must stay the same to count.
            let what = format!("{queue}: longest wait");
            let (asterisk, ours) = ("the longest".to_owned(), format!("{} s less", longest - shown));
            found.insert(Difference { what, asterisk, ours });
        }
    }
}

fn compare_counts(
    found: &mut BTreeSet<Difference>,
    ours: &Documents,
    base: &Baseline,
    queue: &str,
    params: &Packet,
    tally: QueueTally,
) {
    let [accepted0, abandoned0, diverted0] = base.ours.get(queue).copied().unwrap_or_default();
    let [completed0, lost0] = base.theirs.get(queue).copied().unwrap_or_default();
    let tally0 = base.tally.get(queue).copied().unwrap_or_default();
    let [accepted, abandoned, diverted] = outcomes(ours, queue);
    let under_way = (tally.connected - tally.completed) - (tally0.connected - tally0.completed);
    let completed = params.number("Completed") - completed0;
    check(
        found,
        format!("{queue}: completed + under way = accepted"),
        completed + under_way,
        accepted - accepted0,
    );
    let lost = params.number("Abandoned") - lost0 + (tally.by_key - tally0.by_key);
    check(
        found,
        format!("{queue}: abandoned + by key = abandoned + diverted"),
        lost,
        abandoned - abandoned0 + diverted - diverted0,
    );
}

fn compare_member(
    found: &mut BTreeSet<Difference>,
    ours: &Documents,
    name: &str,
    memberships: &[Packet],
    wrap_ups: &BTreeMap<&str, i64>,
    now: i64,
) {
    let flag = |member: &Packet, key: &str| member.get(key) == "1";
    let paused = memberships.iter().filter(|member| flag(member, "Paused")).count();
    let all_paused = paused == memberships.len();
    let expected = expected_statuses(memberships, all_paused, wrap_ups, now);
    let status = ours.agent(name, "agent-status");
    let what = |which: &str| format!("{name}: {which}");
    if !expected.contains(&status) {
        let seen = memberships.iter().map(|member| {
            let value = |key: &str| member.get(key).to_owned();
            format!(
                "{} Status {} InCall {} Paused {} {}",
                value("Queue"),
                value("Status"),
                value("InCall"),
                value("Paused"),
                value("PausedReason")
            )
        });
        let asterisk = format!("{expected:?} by {}", seen.collect::<Vec<_>>().join("; "));
        let ours = format!("agent-status {status}");
        found.insert(Difference { what: what("status"), asterisk, ours });
    }
    let assigned = ours.agent(name, "assigned-skill-count");
    check(found, what("queues"), memberships.len() as i64, assigned);
    let enabled = if all_paused { memberships.len() } else { memberships.len() - paused };
    check(found, what("enabled queues"), enabled as i64, ours.agent(name, "enabled-skill-count"));
    let reasons: BTreeSet<&str> =
        memberships.iter().map(|member| member.get("PausedReason")).collect();
    if all_paused && status == 4 && reasons.len() == 1 {
        let asterisk = reasons.into_iter().next().unwrap().to_owned();
        let shown = ours.agents[name]["status-code-item-short-code"].as_str().unwrap().to_owned();
        if asterisk != shown {
            found.insert(Difference { what: what("reason"), asterisk, ours: shown });
        }
    }
}

/// What a member's agent-status may be by Asterisk's view.
fn expected_statuses(
    memberships: &[Packet],
    all_paused: bool,
    wrap_ups: &BTreeMap<&str, i64>,
    now: i64,
) -> BTreeSet<i64> {
    let base = if all_paused { 4 } else { 0 };
    let in_call = memberships.iter().any(|member| member.get("InCall") == "1");
    let location = memberships[0].get("Location");
    let device = memberships[0].number("Status");
    if in_call {
        return [2].into();
    }
    match device {
        4 | 5 => [9].into(),
        // A Local channel is in use from its first ring on.
        2 if location.starts_with("Local/") => [0, 1, 2, 3, 4].into(),
        2 | 3 | 7 | 8 => [2].into(),
        6 => [1].into(),
        _ => {
            let left = memberships.iter().map(|member| {
                let wrap_up = wrap_ups.get(member.get("Queue")).copied().unwrap_or(0);
                member.number("LastCall") + wrap_up - now
            });
            // LastCall and now are in whole seconds.
            match left.max().unwrap_or(0) {
                2.. => [3].into(),
                -1..=1 => [base, 3].into(),
                _ => [base].into(),
            }
        }
    }
}
