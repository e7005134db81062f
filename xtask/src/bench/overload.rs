//! `cargo xtask bench overload`: ten times the load that the server takes, beside clients that are up to no good.
//!
//! Peak is what connections in a number that keeps the server busy get; overload is ten times as many. Goodput is answers
//! with status 200. The generator shares the machine, so it takes from the server what it needs: that is in every row.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::server::{Server, Tenant};
use super::{Place, grouped, hostile::Hostile};
use crate::load::measure::Measured;
use crate::load::{api, ingest, process};

/// How much of the peak must be left.
const GOODPUT_MIN: f64 = 0.8;

/// How soon after an overload the server must be as quick as before.
const RECOVERY_MAX: Duration = Duration::from_secs(1);

/// Overload, in peaks.
const TIMES: usize = 10;

const READING: usize = 32;
const SHAKING: usize = 8;
const POSTING: usize = 8;
const BATCH: usize = 100;

/// Connections of the server that refuses.
const CONNECTIONS_MAX: usize = 64;

/// The flags of `bench overload`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// How long each row is measured.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Connections that are open and ask nothing.
    #[arg(long, default_value_t = 18_000)]
    idle: usize,
}

struct Bench {
    server: Server,
    tenant: Tenant,
    seconds: f64,
    table: String,
    missed: Vec<String>,
}

/// Measures and returns the table.
pub fn run(options: &Options, root: &Path) -> Result<String> {
    let folder = options.place.folder(root)?;
    let binary = options.place.server(root);
    let tenant = Tenant::add(&binary, folder.path(), "load")?;
    let server = Server::start(&binary, folder.path())?;
    let table = String::from(
        "| load | offered | goodput | of the peak | p99 | refused or failed | memory, highest |\n\
         |---|---:|---:|---:|---:|---|---:|\n",
    );
    let mut bench = Bench { server, tenant, seconds: options.seconds, table, missed: Vec::new() };
    bench.post(POSTING)?;
    bench.reads()?;
    bench.handshakes()?;
    bench.posts()?;
    bench.among_hostile(options.idle)?;
    let Bench { server, tenant, table, missed, seconds } = bench;
    server.kill()?;
    let few = CONNECTIONS_MAX.to_string();
    let few = [("LIMITS_CONNECTIONS_MAX", few.as_str())];
    let server = Server::start_set(&binary, folder.path(), &few)?;
    let mut bench = Bench { server, tenant, seconds, table, missed };
    bench.beyond_connections()?;
    let Bench { mut table, missed, .. } = bench;
    let _ = match &missed[..] {
        [] => writeln!(
            table,
            "\nGoal: {GOODPUT_MIN} of the peak, as quick as before within {RECOVERY_MAX:?}. Met."
        ),
        missed => {
            writeln!(table, "\nGoal: {GOODPUT_MIN} of the peak; missed by: {}.", missed.join("; "))
        }
    };
    Ok(table)
}

impl Bench {
    fn read(&self, connections: usize, new_connections: bool, seconds: f64) -> Result<Measured> {
        let path = "/api/rtstats/stats/queue/1.json";
        api::run(&api::Options {
            address: self.server.address(path, &self.tenant.name, &self.tenant.data),
            connections,
            seconds,
            warm_up: 0.5,
            threads: None,
            rate: None,
            pid: vec![self.server.pid()],
            manner: api::Manner { new_connections, ..api::Manner::default() },
        })
    }

    fn post(&self, connections: usize) -> Result<ingest::Report> {
        ingest::run(&ingest::Options {
            address: self.server.address(
                "/api/rtstats/events",
                &self.tenant.name,
                &self.tenant.action,
            ),
            connections,
            batch: BATCH,
            seconds: self.seconds,
            warm_up: 0.5,
            events: None,
            agents: 2_000,
            queues: 100,
            threads: None,
            pid: vec![self.server.pid()],
            fsync_dir: None,
        })
    }

    fn reads(&mut self) -> Result<()> {
        let peak = self.read(READING, false, self.seconds)?;
        self.row("reads, peak", &format!("{READING} connections"), peak.rate(), None, &peak);
        let over = self.read(READING * TIMES, false, self.seconds)?;
        let offered = format!("{} connections", READING * TIMES);
        self.row("reads", &offered, over.rate(), Some(peak.rate()), &over);
        self.recovers("reads", &peak)
    }

    fn handshakes(&mut self) -> Result<()> {
        let peak = self.read(SHAKING, true, self.seconds)?;
        self.row("handshakes, peak", &format!("{SHAKING} at a time"), peak.rate(), None, &peak);
        let over = self.read(SHAKING * TIMES, true, self.seconds)?;
        let offered = format!("{} at a time", SHAKING * TIMES);
        self.row("handshakes", &offered, over.rate(), Some(peak.rate()), &over);
        let reads = self.read(READING, false, 1.0)?;
        self.recovers("handshakes", &reads)
    }

    fn posts(&mut self) -> Result<()> {
        let peak = self.post(POSTING)?;
        let offered = format!("{POSTING} senders of {BATCH} events");
        self.row("ingest, peak", &offered, peak.posts.rate(), None, &peak.posts);
        let over = self.post(POSTING * TIMES)?;
        let offered = format!("{} senders", POSTING * TIMES);
        self.row("ingest", &offered, over.posts.rate(), Some(peak.posts.rate()), &over.posts);
        let reads = self.read(READING, false, 1.0)?;
        self.recovers("ingest", &reads)
    }

    /// Reads beside everything that is slow, greedy or silent.
    fn among_hostile(&mut self, idle: usize) -> Result<()> {
        let peak = self.read(READING, false, self.seconds)?;
        self.row("reads, alone", &format!("{READING} connections"), peak.rate(), None, &peak);
        let lists = self.server.address(
            "/api/rtstats/stats/agents.json",
            &self.tenant.name,
            &self.tenant.data,
        );
        let hostile = Hostile::begin(&lists, idle)?;
        let (begun, cpu) = (Instant::now(), hostile.cpu()?);
        let over = self.read(READING, false, self.seconds)?;
        let taken = (hostile.cpu()? - cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
        let open = self.open_connections()?;
        ensure!(open >= idle as f64 * 0.99, "of {idle} idle connections the server has {open}");
        let offered = format!(
            "{READING}, beside {hostile}, who take {taken:.2} processors of the machine's themselves"
        );
        self.row("reads", &offered, over.rate(), Some(peak.rate()), &over);
        hostile.end();
        self.recovers("hostile clients", &peak)
    }

    /// Far more connections than the server takes.
    fn beyond_connections(&mut self) -> Result<()> {
        let connections = CONNECTIONS_MAX / 2;
        let peak = self.read(connections, false, self.seconds)?;
        let limit = format!("{connections} of {CONNECTIONS_MAX} connections");
        self.row("connections, peak", &limit, peak.rate(), None, &peak);
        let over = self.read(CONNECTIONS_MAX * TIMES, false, self.seconds)?;
        let offered = format!("{} connections of {CONNECTIONS_MAX}", CONNECTIONS_MAX * TIMES);
        self.row("connections", &offered, over.rate(), Some(peak.rate()), &over);
        self.recovers("connections", &peak)
    }

    fn row(&mut self, load: &str, offered: &str, rate: f64, peak: Option<f64>, of: &Measured) {
        let share = peak.map(|peak| rate / peak);
        let shown = share.map_or(String::new(), |share| format!("**{share:.2}**"));
        if share.is_some_and(|share| share < GOODPUT_MIN) {
            self.missed.push(format!("{load}: {shown} of the peak"));
        }
        let errors: Vec<String> = of
            .errors
            .iter()
            .map(|(kind, count)| format!("{} × {kind}", grouped(*count as f64)))
            .collect();
        let errors = if errors.is_empty() { "none".to_owned() } else { errors.join(", ") };
        let p99 = of.latency.clone().percentile(99.0);
        let memory = process::memory_mib(self.server.pid(), true).unwrap_or(f64::NAN);
        let rate = grouped(rate);
        println!("{load}: {rate}/s {shown} {errors}");
        let _ = writeln!(
            self.table,
            "| {load} | {offered} | {rate}/s | {shown} | {:.1} ms | {errors} | {memory:.0} MiB |",
            p99.as_secs_f64() * 1e3
        );
    }

    /// The first second after it, beside what it was before.
    fn recovers(&mut self, after: &str, before: &Measured) -> Result<()> {
        let begun = Instant::now();
        let url = "/api/rtstats/stats/queue/1.json";
        // The first answer, on a connection of its own.
        let address = self.server.address(url, &self.tenant.name, &self.tenant.data);
        while api::fetch(&address, &[]).is_err() {
            ensure!(begun.elapsed() < Duration::from_secs(60), "no answer after {after}");
        }
        let first = begun.elapsed();
        let reads = self.read(READING, false, 1.0)?;
        let share = reads.rate() / before.rate();
        if first > RECOVERY_MAX || share < GOODPUT_MIN {
            self.missed.push(format!("the second after {after}: {share:.2} of before"));
        }
        let _ = writeln!(
            self.table,
            "| the second after | first answer in {:.0} ms | {}/s | {share:.2} of before | | | |",
            first.as_secs_f64() * 1e3,
            grouped(reads.rate())
        );
        Ok(())
    }

    fn open_connections(&self) -> Result<f64> {
        let metrics = super::body_of(self.server.admin, "/metrics")?;
        let line = metrics.lines().find_map(|line| line.strip_prefix("rtstats_connections_open "));
        Ok(line.context("no metric of open connections")?.parse()?)
    }
}
