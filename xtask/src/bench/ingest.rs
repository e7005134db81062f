//! `cargo xtask bench ingest`: durable events per second from 8 connections, and what a single post costs beside a
//! bare append with fdatasync in the same folder.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::server::{Server, Tenant};
use super::{Place, grouped, median};
use crate::load::ingest::{self, Report};
use crate::load::latency::millis;
use crate::load::process;

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
}

/// Measures and returns the table.
pub fn run(options: &Options, root: &Path) -> Result<String> {
    let folder = options.place.folder(root)?;
    let binary = options.place.server(root);
    let tenant = Tenant::add(&binary, folder.path(), "load")?;
    let server = Server::start(&binary, folder.path())?;
    let load = ingest::Options {
        address: server.address("/api/rtstats/events", &tenant.name, &tenant.action),
        connections: 8,
        batch: 1_000,
        seconds: options.seconds,
        warm_up: 1.0,
        events: None,
        agents: 5_000,
        queues: 200,
        threads: None,
        pid: vec![server.pid()],
        fsync_dir: None,
    };
    let single = ingest::Options {
        connections: 1,
        batch: 1,
        fsync_dir: Some(folder.path().to_owned()),
        ..load.clone()
    };
    let (mut batches, mut singles) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        batches.push(checked(ingest::run(&load)?)?);
        singles.push(checked(ingest::run(&single)?)?);
    }
    let memory = process::memory_mib(server.pid(), true).unwrap_or(f64::NAN);
    Ok(table(options, &batches, &singles, memory))
}

/// Events that were refused or ignored would make the figures worthless.
fn checked(report: Report) -> Result<Report> {
    println!("{report}\n");
    ensure!(report.posts.errors.is_empty(), "posts failed: {:?}", report.posts.errors);
    ensure!(report.posts.events.ignored == 0, "{} events ignored", report.posts.events.ignored);
    Ok(report)
}

fn table(options: &Options, batches: &[Report], singles: &[Report], memory: f64) -> String {
    let post = |reports: &[Report], percent: f64| {
        middle(reports, |report| report.posts.latency.clone().percentile(percent))
    };
    let bare = |percent: f64| {
        middle(singles, |report| report.bare.clone().unwrap_or_default().percentile(percent))
    };
    let events = median(batches.iter().map(Report::events_per_second).collect());
    let micros = median(
        batches
            .iter()
            .filter_map(|report| {
                let server = report.posts.server?.as_secs_f64();
                Some(server * 1e6 / report.posts.events.accepted.max(1) as f64)
            })
            .collect(),
    );
    format!(
        "| | p50 | p99 | |
|---|---:|---:|---|
| 8 connections, batches of 1 000 | {} | {} | **{} events/s** (goal 400 000), {micros:.2} µs of processor \
         per event |
| 1 connection, single events | {} | {} | {} events/s |
| bare append with fdatasync, same folder | {} | {} | |

The server's memory was at most {memory:.0} MiB. Medians of {} rounds of {} s.
",
        post(batches, 50.0),
        post(batches, 99.0),
        grouped(events),
        post(singles, 50.0),
        post(singles, 99.0),
        grouped(median(singles.iter().map(Report::events_per_second).collect())),
        bare(50.0),
        bare(99.0),
        options.rounds,
        options.seconds,
    )
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
        assert_eq!(
            middle(&reports, |report| report.posts.latency.clone().percentile(99.0)),
            "4.000 ms"
        );
    }
}
