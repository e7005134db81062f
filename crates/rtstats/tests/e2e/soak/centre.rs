//! A busy centre's phone system and its office, and what became of what they told.

use std::fmt::Write as _;

use rtstats::simulate::{Plan, Simulation};
use serde_json::{Value, json};
use stats::{
    document::{Format, Page},
    engine::Engine,
    parse::parse_line,
    zone::Zone,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    client::{Client, Response, Stream, receive},
    server::{AGENTS, EVENTS, Folder, QUEUES, STATUS, rtstats},
};

pub const ZONE: &str = "Europe/Berlin";

/// Events of one batch at most.
const BATCH: usize = 1_000;

/// Every so-manieth batch is sent again, as if its answer had been lost.
const AGAIN_EVERY: u64 = 50;

/// The lines of a source in their order.
#[derive(Debug, Default, PartialEq, Clone, Copy)]
struct Lines {
    events: u64,
    digest: u64,
}

impl Lines {
    fn add(&mut self, line: &[u8]) {
        self.events += 1;
        self.digest = self.digest.rotate_left(1) ^ xxh3_64(line);
    }
}

/// Sends what happens.
pub struct Centre {
    simulation: Simulation,
    sender: Client,
    /// The connection that stays.
    line: Option<Box<dyn Stream>>,
    batches: u64,
    /// What the server has acknowledged.
    acknowledged: Lines,
    pub duplicates: u64,
    staff_seq: u64,
}

impl Centre {
    pub fn new(plan: Plan, sender: Client) -> Centre {
        Centre {
            simulation: Simulation::new(plan),
            sender,
            line: None,
            batches: 0,
            acknowledged: Lines::default(),
            duplicates: 0,
            staff_seq: 0,
        }
    }

    /// Events acknowledged.
    pub fn events(&self) -> u64 {
        self.acknowledged.events
    }

    /// Sends what has happened until an instant.
    pub fn send_until(&mut self, now_ms: i64) {
        loop {
            let (mut lines, mut events) = (Vec::new(), 0);
            while events < BATCH
                && let Some(event) = self.simulation.next_until(now_ms)
            {
                event.write_line(&mut lines);
                events += 1;
            }
            if events == 0 {
                return;
            }
            let told = self.post(&lines);
            assert_eq!(
                (&told["accepted"], &told["ignored"]),
                (&json!(events), &json!([])),
                "{told}"
            );
            lines
                .trim_ascii()
                .split(|byte| *byte == b'\n')
                .for_each(|line| self.acknowledged.add(line));
            self.batches += 1;
            if self.batches.is_multiple_of(AGAIN_EVERY) {
                let told = self.post(&lines);
                assert_eq!(told["duplicates"], events, "{told}");
                self.duplicates += events as u64;
            }
        }
    }

    fn post(&mut self, lines: &[u8]) -> Value {
        let sender = &self.sender;
        let line = self.line.get_or_insert_with(|| sender.connect());
        sender.send(&mut **line, "POST", EVENTS, &[], lines).unwrap();
        let answer = receive(&mut **line, false).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub fn hang_up(&mut self) {
        self.line = None;
    }

    /// Somebody is hired and somebody goes, a queue gets another name, and an event makes no sense.
    pub fn change_staff(&mut self, day: usize, now_ms: i64) {
        let (hired, gone) = (format!("hired.{day}"), format!("hired.{}", day.wrapping_sub(3)));
        let mut changes = vec![
            json!({ "type": "agent.configured", "agent": hired, "name": format!("Hired on day {day}"), "group": 1 }),
            json!({ "type": "assignment.set", "agent": hired, "queue": 101, "assigned": true }),
            json!({ "type": "group.configured", "group": 900, "name": format!("Day {day}") }),
            json!({ "type": "transaction.abandoned", "transaction": format!("unheard-of-{day}") }),
        ];
        if day >= 3 {
            changes.push(json!({ "type": "agent.removed", "agent": gone }));
        }
        let mut lines = String::new();
        for mut change in changes {
            self.staff_seq += 1;
            change["time"] = now_ms.into();
            change["source"] = "staff".into();
            change["seq"] = self.staff_seq.into();
            writeln!(lines, "{change}").unwrap();
        }
        let told = self.post(lines.as_bytes());
        assert_eq!(told["ignored"].as_array().unwrap().len(), 1, "{told}");
    }
}

/// A fold of the journal that never stopped.
pub struct Mirror {
    source: String,
    engine: Engine,
    position: u64,
    journalled: Lines,
    /// The first day's lines.
    first: Vec<u8>,
}

impl Mirror {
    pub fn new(source: String) -> Mirror {
        let engine = Engine::new(Zone::named(ZONE).unwrap());
        Mirror { source, engine, position: 0, journalled: Lines::default(), first: Vec::new() }
    }

    /// Reads on in the journal; what was acknowledged is there in its order, once but for what was sent again.
    pub fn follow(&mut self, folder: &Folder, centre: &Centre, day: usize) {
        let log = folder.succeed(&["log", "acme", "--after", &self.position.to_string()]);
        for line in log.lines() {
            self.position += 1;
            let event = parse_line(line.as_bytes()).unwrap();
            let origin = event.origin.as_ref();
            let seq =
                origin.filter(|origin| origin.source == self.source).map_or(0, |origin| origin.seq);
            if seq > self.journalled.events {
                self.journalled.add(line.as_bytes());
            }
            self.engine.apply(&event);
        }
        if day == 0 {
            self.first = log.into_bytes();
        }
        assert_eq!(
            self.journalled, centre.acknowledged,
            "day {day}: the journal has what was acknowledged"
        );
    }

    /// The server's documents and its account say what this fold says; on the first day, what a replay says too.
    pub fn compare(&mut self, folder: &Folder, reader: &Client, after_ms: i64, day: usize) {
        let forms = [("json", Format::Json), ("xml", Format::Xml), ("csv", Format::Csv)];
        for (path, page, show) in
            [(AGENTS, Page::Agents, "agents"), (QUEUES, Page::Queues, "queues")]
        {
            for (form, format) in forms {
                let (answer, at_ms) = later(reader, &format!("{path}.{form}"), after_ms);
                let expected = self.engine.freeze(at_ms).render(page, format).unwrap();
                assert!(answer.body == expected, "day {day}: {show} in {form} differ");
                if day == 0 {
                    let args = ["--at", &at_ms.to_string(), "--show", show, "--format", form];
                    assert_eq!(self.replay(folder, &args).trim_end(), answer.text().trim_end());
                }
            }
        }
        let status = reader.get(STATUS).json();
        let account = self.engine.account();
        assert_eq!(status["events"]["applied"], account.applied, "day {day}: {status}");
        assert_eq!(status["events"]["duplicates"], account.duplicates, "day {day}: {status}");
        let ours = account.source(&self.source).unwrap();
        assert_eq!((ours.seq, ours.missing), (self.journalled.events, 0), "day {day}");
    }

    fn replay(&self, folder: &Folder, args: &[&str]) -> String {
        let log = folder.path().join("first-day.ndjson");
        std::fs::write(&log, &self.first).unwrap();
        let replay = rtstats()
            .arg("replay")
            .arg(log)
            .args(["--timezone", ZONE])
            .args(args)
            .output()
            .unwrap();
        assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
        String::from_utf8(replay.stdout).unwrap()
    }
}

/// A document that describes a later instant than this one.
pub fn later(reader: &Client, path: &str, after_ms: i64) -> (Response, i64) {
    let deadline = std::time::Instant::now() + crate::server::PATIENCE;
    loop {
        let answer = reader.get(path);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let at: jiff::Timestamp = answer.header("rtstats-instant").unwrap().parse().unwrap();
        if at.as_millisecond() > after_ms {
            return (answer, at.as_millisecond());
        }
        assert!(std::time::Instant::now() < deadline, "{path} stays at {at}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
