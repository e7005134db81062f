//! How much a large tenant takes in memory, and what an event and a read cost as the day's log grows.
//!
//! `cargo run --release -p stats --example growth` prints both as Markdown.

#[path = "../benches/log/mod.rs"]
mod log;

use std::time::Instant;

use stats::{
    document::{Format, Page},
    engine::Engine,
    parse::lines,
    zone::Zone,
};

const BLOCK_EVENTS: u32 = 10_000;

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
        let start = Instant::now();
        for line in lines(self.block.as_bytes()) {
            self.engine.apply(&line.expect("the log is well-formed").event);
        }
        start.elapsed().as_nanos() as f64
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
    memory();
    growth();
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
    let mut recent: Vec<f64> = Vec::new();
    for goal in [10_000, 100_000, 1_000_000, 3_000_000, 10_000_000] {
        while events < goal {
            recent.push(run.go_on());
            events += u64::from(BLOCK_EVENTS);
        }
        let last = recent.split_off(recent.len().saturating_sub(100));
        let now = run.engine.counted().expect("events have been counted");
        let freezes = (0..21).map(|ms| {
            let start = Instant::now();
            std::hint::black_box(run.engine.freeze(now + ms));
            start.elapsed().as_secs_f64() * 1e3
        });
        let freeze_ms = median(freezes.collect());
        println!("| {events} | {:.0} | {freeze_ms:.2} | {:.1} |", median(last), resident_mb());
        recent.clear();
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
