//! What one core does, how much a large tenant takes in memory, and what an event and a read cost as the day's log
//! grows.
//!
//! `cargo run --release -p stats --example growth` prints all as Markdown. Times are those on the processor, so that
//! a machine that does other work too gives much the same.

#[path = "../benches/log/mod.rs"]
mod log;

use std::hint::black_box;

use serde::de::IgnoredAny;
use stats::{
    document::{Format, Page},
    engine::Engine,
    event::Event,
    parse::{lines, parse_batch},
    zone::Zone,
};

const BLOCK_EVENTS: u32 = 10_000;
const FREEZES: i64 = 300;

struct Run {
    engine: Engine,
    log: log::Log,
    block: String,
}

impl Run {
    fn open(agents: u32, queues: u32, events_per_second: i64) -> Run {
        let mut block = String::new();
        let log = log::Log::open(agents, queues, events_per_second, &mut block);
        let engine = Engine::new(Zone::named("Europe/Berlin").expect("the zone exists"));
        let mut run = Run { engine, log, block };
        run.apply();
        run
    }

    fn apply(&mut self) -> f64 {
        let start = processor_ns();
        for line in lines(self.block.as_bytes()) {
            self.engine.apply(&line.expect("the log is well-formed").event);
        }
        processor_ns() - start
    }

    /// Applies the first block to many copies of the engine; nanoseconds for each event.
    fn begin_often(&mut self) -> Vec<f64> {
        let fresh = self.engine.clone();
        let first = self.go_on();
        let again = (1..50).map(|_| {
            self.engine = fresh.clone();
            self.apply() / f64::from(BLOCK_EVENTS)
        });
        std::iter::once(first).chain(again).collect()
    }

    /// Applies a block of new events; nanoseconds for each.
    fn go_on(&mut self) -> f64 {
        self.block.clear();
        for _ in 0..BLOCK_EVENTS {
            self.log.next(&mut self.block);
        }
        self.apply() / f64::from(BLOCK_EVENTS)
    }
}

fn main() {
    throughput();
    memory();
    growth();
}

fn throughput() {
    const EVENTS: u32 = 1_000_000;
    const ROUNDS: usize = 7;
    let started = Run::open(5_000, 200, 500);
    let (engine, mut log, mut text) = (started.engine, started.log, String::new());
    for _ in 0..EVENTS {
        log.next(&mut text);
    }
    let text = text.as_bytes();
    let events: Vec<Event<'_>> = {
        let parsed = parse_batch(text, None).expect("the log is well-formed");
        parsed.into_iter().map(|line| line.event).collect()
    };
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        rates[0].push(timed(|| {
            for line in serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>() {
                black_box(line.expect("the log is well-formed"));
            }
        }));
        rates[1].push(timed(|| {
            for line in lines(text) {
                black_box(&line);
            }
        }));
        let mut alone = engine.clone();
        rates[2].push(timed(|| {
            for event in &events {
                black_box(alone.apply(event));
            }
        }));
        let mut both = engine.clone();
        rates[3].push(timed(|| {
            for line in lines(text) {
                black_box(both.apply(&line.expect("the log is well-formed").event));
            }
        }));
    }
    let [bare, rest @ ..] = rates.map(|rounds| f64::from(EVENTS) * 1e3 / median(rounds));
    println!("| one core, 5 000 agents, 200 queues | million events/s | of the bare parse |");
    println!("|---|---:|---:|");
    println!("| bare `serde_json` parse (`IgnoredAny`) | {bare:.2} | 1.00 |");
    for (name, rate) in ["parse", "apply", "parse and apply"].into_iter().zip(rest) {
        println!("| {name} | {rate:.2} | {:.2} |", rate / bare);
    }
    println!();
}

fn timed(run: impl FnOnce()) -> f64 {
    let start = processor_ns();
    run();
    processor_ns() - start
}

/// Nanoseconds that this thread has had a processor.
fn processor_ns() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    told.split(' ').next().and_then(|ns| ns.parse().ok()).expect("a number comes first")
}

fn memory() {
    let before = resident_mb();
    let mut run = Run::open(10_000, 500, 1_000);
    for _ in 0..200 {
        run.go_on();
    }
    let engine = resident_mb() - before;
    let now = run.engine.counted().expect("events have been counted");
    let frozen = run.engine.freeze(now);
    let rows = resident_mb() - before;
    let documents = [Format::Xml, Format::Json].map(|format| frozen.render(Page::Agents, format));
    let rendered = resident_mb() - before;
    let snapshot_mb = run.engine.snapshot().len() as f64 / 1e6;
    println!("| resident memory, 10 000 agents, 500 queues, 2 000 000 events in 33 min | MB |");
    println!("|---|---:|");
    println!("| engine | {engine:.1} |");
    println!("| engine and the rows of one instant | {rows:.1} |");
    println!("| engine, rows and the agents' XML and JSON | {rendered:.1} |");
    println!("| snapshot's length | {snapshot_mb:.1} |\n");
    drop(documents);
}

fn growth() {
    let mut run = Run::open(5_000, 200, 500);
    println!("| events in the day's log | parse + apply, ns/event | freeze, ms | resident, MB |");
    println!("|---:|---:|---:|---:|");
    let mut events = 0_u64;
    for goal in [10_000, 100_000, 1_000_000, 3_000_000, 10_000_000] {
        let mut recent = Vec::new();
        // The system tells processor time in steps of milliseconds: only a mean over many blocks says something.
        if events == 0 {
            recent = run.begin_often();
            events += u64::from(BLOCK_EVENTS);
        }
        while events < goal {
            recent.push(run.go_on());
            events += u64::from(BLOCK_EVENTS);
        }
        let last = &recent[recent.len().saturating_sub(100)..];
        let event_ns = last.iter().sum::<f64>() / last.len() as f64;
        let now = run.engine.counted().expect("events have been counted");
        // The system tells processor time in steps of milliseconds: many freezes make one time.
        let freezes_ns = timed(|| {
            for ms in 0..FREEZES {
                black_box(run.engine.freeze(now + ms));
            }
        });
        let freeze_ms = freezes_ns / 1e6 / FREEZES as f64;
        println!("| {events} | {:.0} | {freeze_ms:.2} | {:.1} |", event_ns, resident_mb());
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The pages that the process holds in memory; 0 where the system does not tell.
fn resident_mb() -> f64 {
    const PAGE_BYTES: f64 = 4_096.0;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(0.0) * PAGE_BYTES / 1e6
}
