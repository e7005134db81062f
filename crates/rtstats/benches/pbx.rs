//! How many messages of the manager interface one core turns into events: decoder and model, with few calls at a time and
//! with many. The rate must not depend on how many there are.

use std::{fmt::Write as _, hint::black_box, io::Read as _};

use divan::{Bencher, counter::ItemsCount};
use flate2::read::GzDecoder;
use rtstats::connect::{
    asterisk::{ami::Decoder, mapping::Mapping, pbx::Pbx},
    names::Names,
};

/// A caller is answered, talks and hangs up.
const STORY: &[u8] = include_bytes!("../tests/fixtures/asterisk/22/caller_hangs_up.ami.gz");

const QUEUES: usize = 500;

fn main() {
    divan::main();
}

/// The story's events that are no answers.
fn messages() -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(STORY).read_to_string(&mut text).expect("the recording is whole");
    let blocks = text.split("\r\n\r\n").filter_map(|block| Some(&block[block.find("Event: ")?..]));
    let live = blocks.filter(|block| {
        !["ActionID: ", "FullyBooted", "QueueSummary"].iter().any(|not| block.contains(not))
    });
    live.map(str::to_owned).collect()
}

/// So many calls of other agents in other queues, step by step at the same time.
fn stream(calls: usize) -> (Vec<u8>, usize) {
    let messages = messages();
    let mut stream = String::new();
    for message in &messages {
        for call in 0..calls {
            for line in message.lines() {
                let (key, value) = line.split_once(": ").unwrap_or((line, ""));
                // Writing to a string can't fail.
                let _ = match key {
                    "Queue" => write!(stream, "Queue: {value}{}\r\n", call % QUEUES),
                    _ if key.ends_with("queid") || key.ends_with("nkedid") => {
                        write!(stream, "{key}: {call}{value}\r\n")
                    }
                    _ => {
                        let value = value.replace("agent01", &format!("agent{call:05}"));
                        let value = value.replace("Agent 01", &format!("Agent {call:05}"));
                        write!(stream, "{key}: {value}\r\n")
                    }
                };
            }
            stream.push_str("\r\n");
        }
    }
    (stream.into_bytes(), messages.len() * calls)
}

/// Returns how many events were told.
fn follow(stream: &[u8]) -> usize {
    let mut pbx = Pbx::new("bench", Mapping::default(), Names::default());
    let mut decoder = Decoder::new();
    let mut told = Vec::new();
    let mut count = 0;
    for bytes in stream.chunks(64 << 10) {
        decoder.push(bytes);
        while let Some(message) = decoder.message().expect("the stream is well-formed") {
            pbx.message(message.timestamp().unwrap_or_default(), &message, &mut told);
        }
        count += told.drain(..).map(black_box).count();
    }
    count
}

#[divan::bench(args = [20, 200, 2_000], sample_count = 10, sample_size = 1)]
fn calls_at_a_time(bencher: Bencher<'_, '_>, calls: usize) {
    let (stream, messages) = stream(calls);
    assert!(follow(&stream) >= 4 * calls, "each call is queued, offered, accepted and completed");
    bencher.counter(ItemsCount::new(messages)).bench_local(|| black_box(follow(&stream)));
}
