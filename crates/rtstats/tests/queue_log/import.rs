//! The command, and an engine that takes what it writes.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use stats::{
    document::{Format, Page},
    engine::{Engine, Reason},
    event::Millis,
    parse::parse_batch,
    zone::Zone,
};

/// The command, without settings from the environment that the tests run in.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtstats"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RTSTATS_")) {
        command.env_remove(name);
    }
    command.args(["import", "asterisk-queue-log"]).stdin(Stdio::null());
    command
}

/// Imports files, which must succeed; the events, and what was told.
pub fn import(files: &[&Path], flags: &[&str]) -> (String, String) {
    let output = command().args(files).args(flags).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    (String::from_utf8(output.stdout).unwrap(), told)
}

/// A recording of a real Asterisk.
pub fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/asterisk").join(name)
}

/// The lines of a recording.
pub fn recorded(name: &str) -> String {
    let packed = std::fs::File::open(recording(name)).unwrap();
    std::io::read_to_string(flate2::read::GzDecoder::new(packed)).unwrap()
}

/// An engine that has taken the events at or before an instant.
pub fn engine(events: &str, at: Millis) -> Engine {
    let mut engine = Engine::new(Zone::named("UTC").unwrap());
    for line in parse_batch(events.as_bytes(), None).unwrap() {
        if engine.would_count(&line.event).is_some_and(|counted| counted > at) {
            break;
        }
        engine.apply(&line.event);
    }
    engine
}

/// A document of an engine.
pub fn document(engine: &mut Engine, at: Millis, page: Page<'_>) -> Value {
    let document = engine.freeze(at).render(page, Format::Json).unwrap();
    serde_json::from_slice(&document).unwrap()
}

/// The day's counts of all queues, and of all agents: what no order of events changes.
pub fn counts(events: &str, at: Millis) -> Vec<(String, i64)> {
    let mut engine = engine(events, at);
    let mut counts = Vec::new();
    for (page, list, id, fields) in [
        (Page::Queues, "queue", "queue-id", &["day-queued", "day-accepted", "day-abandoned"][..]),
        (Page::Agents, "agent", "agent-id", &["day-accepted-count", "day-rejected-count"][..]),
    ] {
        for item in document(&mut engine, at, page)[list].as_array().unwrap() {
            for field in fields {
                counts.push((format!("{} {field}", item[id]), item[field].as_i64().unwrap()));
            }
        }
    }
    counts
}

/// Why events were ignored, and how many.
pub fn ignored(engine: &Engine) -> Vec<(Reason, u64)> {
    engine.account().ignored().filter(|(_, events)| *events > 0).collect()
}
