//! `cargo xtask bench ingest`: durable events per second from 8 connections, beside the same events in SQLite, in
//! PostgreSQL and in a bare file, and what a single post costs beside a bare append with fdatasync in the same folder.
//!
//! All take turns, so that they meet the same disk.

mod others;

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::plot::{Bars, Scale};
use super::postgres::{self, Postgres};
use super::server::{Server, Tenant};
use super::{Place, grouped, median, record};
use crate::load::ingest::{self, Report};
use crate::load::latency::millis;
use crate::load::process;
use others::Sqlite;

/// The goal: so much of what one write and one fdatasync for each batch allow.
const GOAL: f64 = 0.8;

const CONNECTIONS: usize = 8;

/// The flags of `bench ingest`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// How often each is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The measured time of each.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Events in a batch, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 1_024])]
    batches: Vec<usize>,
}

/// What was measured with batches of one size.
#[derive(Default)]
struct Size {
    events: usize,
    ours: Vec<Report>,
    bare: Vec<f64>,
    sqlite: Vec<f64>,
    postgres: Vec<f64>,
}

/// Measures and returns the tables and their pictures.
pub fn run(options: &Options, root: &Path) -> Result<record::Report> {
    let folder = options.place.folder(root)?;
    let binary = options.place.server(root);
    let tenant = Tenant::add(&binary, folder.path(), "load")?;
    let server = Server::start(&binary, folder.path())?;
    let single = ingest::Options {
        address: server.address("/api/rtstats/events", &tenant.name, &tenant.action),
        connections: 1,
        batch: 1,
        seconds: options.seconds,
        warm_up: 1.0,
        events: None,
        agents: 5_000,
        queues: 200,
        threads: None,
        pid: vec![server.pid()],
        fsync_dir: Some(folder.path().to_owned()),
    };
    let time = Duration::from_secs_f64(options.seconds);
    let cluster = match postgres::is_installed() {
        true => Some(Postgres::start(folder.path())?),
        false => None,
    };
    if let Some(cluster) = &cluster {
        others::prepare(cluster)?;
    }
    let mut sqlite = Sqlite::open(folder.path())?;
    let mut singles = Vec::new();
    let sizes = options.batches.iter().map(|events| Size { events: *events, ..Size::default() });
    let mut sizes: Vec<Size> = sizes.collect();
    for _ in 0..options.rounds {
        for size in &mut sizes {
            let (connections, batch) = (CONNECTIONS, size.events);
            let load = ingest::Options { connections, batch, fsync_dir: None, ..single.clone() };
            let batches = others::batches(size.events);
            size.bare.push(others::bare(folder.path(), &batches, size.events, time)?);
            size.ours.push(checked(ingest::run(&load)?)?);
            size.sqlite.push(sqlite.measure(&batches, time)?);
            if let Some(cluster) = &cluster {
                size.postgres.push(others::postgres(cluster, &batches, CONNECTIONS, time)?);
            }
        }
        singles.push(checked(ingest::run(&single)?)?);
    }
    let memory = process::memory_mib(server.pid(), true).unwrap_or(f64::NAN);
    let versions = match &cluster {
        Some(cluster) => format!("SQLite {}, {}", rusqlite::version(), cluster.version()?),
        None => format!("SQLite {}", rusqlite::version()),
    };
    let mut table = beside(&sizes);
    table += &posts(&sizes, &singles);
    let _ = writeln!(
        table,
        "\nGoal: {GOAL} of the bare file. {versions}. The server's memory was at most {memory:.0} MiB. Medians of {} rounds of {} s.",
        options.rounds, options.seconds
    );
    Ok(record::Report { table, plots: sizes.iter().map(picture).collect() })
}

/// Events that were refused or ignored would make the figures worthless.
fn checked(report: Report) -> Result<Report> {
    println!("{report}\n");
    ensure!(report.posts.errors.is_empty(), "posts failed: {:?}", report.posts.errors);
    ensure!(report.posts.events.ignored == 0, "{} events ignored", report.posts.events.ignored);
    Ok(report)
}

impl Size {
    /// The medians: ours, the bare file's, SQLite's, PostgreSQL's.
    fn rates(&self) -> [f64; 4] {
        let ours = self.ours.iter().map(Report::events_per_second).collect();
        [ours, self.bare.clone(), self.sqlite.clone(), self.postgres.clone()].map(median)
    }

    /// The server's processor time for an event.
    fn micros(&self) -> f64 {
        let micros = self.ours.iter().filter_map(|report| {
            let server = report.posts.server?.as_secs_f64();
            Some(server * 1e6 / report.posts.events.accepted.max(1) as f64)
        });
        median(micros.collect())
    }
}

/// Events a second, beside whatever else keeps them.
fn beside(sizes: &[Size]) -> String {
    let mut table = String::from(
        "| events in a batch | rtstats, 8 connections | a bare file, one fdatasync a batch | rtstats ÷ bare | SQLite | \
         rtstats ÷ SQLite | PostgreSQL, 8 connections | rtstats ÷ PostgreSQL |\n|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for size in sizes {
        let [ours, bare, sqlite, postgres] = size.rates();
        let _ = writeln!(
            table,
            "| {} | {}/s | {}/s | **{:.2}** | {}/s | **{:.1}** | {}/s | **{:.1}** |",
            grouped(size.events as f64),
            grouped(ours),
            grouped(bare),
            ours / bare,
            grouped(sqlite),
            ours / sqlite,
            grouped(postgres),
            ours / postgres
        );
    }
    table
}

/// How long a post takes, and what it costs.
fn posts(sizes: &[Size], singles: &[Report]) -> String {
    let mut table = String::from("\n| | p50 | p99 | |\n|---|---:|---:|---|\n");
    for size in sizes {
        let [ours, ..] = size.rates();
        let _ = writeln!(
            table,
            "| 8 connections, batches of {} | {} | {} | {} events/s, {:.2} µs of processor per event |",
            grouped(size.events as f64),
            post(&size.ours, 50.0),
            post(&size.ours, 99.0),
            grouped(ours),
            size.micros()
        );
    }
    let bare = |percent: f64| {
        middle(singles, |report| report.bare.clone().unwrap_or_default().percentile(percent))
    };
    let _ = writeln!(
        table,
        "| 1 connection, single events | {} | {} | {} events/s |\n\
         | bare append with fdatasync, same folder | {} | {} | |",
        post(singles, 50.0),
        post(singles, 99.0),
        grouped(median(singles.iter().map(Report::events_per_second).collect())),
        bare(50.0),
        bare(99.0),
    );
    table
}

fn picture(size: &Size) -> (String, String) {
    let names = ["rtstats, over TLS", "bare file, fdatasync", "SQLite", "PostgreSQL"];
    let bars = names.map(str::to_owned).into_iter().zip(size.rates());
    let bars = Bars {
        title: format!("Durable events per second, {} in a batch", grouped(size.events as f64)),
        scale: Scale::Linear,
        bars: bars.filter(|(_, figure)| figure.is_finite()).collect(),
        ours: 0..1,
    };
    (format!("ingest-{}", size.events), bars.svg())
}

/// The median of a percentile of the posts' times.
fn post(reports: &[Report], percent: f64) -> String {
    middle(reports, |report| report.posts.latency.clone().percentile(percent))
}

/// The median of one time of every report.
fn middle(reports: &[Report], time: impl Fn(&Report) -> Duration) -> String {
    let times = reports.iter().map(|report| time(report).as_secs_f64()).collect();
    millis(Duration::try_from_secs_f64(median(times)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::latency::Latency;
    use crate::load::measure::{Events, Measured};

    fn report(accepted: u64, ignored: u64) -> Report {
        let mut latency = Latency::default();
        latency.add(Duration::from_millis(4));
        let events = Events { accepted, duplicates: 0, ignored };
        let posts = Measured { latency, events, seconds: 2.0, ..Measured::default() };
        Report { posts, bare: None }
    }

    #[test]
    fn ignored_events_spoil_a_run() {
        assert!(checked(report(10, 0)).is_ok());
        assert!(checked(report(10, 1)).is_err());
    }

    #[test]
    fn the_middle_of_the_rounds_is_shown() {
        let reports = [report(2, 0), report(4_000, 0), report(9_000_000, 0)];
        assert!(
            (median(reports.iter().map(Report::events_per_second).collect()) - 2e3).abs() < 0.1
        );
        assert_eq!(post(&reports, 99.0), "4.000 ms");
        let size = Size {
            events: 64,
            ours: reports.into(),
            bare: vec![4e3],
            sqlite: vec![1e3],
            postgres: vec![500.0],
        };
        let table = beside(&[size]);
        assert!(table.ends_with(
            "| 64 | 2 000/s | 4 000/s | **0.50** | 1 000/s | **2.0** | 500/s | **4.0** |\n"
        ));
    }
}
