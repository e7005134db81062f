//! `cargo xtask load live`: many open live streams, what they cost, and how soon an event arrives in one.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::connection::{Connection, Failure};
use super::latency::Latency;
use super::process;
use super::target::{Address, Target};

/// The flags of `load live`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub address: Address,
    /// Streams that are open at a time.
    #[arg(long, default_value_t = 1_000)]
    pub streams: usize,
    /// The measured time.
    #[arg(long, default_value_t = 20.0)]
    pub seconds: f64,
    /// The server's process: its memory and processor time are told.
    #[arg(long)]
    pub pid: Option<u32>,
    /// Tenant and Action Request Token, as NAME:TOKEN: events are posted one by one, and timed until a stream shows them.
    #[arg(long)]
    pub events: Option<String>,
    /// A queue for them.
    #[arg(long, default_value_t = 1)]
    pub queue: u32,
}

/// What was measured.
pub struct Live {
    pub streams: usize,
    pub failed: usize,
    bytes: u64,
    frames: u64,
    time: Duration,
    /// The server's memory without the streams and with them.
    pub memory_mib: Option<(f64, f64)>,
    processor: Option<Duration>,
    latency: Latency,
}

/// Longer than any frame takes, and no measuring.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the streams, reads them for a while and tells what they cost.
pub fn run(options: &Options) -> Result<Live> {
    let target = Target::new(&options.address)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(options, target))
}

async fn measure(options: &Options, target: Target) -> Result<Live> {
    let memory = || options.pid.and_then(|pid| process::memory_mib(pid, false));
    let processor = || options.pid.and_then(|pid| process::cpu(&[pid]).ok());
    // One stream first: the feed and its table are there before the streams are weighed.
    let mut first = open(&target).await.map_err(|failure| anyhow!("{}", failure.0))?;
    count(&mut first, Instant::now() + Duration::from_secs(2)).await.map_err(|no| anyhow!(no.0))?;
    let before_mib = memory();
    let mut streams = Vec::new();
    let mut failed = 0;
    for number in 0..options.streams {
        match open(&spread(&target, number)).await {
            Ok(stream) => streams.push(stream),
            Err(_) => failed += 1,
        }
    }
    let (begun, before) = (Instant::now(), processor());
    let until = begun + Duration::from_secs_f64(options.seconds);
    let readers: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            tokio::spawn(async move {
                let read = count(&mut stream, until).await;
                // Kept open until all have ended, for the weighing.
                (stream, read)
            })
        })
        .collect();
    let latency = match &options.events {
        Some(user) => time_events(options, user, &mut first, until).await?,
        None => Latency::default(),
    };
    let (mut kept, mut bytes, mut frames) = (Vec::new(), 0, 0);
    for reader in readers {
        let (stream, read) = reader.await?;
        match read {
            Ok((more_bytes, more_frames)) => {
                bytes += more_bytes;
                frames += more_frames;
                kept.push(stream);
            }
            Err(_) => failed += 1,
        }
    }
    let processor = processor().zip(before).map(|(after, before)| after.saturating_sub(before));
    let memory_mib = before_mib.zip(memory());
    let (streams, time) = (kept.len(), begun.elapsed());
    Ok(Live { streams, failed, bytes, frames, time, memory_mib, processor, latency })
}

/// A loopback address has some 28 000 ports for connections to one other: so many streams come from several.
fn spread(target: &Target, number: usize) -> Target {
    const PORTS: usize = 20_000;
    let mut target = target.clone();
    if let (IpAddr::V4(address), Ok(nth @ 1..=250)) =
        (target.address.ip(), u8::try_from(number / PORTS))
        && address.is_loopback()
    {
        target.source = Some(IpAddr::from([127, 0, 0, nth + 1]));
    }
    target
}

async fn open(target: &Target) -> Result<Connection, Failure> {
    let mut stream = Connection::open(target).await?;
    stream.send(&target.head("GET", &[("Accept", "text/event-stream")])).await?;
    Ok(stream)
}

/// Reads until an instant; bytes and frames.
async fn count(stream: &mut Connection, until: Instant) -> Result<(u64, u64), Failure> {
    let (mut bytes, mut frames) = (0, 0);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        let mut each = |plain: &[u8]| {
            bytes += plain.len() as u64;
            frames += memchr::memmem::find_iter(plain, b"\nid: ").count() as u64;
        };
        match tokio::time::timeout(left, stream.hear(&mut each)).await {
            Ok(heard) => heard?,
            Err(_) => break,
        }
    }
    Ok((bytes, frames))
}

/// Posts one event after the other, each timed until the stream shows its time as the last event's.
async fn time_events(
    options: &Options,
    user: &str,
    stream: &mut Connection,
    until: Instant,
) -> Result<Latency> {
    let url = options.address.url.replace("/live", "/events");
    let posts = Address { url, user: None, ..options.address.clone() };
    let target = Target::new(&posts)?;
    let credentials = format!("Basic {}", BASE64_STANDARD.encode(user));
    let failed = |failure: Failure| anyhow!("an event: {}", failure.0);
    let mut connection = Connection::open(&target).await.map_err(failed)?;
    let mut latency = Latency::default();
    let mut number = 0;
    while Instant::now() < until {
        // What came meanwhile, so that the stream is at rest.
        count(stream, Instant::now() + Duration::from_millis(350)).await.map_err(failed)?;
        let time_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
        number += 1;
        let event = format!(
            "{{\"time\":{time_ms},\"type\":\"transaction.queued\",\"transaction\":\"load-live-{time_ms}-{number}\",\"queue\":{}}}\n",
            options.queue
        );
        let length = event.len().to_string();
        let head = [("Authorization", credentials.as_str()), ("Content-Length", &length)];
        let request = [target.head("POST", &head), event.into_bytes()].concat();
        let begun = Instant::now();
        let answer = connection.exchange(&request, true).await.map_err(failed)?;
        let told = String::from_utf8_lossy(&answer.body);
        anyhow::ensure!(answer.status == 200, "an event: status {}, {told}", answer.status);
        let shown = tokio::time::timeout(PATIENCE, shows(stream, time_ms));
        shown.await.context("an event was not shown")?.map_err(failed)?;
        latency.add(begun.elapsed());
    }
    Ok(latency)
}

/// Ends once a frame tells of an event at that time or later.
async fn shows(stream: &mut Connection, time_ms: u64) -> Result<(), Failure> {
    let mut text = Vec::new();
    loop {
        stream.hear(&mut |plain: &[u8]| text.extend_from_slice(plain)).await?;
        let key = b"\"last-event\":";
        let last = memchr::memmem::find_iter(&text, key).filter_map(|at| {
            let digits = text[at + key.len()..].split(|byte| !byte.is_ascii_digit()).next()?;
            std::str::from_utf8(digits).ok()?.parse::<u64>().ok()
        });
        if last.max().is_some_and(|last| last >= time_ms) {
            return Ok(());
        }
    }
}

impl fmt::Display for Live {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64();
        let streams = self.streams.max(1) as f64;
        writeln!(out, "streams    {} open, {} failed", self.streams, self.failed)?;
        writeln!(
            out,
            "frames     {:.2}/s and {:.0} bytes/s on each stream",
            self.frames as f64 / seconds / streams,
            self.bytes as f64 / seconds / streams
        )?;
        if let Some((before, after)) = self.memory_mib {
            let each_kib = (after - before) * 1_024.0 / streams;
            writeln!(
                out,
                "memory     {before:.1} MiB without, {after:.1} MiB with: {each_kib:.1} KiB a stream"
            )?;
        }
        if let Some(processor) = self.processor {
            let share = 100.0 * processor.as_secs_f64() / seconds;
            writeln!(out, "processor  {share:.1} % of one core")?;
        }
        let mut latency = self.latency.clone();
        if latency.count() > 0 {
            writeln!(out, "latency    {} (an event's post to its frame)", latency.line())?;
        }
        Ok(())
    }
}
