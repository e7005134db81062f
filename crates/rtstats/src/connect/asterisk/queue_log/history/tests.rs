//! Each kind of line, and the events that follow: lines in, events out, as `second type fields`.

use super::*;
use crate::connect::asterisk::{
    mapping::{AgentId, PauseMapping},
    queue_log::{line::LogLine, time::LogClock},
};

/// The events of lines as `at type agent-or-transaction …`, in the order of time.
fn events(mapping: Mapping, lines: &[&str]) -> Vec<String> {
    let mut history = History::new("p".into(), mapping, Names::default(), Known::default());
    let mut account = Account::default();
    for line in lines {
        let line = LogLine::read(line.as_bytes(), &mut LogClock::default()).unwrap();
        history.take(&line, &mut account);
    }
    let mut told: Vec<_> = history.told().collect();
    told.sort_by_key(|told| told.time);
    told.into_iter().map(|told| shown(&told)).collect()
}

fn shown(told: &Told) -> String {
    let event = stats::event::Event { time: told.time, origin: None, kind: told.kind.clone() };
    let mut line = Vec::new();
    event.write_line(&mut line);
    let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
    let object = value.as_object().unwrap();
    let kind = object["type"].as_str().unwrap();
    let mut fields = object
        .iter()
        .filter(|(key, _)| !["time", "type", "media"].contains(&key.as_str()))
        .map(|(key, value)| match value {
            serde_json::Value::String(text) => text.clone(),
            value => format!("{key}={value}"),
        })
        .collect::<Vec<_>>();
    fields.sort();
    format!("{} {kind} {}", told.time as f64 / 1_000.0, fields.join(" ")).trim_end().to_owned()
}

/// The same without the directory.
fn calls(mapping: Mapping, lines: &[&str]) -> Vec<String> {
    let events = events(mapping, lines);
    let of_calls = |event: &String| event.contains(" transaction.");
    events.into_iter().filter(of_calls).map(|event| event.replace(" transaction.", " ")).collect()
}

fn statuses(lines: &[&str]) -> Vec<String> {
    let is_staff = |event: &String| event.contains("agent.status") || event.contains("assignment");
    events(Mapping::default(), lines).into_iter().filter(is_staff).collect()
}

fn wrap_up(seconds: u32) -> Mapping {
    Mapping { wrap_up_seconds: seconds, ..Mapping::default() }
}

const ENTER: &str = "100|c|sales|NONE|ENTERQUEUE||555|1";

#[test]
fn an_answered_call_rings_talks_and_wraps_up() {
    let lines = [ENTER, "107|c|sales|Ann|CONNECT|7|d|4", "127|c|sales|Ann|COMPLETECALLER|7|20|1"];
    assert_eq!(
        events(wrap_up(6), &lines),
        [
            "100 queue.configured queue=1 sales",
            "100 transaction.queued p:c queue=1",
            "103 agent.configured Ann Ann",
            "103 assignment.set Ann assigned=true queue=1",
            "103 agent.status Ann available",
            "103 transaction.offered Ann p:c",
            "107 transaction.accepted Ann p:c",
            "127 transaction.released Ann p:c",
            "133 transaction.completed Ann p:c",
        ]
    );
}

#[test]
fn offers_end_in_each_way() {
    let lines = [
        ENTER,
        "105|c|sales|Ann|RINGNOANSWER|5000",
        "109|c|sales|Ann|RINGNOANSWER|4500",
        "112|c|sales|Bob|RINGCANCELED|2500",
        "112|c|sales|NONE|ABANDON|1|1|12",
    ];
    assert_eq!(
        calls(wrap_up(0), &lines),
        [
            "100 queued p:c queue=1",
            "100 offered Ann p:c",
            "105 rejected Ann p:c",
            // It rang for 4.5 s by the PBX's own clock, but the log's whole seconds leave 4.
            "105 offered Ann p:c",
            "109 rejected Ann p:c",
            "109.5 offered Bob p:c",
            "112 withdrawn Bob p:c",
            "112 abandoned p:c",
        ]
    );
}

#[test]
fn who_leaves_without_an_agent_is_diverted() {
    for line in [
        "110|c|sales|NONE|EXITWITHTIMEOUT|1|1|10",
        "110|c|sales|NONE|EXITEMPTY|1|1|10",
        "110|c|sales|NONE|EXITWITHKEY|1|1|1|10",
        "110|c|sales|Ann|AGENTDUMP|",
    ] {
        let told = ["100 queued p:c queue=1", "110 diverted p:c"];
        assert_eq!(calls(wrap_up(0), &[ENTER, line]), told, "{line}");
        // Where the log begins behind the call's entry, the line tells how long it waited.
        let alone = calls(wrap_up(0), &[line]);
        let entered = if line.contains("DUMP") { "110" } else { "100" };
        assert_eq!(alone, [format!("{entered} queued p:c queue=1"), told[1].to_owned()], "{line}");
    }
}

#[test]
fn a_transfer_ends_the_leg_and_another_queue_is_another_visit() {
    for transfer in [
        "TRANSFER|700|xfer|1|2|1",
        "BLINDTRANSFER|700|xfer|1|2|1",
        "ATTENDEDTRANSFER|BRIDGE|12e4|1|2|1",
        "COMPLETEAGENT|1|2|1",
    ] {
        let transfer = format!("110|c|sales|Ann|{transfer}");
        let lines = [
            ENTER,
            "101|c|sales|Ann|CONNECT|1|d",
            &transfer,
            "110|c|support|NONE|ENTERQUEUE||555|1",
            "112|c|support|Ann|CONNECT|2|d",
            "115|c|support|Ann|COMPLETEAGENT|2|3|1",
        ];
        assert_eq!(
            calls(wrap_up(9), &lines),
            [
                "100 queued p:c queue=1",
                "101 accepted Ann p:c",
                "110 released Ann p:c",
                "110 queued p:c#2 queue=2",
                "112 accepted Ann p:c#2",
                "115 released Ann p:c#2",
                "119 completed Ann p:c",
                "124 completed Ann p:c#2",
            ],
            "{transfer}"
        );
    }
}

#[test]
fn a_restart_ends_what_was_open() {
    let lines = [
        ENTER,
        "101|c|sales|Ann|CONNECT|1|d",
        "102|w|sales|NONE|ENTERQUEUE||555|1",
        "150|NONE|NONE|NONE|QUEUESTART|",
        "151|c|sales|Ann|COMPLETEAGENT|1|9|1",
    ];
    assert_eq!(
        calls(wrap_up(9), &lines)[3..],
        ["150 released Ann p:c", "150 completed Ann p:c", "150 abandoned p:w"]
    );
}

#[test]
fn a_member_is_in_from_adding_to_removing() {
    let lines = [
        "100|MANAGER|sales|Ann|ADDMEMBER|",
        "101|MANAGER|support|Ann|ADDMEMBER|PAUSED",
        "110|MANAGER|sales|Ann|REMOVEMEMBER|",
        "120|MANAGER|support|Ann|REMOVEMEMBER|",
    ];
    assert_eq!(
        statuses(&lines),
        [
            "100 assignment.set Ann assigned=true queue=1",
            "100 agent.status Ann available",
            "101 assignment.set Ann assigned=true queue=2",
            "101 assignment.set Ann assigned=true enabled=false queue=2",
            "110 assignment.set Ann assigned=false queue=1",
            "110 assignment.set Ann assigned=true queue=2",
            "110 agent.status Ann on-break",
            "120 assignment.set Ann assigned=false queue=2",
            "120 agent.status Ann logged-out",
        ]
    );
}

#[test]
fn a_pause_everywhere_is_a_break_with_its_reason() {
    let add = ["100|M|sales|Ann|ADDMEMBER|", "100|M|support|Ann|ADDMEMBER|"];
    let mut lines = add.to_vec();
    lines.extend([
        "110|NONE|NONE|Ann|PAUSEALL|Lunch",
        "110|NONE|sales|Ann|PAUSE|Lunch",
        "110|NONE|support|Ann|PAUSE|Lunch",
        "120|NONE|sales|Ann|UNPAUSE|",
        "130|NONE|NONE|Ann|UNPAUSEALL|",
    ]);
    assert_eq!(
        statuses(&lines)[3..],
        [
            "110 agent.status Ann item=1 list=1 on-break",
            "120 assignment.set Ann assigned=true enabled=false queue=2",
            "120 agent.status Ann available",
            "130 assignment.set Ann assigned=true queue=2",
        ]
    );
    let pauses = [("Lunch".to_owned(), PauseMapping { work_offline: true, ..Default::default() })];
    let mapping = Mapping { pauses: pauses.into(), ..Mapping::default() };
    let told = events(mapping, &lines).join("\n");
    assert!(told.contains("110 agent.status Ann item=1 list=1 work-offline"), "{told}");
    assert_eq!(told.matches("codes.configured").count(), 1, "{told}");
}

#[test]
fn an_agent_of_the_pool_is_in_from_login_to_logoff() {
    let lines = [
        "100|x|NONE|Agent/1001|AGENTLOGIN|SIP/5",
        "110|c|sales|NONE|ENTERQUEUE||555|1",
        "112|c|sales|Agent/1001|CONNECT|2|d|1",
        "150|x|NONE|Agent/1001|AGENTLOGOFF|SIP/5|50",
        "160|x|NONE|Agent/1001|AGENTCALLBACKLOGIN|5@x",
        "170|x|NONE|Agent/1001|AGENTCALLBACKLOGOFF|5@x|10|",
    ];
    assert_eq!(
        statuses(&lines),
        [
            "100 agent.status 1001 available",
            "111 assignment.set 1001 assigned=true queue=1",
            "150 agent.status 1001 logged-out",
            "160 agent.status 1001 available",
            "170 agent.status 1001 logged-out",
        ]
    );
}

#[test]
fn an_interface_is_the_member_that_the_mapping_names() {
    let add = "100|M|sales|Local/l1@agents/n|ADDMEMBER|";
    let remove = "120|M|sales|Local/l1@agents/n|REMOVEMEMBER|";
    // Nobody said whose it is: no agent that nobody ever sees at work.
    assert!(events(Mapping::default(), &[add, remove]).is_empty());
    let agents = [("Local/l1@agents/n".to_owned(), "Lab One".to_owned())];
    let mapping = Mapping { agents: agents.into(), ..Mapping::default() };
    let told = events(mapping, &[add, "110|NONE|sales|Lab One|PAUSE|", remove]).join("\n");
    assert_eq!(told.matches("agent.configured").count(), 1, "{told}");
    assert!(told.contains("110 agent.status Lab One on-break"), "{told}");
    assert!(told.contains("120 agent.status Lab One logged-out"), "{told}");
    let mapping = Mapping { agent_id: AgentId::Interface, ..Mapping::default() };
    let told = events(mapping, &[add]).join("\n");
    assert!(told.contains("100 agent.status available l1"), "{told}");
    // A line that has it as a member's name settles it too.
    let told = events(Mapping::default(), &[add, "105|NONE|vip|Local/l1@agents/n|UNPAUSE|"]);
    assert!(told.contains(&"105 assignment.set assigned=true l1 queue=1".to_owned()), "{told:?}");
}

#[test]
fn who_is_removed_while_the_phone_rings_stays_removed() {
    let lines = [
        "90|M|sales|Ann|ADDMEMBER|",
        ENTER,
        "101|M|sales|Ann|REMOVEMEMBER|",
        "105|c|sales|Ann|RINGNOANSWER|5000",
    ];
    let told = statuses(&lines);
    assert_eq!(told.last().unwrap(), "101 agent.status Ann logged-out");
    assert_eq!(calls(wrap_up(0), &lines)[2], "105 rejected Ann p:c");
}

#[test]
fn only_listed_queues_are_taken() {
    let mut mapping = wrap_up(0);
    mapping.only_listed_queues = true;
    mapping.queues.entry("support".into()).or_default().number = Some(102);
    let told = calls(mapping, &[ENTER, "100|d|support|NONE|ENTERQUEUE||555|1"]);
    assert_eq!(told, ["100 queued p:d queue=102"]);
}

#[test]
fn what_tells_nothing_is_counted() {
    let mut history =
        History::new("p".into(), Mapping::default(), Names::default(), Known::default());
    let mut account = Account::default();
    for word in
        ["CALLERID", "CONFIGRELOAD", "DID", "INFO", "PENALTY", "RINGINUSE", "SYSCOMPAT", "NEWS"]
    {
        let line = format!("1|NONE|NONE|NONE|{word}|x");
        let line = LogLine::read(line.as_bytes(), &mut LogClock::default()).unwrap();
        history.take(&line, &mut account);
    }
    assert_eq!(history.told().count(), 0);
    assert_eq!((account.kinds.len(), account.unknown["NEWS"]), (7, 1));
}
