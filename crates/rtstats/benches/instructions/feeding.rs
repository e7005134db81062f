//! What feeds: a frame of a live stream, and messages of a telephone system.

use std::sync::Arc;

use rtstats::{connect::asterisk::ami::Decoder, live::table::Table, shard::View};
use stats::engine::Engine;

use super::{
    Failure,
    engine::{AGENTS, QUEUES, applied, busy},
    measured,
};

/// Events between two frames, and the time.
const EVENTS: usize = 20;
const FRAME_MS: i64 = 200;

fn view(engine: &mut Engine, now: i64) -> View {
    let names: Arc<_> = engine.names();
    let counted = engine.counted();
    View { frozen: engine.freeze(now), counted, names, sources: Vec::new() }
}

/// All rows of a busy centre compared with those that were told, and what changed written.
pub fn live_frame() -> Result<usize, Failure> {
    let busy = busy(AGENTS, QUEUES, 10_000, EVENTS);
    let mut engine = applied(&busy.before)?;
    let now = engine.counted().ok_or("nothing was counted")?;
    let (mut table, mut frame) = (Table::default(), Vec::new());
    table.take_up(view(&mut engine, now), &mut frame);
    // Room as a feed has it after its first frames.
    frame.clear();
    for line in stats::parse::lines(busy.then.as_bytes()).flatten() {
        engine.apply(&line.event);
    }
    let view = view(&mut engine, now + FRAME_MS);
    measured(|| table.take_up(view, &mut frame));
    if frame.is_empty() {
        return Err("nothing changed".into());
    }
    Ok(1)
}

/// A recording of Asterisk 22, in reads of a session's size.
pub fn ami_decode() -> Result<usize, Failure> {
    let recorded = include_bytes!("../../../../fuzz/seeds/ami/asterisk22.txt").repeat(20);
    let mut decoder = Decoder::new();
    // Its buffer grows to what reads need, once.
    decode(&mut decoder, &recorded)?;
    measured(|| decode(&mut decoder, &recorded))
}

fn decode(decoder: &mut Decoder, recorded: &[u8]) -> Result<usize, Failure> {
    let mut messages = 0;
    for bytes in recorded.chunks(1_500) {
        decoder.push(bytes);
        while let Some(message) = decoder.message()? {
            std::hint::black_box((message.name(), message.get("Uniqueid"), message.timestamp()));
            messages += 1;
        }
    }
    Ok(messages)
}
