//! Lines of several versions of Asterisk, and damaged ones.

use super::*;

fn read(line: &str) -> Result<LogLine<'_>, LineFault> {
    LogLine::read(line.as_bytes(), &mut LogClock::default())
}

#[test]
fn the_fields_are_told_apart() {
    let line = read("1795525411|1795525410.4|sales|Agent 03|CONNECT|1|1795525410.6|7\n").unwrap();
    assert_eq!(line.time, 1_795_525_411_000);
    assert_eq!((line.call, line.queue, line.agent), ("1795525410.4", "sales", "Agent 03"));
    assert_eq!((line.kind, line.ring_ms), (Some(LogKind::Connect), Some(7_000)));
    assert_eq!((line.field(0), line.field(1), line.field(9)), ("1", "1795525410.6", ""));
    let line = read("1795525401|NONE|NONE|NONE|QUEUESTART|\r\n").unwrap();
    assert_eq!((line.call, line.queue, line.agent, line.data), ("", "", "", ""));
}

#[test]
fn ring_times_come_in_their_units_or_not_at_all() {
    for (data, ring_ms) in [
        ("RINGNOANSWER|5000", Some(5_000)),
        ("RINGNOANSWER|0", Some(0)),
        ("RINGNOANSWER|-1", Some(0)),
        ("RINGNOANSWER|", None),
        ("RINGNOANSWER", None),
        ("RINGCANCELED|2005", Some(2_005)),
        ("CONNECT|7", None),
        ("CONNECT|7|1795525410.6", None),
        ("CONNECT|7|1795525410.6|3", Some(3_000)),
        ("COMPLETEAGENT|7|x|y", None),
    ] {
        let line = format!("1795525411|c1|sales|Ann|{data}");
        assert_eq!(read(&line).unwrap().ring_ms, ring_ms, "{data}");
    }
}

#[test]
fn a_reason_may_hold_the_separator() {
    assert_eq!(read("1|NONE|sales|Ann|PAUSE|Lunch | late").unwrap().reason(), "Lunch | late");
    assert_eq!(read("1|NONE|sales|Ann|PAUSE|Lunch|").unwrap().reason(), "Lunch");
    assert_eq!(read("1|NONE|sales|Ann|UNPAUSE|").unwrap().reason(), "");
}

#[test]
fn unknown_kinds_are_no_faults() {
    let line = read("1|c1|sales|Ann|SOMETHINGNEW|x").unwrap();
    assert_eq!((line.kind, line.word), (None, "SOMETHINGNEW"));
}

#[test]
fn damage_is_told() {
    let long_call = format!("1|{}|sales|NONE|ENTERQUEUE||", "c".repeat(CALL_CHARS_MAX + 1));
    for (line, told) in [
        ("", "it has 1 of at least 5 fields"),
        ("1795525411|c1|sales|Ann", "it has 4 of at least 5 fields"),
        (
            "x|c1|sales|Ann|CONNECT|1",
            "its time is neither epoch seconds nor like 2026-11-24 09:30:00",
        ),
        ("1|NONE|sales|Ann|CONNECT|1", "CONNECT lacks the call id"),
        ("1|c1|NONE|NONE|ENTERQUEUE||", "ENTERQUEUE lacks the queue"),
        ("1|c1|sales|NONE|CONNECT|1", "CONNECT lacks the agent"),
        (
            "1|c1|sales|Ann|RINGNOANSWER|soon",
            "RINGNOANSWER has a ring time that is no number of at most a day",
        ),
        (
            "1|c1|sales|Ann|CONNECT|1|c2|9223372036854775807",
            "CONNECT has a ring time that is no number of at most a day",
        ),
        (&long_call, "its call id has more than 84 characters"),
    ] {
        assert_eq!(read(line).unwrap_err().to_string(), told, "{line}");
    }
    let fault = LogLine::read(b"1|c1|sal\xffes|Ann|CONNECT|1", &mut LogClock::default());
    assert_eq!(fault, Err(LineFault::NoUtf8(9)));
}
