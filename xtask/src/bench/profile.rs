//! `cargo xtask bench profile`: where the server's time goes under six loads, by samples of perf's: a table of shares, and
//! a flame graph of each.
//!
//! The clock of the processors is sampled, as counters are not there in most virtual machines. Shares go by the innermost
//! frame that belongs to somebody: a copy that rustls asks for is TLS's.

mod flame;
mod stacks;

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use flame::Flame;
use stacks::{OWNERS, Stack, fold, shares};

use super::record::Report;
use super::server::{REFRESH, Server, Tenant};
use super::{Place, grouped};
use crate::load::{api, ingest, measure::Measured};

const AGENTS: u32 = 2_000;
const QUEUES: u32 = 100;

/// Events that make the figures alive.
const EVENTS: u64 = 200_000;

/// Samples a second of each processor; no divisor of what else ticks.
const SAMPLES: &str = "499";

/// Bytes of stack that are kept of each sample: frames are found in it.
const STACK_BYTES: &str = "dwarf,16384";

/// The flags of `bench profile`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// The time that is sampled of each load.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// A load: its name in files, its title, and what is asked for; none where events are posted.
struct Case {
    name: &'static str,
    title: &'static str,
    path: Option<&'static str>,
    connections: usize,
    way: Way,
}

enum Way {
    Kept,
    /// Each request on a connection of its own.
    New,
    Http2,
}

const ONE_AGENT: Option<&str> = Some("/api/rtstats/stats/agent/agent0.json");

const CASES: [Case; 6] = [
    Case {
        name: "one-agent",
        title: "One agent, JSON, 64 connections",
        path: ONE_AGENT,
        connections: 64,
        way: Way::Kept,
    },
    Case {
        name: "one-agent-512",
        title: "One agent, JSON, 512 connections",
        path: ONE_AGENT,
        connections: 512,
        way: Way::Kept,
    },
    Case {
        name: "http2",
        title: "One agent, JSON, HTTP/2, 512 connections",
        path: ONE_AGENT,
        connections: 512,
        way: Way::Http2,
    },
    Case {
        name: "connections",
        title: "One agent, JSON, each on a new connection, 64 at a time",
        path: ONE_AGENT,
        connections: 64,
        way: Way::New,
    },
    Case {
        name: "agents",
        title: "2 000 agents, JSON, 64 connections",
        path: Some("/api/rtstats/stats/agents.json"),
        connections: 64,
        way: Way::Kept,
    },
    Case {
        name: "ingest",
        title: "Ingest in batches of 1 024, 8 connections",
        path: None,
        connections: 8,
        way: Way::Kept,
    },
];

/// Samples all loads.
pub fn run(options: &Options, root: &Path) -> Result<Report> {
    let perf = Command::new("perf").arg("--version").stdout(Stdio::null()).status();
    ensure!(
        perf.is_ok_and(|status| status.success()),
        "perf is missing; on Debian, as root: apt-get install linux-perf"
    );
    let folder = options.place.folder(root)?;
    let binary = options.place.server(root);
    let tenant = Tenant::add(&binary, folder.path(), "load")?;
    let server = Server::start(&binary, folder.path())?;
    let filled = ingest::run(&posting(&server, &tenant, 500, Some(EVENTS), 0.0))?;
    ensure!(filled.posts.errors.is_empty(), "{:?}", filled.posts.errors);
    std::thread::sleep(REFRESH);
    let owners = OWNERS.iter().map(|(owner, _)| format!(" {owner} |")).collect::<String>();
    let mut table = format!("| load |{owners} other | samples | per second |\n|---|");
    table += &"---:|".repeat(OWNERS.len() + 3);
    table.push('\n');
    let mut plots = Vec::new();
    for case in &CASES {
        let (stacks, rate) = sample(options, case, &server, &tenant, folder.path())?;
        let of_all = shares(&stacks);
        let shown: String = of_all.iter().map(|part| format!(" {:.0} % |", 100.0 * part)).collect();
        let rate = grouped(rate);
        let _ = writeln!(table, "| {} |{shown} {} | {rate} |", case.title, stacks.len());
        plots.push((format!("profile-{}", case.name), Flame::of(&stacks).svg(case.title)));
    }
    Ok(Report { table, plots })
}

/// Puts a load on the server and samples it meanwhile; also how much was done a second.
fn sample(
    options: &Options,
    case: &Case,
    server: &Server,
    tenant: &Tenant,
    folder: &Path,
) -> Result<(Vec<Stack>, f64)> {
    let data = folder.join("perf.data");
    // Sampling begins a little later and ends a little earlier than the load.
    let loaded = options.seconds + 1.0;
    let load = || -> Result<f64> {
        Ok(match case.path {
            Some(path) => {
                let manner = api::Manner {
                    new_connections: matches!(case.way, Way::New),
                    http2: matches!(case.way, Way::Http2),
                    ..api::Manner::default()
                };
                asked(server, tenant, path, manner, case.connections, loaded)?.rate()
            }
            None => ingest::run(&posting(server, tenant, 1_024, None, loaded))?.events_per_second(),
        })
    };
    let (recorded, rate) = std::thread::scope(|scope| {
        let load = scope.spawn(load);
        let recorded = Command::new("perf")
            .args(["record", "--quiet", "--event", "cpu-clock", "--freq", SAMPLES])
            .args(["--call-graph", STACK_BYTES, "--pid", &server.pid().to_string()])
            .arg("--output")
            .arg(&data)
            .args(["--delay", "1500", "--", "sleep", &options.seconds.to_string()])
            .stdout(Stdio::null())
            .status();
        (recorded, load.join())
    });
    ensure!(recorded.context("cannot run perf")?.success(), "perf could not sample the server");
    let rate = rate.map_err(|_| anyhow::anyhow!("the load ended by a panic"))??;
    let script = Command::new("perf")
        .args(["script", "--no-inline", "--fields", "comm,ip,sym,dso", "--input"])
        .arg(&data)
        .stderr(Stdio::null())
        .output()
        .context("cannot run perf")?;
    let stacks = fold(&String::from_utf8_lossy(&script.stdout));
    ensure!(!stacks.is_empty(), "perf took no samples; is kernel.perf_event_paranoid above 2?");
    Ok((stacks, rate))
}

fn asked(
    server: &Server,
    tenant: &Tenant,
    path: &str,
    manner: api::Manner,
    connections: usize,
    seconds: f64,
) -> Result<Measured> {
    api::run(&api::Options {
        address: server.address(path, &tenant.name, &tenant.data),
        connections,
        seconds,
        warm_up: 1.0,
        threads: None,
        rate: None,
        pid: Vec::new(),
        manner,
    })
}

fn posting(
    server: &Server,
    tenant: &Tenant,
    batch: usize,
    events: Option<u64>,
    seconds: f64,
) -> ingest::Options {
    ingest::Options {
        address: server.address("/api/rtstats/events", &tenant.name, &tenant.action),
        connections: 8,
        batch,
        seconds,
        warm_up: if events.is_some() { 0.0 } else { 1.0 },
        events,
        agents: AGENTS,
        queues: QUEUES,
        threads: None,
        pid: Vec::new(),
        fsync_dir: None,
    }
}
