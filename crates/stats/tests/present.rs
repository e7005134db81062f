//! The present state as events: what comes out for states that are not told by their own events alone.

#![allow(clippy::unwrap_used, reason = "a test ends where its own assumption does not hold")]

use stats::{
    engine::{Engine, Outcome},
    parse::parse_line,
    zone::Zone,
};

/// Two queues and an agent who is available, all at second 0.
const DESK: &str = r#"
    0 "queue.configured","queue":1,"name":"calls","media":"phone"
    0 "queue.configured","queue":2,"name":"chats","media":"chat"
    0 "agent.configured","agent":"ann","name":"Ann"
    0 "agent.status","agent":"ann","status":"available"
"#;

/// Lines of a second, a type and its fields, as events of 2024 in UTC.
fn lines(events: &str) -> impl Iterator<Item = String> {
    events.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let (second, event) = line.split_once(' ').unwrap();
        format!(r#"{{"time":"2024-06-05T08:00:{second:0>2}.000Z","type":{event}}}"#)
    })
}

/// After the desk and these events, which must all count, the present state ends with those.
fn ends_with(happened: &str, told: &str) {
    let mut engine = Engine::new(Zone::named("UTC").unwrap());
    for line in lines(DESK).chain(lines(happened)) {
        assert_eq!(engine.apply(&parse_line(line.as_bytes()).unwrap()), Outcome::Applied, "{line}");
    }
    let mut written = Vec::new();
    for event in engine.present().events() {
        event.write_line(&mut written);
    }
    let written = String::from_utf8(written).unwrap();
    let written: Vec<&str> = written.lines().collect();
    let told: Vec<String> = lines(told).collect();
    assert_eq!(written[written.len() - told.len()..], told);
}

#[test]
fn an_accepted_leg_is_told_whole_as_a_placing() {
    ends_with(
        r#"
        5 "transaction.queued","transaction":"t1","queue":1
        6 "transaction.offered","transaction":"t1","agent":"ann"
        9 "transaction.accepted","transaction":"t1","agent":"ann","line":2
        11 "transaction.muted","transaction":"t1","agent":"ann"
        "#,
        r#"
        0 "agent.status","agent":"ann","status":"available"
        9 "transaction.placed","transaction":"t1","agent":"ann","queue":1,"line":2
        11 "transaction.muted","transaction":"t1","agent":"ann"
        "#,
    );
}

#[test]
fn a_transferred_transaction_has_its_leg_before_its_visit_also_at_one_instant() {
    ends_with(
        r#"
        5 "transaction.queued","transaction":"t1","queue":1
        5 "transaction.accepted","transaction":"t1","agent":"ann"
        5 "transaction.queued","transaction":"t1","queue":2
        "#,
        r#"
        5 "transaction.placed","transaction":"t1","agent":"ann","queue":1
        5 "transaction.queued","transaction":"t1","queue":2
        "#,
    );
}

#[test]
fn a_leg_whose_queue_is_gone_keeps_its_medium() {
    ends_with(
        r#"
        5 "transaction.queued","transaction":"t1","queue":2
        6 "transaction.accepted","transaction":"t1","agent":"ann"
        8 "transaction.released","transaction":"t1","agent":"ann"
        9 "queue.removed","queue":2
        "#,
        r#"
        6 "transaction.placed","transaction":"t1","agent":"ann","media":"chat"
        8 "transaction.released","transaction":"t1","agent":"ann"
        "#,
    );
}

#[test]
fn an_offer_keeps_the_medium_that_its_queue_had() {
    ends_with(
        r#"
        5 "transaction.queued","transaction":"t1","queue":1
        6 "transaction.offered","transaction":"t1","agent":"ann"
        7 "queue.configured","queue":1,"name":"mail","media":"email"
        "#,
        r#"
        5 "transaction.queued","transaction":"t1","queue":1
        6 "queue.configured","queue":1,"name":"mail","media":"phone"
        6 "transaction.offered","transaction":"t1","agent":"ann"
        6 "queue.configured","queue":1,"name":"mail","media":"email"
        "#,
    );
}

#[test]
fn of_the_legs_on_a_line_the_one_that_it_shows_comes_last_also_at_one_instant() {
    ends_with(
        r#"
        5 "transaction.queued","transaction":"t1","queue":1
        5 "transaction.offered","transaction":"t1","agent":"ann"
        5 "transaction.placed","transaction":"t2","agent":"ann","media":"phone"
        "#,
        r#"
        5 "transaction.queued","transaction":"t1","queue":1
        5 "transaction.offered","transaction":"t1","agent":"ann"
        5 "transaction.placed","transaction":"t2","agent":"ann","media":"phone"
        "#,
    );
}

#[test]
fn a_code_is_told_as_it_is_shown_whatever_its_list_says_by_now() {
    ends_with(
        r#"
        1 "codes.configured","list":1,"name":"Breaks","items":[{"item":1,"short_code":"LUN","name":"Lunch","status":"on-break"}]
        2 "agent.status","agent":"ann","status":"on-break","list":1,"item":1
        3 "codes.configured","list":1,"name":"Breaks","items":[{"item":1,"short_code":"EAT","name":"Lunch","status":"on-break"}]
        "#,
        r#"
        2 "codes.configured","list":1,"name":"Breaks","items":[{"item":1,"short_code":"EAT","name":"Lunch","status":"on-break"}]
        2 "agent.configured","agent":"ann","name":"Ann"
        2 "agent.status","agent":"ann","status":"on-break","list":1,"item":1,"short_code":"LUN"
        "#,
    );
}

#[test]
fn an_agent_that_never_had_a_status_has_none_and_keeps_its_line_s() {
    ends_with(
        r#"
        1 "agent.configured","agent":"bob","name":"Bob","group":7
        2 "assignment.set","agent":"bob","queue":2,"assigned":true,"enabled":false
        3 "line.status","agent":"bob","line":2,"status":"error"
        "#,
        r#"
        0 "agent.configured","agent":"ann","name":"Ann"
        0 "agent.configured","agent":"bob","name":"Bob","group":7
        0 "assignment.set","agent":"bob","queue":2,"assigned":true,"enabled":false
        0 "line.status","agent":"bob","line":2,"status":"error"
        0 "agent.status","agent":"ann","status":"available"
        "#,
    );
}
