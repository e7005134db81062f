//! Rows as the live feed tells them: whole, and by what has changed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use stats::{
    document::{
        AGENT_BESIDES, AGENT_FIELDS, AGENT_SINCES, LiveRow, Pace, QUEUE_BESIDES, QUEUE_FIELDS,
        QUEUE_SINCES, Totals,
    },
    engine::Engine,
    parse::parse_batch,
    zone::Zone,
};

/// 9 o'clock in UTC.
const NINE: i64 = 1_717_578_000_000;

fn engine(lines: &str) -> Engine {
    let mut engine = Engine::new(Zone::named("UTC").unwrap());
    send(&mut engine, lines);
    engine
}

fn send(engine: &mut Engine, lines: &str) {
    for line in parse_batch(lines.as_bytes(), None).unwrap() {
        engine.apply(&line.event);
    }
}

const DESK: &str = r#"{"time":1717578000000,"type":"queue.configured","queue":7,"name":"Sales","media":"phone"}
{"time":1717578000000,"type":"agent.configured","agent":"ann","name":"Ann \"A\" Lee","group":3}
{"time":1717578000000,"type":"agent.status","agent":"ann","status":"available"}
{"time":1717578000500,"type":"transaction.queued","transaction":"t1","queue":7}
"#;

fn json_of(write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut out = Vec::new();
    write(&mut out);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn a_whole_row_has_every_field_but_clocks_and_the_instants_that_stand_for_them() {
    let frozen = engine(DESK).freeze(NINE + 5_000);
    let agent = json_of(|out| frozen.agents[0].write_whole(out));
    let queue = json_of(|out| frozen.queues[0].write_whole(out));
    for (row, fields, sinces, besides) in [
        (&agent, AGENT_FIELDS, AGENT_SINCES, AGENT_BESIDES),
        (&queue, QUEUE_FIELDS, QUEUE_SINCES, QUEUE_BESIDES),
    ] {
        let mut expected: Vec<&str> = fields
            .iter()
            .filter(|field| field.pace != Pace::Clock)
            .map(|field| field.name)
            .chain(sinces.iter().map(|since| since.name))
            .chain(besides.iter().map(|beside| beside.name))
            .collect();
        expected.sort_unstable();
        let mut names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        let clocks = fields.iter().filter(|field| field.pace == Pace::Clock);
        assert!(clocks.map(|field| field.name).eq(sinces.iter().map(|since| since.field)));
    }
    assert_eq!(agent["status-since"], NINE);
    assert_eq!(agent["phone-line1-status-since"], Value::Null, "idle");
    assert_eq!(queue["longest-wait-since"], NINE + 500);
}

#[test]
fn instants_are_exact_and_there_is_none_where_the_clock_shows_nothing() {
    let mut engine = engine(DESK);
    send(
        &mut engine,
        r#"{"time":1717578001234,"type":"transaction.offered","transaction":"t1","agent":"ann"}"#,
    );
    let frozen = engine.freeze(NINE + 2_000);
    let (agent, queue) = (&frozen.agents[0], &frozen.queues[0]);
    assert_eq!(agent.status_since, Some(NINE + 1_234));
    assert_eq!(agent.phone_line1_status_since, Some(NINE + 1_234));
    assert_eq!((agent.phone_line2_status_since, agent.phone_line2_status_time), (None, -1));
    assert_eq!((queue.longest_wait_since, queue.longest_wait_time), (None, 0));
}

#[test]
fn only_what_has_changed_is_told_and_totals_when_they_are_due() {
    let mut engine = engine(DESK);
    let mut shown = engine.freeze(NINE + 1_000).agents.remove(0);
    let later = engine.freeze(NINE + 9_000).agents.remove(0);
    let mut out = Vec::new();
    assert!(!later.write_changes(&mut shown, Totals::WithChanges, &mut out));
    assert!(out.is_empty(), "time that runs is no change");
    let due = json_of(|out| assert!(later.write_changes(&mut shown, Totals::Due, out)));
    let told = json!({ "agent-id": "ann", "day-available-time": 9, "day-login-time": 9,
                       "thirty-min-available-time": 9 });
    assert_eq!(due, told);
    assert!(!later.write_changes(&mut shown, Totals::Due, &mut out), "it has been told");

    send(
        &mut engine,
        r#"{"time":1717578020000,"type":"agent.status","agent":"ann","status":"on-break"}"#,
    );
    let broken = engine.freeze(NINE + 20_000).agents.remove(0);
    let change = json_of(|out| {
        assert!(broken.write_changes(&mut shown, Totals::WithChanges, out));
    });
    assert_eq!(change["agent-status"], 4);
    assert_eq!(change["status-since"], NINE + 20_000);
    assert_eq!(change["day-available-time"], 20, "totals come with what changes");
    assert_eq!(change.get("agent-name"), None);
}

#[test]
fn a_row_tells_the_agents_queues_and_the_queues_service_level_as_they_change() {
    let mut engine = engine(DESK);
    let before = engine.freeze(NINE + 1_000);
    assert!(before.agents[0].queues.is_empty());
    assert_eq!(json_of(|out| before.queues[0].write_whole(out))["sla-percent"], Value::Null);
    send(
        &mut engine,
        r#"{"time":1717578002000,"type":"queue.configured","queue":3,"name":"Help","media":"chat"}
{"time":1717578002000,"type":"queue.configured","queue":7,"name":"Sales","media":"phone","sla":{"percent":80,"within_seconds":20}}
{"time":1717578002000,"type":"assignment.set","agent":"ann","queue":7,"assigned":true}
{"time":1717578002000,"type":"assignment.set","agent":"ann","queue":3,"assigned":true,"enabled":false}
"#,
    );
    let after = engine.freeze(NINE + 2_000);
    let (mut agent, mut queue) = (before.agents[0].clone(), before.queues[0].clone());
    let told = json_of(|out| {
        assert!(after.agents[0].write_changes(&mut agent, Totals::WithChanges, out));
    });
    assert_eq!(told["queues"], json!([-3, 7]));
    let told = json_of(|out| {
        assert!(after.queues[1].write_changes(&mut queue, Totals::WithChanges, out));
    });
    assert_eq!((&told["sla-percent"], &told["sla-within-seconds"]), (&json!(80), &json!(20)));
    let mut restored = Engine::restore(&engine.snapshot()).unwrap();
    assert_eq!(restored.freeze(NINE + 2_000), after);
    send(&mut engine, r#"{"time":1717578003000,"type":"queue.removed","queue":3}"#);
    assert_eq!(*engine.freeze(NINE + 3_000).agents[0].queues, [7]);
}

#[test]
fn names_are_given_anew_only_once_one_has_changed() {
    let mut engine = engine(
        r#"{"time":1717578000000,"type":"group.configured","group":3,"name":"North"}
{"time":1717578000000,"type":"codes.configured","list":1,"name":"Breaks","items":[{"item":5,"short_code":"lun","name":"Lunch","status":"on-break"}]}
"#,
    );
    let names = engine.names();
    assert_eq!(&*names.zone, "UTC");
    assert_eq!(names.groups, [(3, "North".into())]);
    assert_eq!(&*names.codes[0].name, "Breaks");
    assert_eq!(names.codes[0].items, [(5, "lun".into(), "Lunch".into())]);
    send(&mut engine, DESK);
    assert!(std::sync::Arc::ptr_eq(&names, &engine.names()));
    let mut restored = Engine::restore(&engine.snapshot()).unwrap();
    assert_eq!(restored.names(), names);
    send(&mut engine, r#"{"time":1717578001000,"type":"group.removed","group":3}"#);
    assert!(engine.names().groups.is_empty());
}
