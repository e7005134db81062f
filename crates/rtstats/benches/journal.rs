//! How fast the journal takes events, beside a bare write + fdatasync of the same bytes on the same disk.
//!
//! Each sender waits for its batch to be on disk before it sends the next, as a connection does. The table is
//! Markdown, ready for `docs/benchmarks.md`. The data lie in the target folder: it has to be on a real disk.

use std::{
    fs::{File, OpenOptions},
    hint::black_box,
    io::{self, Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rtstats::{
    journal::{Batch, Journal as _, Position, Settings, SqliteJournal},
    tenants::{TenantId, Tenants},
};
use tempfile::TempDir;

const SPAN: Duration = Duration::from_secs(3);
const BATCHES: [u32; 3] = [1, 64, 1_024];
const SENDERS: [u32; 2] = [1, 8];

/// Bytes of the bare file, written round and round as a write-ahead log is.
const BARE_BYTES: usize = 16 << 20;

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Figures {
    events_per_second: f64,
    bytes_per_event: f64,
    p50: Duration,
    p99: Duration,
}

fn main() -> Result<(), Failure> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    println!(
        "| events a batch | senders | events/s | p50 | p99 | bare events/s | bare p50 | bare p99 | events/s ÷ bare |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for events in BATCHES {
        let bare = bare(&folder.path().join(format!("bare.{events}")), events)?;
        for senders in SENDERS {
            let data = folder.path().join(format!("data.{events}.{senders}"));
            let journal = journal(&data, senders, events)?;
            println!(
                "| {events} | {senders} | {:.0} | {:.0?} | {:.0?} | {:.0} | {:.0?} | {:.0?} | {:.2} |",
                journal.events_per_second,
                journal.p50,
                journal.p99,
                bare.events_per_second,
                bare.p50,
                bare.p99,
                journal.events_per_second / bare.events_per_second,
            );
            black_box(journal.bytes_per_event);
        }
        println!("<!-- {:.0} bytes an event -->", bare.bytes_per_event);
    }
    Ok(())
}

/// Lines as a telephone system sends them; no two are alike.
fn lines(batch: u32, sender: u32, events: u32) -> Bytes {
    let mut state = u64::from(batch) << 32 | u64::from(sender) << 16 | 1;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut text = String::new();
    for event in 0..events {
        let kind = ["offered", "accepted", "released", "completed"][random(4) as usize];
        text.push_str(&format!(
            "{{\"time\":{},\"type\":\"transaction.{kind}\",\"transaction\":\"call-{:08x}\",\"agent\":\"agent{:04}\",\
             \"source\":\"pbx-{sender}\",\"seq\":{}}}\n",
            1_700_000_000_000 + u64::from(batch) * u64::from(events) + u64::from(event),
            random(1 << 32),
            random(5_000),
            u64::from(batch) * u64::from(events) + u64::from(event) + 1,
        ));
    }
    Bytes::from(text)
}

/// Sends batches until the span is over; gives how long each took.
fn measure(
    sender: u32,
    events: u32,
    mut put: impl FnMut(Bytes) -> Result<(), Failure>,
) -> Result<(Vec<Duration>, usize), Failure> {
    // Made before, so that the clock sees only the putting.
    let pool: Vec<Bytes> = (0..64).map(|batch| lines(batch, sender, events)).collect();
    let mut took = Vec::new();
    let mut bytes = 0;
    let start = Instant::now();
    for batch in pool.iter().cycle() {
        let before = Instant::now();
        put(batch.clone())?;
        took.push(before.elapsed());
        bytes += batch.len();
        if start.elapsed() >= SPAN {
            break;
        }
    }
    Ok((took, bytes))
}

fn figures(mut took: Vec<Duration>, bytes: usize, events: u32, span: Duration) -> Figures {
    took.sort_unstable();
    let all = took.len() as f64 * f64::from(events);
    Figures {
        events_per_second: all / span.as_secs_f64(),
        bytes_per_event: bytes as f64 / all,
        p50: took[took.len() / 2],
        p99: took[took.len() * 99 / 100],
    }
}

fn bare(path: &Path, events: u32) -> Result<Figures, Failure> {
    let mut file = OpenOptions::new().create_new(true).write(true).open(path)?;
    file.write_all(&vec![0; BARE_BYTES])?;
    file.sync_all()?;
    file.rewind()?;
    let start = Instant::now();
    let (took, bytes) = measure(0, events, |lines| Ok(write_durably(&mut file, &lines)?))?;
    Ok(figures(took, bytes, events, start.elapsed()))
}

fn write_durably(file: &mut File, lines: &[u8]) -> io::Result<()> {
    if file.stream_position()? + lines.len() as u64 > BARE_BYTES as u64 {
        file.seek(SeekFrom::Start(0))?;
    }
    file.write_all(lines)?;
    file.sync_data()
}

fn journal(folder: &Path, senders: u32, events: u32) -> Result<Figures, Failure> {
    let mut tenants = Tenants::open(folder)?;
    let ids = (0..senders)
        .map(|sender| Ok(tenants.add(&format!("tenant-{sender}").parse()?, "UTC")?.id))
        .collect::<Result<Vec<TenantId>, Failure>>()?;
    let journal = SqliteJournal::open(folder, Settings::default(), Box::new(|_| {}))?;
    let start = Instant::now();
    let parts = thread::scope(|scope| {
        let sending: Vec<_> = (0..senders)
            .zip(&ids)
            .map(|(sender, id)| {
                let journal = &journal;
                scope.spawn(move || {
                    measure(sender, events, |lines| append(journal, *id, lines, events).map(|_| ()))
                })
            })
            .collect();
        sending
            .into_iter()
            .map(|sender| sender.join().unwrap_or_else(|_| Err("a sender panicked".into())))
            .collect::<Result<Vec<_>, Failure>>()
    })?;
    let span = start.elapsed();
    journal.close()?;
    let bytes = parts.iter().map(|(_, bytes)| bytes).sum();
    let took = parts.into_iter().flat_map(|(took, _)| took).collect();
    Ok(figures(took, bytes, events, span))
}

fn append(
    journal: &SqliteJournal,
    tenant: TenantId,
    lines: Bytes,
    events: u32,
) -> Result<Position, Failure> {
    let (told, answer) = channel();
    let durable = Box::new(move |outcome| {
        // The sender waits for it, so it is there.
        let _ = told.send(outcome);
    });
    journal.append(Batch { tenant, lines, events, durable })?;
    Ok(answer.recv()??)
}
