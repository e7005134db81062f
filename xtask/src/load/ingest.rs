//! `cargo xtask load ingest`: events that make sense, posted in batches over and over.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow, ensure};
use memchr::memmem;

use super::connection::{Connection, Failure};
use super::events::{Center, Transactions};
use super::fsync;
use super::latency::{Latency, millis};
use super::measure::{Done, Events, Measured, Plan, Work, measure};
use super::target::{Address, Target};

/// Events in a post of the directory.
const DIRECTORY_BATCH: usize = 2_000;

/// Posts and bare `fdatasync` take turns so many times, so that both see the same disk.
const TURNS: u32 = 5;

/// Bytes of an event, about: what the bare loop writes each time.
const EVENT_BYTES: usize = 150;

/// The flags of `load ingest`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub address: Address,
    /// Connections that each post, wait for the answer and post again.
    #[arg(long, default_value_t = 8)]
    pub connections: usize,
    /// Events in a post.
    #[arg(long, default_value_t = 1_000)]
    pub batch: usize,
    /// The measured time.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// The time before, which is not measured.
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// Ends after so many events (rounded up to whole posts), whatever time they take; all count.
    #[arg(long)]
    pub events: Option<u64>,
    #[arg(long, default_value_t = 5_000)]
    pub agents: u32,
    #[arg(long, default_value_t = 200)]
    pub queues: u32,
    /// Threads of the generator; one per core unless given.
    #[arg(long)]
    pub threads: Option<usize>,
    /// The server's processes, separated by commas: their processor time is told.
    #[arg(long, value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// A folder in which, taking turns with the posts, bare appends with fdatasync are timed.
    #[arg(long)]
    pub fsync_dir: Option<PathBuf>,
}

/// What was measured.
pub struct Report {
    pub posts: Measured,
    /// The bare appends, if they were asked for.
    pub bare: Option<Latency>,
}

impl Report {
    pub fn events_per_second(&self) -> f64 {
        self.posts.events.accepted as f64 / self.posts.seconds
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Events { accepted, duplicates, ignored } = self.posts.events;
        writeln!(
            f,
            "events     {:.0}/s accepted  ({accepted}; {duplicates} duplicates, {ignored} ignored)",
            self.events_per_second()
        )?;
        write!(f, "{}", self.posts)?;
        if let Some(bare) = &self.bare {
            let mut bare = bare.clone();
            write!(f, "\nfdatasync  {}  ({} bare appends)", bare.line(), bare.count())?;
            let mut posts = self.posts.latency.clone();
            let over = posts.percentile(99.0).saturating_sub(bare.percentile(99.0));
            write!(f, "\npost p99 − fdatasync p99 = {}", millis(over))?;
        }
        Ok(())
    }
}

/// Posts the directory, then transactions, and measures the latter.
pub fn run(options: &Options) -> Result<Report> {
    let center = Center { agents: options.agents, queues: options.queues };
    ensure!(options.queues > 0 && options.batch > 0, "no queues, or no events in a post");
    ensure!(
        options.agents as usize >= options.connections,
        "{} connections need an agent each",
        options.connections
    );
    let target = Target::new(&options.address)?;
    post_directory(&target, center, now_ms())?;
    let mut plan = Plan {
        connections: options.connections,
        threads: super::threads(options.threads, options.connections),
        warm_up: Duration::from_secs_f64(options.warm_up),
        time: Duration::from_secs_f64(options.seconds),
        rate: None,
        pids: options.pid.clone(),
    };
    let posts = options
        .events
        .map(|events| events.div_ceil(options.batch as u64).div_ceil(options.connections as u64));
    if posts.is_some() {
        plan.warm_up = Duration::ZERO;
        plan.time = Duration::from_secs(24 * 3_600);
    }
    let Some(folder) = &options.fsync_dir else {
        let posts = measure_posts(&plan, &target, center, options.batch, posts)?;
        return Ok(Report { posts, bare: None });
    };
    ensure!(options.events.is_none(), "--fsync-dir takes turns by time: without --events");
    plan.time /= TURNS;
    let mut whole = Measured::default();
    let mut bare = Latency::default();
    for _ in 0..TURNS {
        bare.append(fsync::measure(folder, options.batch * EVENT_BYTES, plan.time)?);
        whole.append(measure_posts(&plan, &target, center, options.batch, None)?);
        plan.warm_up = Duration::ZERO;
    }
    Ok(Report { posts: whole, bare: Some(bare) })
}

fn measure_posts(
    plan: &Plan,
    target: &Target,
    center: Center,
    batch: usize,
    posts: Option<u64>,
) -> Result<Measured> {
    let run = now_ms() as u64;
    measure(plan, |index| {
        let transactions = Transactions::new(center, run, index, plan.connections);
        ensure!(!transactions.is_empty(), "connection {index} has no agent");
        Ok(Posting {
            target: target.clone(),
            transactions,
            batch,
            left: posts,
            connection: None,
            body: Vec::new(),
        })
    })
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Posts queues, agents and assignments, and makes every agent available.
fn post_directory(target: &Target, center: Center, at_ms: i64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let lines = center.directory(at_ms);
    runtime
        .block_on(async {
            let mut connection = Connection::open(target).await?;
            for batch in lines.chunks(DIRECTORY_BATCH) {
                let mut body = batch.join("\n").into_bytes();
                body.push(b'\n');
                let answer = connection.exchange(&post(target, &body), true).await?;
                if answer.status != 200 {
                    let said = String::from_utf8_lossy(&answer.body).into_owned();
                    return Err(Failure(format!("status {}: {said}", answer.status)));
                }
            }
            Ok(())
        })
        .map_err(|failure: Failure| anyhow!("the directory was not taken: {}", failure.0))
}

/// Posts the directory, and then transactions that happened at an even pace over the time up to now.
pub fn post_past(address: &Address, center: Center, events: u64, time: Duration) -> Result<()> {
    const BATCH: u64 = 1_000;
    let target = Target::new(address)?;
    let now = now_ms();
    let begin = now - time.as_millis() as i64;
    post_directory(&target, center, begin)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut transactions = Transactions::new(center, now as u64, 0, 1);
    let outcome = runtime.block_on(async {
        let mut connection = Connection::open(&target).await?;
        let mut body = Vec::new();
        for batch in 0..events / BATCH {
            body.clear();
            for event in batch * BATCH..(batch + 1) * BATCH {
                let passed = (now - begin) as u64 * event / events;
                transactions.write(begin + passed as i64, &mut body);
            }
            let answer = connection.exchange(&post(&target, &body), true).await?;
            let Events { accepted, ignored, .. } = counts(&answer.body);
            if (answer.status, accepted, ignored) != (200, BATCH, 0) {
                let said = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(Failure(format!("status {}: {said}", answer.status)));
            }
        }
        Ok(())
    });
    outcome.map_err(|failure: Failure| anyhow!("transactions were not taken: {}", failure.0))
}

/// A whole POST request.
fn post(target: &Target, body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    let further = [("Content-Type", "application/x-ndjson"), ("Content-Length", length.as_str())];
    let mut request = target.head("POST", &further);
    request.extend_from_slice(body);
    request
}

struct Posting {
    target: Target,
    transactions: Transactions,
    batch: usize,
    /// Posts still to be sent, where there is an end.
    left: Option<u64>,
    connection: Option<Connection>,
    body: Vec<u8>,
}

impl Work for Posting {
    async fn open(&mut self) -> Result<(), Failure> {
        self.connection = Some(Connection::open(&self.target).await?);
        Ok(())
    }

    async fn once(&mut self) -> Result<Option<Done>, Failure> {
        if self.left == Some(0) {
            return Ok(None);
        }
        self.left = self.left.map(|left| left - 1);
        self.body.clear();
        let now = now_ms();
        for _ in 0..self.batch {
            self.transactions.write(now, &mut self.body);
        }
        let request = post(&self.target, &self.body);
        let begin = Instant::now();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.target).await?,
        };
        let answer = connection.exchange(&request, true).await?;
        let time = begin.elapsed();
        if !connection.closes() {
            self.connection = Some(connection);
        }
        let events = counts(&answer.body);
        Ok(Some(Done { time, status: answer.status, bytes: request.len(), events }))
    }
}

/// Reads `{"accepted":n,"duplicates":n,"ignored":[{"line":n,…},…]}`.
fn counts(body: &[u8]) -> Events {
    let number = |name: &str| -> u64 {
        let Some(at) = memmem::find(body, name.as_bytes()) else { return 0 };
        let rest = body[at + name.len()..].trim_ascii_start();
        let digits = rest.iter().take_while(|b| b.is_ascii_digit());
        digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    };
    Events {
        accepted: number("\"accepted\":"),
        duplicates: number("\"duplicates\":"),
        ignored: memmem::find_iter(body, b"\"line\":").count() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_counts_are_read() {
        let body =
            b"{\"accepted\":12,\"duplicates\": 3,\"ignored\":[{\"line\":3,\"reason\":\"a\"},\
                     {\"line\":4,\"reason\":\"b\"}]}";
        assert_eq!(counts(body), Events { accepted: 12, duplicates: 3, ignored: 2 });
        assert_eq!(counts(b"oops"), Events::default());
    }
}
