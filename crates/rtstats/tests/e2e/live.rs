//! The live stream: what changes is pushed, whoever comes back goes on, and a feed that ends says so.

use std::{io::Read, time::Instant};

use serde_json::{Map, Value, json};

use crate::{
    client::{Client, Stream},
    documents::World,
    server::{EVENTS, PATIENCE, now_ms},
};

const LIVE: &str = "/api/rtstats/live";
const TRENDS: &str = "/api/rtstats/trends.json";

/// One event of a stream.
#[derive(Debug, Clone)]
pub struct Event {
    name: String,
    pub id: Option<u64>,
    pub data: Value,
}

/// A stream that is open.
pub struct Events {
    stream: Box<dyn Stream>,
    /// Undone of its chunks, not yet read as events.
    text: Vec<u8>,
    ended: bool,
}

impl Events {
    pub fn open(client: &Client, headers: &[(&str, &str)]) -> Events {
        let mut stream = client.connect();
        client.send(&mut *stream, "GET", LIVE, headers, b"").unwrap();
        let head = line_by_line(&mut *stream);
        assert!(head[0].starts_with("HTTP/1.1 200"), "{head:?}");
        assert!(
            head.iter().any(|line| line.eq_ignore_ascii_case("content-type: text/event-stream"))
        );
        assert!(head.iter().any(|line| line.eq_ignore_ascii_case("cache-control: no-store")));
        assert!(head.iter().any(|line| line.eq_ignore_ascii_case("x-accel-buffering: no")));
        Events { stream, text: Vec::new(), ended: false }
    }

    /// The next event; none once the stream has ended.
    pub fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(at) = self.text.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..at + 2).collect();
                if let Some(event) = read_event(std::str::from_utf8(&block).unwrap()) {
                    return Some(event);
                }
            } else if self.ended {
                return None;
            } else {
                self.chunk();
            }
        }
    }

    fn chunk(&mut self) {
        let len = usize::from_str_radix(&read_line(&mut *self.stream), 16).unwrap();
        let mut chunk = vec![0; len + 2];
        self.stream.read_exact(&mut chunk).unwrap();
        self.text.extend_from_slice(&chunk[..len]);
        self.ended = len == 0;
    }

    /// The next event of which something holds.
    pub fn until(&mut self, holds: impl Fn(&Event) -> bool) -> Event {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let event = self.next().expect("the stream goes on");
            if holds(&event) {
                return event;
            }
            assert!(Instant::now() < deadline, "what was awaited does not come; last: {event:?}");
        }
    }
}

fn read_event(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let data = serde_json::from_str(field("data: ")?).unwrap();
    let id = field("id: ").map(|id| id.parse().unwrap());
    Some(Event { name: field("event: ")?.to_owned(), id, data })
}

fn read_line(stream: &mut dyn Stream) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while !line.ends_with(b"\r\n") {
        stream.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

fn line_by_line(stream: &mut dyn Stream) -> Vec<String> {
    let mut lines = vec![read_line(stream)];
    while !lines.last().unwrap().is_empty() {
        lines.push(read_line(stream));
    }
    lines
}

/// What a page holds after some events.
#[derive(Debug, Default, PartialEq)]
struct Page {
    rows: [Map<String, Value>; 2],
    names: Value,
}

const LISTS: [(&str, &str); 2] = [("agents", "agent-id"), ("queues", "queue-id")];

impl Page {
    fn take(&mut self, event: &Event) {
        match event.name.as_str() {
            "full" => *self = Page::default(),
            "change" => {}
            _ => return,
        }
        for ((list, id), rows) in LISTS.iter().zip(&mut self.rows) {
            for gone in event.data["gone"][list].as_array().into_iter().flatten() {
                rows.remove(&gone.to_string());
            }
            for row in event.data[list].as_array().into_iter().flatten() {
                let known = rows.entry(row[id].to_string()).or_insert_with(|| json!({}));
                let known = known.as_object_mut().unwrap();
                known.extend(row.as_object().unwrap().clone());
            }
        }
        if let Some(names) = event.data.get("names") {
            self.names = names.clone();
        }
    }
}

fn queued(world: &World, transaction: &str) {
    let event = json!({ "time": now_ms(), "type": "transaction.queued", "transaction": transaction, "queue": 115 });
    assert_eq!(world.action.post(EVENTS, event.to_string()).status, 200);
}

/// Whether a queue's size is told in it.
fn tells_size(event: &Event, size: i64) -> bool {
    let mut queues = event.data["queues"].as_array().into_iter().flatten();
    queues.any(|row| row["queue-id"] == 115 && row["queue-size"] == size)
}

#[test]
fn a_stream_begins_with_the_whole_table_and_goes_on_with_what_changes() {
    let world = World::new(&[]);
    let mut events = Events::open(&world.data, &[]);
    let full = events.next().unwrap();
    assert_eq!((full.name.as_str(), full.id), ("full", full.data["frame"].as_u64()));
    assert_eq!(full.data["state"], "ready");
    assert_eq!(full.data["agents"].as_array().unwrap().len(), 2);
    let queue = &full.data["queues"][1];
    assert_eq!(
        (&queue["queue-id"], &queue["queue-name"]),
        (&json!(115), &json!("Sales & <Support>"))
    );
    assert_eq!(queue["longest-wait-since"], Value::Null);
    let entered = now_ms();
    queued(&world, "t1");
    let change = events.until(|event| tells_size(event, 1));
    assert_eq!(change.name, "change");
    let row = &change.data["queues"][0];
    assert_eq!(row.get("queue-name"), None, "it has not changed");
    let since = row["longest-wait-since"].as_i64().unwrap();
    assert!((entered..=now_ms()).contains(&since));
    assert_eq!(change.data["last-event"], since);
    assert!(change.data["instant"].as_i64().unwrap() >= since);
}

#[test]
fn every_split_of_a_stream_leads_to_the_same_page() {
    let world = World::new(&[]);
    let mut events = Events::open(&world.data, &[]);
    let mut page = Page::default();
    page.take(&events.next().unwrap());
    for number in 1..=5 {
        queued(&world, &format!("t{number}"));
        let mut last = None;
        while !last.as_ref().is_some_and(|event| tells_size(event, number)) {
            let event = events.next().unwrap();
            page.take(&event);
            last = Some(event);
        }
    }
    let removed = json!({ "time": now_ms(), "type": "agent.removed", "agent": "j.doe" });
    let named =
        json!({ "time": now_ms(), "type": "group.configured", "group": 101, "name": "Nord" });
    assert_eq!(world.action.post(EVENTS, format!("{removed}\n{named}")).status, 200);
    let gone = events.until(|event| event.data.get("gone").is_some());
    page.take(&gone);
    assert_eq!(gone.data["gone"]["agents"], json!(["j.doe"]));
    assert_eq!(page.names["groups"], json!({ "101": "Nord" }));
    let (mut later, mut fresh) = (Events::open(&world.data, &[]), Page::default());
    let mut last = later.next().unwrap();
    assert_eq!(last.name, "full");
    fresh.take(&last);
    while last.id < gone.id {
        last = later.next().unwrap();
        fresh.take(&last);
    }
    let mut at = gone.id;
    while at < last.id {
        let event = events.next().unwrap();
        page.take(&event);
        at = event.id;
    }
    assert_eq!(fresh.rows, page.rows);
    assert_eq!(fresh.names, page.names);
}

#[test]
fn whoever_comes_back_gets_what_was_missed_and_nothing_twice() {
    let world = World::new(&[]);
    let mut events = Events::open(&world.data, &[]);
    let mut witness = Events::open(&world.data, &[]);
    let first = events.next().unwrap().id.unwrap();
    drop(events);
    queued(&world, "t1");
    let told = witness.until(|event| tells_size(event, 1)).id.unwrap();
    let mut back = Events::open(&world.data, &[("Last-Event-ID", &first.to_string())]);
    let mut expected = first;
    loop {
        let event = back.next().unwrap();
        expected += 1;
        assert_eq!((event.name.as_str(), event.id), ("change", Some(expected)));
        if event.id == Some(told) {
            assert!(tells_size(&event, 1));
            break;
        }
    }
    for unknown in ["1", "99999999999999999", "none", ""] {
        let mut lost = Events::open(&world.data, &[("Last-Event-ID", unknown)]);
        assert_eq!(lost.next().unwrap().name, "full", "after {unknown:?}");
    }
}

#[test]
fn a_frame_says_when_each_source_spoke_last_but_not_the_browser() {
    let world = World::new(&[]);
    let mut events = Events::open(&world.data, &[]);
    let mut tell = |source: &str, group: i64| {
        let time = now_ms();
        let line = json!({ "time": time, "type": "group.configured", "group": group, "name": source,
            "source": source, "seq": time });
        assert_eq!(world.action.post(EVENTS, line.to_string()).status, 200);
        (
            time,
            events.until(|event| event.data["names"]["groups"][group.to_string()] == source).data,
        )
    };
    let (spoke, first) = tell("pbx", 7);
    let told = json!({ "source": "pbx", "last-event": spoke, "steady": false });
    assert_eq!((&first["sources"][0], &first["connectors"]), (&told, &json!([])));
    let (changed, second) = tell("console", 8);
    assert_eq!(second["sources"][0], told, "what people change is no speech of the phone system");
    assert_eq!(second["last-event"], changed);
}

#[test]
fn a_quiet_feed_goes_on_saying_that_it_is_alive() {
    let world = World::new(&[]);
    let mut events = Events::open(&world.data, &[]);
    let first = events.next().unwrap();
    let beat = events.next().unwrap();
    assert_eq!(beat.name, "change");
    let apart = beat.data["now"].as_i64().unwrap() - first.data["now"].as_i64().unwrap();
    assert!((1..30_000).contains(&apart), "{apart} ms");
    assert!(beat.data["instant"].as_i64() > first.data["instant"].as_i64());
    assert_eq!(beat.data["last-event"], first.data["last-event"], "nothing came");
}

#[test]
fn a_new_token_and_a_removed_tenant_end_their_streams() {
    let world = World::new(&[]);
    let mut events = Events::open(&world.data, &[]);
    assert_eq!(events.next().unwrap().name, "full");
    let token = world.folder.token("acme", "data");
    let bye = events.until(|event| event.name == "bye");
    assert_eq!(bye.data, json!({ "reason": "revoked" }));
    assert!(events.next().is_none(), "the stream has ended");
    assert_eq!(world.data.get(LIVE).status, 403);

    let renewed = world.server.client(&world.folder).signed_in("acme", &token);
    let mut events = Events::open(&renewed, &[]);
    assert_eq!(events.next().unwrap().name, "full");
    world.folder.succeed(&["tenant", "remove", "acme"]);
    assert_eq!(events.until(|event| event.name == "bye").data["reason"], "revoked");
    assert_eq!(world.server.client(&world.folder).get(LIVE).status, 401);
}

#[test]
fn a_server_that_stops_says_goodbye_and_waits_for_no_stream() {
    let world = World::new(&["--stop-grace-seconds", "60"]);
    let mut events = Events::open(&world.data, &[]);
    assert_eq!(events.next().unwrap().name, "full");
    let begun = Instant::now();
    assert_eq!(world.server.terminate(), Some(0));
    assert!(begun.elapsed().as_secs() < 30, "streams don't use up the grace");
    assert_eq!(events.until(|event| event.name == "bye").data["reason"], "stop");
    assert!(events.next().is_none());
}

#[test]
fn two_hundred_streams_cost_one_rendering() {
    let world = World::new(&[]);
    let mut all: Vec<Events> = (0..200).map(|_| Events::open(&world.data, &[])).collect();
    for events in &mut all {
        assert_eq!(events.next().unwrap().name, "full");
    }
    queued(&world, "t1");
    let frames: Vec<u64> = all
        .iter_mut()
        .map(|events| events.until(|event| tells_size(event, 1)).id.unwrap())
        .collect();
    assert!(frames.iter().all(|frame| *frame == frames[0]), "one frame for all");
    let metrics = world.server.admin_page("/metrics");
    let figure = |name: &str| -> f64 {
        let line = metrics.text().lines().find(|line| line.starts_with(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name} in\n{}", metrics.text()))[name.len()..]
            .trim()
            .parse()
            .unwrap()
    };
    assert_eq!(figure("rtstats_live_subscribers"), 200.0);
    let wholes = figure("rtstats_live_whole_tables_total");
    assert!(wholes < 20.0, "{wholes} whole tables for 200 streams");
    let rendered =
        figure("rtstats_live_frame_bytes_total") + figure("rtstats_live_whole_table_bytes_total");
    assert!(figure("rtstats_live_sent_bytes_total") > 20.0 * rendered);
    drop(all);
    let deadline = Instant::now() + PATIENCE;
    while !world.server.admin_page("/metrics").text().contains("rtstats_live_subscribers 0\n") {
        assert!(Instant::now() < deadline, "streams are given back");
    }
}

#[test]
fn a_stream_needs_credentials_and_get() {
    let world = World::new(&[]);
    let stranger = world.server.client(&world.folder);
    assert_eq!(stranger.get(LIVE).status, 401);
    assert_eq!(world.action.get(LIVE).status, 403, "an Action Request Token reads nothing");
    let post = world.data.request("POST", LIVE, &[], b"");
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    let head = world.data.request("HEAD", LIVE, &[], b"");
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
}

#[test]
fn a_compressed_stream_is_a_whole_gzip_file_in_the_end() {
    let world = World::new(&[]);
    let mut packed = Events::open(&world.data, &[("Accept-Encoding", "gzip, deflate, br, zstd")]);
    let mut plain = Events::open(&world.data, &[]);
    assert_eq!(plain.next().unwrap().name, "full");
    queued(&world, "t1");
    plain.until(|event| tells_size(event, 1));
    world.folder.token("acme", "data");
    while !packed.ended {
        packed.chunk();
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed.text[..]).read_to_string(&mut text).unwrap();
    let events: Vec<Event> = text.split("\n\n").filter_map(read_event).collect();
    assert_eq!(events[0].name, "full");
    assert!(events.iter().any(|event| tells_size(event, 1)), "{text}");
    assert_eq!(events.last().unwrap().name, "bye");
    assert!(packed.text.len() * 2 < text.len(), "{} of {}", packed.text.len(), text.len());
}

#[test]
fn a_stream_outlives_the_idle_time() {
    let world = World::new(&["--limits-idle-timeout-seconds", "0.3"]);
    let mut events = Events::open(&world.data, &[]);
    assert_eq!(events.next().unwrap().name, "full");
    // Beats come further apart than the idle time is long; at the end of a minute a point of the trends comes too.
    for _ in 0..2 {
        events.until(|event| event.name == "change");
    }
}

#[test]
fn a_minute_with_events_becomes_a_point_of_the_trends_and_stays() {
    let world = World::new(&[]);
    let empty = world.get(TRENDS);
    assert_eq!((empty.status, empty.header("content-type")), (200, Some("application/json")));
    assert_eq!(empty.json()["every-seconds"], 60);
    for wrong in ["hours=0", "hours=25", "hours=x", "hours="] {
        assert_eq!(world.get(&format!("{TRENDS}?{wrong}")).status, 400, "{wrong}");
    }
    assert_eq!(world.action.get(TRENDS).status, 403);
    queued(&world, "t1");
    let mut events = Events::open(&world.data, &[]);
    // Comes with the end of the minute.
    let point = loop {
        let event = events.next().unwrap();
        if event.name == "trend" {
            break event;
        }
    };
    assert!(point.id.is_some());
    assert_eq!(point.data["time"].as_i64().unwrap() % 60_000, 0);
    let queues = point.data["queues"].as_array().unwrap();
    assert_eq!(queues.len(), 1, "nothing is at the other one: {queues:?}");
    assert_eq!(queues[0].as_array().unwrap()[..2], [json!(115), json!(1)]);
    let kept = world.get(&format!("{TRENDS}?hours=1")).json()["points"].clone();
    assert!(kept.as_array().unwrap().contains(&point.data), "{kept}");
    let world = world.again(&[]);
    world.get_until(TRENDS, |answer| answer.status == 200);
    assert_eq!(world.get(TRENDS).json()["points"], kept, "through a restart");
}
