//! `cargo xtask bench start`: kill −9 with millions of events in the log, and the time until the server is ready.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::server::{Server, Tenant};
use super::{Place, grouped};
use crate::load::process;
use crate::load::{api, ingest};

/// The goal for every start.
const GOAL: Duration = Duration::from_secs(3);

/// The flags of `bench start`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// Events in the log.
    #[arg(long, default_value_t = 5_000_000)]
    events: u64,
    /// How often it is killed.
    #[arg(long, default_value_t = 3)]
    kills: usize,
}

/// Measures and returns the table.
pub fn run(options: &Options, root: &Path) -> Result<String> {
    let folder = options.place.folder(root)?;
    let binary = options.place.server(root);
    let tenant = Tenant::add(&binary, folder.path(), "load")?;
    let mut server = Server::start(&binary, folder.path())?;
    let load = ingest::Options {
        address: server.address("/api/rtstats/events", &tenant.name, &tenant.action),
        connections: 8,
        batch: 1_000,
        seconds: 0.0,
        warm_up: 0.0,
        events: Some(options.events),
        agents: 5_000,
        queues: 200,
        threads: None,
        pid: vec![server.pid()],
        fsync_dir: None,
    };
    let report = ingest::run(&load)?;
    println!("{report}\n");
    ensure!(report.posts.errors.is_empty(), "posts failed: {:?}", report.posts.errors);
    let events = report.posts.events.accepted;
    ensure!(events >= options.events, "only {events} events were accepted");

    let mut table =
        String::from("| start after kill −9 | until ready | memory then |\n|---|---:|---:|\n");
    for kill in 1..=options.kills {
        server.kill()?;
        server = Server::start(&binary, folder.path())?;
        let memory = process::memory_mib(server.pid(), false).unwrap_or(f64::NAN);
        let seconds = server.start.as_secs_f64();
        let verdict = if server.start <= GOAL { "" } else { " (goal missed)" };
        let _ = writeln!(table, "| {kill} | **{seconds:.2} s**{verdict} | {memory:.0} MiB |");
        // Ready means that it answers.
        let path = "/api/rtstats/stats/queues.json";
        api::fetch(&server.address(path, &tenant.name, &tenant.data), &[])?;
    }
    let goal = GOAL.as_secs();
    let _ = writeln!(table, "\n{} events in the log; goal {goal} s.", grouped(events as f64));
    Ok(table)
}
