//! Real transcripts in, events out; the engine tells what they come to.

mod gaps;
mod steps;

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use stats::{
    document::{Format, Page},
    engine::{Engine, Outcome},
    event::{Event, Millis},
    zone::Zone,
};

use super::{Ask, Pbx, Told};
use crate::connect::{
    asterisk::{
        ami::{ActionId, Decoder, Message},
        mapping::Mapping,
    },
    names::Names,
};

/// What came over the wire and when, in both directions.
enum Chunk {
    Received(Vec<u8>),
    Sent(Vec<u8>),
    Cut,
    Connected,
}

/// Reads a transcript: `@@ TIME DIRECTION LENGTH` before each chunk.
fn transcript(path: &Path) -> Vec<(Millis, Chunk)> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    let mut chunks = Vec::new();
    let mut rest = &bytes[..];
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let Some(head) =
            std::str::from_utf8(&rest[..end]).ok().and_then(|head| head.strip_prefix("@@ "))
        else {
            rest = &rest[end + 1..];
            continue;
        };
        let parts: Vec<&str> = head.split(' ').collect();
        let at = (parts[0].parse::<f64>().unwrap() * 1_000.0) as Millis;
        let len: usize = parts[2].parse().unwrap();
        let body = rest[end + 1..end + 1 + len].to_vec();
        rest = &rest[end + 1 + len..];
        let chunk = match (parts[1], &body[..]) {
            ("<", _) => Chunk::Received(body),
            (">", _) => Chunk::Sent(body),
            (_, b"connect") => Chunk::Connected,
            _ => Chunk::Cut,
        };
        chunks.push((at, chunk));
    }
    chunks
}

/// Plays a transcript; the listings that its driver asked for count as asked by us.
fn play(chunks: &[(Millis, Chunk)], pbx: &mut Pbx) -> Vec<Told> {
    let mut out = Vec::new();
    let mut decoder = Decoder::new();
    let mut ids: HashMap<String, ActionId> = HashMap::new();
    let mut has_banner = false;
    for (at, chunk) in chunks {
        pbx.wake(*at, &mut out);
        match chunk {
            Chunk::Connected => {
                (decoder, has_banner) = (Decoder::new(), false);
                pbx.connected(*at);
            }
            Chunk::Cut => pbx.disconnected(*at),
            Chunk::Sent(bytes) => note_asks(bytes, pbx, &mut ids),
            Chunk::Received(bytes) => {
                decoder.push(bytes);
                if !has_banner {
                    has_banner = decoder.banner().unwrap().is_some();
                }
                while has_banner && let Some(message) = decoder.message().unwrap() {
                    let message = with_our_id(&message, &ids);
                    let happened = message.timestamp().unwrap_or(*at);
                    pbx.message(happened, &message, &mut out);
                }
            }
        }
    }
    out
}

fn note_asks(bytes: &[u8], pbx: &mut Pbx, ids: &mut HashMap<String, ActionId>) {
    let text = String::from_utf8_lossy(bytes);
    let field =
        |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key).map(str::to_owned));
    let ask = match field("Action: ").as_deref() {
        Some("QueueStatus") => Ask::Queues,
        Some("CoreShowChannels") => Ask::Channels,
        _ => return,
    };
    let id = ActionId::new(1, ids.len() as u64 + 1);
    ids.insert(field("ActionID: ").unwrap_or_default(), id);
    pbx.asked(ask, id);
}

fn with_our_id(message: &Message, ids: &HashMap<String, ActionId>) -> Message {
    let fields = message.fields().map(|(key, value)| {
        let own = (key == "ActionID").then(|| ids.get(value)).flatten();
        (key.to_owned(), own.map_or_else(|| value.to_owned(), ActionId::to_string))
    });
    fields.collect()
}

/// What the engine makes of what was told; panics if any of it makes no sense there.
fn fold(told: &[Told]) -> Engine {
    let mut engine = Engine::new(Zone::named("UTC").unwrap());
    for told in told {
        let event = Event { time: told.time, origin: None, kind: told.kind.clone() };
        let outcome = engine.apply(&event);
        assert_eq!(outcome, Outcome::Applied, "{event:?}");
    }
    engine
}

/// Lines of a queue_log of one kind, by the queue and by the agent that they name.
fn count(queue_log: &Path, kinds: &[&str], column: usize) -> BTreeMap<String, i64> {
    let mut text = String::new();
    GzDecoder::new(File::open(queue_log).unwrap()).read_to_string(&mut text).unwrap();
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        if kinds.contains(&fields[4]) {
            *counts.entry(fields[column].to_owned()).or_default() += 1;
        }
    }
    counts
}

fn day_figures(engine: &mut Engine, told: &[Told]) -> (serde_json::Value, serde_json::Value) {
    let now = told.last().unwrap().time + 1_000;
    let frozen = engine.freeze(now);
    let read = |page| -> serde_json::Value {
        serde_json::from_slice(&frozen.render(page, Format::Json).unwrap()).unwrap()
    };
    (read(Page::Queues), read(Page::Agents))
}

/// The day's figures of a transcript are those of the queue_log of the same run.
fn check(transcript_name: &str, queue_log: &str) {
    let folder = folder();
    let mut pbx = Pbx::new("main", Mapping::default(), Names::default());
    let told = play(&transcript(&folder.join(transcript_name)), &mut pbx);
    let mut engine = fold(&told);
    let (queues, agents) = day_figures(&mut engine, &told);
    let log = folder.join(queue_log);
    let by =
        |rows: &serde_json::Value, list: &str, name: &str, field: &str| -> BTreeMap<String, i64> {
            let rows = rows[list].as_array().unwrap();
            let pairs = rows
                .iter()
                .map(|row| (row[name].as_str().unwrap().to_owned(), row[field].as_i64().unwrap()));
            pairs.filter(|(_, count)| *count > 0).collect()
        };
    for (field, kinds) in [
        ("day-queued", &["ENTERQUEUE"][..]),
        ("day-accepted", &["CONNECT"]),
        ("day-abandoned", &["ABANDON"]),
    ] {
        assert_eq!(by(&queues, "queue", "queue-name", field), count(&log, kinds, 2), "{field}");
    }
    assert_eq!(
        by(&agents, "agent", "agent-name", "day-rejected-count"),
        count(&log, &["RINGNOANSWER"], 3)
    );
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/asterisk")
}

#[test]
fn the_day_of_seeded_traffic_is_that_of_queue_log() {
    check("ami-small16.log.gz", "queue_log-small16.txt.gz");
    check("ami-small22.log.gz", "queue_log-small22.txt.gz");
}

#[test]
fn the_day_of_every_kind_of_call_is_that_of_queue_log() {
    check("ami-scen16.log.gz", "queue_log-scen16.txt.gz");
    check("ami-scen22.log.gz", "queue_log-scen22.txt.gz");
}
