//! Logs that a real Asterisk wrote, and figures worked out by hand from their lines.

use serde_json::Value;
use stats::document::Page;

use crate::import::{document, engine, ignored, import, recording};

/// Which member each interface of the recordings is.
pub const MEMBERS: &[&str] = &[
    "--agent=Local/agent01@agents/n=Agent 01",
    "--agent=Local/agent02@agents/n=Agent 02",
    "--agent=Local/agent03@agents/n=Agent 03",
    "--agent=Local/agent04@agents/n=Agent 04",
    "--agent=PJSIP/sip05=Agent 05",
    "--queue=sales=101",
    "--queue=support=102",
];

/// Imports a recording and compares fields at an instant, in epoch seconds.
fn check(name: &str, flags: &[&str], at: i64, page: Page<'_>, fields: &[(&str, Value)]) {
    let (events, told) = import(&[&recording(name)], flags);
    assert!(!told.contains("skipped"), "{told}");
    let mut engine = engine(&events, at * 1_000);
    assert_eq!(ignored(&engine), [], "{name}");
    let document = document(&mut engine, at * 1_000, page);
    let item = document.as_object().unwrap().values().next().unwrap();
    for (field, value) in fields {
        assert_eq!(&item[*field], value, "{name} at {at}: {field} of {item}");
    }
}

#[test]
fn the_day_of_each_queue() {
    let small = [("day-queued", 8), ("day-accepted", 7), ("day-abandoned", 0)];
    let times = [("day-avg-wait-time", 5), ("day-avg-duration", 41), ("queue-size", 0)];
    let fields: Vec<_> = small.iter().chain(&times).map(|(f, v)| (*f, Value::from(*v))).collect();
    check("queue_log-small22.txt.gz", MEMBERS, 1_795_525_600, Page::Queue(101), &fields);
    let support = [
        ("day-queued", 8),
        ("day-accepted", 2),
        ("day-abandoned", 6),
        ("day-avg-wait-time", 24),
        ("day-avg-duration", 144),
    ];
    let fields: Vec<_> = support.iter().map(|(f, v)| (*f, Value::from(*v))).collect();
    check("queue_log-small22.txt.gz", MEMBERS, 1_795_525_600, Page::Queue(102), &fields);
    // The restart at 448 ends the 15th leg after 5 s: 158 + 5 over 15.
    let lab = [
        ("day-queued", 22),
        ("day-accepted", 15),
        ("day-abandoned", 4),
        ("day-avg-wait-time", 7),
        ("day-avg-duration", 10),
        ("queue-size", 0),
        ("number-in-progress", 0),
    ];
    let fields: Vec<_> = lab.iter().map(|(f, v)| (*f, Value::from(*v))).collect();
    check("queue_log-scen22.txt.gz", &[], 1_795_525_448, Page::Queue(1), &fields);
}

#[test]
fn an_instant_in_between() {
    let support = [
        ("queue-size", 1),
        ("longest-wait-time", 4),
        ("number-in-progress", 2),
        ("day-queued", 4),
        ("day-abandoned", 1),
        ("assigned-agent-count", 3),
        ("agent-count-busy", 3),
    ];
    let fields: Vec<_> = support.iter().map(|(f, v)| (*f, Value::from(*v))).collect();
    check("queue_log-small22.txt.gz", MEMBERS, 1_795_525_470, Page::Queue(102), &fields);
    let sales = [("number-in-progress", 2), ("agent-count-onBreak", 1), ("queue-size", 0)];
    let fields: Vec<_> = sales.iter().map(|(f, v)| (*f, Value::from(*v))).collect();
    check("queue_log-small22.txt.gz", MEMBERS, 1_795_525_470, Page::Queue(101), &fields);
}

#[test]
fn the_day_of_an_agent() {
    // Added at 401, removed at 584; talks 442–454 and 501–538; paused 453–483, of which one second in the call.
    let agent = [
        ("day-login-time", 183),
        ("day-processing-time", 49),
        ("day-avg-processing-time", 24),
        ("day-accepted-count", 2),
        ("day-rejected-count", 2),
        ("day-break-time", 29),
        ("agent-status", 9),
    ];
    let fields: Vec<_> = agent.iter().map(|(f, v)| (*f, Value::from(*v))).collect();
    let name = "queue_log-small22.txt.gz";
    check(name, MEMBERS, 1_795_525_600, Page::Agent("Agent 02"), &fields);
    let paused = [("agent-status", 4.into()), ("status-code-item-short-code", "Lunch".into())];
    check(name, MEMBERS, 1_795_525_470, Page::Agent("Agent 02"), &paused);
}

#[test]
fn an_interface_that_may_be_anybody_s_is_told() {
    let (_, told) = import(&[&recording("queue_log-small16.txt.gz")], &[]);
    assert!(told.contains("--agent 'Local/agent01@agents/n=MEMBER NAME'"), "{told}");
    assert!(told.contains("91 lines: ABANDON 3, ADDMEMBER 9, "), "{told}");
    assert!(told.contains("from 2026-11-24T"), "{told}");
}
