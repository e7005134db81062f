//! The contact centre of the examples: its documents come from an engine that was fed these events.

use std::sync::LazyLock;

use serde_json::Value;
use stats::{
    document::{Format, Frozen, Page},
    engine::Engine,
    event::Millis,
    parse,
    zone::Zone,
};

/// A queue, an agent, a call that is being worked and one that waits.
pub const EVENTS: &str = r#"{"time":"2026-03-02T08:55:00Z","type":"queue.configured","queue":101,"name":"Sales","media":"phone","sla":{"percent":80,"within_seconds":20}}
{"time":"2026-03-02T08:55:00Z","type":"agent.configured","agent":"ann","name":"Ann Archer"}
{"time":"2026-03-02T08:55:00Z","type":"assignment.set","agent":"ann","queue":101,"assigned":true}
{"time":"2026-03-02T08:58:00Z","type":"agent.status","agent":"ann","status":"available"}
{"time":"2026-03-02T09:00:00Z","type":"transaction.queued","transaction":"c-1","queue":101,"source":"pbx-1","seq":1}
{"time":"2026-03-02T09:00:07Z","type":"transaction.accepted","transaction":"c-1","agent":"ann","source":"pbx-1","seq":2}
{"time":"2026-03-02T09:01:30Z","type":"transaction.queued","transaction":"c-2","queue":101,"source":"pbx-1","seq":3}
"#;

/// 2026-03-02T09:02:00Z, half a minute after the last event.
const INSTANT: Millis = 1_772_442_120_000;

static FROZEN: LazyLock<Frozen> = LazyLock::new(|| engine().freeze(INSTANT));

fn engine() -> Engine {
    let zone = Zone::named("UTC").expect("UTC is compiled in");
    let mut engine = Engine::new(zone);
    let lines = parse::parse_batch(EVENTS.as_bytes(), None);
    for line in lines.expect("the example's events are well-formed: a test reads them") {
        engine.apply(&line.event);
    }
    engine
}

/// A document as text.
pub fn text(page: Page<'_>, format: Format) -> String {
    let written = FROZEN.render(page, format).expect("the example has this page");
    String::from_utf8(written).expect("documents are UTF-8")
}

/// A document as the example of its form.
pub fn document(page: Page<'_>, format: Format) -> Value {
    let text = text(page, format);
    match format {
        Format::Json => serde_json::from_str(&text).expect("a JSON document is JSON"),
        Format::Xml | Format::Csv => Value::String(text),
    }
}

/// The present state as events, one a line.
pub fn present() -> String {
    let mut lines = Vec::new();
    for event in engine().present().events() {
        event.write_line(&mut lines);
    }
    String::from_utf8(lines).expect("events are UTF-8")
}
