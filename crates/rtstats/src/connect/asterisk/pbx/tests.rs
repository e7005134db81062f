//! Real transcripts in, events out; the engine tells what they come to.

mod gaps;
mod listings;
mod steps;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fs::File,
    io::Read,
    path::Path,
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

/// Plays a transcript, as if we had asked what its driver asked at the beginning; `see` is shown everything else that
/// was answered to it.
fn play(
    chunks: &[(Millis, Chunk)],
    pbx: &mut Pbx,
    mut see: impl FnMut(Millis, &Message, &Pbx),
) -> Vec<Told> {
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
                    see(happened, &message, pbx);
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
    let id = field("ActionID: ").unwrap_or_default();
    let ask = match field("Action: ").as_deref() {
        _ if id.starts_with("view") => return,
        Some("QueueStatus") => Ask::Queues,
        Some("CoreShowChannels") => Ask::Channels,
        _ => return,
    };
    let own = ActionId::new(1, ids.len() as u64 + 1);
    ids.insert(id, own);
    pbx.asked(ask, own);
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

/// Lines of a queue_log of one kind, by the queue or the agent that they name.
fn count(queue_log: &str, kinds: &[&str], column: usize) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for line in queue_log.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        if kinds.contains(&fields[4]) {
            *counts.entry(fields[column].to_owned()).or_default() += 1;
        }
    }
    counts
}

/// A field of all rows of a list that is more than 0, by the rows' names.
fn by_name(engine: &mut Engine, page: Page<'_>, field: &str) -> BTreeMap<String, i64> {
    let (list, name) = match page {
        Page::Queues => ("queue", "queue-name"),
        _ => ("agent", "agent-name"),
    };
    let frozen = engine.freeze(engine.counted().unwrap());
    let rows: serde_json::Value =
        serde_json::from_slice(&frozen.render(page, Format::Json).unwrap()).unwrap();
    let pairs = rows[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row[name].as_str().unwrap().to_owned(), row[field].as_i64().unwrap()));
    pairs.filter(|(_, count)| *count > 0).collect()
}

/// One story played on one version.
struct Story {
    name: String,
    chunks: Vec<(Millis, Chunk)>,
    queue_log: String,
}

/// All stories of all versions.
fn stories() -> Vec<Story> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/asterisk");
    let mut stories = Vec::new();
    for version in ["16", "22"] {
        for entry in std::fs::read_dir(folder.join(version)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if let Some(story) = name.strip_suffix(".ami.gz") {
                let log = path.with_file_name(format!("{story}.queue_log"));
                let queue_log = std::fs::read_to_string(log).unwrap();
                let name = format!("{version}/{story}");
                stories.push(Story { name, chunks: transcript(&path), queue_log });
            }
        }
    }
    assert!(stories.len() > 60, "there are stories of both versions");
    stories
}

#[test]
fn the_day_of_every_story_is_that_of_its_queue_log() {
    for Story { name, chunks, queue_log } in stories() {
        let mut pbx = Pbx::new("main", Mapping::default(), Names::default());
        let told = play(&chunks, &mut pbx, |_, _, _| {});
        let mut engine = fold(&told);
        for (page, field, kinds, column) in [
            (Page::Queues, "day-queued", &["ENTERQUEUE"][..], 2),
            (Page::Queues, "day-accepted", &["CONNECT"], 2),
            (Page::Queues, "day-abandoned", &["ABANDON"], 2),
            (Page::Agents, "day-rejected-count", &["RINGNOANSWER"], 3),
        ] {
            let ours = by_name(&mut engine, page, field);
            let mut theirs = count(&queue_log, kinds, column);
            if field == "day-abandoned" {
                // A PBX that is killed logs nothing of the caller who waited, and calls abandoned who was redirected.
                match name.split('/').nth(1).unwrap() {
                    "killed" => theirs.insert("lab".to_owned(), 1),
                    "redirected" => theirs.remove("lab"),
                    _ => None,
                };
            }
            assert_eq!(ours, theirs, "{name}: {field}");
        }
    }
}

/// What the PBX said of itself in the middle of a story.
#[derive(Debug, Default)]
struct View {
    callers: BTreeSet<(String, String)>,
    in_call: BTreeSet<(String, String)>,
    paused: BTreeSet<(String, String)>,
    counts: BTreeMap<String, (u64, u64)>,
}

impl View {
    /// Takes in one entry of the view.
    fn take(&mut self, message: &Message) {
        let field = |key: &str| message.get(key).unwrap_or("").to_owned();
        let number = |key: &str| field(key).parse().unwrap();
        match message.name() {
            Some("QueueEntry") => {
                self.callers.insert((field("Queue"), field("Uniqueid")));
            }
            Some("QueueMember") => {
                let key = (field("Queue"), field("Location"));
                if field("InCall") == "1" {
                    self.in_call.insert(key.clone());
                }
                if field("Paused") == "1" {
                    self.paused.insert(key);
                }
            }
            Some("QueueParams") => {
                self.counts.insert(field("Queue"), (number("Completed"), number("Abandoned")));
            }
            _ => {}
        }
    }

    /// The same by our own picture.
    fn ours(pbx: &Pbx) -> View {
        let visits = pbx.calls.visits.iter().filter(|(_, visit)| visit.leaving.is_none());
        let talks = pbx.calls.legs().filter(|(_, leg)| leg.wrap_until.is_none());
        let paused = pbx.members.iter().filter(|member| member.paused.is_some());
        let counts = pbx.queues.iter().map(|(name, queue)| {
            let completed = queue.completed.unwrap_or(0) + queue.completed_told;
            (name.clone(), (completed, queue.abandoned.unwrap_or(0) + queue.abandoned_told))
        });
        View {
            callers: visits.map(|(id, visit)| (visit.queue.clone(), id.clone())).collect(),
            in_call: talks.filter_map(|(_, leg)| leg.member.clone()).collect(),
            paused: paused.map(|own| (own.queue.clone(), own.interface.clone())).collect(),
            counts: counts.collect(),
        }
    }
}

/// What of a view is in none of our pictures of these moments. The PBX lists in the middle of changes, too: each part for
/// itself.
fn differences(name: &str, theirs: &View, ours: &VecDeque<(Millis, View)>) -> Vec<String> {
    // Of a member in two calls at once the PBX forgets the second when the first ends, its count too.
    // So it does with a call that another phone picked up, at once.
    let forgets = name.ends_with("/ring_in_use") || name.ends_with("/picked_up");
    // Whoever leaves by key is in neither of the PBX's counts.
    let by_key = name.ends_with("/leaves_by_key");
    let any = |is: &dyn Fn(&View) -> bool| ours.iter().any(|(_, ours)| is(ours));
    let mut differ = Vec::new();
    if !any(&|ours| ours.callers == theirs.callers) {
        differ.push(format!("callers {:?}", theirs.callers));
    }
    if !any(&|ours| ours.paused == theirs.paused) {
        differ.push(format!("paused {:?}", theirs.paused));
    }
    if !forgets && !any(&|ours| ours.in_call == theirs.in_call) {
        differ.push(format!("in call {:?}", theirs.in_call));
    }
    if !forgets && !by_key && !any(&|ours| ours.counts == theirs.counts) {
        differ.push(format!("counts {:?}", theirs.counts));
    }
    differ
}

#[test]
fn our_picture_is_the_pbx_s_own_at_every_look() {
    let mut looks = 0;
    for Story { name, chunks, .. } in stories() {
        let mut pbx = Pbx::new("main", Mapping::default(), Names::default());
        let mut view = View::default();
        // A view is of the second in which it is taken: a change is told, or waited out, before or behind it.
        let mut lately: VecDeque<(Millis, View)> = VecDeque::new();
        let mut differs: Option<(Millis, View)> = None;
        play(&chunks, &mut pbx, |at, message, pbx| {
            lately.push_back((at, View::ours(pbx)));
            // The picture of a second ago stood until the next one.
            while lately.get(1).is_some_and(|(then, _)| *then < at - 1_000) {
                lately.pop_front();
            }
            if let Some((until, theirs)) = &differs {
                let differ = differences(&name, theirs, &lately);
                assert!(differ.is_empty() || at <= *until, "{name}: {differ:?} {lately:?}");
                if differ.is_empty() {
                    differs = None;
                }
            }
            if !message.get("ActionID").is_some_and(|id| id.starts_with("view")) {
                return;
            }
            view.take(message);
            if message.name() == Some("QueueStatusComplete") {
                let theirs = std::mem::take(&mut view);
                looks += 1;
                if !differences(&name, &theirs, &lately).is_empty() {
                    differs = Some((at + 1_000, theirs));
                }
            }
        });
        assert!(differs.is_none(), "{name}: {differs:?}");
    }
    assert!(looks > 60, "{looks}");
}
