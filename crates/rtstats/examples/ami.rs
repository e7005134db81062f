//! How many messages a second the bare decoder of the manager interface reads from a file. `bench/connect`
//! runs it over the bytes that its connector was told.

use std::{env, fs, hint::black_box, time::Instant};

use anyhow::Context;
use rtstats::connect::asterisk::ami::Decoder;

/// As a session reads.
const READ_BYTES: usize = 64 << 10;

fn main() -> anyhow::Result<()> {
    let path = env::args_os().nth(1).context("give a file with messages")?;
    let bytes = fs::read(path)?;
    println!("{:.0}", per_second(&bytes)?);
    Ok(())
}

fn per_second(bytes: &[u8]) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut decoder = Decoder::new();
    let mut count = 0_u64;
    for bytes in bytes.chunks(READ_BYTES) {
        decoder.push(bytes);
        while let Some(message) = decoder.message().context("the file is no stream of messages")? {
            black_box(message);
            count += 1;
        }
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}
