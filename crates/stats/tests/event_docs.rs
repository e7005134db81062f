//! The lines in docs/events.md are events, and its worked example leads to the figures that it tells.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::PathBuf};

use stats::{
    document::{Format, Page},
    engine::{Engine, Outcome},
    event::{Event, Millis},
    parse::parse_line,
    zone::Zone,
};

fn document() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    fs::read_to_string(path).unwrap()
}

/// The lines of the first block of events in a text, and the text behind it.
fn block(text: &str) -> Option<(Vec<&str>, &str)> {
    let (_, rest) = text.split_once("```ndjson\n")?;
    let (lines, rest) = rest.split_once("```\n").unwrap();
    Some((lines.lines().collect(), rest))
}

fn instant(time: &str) -> Millis {
    // The parser is the one place that reads times: an event carries this one in.
    let line = format!(r#"{{"time":"{time}","type":"group.removed","group":1}}"#);
    parse_line(line.as_bytes()).unwrap().time
}

/// The engine after the lines that count at or before an instant; each must make sense.
fn engine_at(lines: &[&str], at: Millis) -> Engine {
    let mut engine = Engine::new(Zone::named("UTC").unwrap());
    for line in lines {
        let event: Event<'_> = parse_line(line.as_bytes()).unwrap();
        if event.time <= at {
            assert_eq!(engine.apply(&event), Outcome::Applied, "{line}");
        }
    }
    engine
}

#[test]
fn every_example_is_an_event_and_every_type_has_one() {
    let text = document();
    let (mut rest, mut examples) = (text.as_str(), Vec::new());
    while let Some((lines, behind)) = block(rest) {
        examples.extend(lines);
        rest = behind;
    }
    for line in &examples {
        parse_line(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error:?}"));
    }
    for line in text.lines().filter(|line| line.starts_with("| `") && line.contains("` | `")) {
        let types = line.split(" | ").next().unwrap().split('`').filter(|word| word.contains('.'));
        for of_type in types {
            let named = format!(r#""type":"{of_type}""#);
            assert!(examples.iter().any(|line| line.contains(&named)), "no example of {of_type}");
        }
    }
}

#[test]
fn the_worked_example_leads_to_its_figures() {
    let text = document();
    let (lines, rest) = block(text.split_once("<!-- worked example -->\n").unwrap().1).unwrap();
    let (_, table) = rest.split_once("<!-- worked figures -->\n").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut told = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, at, page, field, value, ..] = cells[..] else { panic!("{row}") };
        let at = instant(&format!("2026-03-02T{at}Z"));
        let page = match page.split_once('/').unwrap() {
            ("agent", id) => Page::Agent(id),
            (_, id) => Page::Queue(id.parse().unwrap()),
        };
        let json = engine_at(&lines, at).freeze(at).render(page, Format::Json).unwrap();
        let shown = format!(r#""{}":{value}"#, field.trim_matches('`'));
        let json = String::from_utf8(json).unwrap();
        let is = |end: char| json.contains(&format!("{shown}{end}"));
        assert!(is(',') || is('}'), "{row}\n{json}");
        told += 1;
    }
    assert!(told > 20, "the table was not found");
}

#[test]
fn the_worked_state_is_what_the_engine_tells() {
    let text = document();
    let (lines, rest) = block(text.split_once("<!-- worked example -->\n").unwrap().1).unwrap();
    let (told, _) = block(rest.split_once("<!-- worked state -->\n").unwrap().1).unwrap();
    let mut written = Vec::new();
    for event in engine_at(&lines, instant("2026-03-02T09:01:36Z")).present().events() {
        event.write_line(&mut written);
    }
    assert_eq!(String::from_utf8(written).unwrap().lines().collect::<Vec<_>>(), told);
}
