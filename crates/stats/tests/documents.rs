//! The documents' bytes: SPEC §2's fields in their order, as XML, JSON and CSV that any reader takes back.

#![allow(clippy::unwrap_used, reason = "a test ends where its own assumption does not hold")]

use std::fmt;

use proptest::{prelude::any, proptest};
use quick_xml::{Reader, events::Event as Xml};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use stats::{
    document::{AGENT_FIELDS, Format, Frozen, Page, QUEUE_FIELDS},
    engine::{Engine, Outcome},
    event::{Base, Event, GivenCode, Kind, Line, Media, Millis, Sla},
    zone::Zone,
};

/// SPEC §2's list, word for word.
const AGENT_NAMES: &str = "agent-id, agent-media-id, agent-name, agent-status, assigned-skill-count, day-accepted-count,
day-available-time, day-avg-processing-time, day-break-time, day-login-time, day-offline-time,
day-processing-time, day-rejected-count, day-wrap-up-time, enabled-skill-count, group-id, last-login-time,
phone-line1-status, phone-line1-status-time, phone-line2-status, phone-line2-status-time,
status-code-item-id, status-code-item-short-code, status-code-list-id, thirty-min-accepted-count,
thirty-min-available-time, thirty-min-avg-handling-time, thirty-min-break-time, thirty-min-offline-time,
thirty-min-processing-time, thirty-min-rejected-count, thirty-min-wrap-up-time, time-in-status";

const QUEUE_NAMES: &str = "agent-count-busy, agent-count-loggedOut, agent-count-onBreak, agent-count-postProcess,
agent-count-waitTransact, agent-count-workOffline, day-abandoned, day-accepted, day-avg-duration,
day-avg-wait-time, day-queued, day-sla-activity, assigned-agent-count, enabled-agent-count,
longest-wait-time, media-type, number-in-offered, number-in-progress, queue-id, queue-name, queue-size,
sla-activity, sla-target, thirty-min-abandoned, thirty-min-accepted, thirty-min-avg-duration,
thirty-min-avg-wait-time, thirty-min-longest-wait-time, thirty-min-queued, thirty-min-sla-activity";

/// 5 June 2024, 09:00 in UTC.
const NINE: Millis = 1_717_578_000_000;

fn apply(engine: &mut Engine, time: Millis, kind: Kind<'_>) {
    assert_eq!(engine.apply(&Event { time, origin: None, kind }), Outcome::Applied);
}

fn empty() -> Engine {
    Engine::new(Zone::named("UTC").unwrap())
}

fn add_queue(engine: &mut Engine, queue: u32, name: &str, sla: Option<Sla>) {
    let (name, media) = (name.into(), Media::Voicemail);
    apply(engine, NINE, Kind::QueueConfigured { queue, name, media, sla });
}

fn add_agent(engine: &mut Engine, agent: &str, name: &str) {
    let (agent, name) = (agent.into(), name.into());
    apply(engine, NINE, Kind::AgentConfigured { agent, name, group: Some(12) });
}

fn set_break(engine: &mut Engine, agent: &str, short_code: &str) {
    let code = GivenCode { list: Some(3), item: Some(-14), short_code: Some(short_code.into()) };
    let (agent, status) = (agent.into(), Base::OnBreak);
    apply(engine, NINE, Kind::AgentStatus { agent, status, code });
}

/// Two agents and two queues with figures of every kind, and names that every form must escape.
fn sample() -> Frozen {
    let mut engine = empty();
    let sla = Sla { percent: 80, within_seconds: 7_200, evaluate_every_seconds: 900 };
    add_queue(&mut engine, 2_147_483_647, "Sales & \"Service\" <EU>, 'A'", Some(sla));
    add_queue(&mut engine, 7, "", None);
    add_agent(&mut engine, "j.doe", "Jörg \u{0}Doe\u{FFFE} 😀\r\n\tJr.");
    add_agent(&mut engine, "ann", " Ann ]]> \\ ");
    set_break(&mut engine, "ann", "l&n");
    let queue = 2_147_483_647;
    let (assigned, enabled) = (true, true);
    apply(&mut engine, NINE, Kind::AssignmentSet { agent: "ann".into(), queue, assigned, enabled });
    let transaction = || "t1".into();
    let line = Line::Two;
    apply(&mut engine, NINE, Kind::TransactionQueued { transaction: transaction(), queue });
    let (agent, media) = ("j.doe".into(), Some(Media::Phone));
    let placed =
        Kind::TransactionPlaced { transaction: "t2".into(), agent, queue: Some(7), media, line };
    apply(&mut engine, NINE + 61_999, placed);
    apply(&mut engine, NINE + 90_000, Kind::TransactionAbandoned { transaction: transaction() });
    engine.freeze(NINE + 125_000)
}

fn text(frozen: &Frozen, page: Page<'_>, format: Format) -> String {
    String::from_utf8(frozen.render(page, format).unwrap()).unwrap()
}

/// A document with a line for each field, so that people can read it.
fn readable(frozen: &Frozen, page: Page<'_>, format: Format) -> String {
    let document = text(frozen, page, format);
    match format {
        Format::Xml => document.replace("><", ">\n<"),
        Format::Json => document.replace(",\"", ",\n\"").replace(",{", ",\n{"),
        // Ends of records and control characters as they are written in Rust.
        Format::Csv => document.replace('\r', "\\r").replace('\0', "\\0"),
    }
}

#[test]
fn the_fields_are_those_of_the_specification_in_its_order() {
    let names = |list: &'static str| list.split(',').map(str::trim).collect::<Vec<_>>();
    let agent: Vec<&str> = AGENT_FIELDS.iter().map(|field| field.name).collect();
    let queue: Vec<&str> = QUEUE_FIELDS.iter().map(|field| field.name).collect();
    assert_eq!(agent, names(AGENT_NAMES));
    assert_eq!(queue, names(QUEUE_NAMES));
}

#[test]
fn every_form_shows_every_field_once_in_that_order() {
    let frozen = sample();
    let agent: Vec<&str> = AGENT_FIELDS.iter().map(|field| field.name).collect();
    let queue: Vec<&str> = QUEUE_FIELDS.iter().map(|field| field.name).collect();
    for (page, fields) in [(Page::Agents, &agent), (Page::Queues, &queue)] {
        for row in xml_rows(&text(&frozen, page, Format::Xml)) {
            assert_eq!(row.iter().map(|(name, _)| name).collect::<Vec<_>>(), *fields);
        }
        for row in json_rows(&text(&frozen, page, Format::Json)) {
            assert_eq!(row.iter().map(|(name, _)| name).collect::<Vec<_>>(), *fields);
        }
        let csv = csv_rows(&text(&frozen, page, Format::Csv));
        assert_eq!(csv[0], *fields);
        assert!(csv.iter().all(|row| row.len() == fields.len()));
        assert_eq!(csv.len(), 3);
    }
}

#[test]
fn the_list_of_agents() {
    let frozen = sample();
    insta::assert_snapshot!("agents_xml", readable(&frozen, Page::Agents, Format::Xml));
    insta::assert_snapshot!("agents_json", readable(&frozen, Page::Agents, Format::Json));
    insta::assert_snapshot!("agents_csv", readable(&frozen, Page::Agents, Format::Csv));
}

#[test]
fn the_list_of_queues() {
    let frozen = sample();
    insta::assert_snapshot!("queues_xml", readable(&frozen, Page::Queues, Format::Xml));
    insta::assert_snapshot!("queues_json", readable(&frozen, Page::Queues, Format::Json));
    insta::assert_snapshot!("queues_csv", readable(&frozen, Page::Queues, Format::Csv));
}

#[test]
fn one_agent_and_one_queue() {
    let frozen = sample();
    let (agent, queue) = (Page::Agent("j.doe"), Page::Queue(2_147_483_647));
    insta::assert_snapshot!("agent_xml", readable(&frozen, agent, Format::Xml));
    insta::assert_snapshot!("agent_json", readable(&frozen, agent, Format::Json));
    insta::assert_snapshot!("queue_xml", readable(&frozen, queue, Format::Xml));
    insta::assert_snapshot!("queue_json", readable(&frozen, queue, Format::Json));
}

#[test]
fn empty_lists_are_lists() {
    let frozen = empty().freeze(NINE);
    let prolog = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
    let agents = text(&frozen, Page::Agents, Format::Xml);
    assert_eq!(agents.strip_prefix(prolog), Some("<agents></agents>"));
    let queues = text(&frozen, Page::Queues, Format::Xml);
    assert_eq!(queues.strip_prefix(prolog), Some("<queues></queues>"));
    assert_eq!(text(&frozen, Page::Agents, Format::Json), r#"{"agent":[]}"#);
    assert_eq!(text(&frozen, Page::Queues, Format::Json), r#"{"queue":[]}"#);
    assert_eq!(csv_rows(&text(&frozen, Page::Agents, Format::Csv)).len(), 1);
}

#[test]
fn a_list_of_one_is_a_list_in_json() {
    let mut engine = empty();
    add_agent(&mut engine, "ann", "Ann");
    add_queue(&mut engine, 7, "Sales", None);
    let frozen = engine.freeze(NINE);
    let agents = text(&frozen, Page::Agents, Format::Json);
    assert!(agents.starts_with(r#"{"agent":[{"agent-id":"ann","#) && agents.ends_with("}]}"));
    let queues = text(&frozen, Page::Queues, Format::Json);
    assert!(queues.starts_with(r#"{"queue":[{"agent-count-busy":0,"#) && queues.ends_with("}]}"));
    let agent = text(&frozen, Page::Agent("ann"), Format::Json);
    assert!(agent.starts_with(r#"{"agent":{"agent-id":"ann","#) && agent.ends_with("}}"));
}

#[test]
fn what_is_not_there_has_no_document_and_items_have_no_csv() {
    let frozen = sample();
    for format in [Format::Xml, Format::Json, Format::Csv] {
        assert_eq!(frozen.render(Page::Agent("j"), format), None);
        assert_eq!(frozen.render(Page::Queue(8), format), None);
    }
    assert_eq!(frozen.render(Page::Agent("ann"), Format::Csv), None);
    assert_eq!(frozen.render(Page::Queue(7), Format::Csv), None);
}

#[test]
fn lists_are_in_the_order_of_bytes_and_numbers() {
    let mut engine = empty();
    for agent in ["b", "a", "é", "B", "a.1", "Z"] {
        add_agent(&mut engine, agent, "");
    }
    for queue in [10, 9, 100] {
        add_queue(&mut engine, queue, "", None);
    }
    let frozen = engine.freeze(NINE);
    let agents: Vec<&str> = frozen.agents.iter().map(|row| &*row.agent_id).collect();
    assert_eq!(agents, ["B", "Z", "a", "a.1", "b", "é"]);
    let queues: Vec<i64> = frozen.queues.iter().map(|row| row.queue_id).collect();
    assert_eq!(queues, [9, 10, 100]);
}

proptest! {
    #[test]
    fn any_name_survives_every_form(
        agent_id in "[^/\\p{Cc}]{1,20}", agent in any::<String>(), queue in any::<String>(),
        code in "\\PC*|[\\x00-\\x20,\"'<>&;\\]]*",
    ) {
        let mut engine = empty();
        add_agent(&mut engine, &agent_id, &agent);
        add_queue(&mut engine, 1, &queue, None);
        set_break(&mut engine, &agent_id, &code);
        let frozen = engine.freeze(NINE);
        let expected = [
            (Page::Agents, vec![("agent-id", agent_id.as_str()), ("agent-name", &agent),
                ("status-code-item-short-code", &code)]),
            (Page::Queues, vec![("queue-name", queue.as_str())]),
        ];
        for (page, texts) in expected {
            let xml = xml_rows(&text(&frozen, page, Format::Xml));
            let json = json_rows(&text(&frozen, page, Format::Json));
            let csv = csv_rows(&text(&frozen, page, Format::Csv));
            for (field, given) in texts {
                let of = |row: &[(String, String)]| {
                    row.iter().find(|(name, _)| name == field).unwrap().1.clone()
                };
                assert_eq!(of(&xml[0]), allowed_in_xml(given));
                assert_eq!(of(&json[0]), *given);
                let column = csv[0].iter().position(|name| name == field).unwrap();
                assert_eq!(csv[1][column], *given);
            }
        }
    }
}

/// SPEC §2: characters that XML 1.0 forbids become U+FFFD.
fn allowed_in_xml(text: &str) -> String {
    let allowed = |char: char| {
        matches!(char, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}')
            || char >= '\u{10000}'
    };
    text.chars().map(|char| if allowed(char) { char } else { '\u{FFFD}' }).collect()
}

/// The rows of a list document: (name, text) of every field, as an XML reader gives them.
fn xml_rows(document: &str) -> Vec<Vec<(String, String)>> {
    let mut reader = Reader::from_str(document);
    let (mut rows, mut depth) = (Vec::new(), 0);
    loop {
        match reader.read_event().unwrap() {
            Xml::Decl(_) => {}
            Xml::Start(start) => {
                depth += 1;
                match depth {
                    2 => rows.push(Vec::new()),
                    3 => field(&mut rows, start.name().0),
                    _ => {}
                }
            }
            Xml::Empty(empty) => field(&mut rows, empty.name().0),
            Xml::End(_) => depth -= 1,
            Xml::Text(text) => value(&mut rows).push_str(&text.xml10_content()),
            Xml::GeneralRef(reference) => {
                let char =
                    reference.resolve_char_ref().unwrap().unwrap_or_else(|| {
                        match &*reference.xml10_content() {
                            "amp" => '&',
                            "lt" => '<',
                            "gt" => '>',
                            other => panic!("{other} is not declared"),
                        }
                    });
                value(&mut rows).push(char);
            }
            Xml::Eof => break,
            other => panic!("{other:?} has no place in a document"),
        }
    }
    assert_eq!(depth, 0, "every element is closed");
    rows
}

fn field(rows: &mut [Vec<(String, String)>], name: &str) {
    rows.last_mut().unwrap().push((name.to_owned(), String::new()));
}

fn value(rows: &mut [Vec<(String, String)>]) -> &mut String {
    &mut rows.last_mut().unwrap().last_mut().unwrap().1
}

/// An object's members in their order.
struct Members(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// The rows of a list document, as a JSON reader gives them.
fn json_rows(document: &str) -> Vec<Vec<(String, String)>> {
    let lists: std::collections::BTreeMap<String, Vec<Members>> =
        serde_json::from_str(document).unwrap();
    let rows = lists.into_values().next().unwrap();
    let shown = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Number(number) => number.to_string(),
        other => panic!("{other} is no figure"),
    };
    rows.into_iter()
        .map(|row| row.0.into_iter().map(|(name, value)| (name, shown(value))).collect())
        .collect()
}

/// The records of a CSV document by RFC 4180, the header first.
fn csv_rows(document: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let (mut chars, mut quoted) = (document.chars().peekable(), false);
    while let Some(char) = chars.next() {
        let row = rows.last_mut().unwrap();
        let value = row.last_mut().unwrap();
        match char {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => value.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted => {
                assert_eq!(chars.next(), Some('\n'), "a record ends with CR LF");
                rows.push(vec![String::new()]);
            }
            _ => value.push(char),
        }
    }
    assert!(!quoted, "every quotation mark has its pair");
    assert_eq!(rows.pop().unwrap(), [""], "the last record ends too");
    rows
}
