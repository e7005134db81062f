//! How many messages of the manager interface one core decodes, in reads of a session's size; and how many bytes.

use std::hint::black_box;

use divan::{
    Bencher,
    counter::{BytesCount, ItemsCount},
};
use rtstats::connect::asterisk::ami::{Decoder, Message};

fn main() {
    divan::main();
}

/// A busy quarter of an hour: what came from Asterisk 22, again and again.
fn sample() -> Vec<u8> {
    include_bytes!("../../../fuzz/seeds/ami/asterisk22.txt").repeat(500)
}

fn decode(sample: &[u8], read_bytes: usize, mut each: impl FnMut(&Message)) {
    let mut decoder = Decoder::new();
    for bytes in sample.chunks(read_bytes) {
        decoder.push(bytes);
        while let Some(message) = decoder.message().expect("the recording is well-formed") {
            each(&message);
        }
    }
}

fn measure(bencher: Bencher<'_, '_>, read_bytes: usize, each: fn(&Message)) {
    let sample = sample();
    let mut count = 0_u32;
    decode(&sample, read_bytes, |_| count += 1);
    bencher
        .counter(ItemsCount::new(count))
        .counter(BytesCount::of_slice(&sample))
        .bench_local(|| decode(&sample, read_bytes, each));
}

#[divan::bench(args = [200, 1_500, 65_536])]
fn read(bencher: Bencher<'_, '_>, read_bytes: usize) {
    measure(bencher, read_bytes, |message| {
        black_box(message);
    });
}

/// As a reader does that looks at the event's name and three of its fields.
#[divan::bench]
fn read_and_look(bencher: Bencher<'_, '_>) {
    measure(bencher, 65_536, |message| {
        black_box(message.name());
        black_box((message.get("Uniqueid"), message.get("Queue"), message.timestamp()));
    });
}
