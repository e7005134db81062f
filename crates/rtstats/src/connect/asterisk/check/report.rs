//! What was seen, as text. Pure: what was seen comes in, lines go out.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use super::{
    Verdict,
    seen::{LISTEN, Listed, Member, Seen},
    table,
};
use crate::connect::{
    asterisk::{
        mapping::{AgentId, Mapping},
        pbx::DeviceState,
    },
    names::{self, Names},
};

/// Clocks that differ by more aren't set by NTP; somebody who compares logs should know.
const CLOCK_AHEAD_MS_MAX: i64 = 1_000;

/// What is wrong, and what is only to be known.
#[derive(Default)]
struct Findings {
    missing: Vec<String>,
    notes: Vec<String>,
    /// Rights of which nothing showed.
    unproven: Vec<String>,
}

/// Writes the whole report.
pub(super) fn write(
    seen: &Seen,
    username: &str,
    mapping: &Mapping,
    names: &mut Names,
    out: &mut impl Write,
) -> anyhow::Result<Verdict> {
    let mut text = Vec::new();
    let verdict = compose(seen, username, mapping, names, &mut text)?;
    out.write_all(printable(&String::from_utf8_lossy(&text)).as_bytes())?;
    Ok(verdict)
}

/// Without what would move a terminal: names are the PBX's, and who named them may mean ill.
fn printable(text: &str) -> String {
    let is_harmful = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn compose(
    seen: &Seen,
    username: &str,
    mapping: &Mapping,
    names: &mut Names,
    out: &mut Vec<u8>,
) -> anyhow::Result<Verdict> {
    let mut findings = Findings::default();
    write_pbx(seen, &mut findings, out)?;
    write_rights(seen, username, &mut findings, out)?;
    let served = |queue: &str| !mapping.only_listed_queues || mapping.queues.contains_key(queue);
    write_queues(seen, mapping, names, &served, &mut findings, out)?;
    write_members(&seen.last, mapping, &served, &mut findings, out)?;
    judge_members(&seen.last, mapping, &served, &mut findings);
    for (heading, lines) in [("Missing", &findings.missing), ("Notes", &findings.notes)] {
        if !lines.is_empty() {
            writeln!(out, "\n{heading}")?;
        }
        for line in lines {
            writeln!(out, "  - {line}")?;
        }
    }
    if findings.missing.is_empty() {
        match &findings.unproven[..] {
            [] => writeln!(out, "\nNothing is missing.")?,
            rights => writeln!(
                out,
                "\nNothing was found missing. Not proven: {}. Make a call into a queue while this runs.",
                rights.join(", ")
            )?,
        }
        return Ok(Verdict::Well);
    }
    Ok(Verdict::Lacking)
}

fn write_pbx(seen: &Seen, findings: &mut Findings, out: &mut impl Write) -> anyhow::Result<()> {
    let clock = match seen.clock_ahead_ms {
        Some(ms) if ms.abs() > CLOCK_AHEAD_MS_MAX => {
            findings.notes.push(format!(
                "the clocks of the PBX and of this machine differ by {ms} ms, which is allowed for; set both by NTP"
            ));
            format!("{ms:+} ms against ours")
        }
        Some(ms) => format!("{ms:+} ms against ours"),
        None => "not told".to_owned(),
    };
    let timestamps = match seen.timestamps {
        Some(true) => "on",
        Some(false) => {
            findings.missing.push(
                "events carry no time: set `timestampevents = yes` in [general] of manager.conf, else each counts \
                 when it arrives"
                    .to_owned(),
            );
            "off"
        }
        None => {
            findings.notes.push(format!(
                "no event came within {} s, so it isn't known whether `timestampevents` is on; it should be",
                LISTEN.as_secs()
            ));
            "not known: no event came"
        }
    };
    let not_told = || "not told".to_owned();
    let row = |key: &str, value: String| [key.to_owned(), value];
    let rows = [
        row("version", seen.version.clone().unwrap_or_else(not_told)),
        row("manager interface", seen.ami_version.clone()),
        row("started", seen.started.clone().unwrap_or_else(not_told)),
        row("clock", clock),
        row("timestampevents", timestamps.to_owned()),
    ];
    Ok(table::write(&rows, out)?)
}

/// What the user may do and hear. AMI tells no user its classes of events: they are known by what came.
fn write_rights(
    seen: &Seen,
    username: &str,
    findings: &mut Findings,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let lacking: Vec<&str> = ["CoreShowChannels", "CoreSettings", "CoreStatus", "ExtensionState"]
        .into_iter()
        .filter(|command| !seen.commands.contains(*command))
        .collect();
    let write = if lacking.is_empty() {
        "yes".to_owned()
    } else {
        findings.missing.push(format!(
            "the user may not ask for {}: set `write = reporting` in [{username}] of manager.conf",
            lacking.join(", ")
        ));
        "no".to_owned()
    };
    rows.push(["write reporting".to_owned(), write]);
    for (class, purpose) in [
        ("agent", "what happens in queues"),
        ("call", "what happens to channels"),
        ("system", "starts, reloads and stops of Asterisk"),
        ("dialplan", "why callers leave queues"),
    ] {
        let shown = match seen.events.get(class) {
            Some(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).take(3).collect();
                format!("yes: {} came", names.join(", "))
            }
            // Asterisk greets whoever may hear it.
            None if class == "system" || seen.is_deaf_to(class) => {
                findings.missing.push(format!(
                    "events of the class `{class}` don't come ({purpose}): add `{class}` to `read` in [{username}] of \
                     manager.conf, and check its `eventfilter`"
                ));
                "no".to_owned()
            }
            // Of use, but not needed; and with the documented filter such an event is rare.
            None if class == "dialplan" => "not known: no such event came".to_owned(),
            None => {
                findings.unproven.push(format!("read = {class}"));
                findings.notes.push(format!(
                    "no event of the class `{class}` came within {} s ({purpose}), which may be mere quiet: check \
                     while calls are made that `read` in [{username}] of manager.conf has `{class}`",
                    LISTEN.as_secs()
                ));
                "not known: no such event came".to_owned()
            }
        };
        rows.push([format!("read {class}"), shown]);
    }
    writeln!(out, "\nRights of {username:?}")?;
    Ok(table::write(&rows, out)?)
}

fn write_queues(
    seen: &Seen,
    mapping: &Mapping,
    names: &mut Names,
    served: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let listed = &seen.last;
    for queue in mapping.queues.keys().filter(|queue| !listed.queues.contains_key(*queue)) {
        findings.missing.push(format!("the queue {queue:?} of our configuration isn't on the PBX"));
    }
    match &seen.queues_refused {
        Some(reason) if reason.contains("unknown command") => findings.missing.push(
            "QueueStatus is unknown: app_queue isn't loaded (`module load app_queue.so`)"
                .to_owned(),
        ),
        Some(reason) => findings.missing.push(format!("QueueStatus is refused: {reason}")),
        None if listed.queues.is_empty() => findings.missing.push(
            "the PBX has no queue: check queues.conf, and `queue show` on Asterisk's console"
                .to_owned(),
        ),
        None => {}
    }
    for (queue, own) in &mapping.queues {
        if let Some(number) = own.number {
            names.set_queue(queue, number);
        }
    }
    let heading = [
        "number",
        "queue",
        "shown as",
        "strategy",
        "members",
        "waiting",
        "service level",
        "wrap-up",
    ];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(listed.queues.keys().map(|name| match served(name) {
        true => served_queue(listed, name, mapping, names),
        false => ["-", name, "not served", "-", "-", "-", "-", "-"].map(str::to_owned),
    }));
    let no_wrap_up: Vec<&str> = listed
        .queues
        .keys()
        .filter(|name| served(name) && mapping.wrap_up_seconds == 0)
        .filter(|name| mapping.queues.get(*name).is_none_or(|own| own.wrap_up_seconds.is_none()))
        .map(String::as_str)
        .collect();
    if !no_wrap_up.is_empty() {
        findings.notes.push(format!(
            "AMI doesn't tell `wrapuptime` of queues.conf: if it is set, set `wrap_up_seconds` to the same for {}",
            no_wrap_up.join(", ")
        ));
    }
    writeln!(out, "\nQueues")?;
    Ok(table::write(&rows, out)?)
}

fn served_queue(listed: &Listed, name: &str, mapping: &Mapping, names: &mut Names) -> [String; 8] {
    let queue = &listed.queues[name];
    let own = mapping.queues.get(name).cloned().unwrap_or_default();
    let members = listed.members.keys().filter(|(of, _)| of == name).count();
    let service_level = match (own.sla, queue.service_level_seconds) {
        (Some(sla), _) => format!("{} % in {} s", sla.percent, sla.within_seconds),
        (None, 0) => "none".to_owned(),
        (None, seconds) => format!("{} % in {seconds} s", mapping.sla_percent),
    };
    let wrap_up_seconds = own.wrap_up_seconds.unwrap_or(mapping.wrap_up_seconds);
    [
        names.queue(name).to_string(),
        name.to_owned(),
        own.name.unwrap_or_else(|| name.to_owned()),
        queue.strategy.clone(),
        members.to_string(),
        queue.waiting.clone(),
        service_level,
        format!("{wrap_up_seconds} s"),
    ]
}

fn write_members(
    listed: &Listed,
    mapping: &Mapping,
    served: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let heading = [
        "agent",
        "member",
        "interface",
        "state interface",
        "queue",
        "membership",
        "penalty",
        "paused",
        "device",
        "becomes",
    ];
    let mut rows = vec![heading.map(str::to_owned)];
    let mut by_agent: BTreeMap<String, Vec<&Member>> = BTreeMap::new();
    let of_agent = |interface: &str, member: &Member| agent_of(mapping, &member.name, interface);
    let members = || listed.members.iter().filter(|((queue, _), _)| served(queue));
    for ((_, interface), member) in members() {
        by_agent.entry(of_agent(interface, member)).or_default().push(member);
    }
    for ((queue, interface), member) in members() {
        let agent = of_agent(interface, member);
        let becomes = becomes(&by_agent[&agent], member, mapping);
        rows.push([
            agent,
            member.name.clone(),
            interface.clone(),
            member.state_interface.clone(),
            queue.clone(),
            member.membership.clone(),
            member.penalty.clone(),
            match member.paused.as_deref() {
                None => "no".to_owned(),
                Some("") => "yes".to_owned(),
                Some(reason) => format!("yes: {reason}"),
            },
            member.device_words.to_owned(),
            becomes,
        ]);
    }
    rows[1..].sort();
    if rows.len() == 1 {
        findings.notes.push("no queue has a member now: agents appear when they log in".to_owned());
    }
    writeln!(out, "\nMembers")?;
    Ok(table::write(&rows, out)?)
}

/// What the connector makes of a membership, where its agent has these.
fn becomes(memberships: &[&Member], member: &Member, mapping: &Mapping) -> String {
    if !memberships.iter().any(|member| member.device.is_reachable()) {
        return "logged out".to_owned();
    }
    if memberships.iter().all(|member| member.paused.is_some()) {
        let reason = member.paused.as_deref().unwrap_or_default();
        let own = mapping.pauses.get(reason);
        return match own {
            Some(own) if own.work_offline => "work offline".to_owned(),
            _ => "on break".to_owned(),
        };
    }
    match member.paused {
        Some(_) => "logged in, not for this queue".to_owned(),
        None => "logged in".to_owned(),
    }
}

fn judge_members(
    listed: &Listed,
    mapping: &Mapping,
    served: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
) {
    let mut behind: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let (mut stateless, mut invalid, mut unknown) =
        <(BTreeSet<_>, BTreeSet<_>, BTreeSet<_>)>::default();
    for ((queue, interface), member) in &listed.members {
        if !served(queue) {
            continue;
        }
        let identity = match mapping.agent_id {
            AgentId::Name => member.name.as_str(),
            AgentId::Interface => interface.as_str(),
        };
        if configured(mapping, &member.name, interface).is_none() {
            let agent = agent_of(mapping, &member.name, interface);
            behind.entry(agent).or_default().insert(identity);
        }
        let is_local = interface.starts_with("Local/");
        if is_local && (member.state_interface.is_empty() || member.state_interface == *interface) {
            stateless.insert(interface.as_str());
        }
        match member.device {
            DeviceState::Invalid => drop(invalid.insert(interface.as_str())),
            DeviceState::Unknown => drop(unknown.insert(interface.as_str())),
            _ => {}
        }
    }
    for (agent, members) in behind.into_iter().filter(|(_, members)| members.len() > 1) {
        findings.missing.push(format!(
            "{} become the same agent {agent:?}: give them ids of their own in our configuration (`agents`)",
            join(&members)
        ));
    }
    if !invalid.is_empty() {
        findings.missing.push(format!(
            "the devices of {} are invalid: Asterisk knows no such device; check the members' interfaces",
            join(&invalid)
        ));
    }
    if !unknown.is_empty() {
        findings.notes.push(format!(
            "the states of {} are unknown: their agents count as logged in; give the members a state interface that \
             Asterisk watches",
            join(&unknown)
        ));
    }
    if !stateless.is_empty() {
        findings.notes.push(format!(
            "{} have no state interface, so Asterisk doesn't know whether the phone behind is reachable or in another \
             call: add the phone's device as the fourth part of `member =>` or as `StateInterface` of QueueAdd",
            join(&stateless)
        ));
    }
}

fn join(names: &BTreeSet<&str>) -> String {
    /// More than a line holds helps nobody.
    const SHOWN_MAX: usize = 8;
    let mut text = names.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN_MAX {
        text.push_str(&format!(" and {} more", names.len() - SHOWN_MAX));
    }
    text
}

fn configured<'a>(mapping: &'a Mapping, name: &str, interface: &str) -> Option<&'a String> {
    mapping.agents.get(name).or_else(|| mapping.agents.get(interface))
}

fn agent_of(mapping: &Mapping, name: &str, interface: &str) -> String {
    let name = if name.is_empty() { interface } else { name };
    match (configured(mapping, name, interface), mapping.agent_id) {
        (Some(agent), _) => agent.clone(),
        (None, AgentId::Name) => names::agent_id(name),
        (None, AgentId::Interface) => names::agent_id(interface),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_terminal_is_printed() {
        assert_eq!(
            printable("a\u{1b}[2J\u{7}\0\r\u{202e}b\nc"),
            "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}b\nc"
        );
    }
}
