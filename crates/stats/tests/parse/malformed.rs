//! Lines that are no events, and what is said about them.

use stats::{
    limit,
    parse::{FieldError, LineError, parse_batch, parse_line},
};

#[track_caller]
fn check(line: &str, field: &str, message: &str) {
    let error = parse_line(line.as_bytes()).expect_err(line);
    assert_eq!((&*error.field, &*error.message), (field, message), "{line}");
}

/// The fields of an event that is complete but for what `fields` says.
#[track_caller]
fn check_fields(fields: &str, field: &str, message: &str) {
    check(&format!(r#"{{"time":0,{fields}}}"#), field, message);
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    for (line, message) in [
        ("[1]", "not valid JSON at character 1: expected a JSON object, found `[1]`"),
        ("{", "not valid JSON: expected a field's name in double quotes, but the line ends"),
        (r#"{"a" 1}"#, "not valid JSON at character 6: expected `:`, found `1}`"),
        (r#"{"ä":1 "b"}"#, "not valid JSON at character 8: expected `,` or `}`, found `\"b\"}`"),
        (
            r#"{"a":1,}"#,
            "not valid JSON at character 8: expected a field's name in double quotes, found `}`",
        ),
        (r#"{"a":01}"#, "not valid JSON at character 7: expected `,` or `}`, found `1}`"),
        (r#"{"a":-}"#, "not valid JSON at character 7: expected a digit, found `}`"),
        (r#"{"a":1.}"#, "not valid JSON at character 8: expected a digit, found `}`"),
        (r#"{"a":1e+}"#, "not valid JSON at character 9: expected a digit, found `}`"),
        (r#"{"a":tru}"#, "not valid JSON at character 6: expected a JSON value, found `tru}`"),
        (r#"{"a":"b"#, "not valid JSON: expected `\"` at the end of a string, but the line ends"),
        (r#"{"a":"b\"#, "not valid JSON: expected `\"` at the end of a string, but the line ends"),
        (
            "{\"a\":\"b\tc\"}",
            "not valid JSON at character 8: expected control characters in a string as escapes, found `\\tc\"}`",
        ),
        (
            r#"{"a":"\ud800"}"#,
            "not valid JSON at character 7: expected only the escapes of JSON in a string, \\u with four hex digits, \
             surrogates in pairs, found `\\ud800\"}`",
        ),
        (
            r#"{"a":[1,{"b":[}]}"#,
            "not valid JSON at character 15: expected a JSON value, found `}]}`",
        ),
        (r#"{"a":[1}"#, "not valid JSON at character 8: expected `,` or `]`, found `}`"),
        ("{} {}", "not valid JSON at character 4: expected the end of the line, found `{}`"),
        ("\u{feff}{}", "expected a JSON object, found a byte order mark: send UTF-8 without one"),
    ] {
        check(line, "", message);
    }
    let error = parse_line(b"{\"a\":\"\xff\"}").unwrap_err();
    assert_eq!(error.message, "expected UTF-8, but byte 7 of the line is not");
}

#[test]
fn nesting_is_limited_instead_of_overflowing_the_stack() {
    let nested = |depth: usize| {
        format!(r#"{{"a":{}{},"time":0,"type":"x"}}"#, "[".repeat(depth), "]".repeat(depth))
    };
    let deepest = limit::NESTING_MAX as usize - 1;
    assert_eq!(parse_line(nested(deepest).as_bytes()).unwrap_err().field, "type");
    let error = parse_line(nested(deepest + 1).as_bytes()).unwrap_err();
    assert!(error.message.contains("at most 127 objects and arrays"), "{}", error.message);
    parse_line("[{\"a\":".repeat(1_000_000).as_bytes()).unwrap_err();
    parse_line("{\"a\":".repeat(1_000_000).as_bytes()).unwrap_err();
}

#[test]
fn a_time_is_an_instant_of_the_calendar() {
    let instant =
        "an RFC 3339 time such as 2026-03-01T09:00:00+01:00, or epoch milliseconds as a number";
    let range = "a time from 1970-01-01T00:00:00Z to 9999-01-01T00:00:00Z";
    let whole = "whole epoch milliseconds, without fraction or exponent";
    let offset = "an offset such as Z or +01:00 at the end of the time: without one it could be any of several \
                  instants";
    for (value, expected) in [
        ("null", instant),
        ("true", instant),
        (r#""today""#, instant),
        (r#""2026-03-01T09:00:00""#, offset),
        (r#""2026-02-30T09:00:00Z""#, "a date that the calendar has"),
        (
            r#""2026-02-03T09:59:60Z""#,
            "second 60 only as a leap second, in the last minute of a UTC day",
        ),
        (r#""1969-12-31T23:59:59.999Z""#, range),
        (r#""9999-01-01T00:00:00.001Z""#, range),
        ("-1", range),
        ("253370764800001", range),
        ("99999999999999999999999", range),
        ("-99999999999999999999999", range),
        ("1.5", whole),
        ("1e12", whole),
        ("-0", whole),
    ] {
        check(
            &format!(r#"{{"time":{value},"type":"agent.removed","agent":"a"}}"#),
            "time",
            &format!("expected {expected}, found {value}"),
        );
    }
    check(
        r#"{"type":"agent.removed","agent":"a"}"#,
        "time",
        &format!("expected {instant}, but the field is missing"),
    );
}

#[test]
fn an_unknown_type_is_told_with_its_nearest() {
    check(
        r#"{"time":0}"#,
        "type",
        "expected an event type such as `agent.status`, but the field is missing",
    );
    check(
        r#"{"time":0,"type":7}"#,
        "type",
        "expected an event type such as `agent.status`, found 7",
    );
    for (found, meant) in [
        ("transaction.queud", "transaction.queued"),
        ("Agent.Status", "agent.status"),
        ("agent_status", "agent.status"),
        ("transaction.hold", "transaction.held"),
    ] {
        check(
            &format!(r#"{{"time":0,"type":"{found}"}}"#),
            "type",
            &format!("expected an event type, found \"{found}\": is `{meant}` meant?"),
        );
    }
    let error = parse_line(br#"{"time":0,"type":"zzz"}"#).unwrap_err();
    let all = "expected an event type, one of `transaction.queued`, `transaction.offered`, ";
    assert!(error.message.starts_with(all), "{}", error.message);
    assert!(error.message.ends_with(", found \"zzz\""), "{}", error.message);
}

#[test]
fn a_field_out_of_its_range_is_told_with_the_range() {
    let queue = "expected a whole number from 1 to 2147483647, ";
    for (value, found) in [
        (r#","queue":0"#, "found 0"),
        (r#","queue":2147483648"#, "found 2147483648"),
        (r#","queue":-1"#, "found -1"),
        (r#","queue":1.0"#, "found 1.0"),
        (r#","queue":1e0"#, "found 1e0"),
        (r#","queue":"1""#, "found \"1\""),
        (r#","queue":null"#, "found null"),
        ("", "but the field is missing"),
    ] {
        check_fields(
            &format!(r#""type":"queue.removed"{value}"#),
            "queue",
            &format!("{queue}{found}"),
        );
    }
    check_fields(
        r#""type":"group.removed","group":-1"#,
        "group",
        "expected a whole number from 1 to 2147483647, found -1",
    );
    // 0 would read as "no group" in the documents.
    check_fields(
        r#""type":"agent.configured","agent":"a","name":"A","group":0"#,
        "group",
        "expected a whole number from 1 to 2147483647, found 0",
    );
    check_fields(
        r#""type":"agent.status","agent":"a","status":"available","list":9223372036854775808"#,
        "list",
        "expected a whole number of at most 64 bits, found 9223372036854775808",
    );
    let assignment = r#""type":"assignment.set","agent":"a","queue":1"#;
    check_fields(assignment, "assigned", "expected `true` or `false`, but the field is missing");
    check_fields(
        &format!(r#"{assignment},"assigned":true,"enabled":1"#),
        "enabled",
        "expected `true` or `false`, found 1",
    );
}

#[test]
fn ids_and_names_are_limited() {
    let agent = "expected text of 1 to 128 characters without `/` and control characters, found ";
    let long = "x".repeat(129);
    let cut = format!("\"{}…\"", "x".repeat(40));
    for (id, found) in [
        ("", "\"\""),
        ("a/b", "\"a/b\""),
        (r"a\nb", r#""a\nb""#),
        ("a\u{7f}", "\"a\\u{7f}\""),
        ("é\u{85}", "\"é\\u{85}\""),
        (&long, &cut),
    ] {
        check_fields(
            &format!(r#""type":"agent.removed","agent":"{id}""#),
            "agent",
            &format!("{agent}{found}"),
        );
    }
    for id in ["", &long] {
        let found = if id.is_empty() { "\"\"" } else { &cut };
        check_fields(
            &format!(r#""type":"transaction.abandoned","transaction":"{id}""#),
            "transaction",
            &format!("expected text of 1 to 128 characters, found {found}"),
        );
    }
    check_fields(
        &format!(r#""type":"group.configured","group":1,"name":"{}""#, "x".repeat(1_025)),
        "name",
        &format!("expected text of at most 1024 characters, found {cut}"),
    );
    check_fields(
        r#""type":"group.configured","group":1,"name":["x"]"#,
        "name",
        "expected text of at most 1024 characters, found [\"x\"]",
    );
}

#[test]
fn words_are_told_whole() {
    check_fields(
        r#""type":"agent.status","agent":"a","status":"busy""#,
        "status",
        "expected `available`, `on-break`, `work-offline` or `logged-out`, found \"busy\"",
    );
    check_fields(
        r#""type":"queue.configured","queue":1,"name":"","media":"fax""#,
        "media",
        "expected `phone`, `chat`, `email` or `vmail`, found \"fax\"",
    );
    check_fields(
        r#""type":"transaction.placed","transaction":"t","agent":"a""#,
        "media",
        "expected the medium, since no queue is given: `phone`, `chat`, `email` or `vmail`, but the field is missing",
    );
    let line = r#""type":"line.status","agent":"a""#;
    check_fields(line, "line", "expected 1 or 2, but the field is missing");
    check_fields(
        &format!(r#"{line},"line":3,"status":"clear""#),
        "line",
        "expected 1 or 2, found 3",
    );
    check_fields(
        &format!(r#"{line},"line":2,"status":"busy""#),
        "status",
        "expected `monitoring`, `error` or `clear`, found \"busy\"",
    );
    check_fields(
        &format!(r#"{line},"line":1,"status":"error""#),
        "status",
        "expected `monitoring` or `clear` on line 1, since only line 2 has `error`, found \"error\"",
    );
}

#[test]
fn source_and_seq_come_together() {
    let check_origin = |origin: &str, field, message| {
        check_fields(&format!(r#""type":"group.removed","group":1,{origin}"#), field, message);
    };
    check_origin(
        r#""source":"s""#,
        "seq",
        "expected a whole number from 1, since `source` is given, but the field is missing",
    );
    check_origin(
        r#""seq":1"#,
        "source",
        "expected the source's name, since `seq` is given, but the field is missing",
    );
    check_origin(
        r#""seq":0,"source":"s""#,
        "seq",
        "expected a whole number from 1 to 18446744073709551615, found 0",
    );
    check_origin(
        r#""seq":1,"source":"""#,
        "source",
        "expected text of 1 to 64 characters, found \"\"",
    );
}

#[test]
fn what_lies_within_a_field_is_told_with_its_path() {
    let check_sla = |sla: &str, field, message| {
        let queue = r#""type":"queue.configured","queue":1,"name":"q","media":"phone","sla":"#;
        check_fields(&format!("{queue}{sla}"), field, message);
    };
    check_sla("80", "sla", "expected an object with `percent` and `within_seconds`, found 80");
    check_sla(
        r#"{"within_seconds":20}"#,
        "sla.percent",
        "expected a whole number from 0 to 100, but the field is missing",
    );
    check_sla(
        r#"{"percent":101,"within_seconds":20}"#,
        "sla.percent",
        "expected a whole number from 0 to 100, found 101",
    );
    check_sla(
        r#"{"percent":80}"#,
        "sla.within_seconds",
        "expected a whole number from 0 to 2147483647, but the field is missing",
    );
    check_sla(
        r#"{"percent":80,"within_seconds":20,"evaluate_every_seconds":0}"#,
        "sla.evaluate_every_seconds",
        "expected a whole number from 1 to 2147483647, found 0",
    );
    check_sla(
        r#"{"percent":80,"within_seconds":20,"percent":80}"#,
        "sla.percent",
        "expected the field once, found it twice",
    );
    let check_items = |items: &str, field, message| {
        let codes = r#""type":"codes.configured","list":1,"name":"b","items":"#;
        check_fields(&format!("{codes}{items}"), field, message);
    };
    check_items("{}", "items", "expected an array of code items, found {}");
    check_items("[7]", "items[0]", "expected an object, found 7");
    let good = r#"{"item":1,"short_code":"L","name":"Lunch","status":"on-break"}"#;
    check_items(
        &format!(r#"[{good},{{"item":1,"short_code":"L","name":"Lunch","status":"available"}}]"#),
        "items[1].status",
        "expected `on-break` or `work-offline`, found \"available\"",
    );
    check_items(
        &format!("[{}]", vec![good; limit::CODE_ITEMS_MAX + 1].join(",")),
        "items",
        "expected at most 10000 items",
    );
}

#[test]
fn a_known_field_comes_once() {
    check_fields(
        r#""type":"agent.removed","agent":"a","\u0061gent":"b""#,
        "agent",
        "expected the field once, found it twice",
    );
    check_fields(
        r#""type":"agent.removed","agent":null,"agent":"b""#,
        "agent",
        "expected the field once, found it twice",
    );
    let twice_unknown =
        br#"{"time":0,"type":"agent.removed","agent":"a","x":1,"x":2,"percent":1,"percent":2}"#;
    assert!(parse_line(twice_unknown).is_ok());
}

#[test]
fn a_batch_tells_the_first_hundred_errors_with_their_lines() {
    let mut batch =
        String::from("\r\n{\"time\":0,\"type\":\"agent.removed\",\"agent\":\"a\"}\r\n \t\n\n");
    batch.push_str(&"{}\n".repeat(150));
    let errors = parse_batch(batch.as_bytes(), None).unwrap_err();
    let lines: Vec<u32> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, (5..105).collect::<Vec<u32>>());
}

#[test]
fn a_batch_gives_its_events_with_their_lines() {
    let line = r#"{"time":0,"type":"agent.removed","agent":"a"}"#;
    let batch = format!("\n{line}\r\n\r\n   \n{line}");
    let events = parse_batch(batch.as_bytes(), None).unwrap();
    let numbers: Vec<u32> = events.iter().map(|line| line.number).collect();
    assert_eq!(numbers, [2, 5]);
    assert_eq!(parse_batch(b"", None), Ok(vec![]));
    assert_eq!(parse_batch(b"\x0c\n", None).unwrap_err()[0].line, 1);
}

#[test]
fn a_live_event_is_at_most_five_seconds_ahead() {
    let latest = 1_000_000 + limit::AHEAD_MS_MAX;
    let at = |time: i64| format!(r#"{{"time":{time},"type":"agent.removed","agent":"a"}}"#);
    assert!(parse_batch(at(latest).as_bytes(), Some(latest)).is_ok());
    let batch = format!("{}\n{}\n", at(latest), at(latest + 1));
    let message =
        "expected a time at most 5 s ahead of the server's clock, found one 5.001 s ahead of it";
    let error = FieldError { field: "time".into(), message: message.into() };
    assert_eq!(
        parse_batch(batch.as_bytes(), Some(latest)),
        Err(vec![LineError { line: 2, error }])
    );
}
