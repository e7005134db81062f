//! What one core does: parsing, applying, both, a bare `serde_json` parse of the same bytes, freezing and rendering.

#[path = "log/mod.rs"]
mod log;

use std::{hint::black_box, sync::LazyLock};

use divan::{Bencher, counter::ItemsCount};
use serde::de::IgnoredAny;
use stats::{
    document::{Format, Frozen, Page},
    engine::Engine,
    event::Event,
    parse::{lines, parse_batch},
    zone::Zone,
};

fn main() {
    divan::main();
}

/// 5 000 agents, 200 queues and a full half hour of 500 events a second.
const EVENTS: u32 = 1_000_000;

struct Sample {
    directory: String,
    busy: String,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let (mut directory, mut busy) = (String::new(), String::new());
    let mut log = log::Log::open(5_000, 200, 500, &mut directory);
    for _ in 0..EVENTS {
        log.next(&mut busy);
    }
    Sample { directory, busy }
});

fn started(directory: &str) -> Engine {
    let mut engine = Engine::new(Zone::named("Europe/Berlin").expect("the zone exists"));
    for line in lines(directory.as_bytes()) {
        engine.apply(&line.expect("the log is well-formed").event);
    }
    engine
}

fn measure(bencher: Bencher<'_, '_>, mut run: impl FnMut(&[u8], &mut Engine)) {
    let sample = &*SAMPLE;
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| started(&sample.directory))
        .bench_local_refs(|engine| run(sample.busy.as_bytes(), engine));
}

#[divan::bench(sample_count = 10)]
fn parse(bencher: Bencher<'_, '_>) {
    measure(bencher, |log, _| {
        for line in lines(log) {
            black_box(&line);
        }
    });
}

#[divan::bench(sample_count = 10)]
fn apply(bencher: Bencher<'_, '_>) {
    let parsed = parse_batch(SAMPLE.busy.as_bytes(), None).expect("the log is well-formed");
    let events: Vec<Event<'_>> = parsed.into_iter().map(|line| line.event).collect();
    measure(bencher, |_, engine| {
        for event in &events {
            black_box(engine.apply(event));
        }
    });
}

#[divan::bench(sample_count = 10)]
fn parse_and_apply(bencher: Bencher<'_, '_>) {
    measure(bencher, |log, engine| {
        for line in lines(log) {
            black_box(engine.apply(&line.expect("the log is well-formed").event));
        }
    });
}

/// The known ratio: `serde_json` checks that each line is JSON, and keeps nothing.
#[divan::bench(sample_count = 10)]
fn bare_serde_json(bencher: Bencher<'_, '_>) {
    measure(bencher, |log, _| {
        for line in serde_json::Deserializer::from_slice(log).into_iter::<IgnoredAny>() {
            black_box(line.expect("the log is well-formed"));
        }
    });
}

/// A tenant of 10 000 agents, 500 queues and a half hour of 1 000 events a second.
static LARGE: LazyLock<Engine> = LazyLock::new(|| {
    let mut lines = String::new();
    let mut log = log::Log::open(10_000, 500, 1_000, &mut lines);
    for _ in 0..2_000_000 {
        log.next(&mut lines);
    }
    started(&lines)
});

fn frozen() -> Frozen {
    let mut engine = LARGE.clone();
    let now = engine.counted().expect("events have been counted");
    engine.freeze(now)
}

#[divan::bench(sample_count = 50)]
fn freeze(bencher: Bencher<'_, '_>) {
    let mut engine = LARGE.clone();
    let mut now = engine.counted().expect("events have been counted");
    bencher.bench_local(|| {
        now += 1;
        engine.freeze(now)
    });
}

/// What the present state costs the shard.
#[divan::bench(sample_count = 50)]
fn present(bencher: Bencher<'_, '_>) {
    let engine = LARGE.clone();
    bencher.bench_local(|| engine.present());
}

/// What telling it costs beside the shard.
#[divan::bench(sample_count = 50)]
fn present_as_lines(bencher: Bencher<'_, '_>) {
    let present = LARGE.present();
    bencher.bench_local(|| {
        let mut lines = Vec::new();
        for event in present.events() {
            event.write_line(&mut lines);
        }
        lines
    });
}

#[divan::bench(sample_count = 50, args = [Format::Xml, Format::Json, Format::Csv])]
fn render_agents(bencher: Bencher<'_, '_>, format: Format) {
    let frozen = frozen();
    bencher.bench_local(|| frozen.render(Page::Agents, format));
}

#[divan::bench(sample_count = 50, args = [Format::Xml, Format::Json, Format::Csv])]
fn render_queues(bencher: Bencher<'_, '_>, format: Format) {
    let frozen = frozen();
    bencher.bench_local(|| frozen.render(Page::Queues, format));
}
