//! The engine's work on one core: 2 000 agents, 100 queues, and as many events as leave no table to grow.

#[path = "../../../stats/benches/log/mod.rs"]
mod log;

use std::hint::black_box;

use stats::{
    document::{Format, Page},
    engine::Engine,
    parse::{lines, parse_batch},
    zone::Zone,
};

use super::{Failure, measured};

pub const AGENTS: u32 = 2_000;
pub const QUEUES: u32 = 100;

const EVENTS_PER_SECOND: i64 = 20;

/// Events of somewhat more than half an hour: from then on each new one takes an old one back.
const HALF_HOUR: usize = 40_000;

/// Events of one measurement.
const EVENTS: usize = 4_096;

/// The log of a centre: what fills it, and what happens then.
pub struct Busy {
    pub before: String,
    pub then: String,
}

/// A centre of `agents` in which so many events have happened.
pub fn busy(agents: u32, queues: u32, before: usize, then: usize) -> Busy {
    let mut busy = Busy { before: String::new(), then: String::new() };
    let mut log = log::Log::open(agents, queues, EVENTS_PER_SECOND, &mut busy.before);
    (0..before).for_each(|_| log.next(&mut busy.before));
    (0..then).for_each(|_| log.next(&mut busy.then));
    busy
}

/// The engine that has applied a log.
pub fn applied(log: &str) -> Result<Engine, Failure> {
    let mut engine = Engine::new(Zone::named("Europe/Berlin")?);
    for line in lines(log.as_bytes()) {
        engine.apply(&line.map_err(|error| format!("{error:?}"))?.event);
    }
    Ok(engine)
}

/// As the engine is at the start of a measurement of reading.
fn large() -> Result<Engine, Failure> {
    applied(&busy(AGENTS, QUEUES, 10_000, 0).before)
}

pub fn parse() -> Result<usize, Failure> {
    let busy = busy(200, 20, 0, EVENTS);
    Ok(measured(|| lines(busy.then.as_bytes()).map(black_box).filter(Result::is_ok).count()))
}

pub fn apply() -> Result<usize, Failure> {
    let busy = busy(200, 20, HALF_HOUR, EVENTS);
    let mut engine = applied(&busy.before)?;
    let events = parse_batch(busy.then.as_bytes(), None).map_err(|errors| format!("{errors:?}"))?;
    measured(|| {
        for line in &events {
            black_box(engine.apply(&line.event));
        }
    });
    Ok(events.len())
}

pub fn parse_and_apply() -> Result<usize, Failure> {
    let busy = busy(200, 20, HALF_HOUR, EVENTS);
    let mut engine = applied(&busy.before)?;
    Ok(measured(|| {
        let lines = lines(busy.then.as_bytes()).flatten();
        lines.map(|line| black_box(engine.apply(&line.event))).count()
    }))
}

pub fn freeze() -> Result<usize, Failure> {
    let mut engine = large()?;
    let now = engine.counted().ok_or("nothing was counted")?;
    let frozen = measured(|| engine.freeze(now + 1));
    Ok(frozen.agents.len() + frozen.queues.len())
}

fn render(format: Format) -> Result<usize, Failure> {
    let mut engine = large()?;
    let now = engine.counted().ok_or("nothing was counted")?;
    let frozen = engine.freeze(now);
    measured(|| frozen.render(Page::Agents, format)).ok_or("no list of agents")?;
    Ok(frozen.agents.len())
}

pub fn render_json() -> Result<usize, Failure> {
    render(Format::Json)
}

pub fn render_xml() -> Result<usize, Failure> {
    render(Format::Xml)
}

pub fn snapshot() -> Result<usize, Failure> {
    let engine = large()?;
    measured(|| engine.snapshot());
    Ok(1)
}

pub fn restore() -> Result<usize, Failure> {
    let state = large()?.snapshot();
    measured(|| Engine::restore(&state))?;
    Ok(1)
}
