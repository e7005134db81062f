//! Two views of one centre at one instant: Asterisk's own, and our documents; and where they differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;

use crate::{
    ami::{Packet, Reply},
    tally::{QueueTally, Tally},
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

    pub fn agent(&self, agent: &str, field: &str) -> i64 {
        self.agents.get(agent).map_or(-2, |document| document[field].as_i64().unwrap())
    }
}

/// Counts at which Asterisk began to count anew.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// Ours: accepted, abandoned, diverted.
    pub ours: BTreeMap<String, [i64; 3]>,
    /// Asterisk's: abandoned.
    pub theirs: BTreeMap<String, i64>,
    /// By how much our accepted calls that are over may stand above Asterisk's completed ones: at least, at most.
    pub over: BTreeMap<String, [i64; 2]>,
    pub tally: BTreeMap<String, QueueTally>,
}

/// A wrap-up lasts no longer.
const REMEMBERED: Duration = Duration::from_secs(5);

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
    tally: &Tally,
    wrap_ups: &BTreeMap<&str, i64>,
    now: i64,
) -> BTreeSet<Difference> {
    let mut found = BTreeSet::new();
    for (queue, params) in &view.queues {
        compare_waiting(&mut found, view, ours, queue, params);
        let counted = tally.queues.get(queue).copied().unwrap_or_default();
        compare_counts(&mut found, ours, base, queue, params, counted);
        compare_completed(&mut found, view, ours, base, queue, tally);
        let members = view.members.values().flatten();
        let members = members.filter(|member| member.get("Queue") == queue).count() as i64;
        let assigned = ours.queue(queue, "assigned-agent-count");
        check(&mut found, format!("{queue}: members"), members, assigned);
    }
    let offered = tally.offered();
    for (name, memberships) in &view.members {
        let mut expected = expected_statuses(memberships, offered.contains(&**name), wrap_ups, now);
        // Asterisk forgets the call of a member who leaves its queue; the agent still has to write it up.
        let is_free = expected.contains(&0) || expected.contains(&4);
        if is_free && tally.forgot_within(name, REMEMBERED) {
            expected.insert(3);
        }
        compare_member(&mut found, ours, name, memberships, &expected);
    }
    for (agent, document) in &ours.agents {
        let status = document["agent-status"].as_i64().unwrap();
        // Who has left in a call, or while the phone rings, is busy until that ends.
        let ends_yet = matches!(status, 2 | 3) || status == 1 && offered.contains(&**agent);
        if !view.members.contains_key(agent) && status != 9 && !ends_yet {
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
            let (asterisk, ours) =
                ("the longest".to_owned(), format!("{} s less", longest - shown));
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
    let lost0 = base.theirs.get(queue).copied().unwrap_or_default();
    let tally0 = base.tally.get(queue).copied().unwrap_or_default();
    let [accepted, abandoned, diverted] = outcomes(ours, queue);
    let connected = tally.connected - tally0.connected;
    check(found, format!("{queue}: connected = accepted"), connected, accepted - accepted0);
    let lost = params.number("Abandoned") - lost0 + (tally.by_key - tally0.by_key);
    check(
        found,
        format!("{queue}: abandoned + by key = abandoned + diverted"),
        lost,
        abandoned - abandoned0 + diverted - diverted0,
    );
    let hung_up = tally.hung_up - tally0.hung_up;
    check(found, format!("{queue}: hung up = abandoned"), hung_up, abandoned - abandoned0);
    let moved_on = tally.moved_on + tally.by_key - tally0.moved_on - tally0.by_key;
    check(found, format!("{queue}: moved on = diverted"), moved_on, diverted - diverted0);
}

/// Our accepted calls of a queue that are over, less Asterisk's completed: at least, at most. Without calls both are the
/// same figure. Ours stay in progress through the wrap-up; Asterisk's forget a call whose member leaves, and last after
/// an attended transfer while the others talk on.
pub fn over(view: &View, ours: &Documents, queue: &str, tally: &Tally) -> [i64; 2] {
    let members = view.members.iter();
    let in_call: Vec<&String> = members
        .filter(|(_, memberships)| {
            memberships.iter().any(|one| one.get("Queue") == queue && one.get("InCall") == "1")
        })
        .map(|(name, _)| name)
        .collect();
    let elsewhere = in_call.iter().filter(|name| {
        let calls = view.members[**name].iter().filter(|one| one.get("InCall") == "1").count();
        calls > 1 || !matches!(ours.agent(name, "agent-status"), 2 | 3)
    });
    let most_open = ours.queue(queue, "number-in-progress") + elsewhere.count() as i64;
    // Of a member who left in the call no InCall tells that the queue still waits for its end.
    let most_open = most_open.max(tally.open(queue));
    let completed = view.queues[queue].number("Completed");
    let accepted = ours.queue(queue, "day-accepted");
    let by_ours = accepted - most_open - completed;
    let by_theirs = accepted - in_call.len() as i64 - completed;
    // InCall that lasts after a transfer, of a member who is busy with another queue's call, is in neither's right place.
    [by_ours.min(by_theirs), by_ours.max(by_theirs)]
}

fn compare_completed(
    found: &mut BTreeSet<Difference>,
    view: &View,
    ours: &Documents,
    base: &Baseline,
    queue: &str,
    tally: &Tally,
) {
    let counted = tally.queues.get(queue).copied().unwrap_or_default();
    let [least0, most0] = base.over.get(queue).copied().unwrap_or_default();
    let tally0 = base.tally.get(queue).copied().unwrap_or_default();
    // Of two calls that a member has at once in a queue (ringinuse) Asterisk counts one.
    let uncounted = counted.overlapping - tally0.overlapping;
    let [least, most] = over(view, ours, queue, tally);
    if least - uncounted > most0 || most < least0 {
        let what = format!("{queue}: completed = accepted and over");
        let asterisk = view.queues[queue].get("Completed").to_owned();
        let ours =
            format!("{least} to {most} more, was {least0} to {most0}, uncounted {uncounted}");
        found.insert(Difference { what, asterisk, ours });
    }
}

fn compare_member(
    found: &mut BTreeSet<Difference>,
    ours: &Documents,
    name: &str,
    memberships: &[Packet],
    expected: &BTreeSet<i64>,
) {
    let paused = paused(memberships);
    let all_paused = paused == memberships.len();
    let status = ours.agent(name, "agent-status");
    let what = |which: &str| format!("{name}: {which}");
    if !expected.contains(&status) {
        let seen = memberships.iter().map(|member| {
            let value = |key: &str| member.get(key).to_owned();
            format!(
                "{} Status {} InCall {} Paused {} {} LastCall {}",
                value("Queue"),
                value("Status"),
                value("InCall"),
                value("Paused"),
                value("PausedReason"),
                value("LastCall")
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

fn paused(memberships: &[Packet]) -> usize {
    memberships.iter().filter(|member| member.get("Paused") == "1").count()
}

/// What a member's agent-status may be by Asterisk's view, and by whether a queue's call rings for the member.
fn expected_statuses(
    memberships: &[Packet],
    is_offered: bool,
    wrap_ups: &BTreeMap<&str, i64>,
    now: i64,
) -> BTreeSet<i64> {
    let base = if paused(memberships) == memberships.len() { 4 } else { 0 };
    let is_local = memberships[0].get("Location").starts_with("Local/");
    let device = memberships[0].number("Status");
    if memberships.iter().any(|member| member.get("InCall") == "1") {
        // After an attended transfer the call goes on, and InCall with it, without the agent.
        return match device {
            6 if !is_local && is_offered => [1].into(),
            1 | 6 if !is_local => [base, 3].into(),
            _ => [2].into(),
        };
    }
    match device {
        4 | 5 => return [9].into(),
        2 | 3 | 7 | 8 if !is_local => return [2].into(),
        _ if is_offered => return [1].into(),
        // The agent's channel outlives the queue's call: in the consultation of a transfer, for one.
        2 if is_local => return [base, 2, 3].into(),
        _ => {}
    }
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
