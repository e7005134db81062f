//! Claims that hold for every input: the fuzz targets and the ordinary tests share them.
#![allow(dead_code, reason = "each fuzz target makes one of the claims")]

use stats::{
    document::{Format, Page},
    engine::Engine,
    parse,
    zone::Zone,
};

/// A line is read without panic, and what is read is written and read again as the same event.
pub fn parse_line(input: &[u8]) {
    if let Ok(event) = parse::parse_line(input) {
        let mut written = Vec::new();
        event.write_line(&mut written);
        assert_eq!(parse::parse_line(&written).as_ref(), Ok(&event));
    }
}

/// A batch tells its lines in order, whatever is in it.
pub fn parse_batch(input: &[u8]) {
    let numbers: Vec<u32> = match parse::parse_batch(input, Some(1 << 40)) {
        Ok(lines) => lines.iter().map(|line| line.number).collect(),
        Err(errors) => errors.iter().map(|error| error.line).collect(),
    };
    assert!(numbers.is_sorted_by(|earlier, later| earlier < later));
    let count = 1 + input.iter().filter(|byte| **byte == b'\n').count();
    assert!(numbers.last().is_none_or(|last| *last as usize <= count));
}

/// Well-formed events go through the engine, snapshots and documents without breaking an assertion.
pub fn parse_then_apply(input: &[u8]) {
    let mut engine = Engine::new(Zone::named("America/St_Johns").expect("the zone exists"));
    for line in parse::lines(input).flatten() {
        engine.apply(&line.event);
    }
    let now = engine.counted().unwrap_or(0);
    let mut restored = Engine::restore(&engine.snapshot()).expect("its own snapshot");
    let (frozen, again) = (engine.freeze(now), restored.freeze(now));
    for format in [Format::Xml, Format::Json, Format::Csv] {
        for page in [Page::Agents, Page::Queues] {
            assert_eq!(frozen.render(page, format), again.render(page, format));
        }
    }
}

/// Bytes that are no snapshot are refused without panic.
pub fn snapshot_restore(input: &[u8]) {
    if let Ok(mut engine) = Engine::restore(input) {
        engine.freeze(engine.counted().unwrap_or(0));
    }
}
