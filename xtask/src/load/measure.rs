//! The frame of every load: connections shared among threads, a warm-up that does not count, and then the
//! measured time, over which processor time is taken too.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::task::LocalSet;

use super::connection::Failure;
use super::latency::Latency;
use super::process;

/// How long an answer may be awaited after the measured time.
const GRACE: Duration = Duration::from_secs(10);

/// How long a connection rests after a failure, so that a refusing server isn't hammered.
const REST: Duration = Duration::from_millis(10);

/// How to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    pub connections: usize,
    pub threads: usize,
    pub warm_up: Duration,
    /// The measured time; work that is over earlier ends it.
    pub time: Duration,
    /// Requests per second of all connections together; as many as there are answers, unless given.
    pub rate: Option<f64>,
    /// The server's processes.
    pub pids: Vec<u32>,
}

impl Plan {
    /// How far apart one connection's requests are.
    fn pace(&self) -> Option<Duration> {
        let rate = self.rate?;
        Duration::try_from_secs_f64(self.connections as f64 / rate).ok()
    }
}

/// What one connection does over and over.
pub trait Work {
    /// Connects; called before the time begins, and again after a failure.
    async fn open(&mut self) -> Result<(), Failure>;
    /// One request and its answer; `None` when the work is over.
    async fn once(&mut self) -> Result<Option<Done>, Failure>;
}

/// One answered request.
#[derive(Debug, Default, Clone, Copy)]
pub struct Done {
    pub time: Duration,
    pub status: u16,
    pub bytes: usize,
    /// What the server said about the events that it got.
    pub events: Events,
}

/// Counts of events.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Events {
    pub accepted: u64,
    pub duplicates: u64,
    pub ignored: u64,
}

/// What was measured.
#[derive(Debug, Default, Clone)]
pub struct Measured {
    pub latency: Latency,
    pub bytes: usize,
    pub events: Events,
    pub errors: BTreeMap<String, u64>,
    pub seconds: f64,
    /// Processor time of the server's processes, if they were named.
    pub server: Option<Duration>,
    /// Processor time of this process.
    pub client: Duration,
}

impl Measured {
    pub fn requests(&self) -> usize {
        self.latency.count()
    }

    pub fn rate(&self) -> f64 {
        self.requests() as f64 / self.seconds
    }

    /// The server's processor time for one request, in microseconds.
    pub fn server_micros(&self) -> Option<f64> {
        let server = self.server?.as_secs_f64();
        (self.requests() > 0).then(|| server * 1e6 / self.requests() as f64)
    }

    /// Adds another stretch of the same load.
    pub fn append(&mut self, other: Measured) {
        self.latency.append(other.latency);
        self.bytes += other.bytes;
        self.events.accepted += other.events.accepted;
        self.events.duplicates += other.events.duplicates;
        self.events.ignored += other.events.ignored;
        for (kind, count) in other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
        self.seconds += other.seconds;
        self.server = match (self.server, other.server) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        self.client += other.client;
    }

    fn add(&mut self, done: Done) {
        // 304 says that the reader has it already.
        if matches!(done.status, 200 | 304) {
            self.latency.add(done.time);
            self.bytes += done.bytes;
            self.events.accepted += done.events.accepted;
            self.events.duplicates += done.events.duplicates;
            self.events.ignored += done.events.ignored;
        } else {
            self.fail(format!("status {}", done.status));
        }
    }

    fn fail(&mut self, kind: String) {
        *self.errors.entry(kind).or_default() += 1;
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut latency = self.latency.clone();
        let megabytes = self.bytes as f64 / 1e6 / self.seconds;
        writeln!(
            f,
            "requests   {:.0}/s  {megabytes:.1} MB/s  ({} in {:.2} s)",
            self.rate(),
            self.requests(),
            self.seconds
        )?;
        writeln!(f, "latency    {}", latency.line())?;
        if let (Some(server), Some(micros)) = (self.server, self.server_micros()) {
            let cores = server.as_secs_f64() / self.seconds;
            writeln!(f, "server     {micros:.2} µs of processor per request, {cores:.2} cores")?;
        }
        let client = self.client.as_secs_f64();
        let micros = client * 1e6 / self.requests().max(1) as f64;
        write!(f, "generator  {micros:.2} µs per request, {:.2} cores", client / self.seconds)?;
        for (kind, count) in &self.errors {
            write!(f, "\nerror      {count} × {kind}")?;
        }
        Ok(())
    }
}

/// Runs the work of each connection by the plan. `make` is told the connection's number.
pub fn measure<W: Work + 'static>(
    plan: &Plan,
    make: impl Fn(usize) -> Result<W> + Sync,
) -> Result<Measured> {
    let ready = Barrier::new(plan.threads + 1);
    std::thread::scope(|scope| {
        let (ready, make) = (&ready, &make);
        let threads: Vec<_> = (0..plan.threads)
            .map(|thread| scope.spawn(move || run_thread(plan, thread, ready, make)))
            .collect();
        ready.wait();
        let begin = Instant::now();
        std::thread::sleep(plan.warm_up);
        let before = costs(plan);
        let end = begin + plan.warm_up + plan.time;
        while Instant::now() < end && !threads.iter().all(|thread| thread.is_finished()) {
            let left = end.saturating_duration_since(Instant::now());
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
        let after = costs(plan);
        let mut whole = Measured::default();
        for thread in threads {
            let part = thread.join().map_err(|_| anyhow!("a thread of the generator broke"))??;
            let seconds = whole.seconds.max(part.seconds);
            whole.append(part);
            whole.seconds = seconds;
        }
        let ((server_before, client_before), (server_after, client_after)) = (before?, after?);
        whole.server = (!plan.pids.is_empty()).then(|| server_after.saturating_sub(server_before));
        whole.client = client_after.saturating_sub(client_before);
        Ok(whole)
    })
}

fn costs(plan: &Plan) -> Result<(Duration, Duration)> {
    Ok((process::cpu(&plan.pids)?, process::cpu(&[std::process::id()])?))
}

/// One thread's connections, from the first handshake to the last answer.
fn run_thread<W: Work + 'static>(
    plan: &Plan,
    thread: usize,
    ready: &Barrier,
    make: &(impl Fn(usize) -> Result<W> + Sync),
) -> Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let connections = super::share(plan.connections, plan.threads, thread);
    let made: Result<Vec<W>> =
        (0..connections).map(|index| make(index * plan.threads + thread)).collect();
    let (Ok(runtime), Ok(mut works)) = (runtime, made) else {
        // The barrier counts on every thread, also on one that can't begin.
        ready.wait();
        return Err(anyhow!("a thread of the generator could not begin"));
    };
    let mut measured = Measured::default();
    runtime.block_on(async {
        for work in &mut works {
            if let Err(failure) = work.open().await {
                measured.fail(failure.0);
            }
        }
    });
    ready.wait();
    let begin = Instant::now() + plan.warm_up;
    let end = begin + plan.time;
    let tasks = LocalSet::new();
    let pace = plan.pace();
    let running: Vec<_> =
        works.into_iter().map(|work| tasks.spawn_local(repeat(work, begin, end, pace))).collect();
    runtime.block_on(tasks.run_until(async {
        for task in running {
            match task.await {
                Ok(part) => {
                    let seconds = measured.seconds.max(part.seconds);
                    measured.append(part);
                    measured.seconds = seconds;
                }
                Err(error) => measured.fail(format!("the generator broke: {error}")),
            }
        }
    }));
    Ok(measured)
}

/// One connection's work, from now to `end`, by its pace; what is done since `begin` counts.
async fn repeat<W: Work>(
    mut work: W,
    begin: Instant,
    end: Instant,
    pace: Option<Duration>,
) -> Measured {
    let mut measured = Measured { seconds: (end - begin).as_secs_f64(), ..Measured::default() };
    let endless = async {
        let mut due = Instant::now();
        while Instant::now() < end {
            if let Some(pace) = pace {
                // Timers are coarse: whoever is late makes up for it.
                tokio::time::sleep_until(due.into()).await;
                due += pace;
            }
            match work.once().await {
                Ok(None) => {
                    let spent = Instant::now().saturating_duration_since(begin);
                    measured.seconds = spent.as_secs_f64();
                    return;
                }
                Ok(Some(done)) => {
                    let now = Instant::now();
                    if now >= begin && now < end {
                        measured.add(done);
                    }
                }
                Err(failure) => {
                    measured.fail(failure.0);
                    tokio::time::sleep(REST).await;
                    if let Err(failure) = work.open().await {
                        measured.fail(failure.0);
                    }
                }
            }
        }
    };
    // One timer for the whole run: one for each request would show in the generator's cost.
    if tokio::time::timeout_at((end + GRACE).into(), endless).await.is_err() {
        measured.fail("no answer".into());
    }
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers at once; is over after some requests; every third request fails.
    struct Mock {
        left: u32,
    }

    impl Work for Mock {
        async fn open(&mut self) -> Result<(), Failure> {
            Ok(())
        }

        async fn once(&mut self) -> Result<Option<Done>, Failure> {
            if self.left == 0 {
                return Ok(None);
            }
            self.left -= 1;
            if self.left % 3 == 2 {
                return Err(Failure("third".into()));
            }
            let time = Duration::from_millis(1);
            Ok(Some(Done { time, status: 200, bytes: 10, events: Events::default() }))
        }
    }

    fn plan(connections: usize, threads: usize) -> Plan {
        let time = Duration::from_secs(20);
        Plan { connections, threads, warm_up: Duration::ZERO, time, rate: None, pids: Vec::new() }
    }

    #[test]
    fn every_connection_of_every_thread_is_counted() {
        let measured = measure(&plan(5, 2), |_| Ok(Mock { left: 6 })).unwrap();
        assert_eq!((measured.requests(), measured.bytes), (20, 200));
        assert_eq!(measured.errors.get("third"), Some(&10));
        assert!(measured.seconds < 10.0, "work that is over ends the time");
    }

    #[test]
    fn a_rate_is_shared_by_all_connections() {
        let plan = Plan { rate: Some(100.0), ..plan(5, 2) };
        assert_eq!(plan.pace(), Some(Duration::from_millis(50)));
        let begin = Instant::now();
        let measured = measure(&plan, |_| Ok(Mock { left: 6 })).unwrap();
        // Six requests of each, the first at once; those that fail count too.
        assert!(begin.elapsed() >= Duration::from_millis(250));
        assert_eq!(measured.requests(), 20);
    }

    #[test]
    fn work_that_cannot_be_made_is_an_error() {
        let none = |_| -> Result<Mock> { Err(anyhow!("no")) };
        assert!(measure(&plan(2, 2), none).is_err());
    }

    #[test]
    fn a_refusal_is_an_error_by_status() {
        let mut measured = Measured::default();
        measured.add(Done { status: 403, ..Done::default() });
        assert_eq!((measured.requests(), measured.errors.get("status 403")), (0, Some(&1)));
    }
}
