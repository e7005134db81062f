//! `cargo xtask bench api`: the statistics API beside nginx, which serves the very bytes that the server answered.
//!
//! Both run all the time and are asked in turn, A B A B, so that whatever else the machine does meets both.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::nginx::Nginx;
use super::server::{Server, Tenant};
use super::{Place, grouped, median};
use crate::load::latency::millis;
use crate::load::measure::Measured;
use crate::load::target::Address;
use crate::load::{api, ingest};

/// A little more than the server's default refresh: after it, documents show what was posted.
const REFRESH: Duration = Duration::from_secs(12);

/// The goals: times nginx's requests per second, and parts of its processor time per request.
const RATE_GOAL: f64 = 1.3;
const COST_GOAL: f64 = 0.6;

/// The flags of `bench api`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// How often each server is asked for each document.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The measured time of each.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Connections, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 512])]
    connections: Vec<usize>,
}

/// A tenant of the benchmark: its size, and how many transactions' events make its figures alive.
struct Size {
    name: &'static str,
    agents: u32,
    queues: u32,
    events: u64,
}

const SIZES: &[Size] = &[
    Size { name: "one", agents: 1, queues: 1, events: 1_000 },
    Size { name: "queues", agents: 200, queues: 100, events: 40_000 },
    Size { name: "agents", agents: 2_000, queues: 100, events: 200_000 },
];

/// A document that is asked for: what the table calls it, whose it is, and its path.
const CASES: &[(&str, &str, &str)] = &[
    ("1 agent, JSON", "one", "/api/rtstats/stats/agent/agent0.json"),
    ("100 queues, JSON", "queues", "/api/rtstats/stats/queues.json"),
    ("2 000 agents, JSON", "agents", "/api/rtstats/stats/agents.json"),
    ("2 000 agents, XML", "agents", "/api/rtstats/stats/agents.xml"),
];

/// Measures and returns the table.
pub fn run(options: &Options, root: &Path) -> Result<String> {
    let folder = options.place.folder(root)?;
    let binary = options.place.server(root);
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    let tenants: Vec<Tenant> =
        SIZES.iter().map(|size| Tenant::add(&binary, &data, size.name)).collect::<Result<_>>()?;
    let server = Server::start(&binary, &data)?;
    for (size, tenant) in SIZES.iter().zip(&tenants) {
        let address = server.address("/api/rtstats/events", &tenant.name, &tenant.action);
        fill(size, address).with_context(|| format!("cannot fill the tenant `{}`", size.name))?;
    }
    std::thread::sleep(REFRESH);

    let tokens = |name: &str| -> Result<&str> {
        let tenant = tenants.iter().find(|tenant| tenant.name == name);
        Ok(&tenant.with_context(|| format!("no tenant `{name}`"))?.data)
    };
    let mut documents = Vec::new();
    for (_, tenant, path) in CASES {
        let bytes = api::fetch(&server.address(path, tenant, tokens(tenant)?))?;
        documents.push(((*path).to_owned(), bytes));
    }
    let users: Vec<_> = tenants.iter().map(|t| (t.name.as_str(), t.data.as_str())).collect();
    let yard = folder.path().join("nginx");
    std::fs::create_dir(&yard)?;
    let nginx = Nginx::start(&yard, &documents, &users)?;

    let mut table = String::from(HEAD);
    for (case, (path, bytes)) in CASES.iter().zip(&documents) {
        let (name, tenant, _) = case;
        let theirs = nginx.address(path, tenant, tokens(tenant)?);
        ensure!(api::fetch(&theirs)? == *bytes, "nginx serves other bytes at {path}");
        let ours = server.address(path, tenant, tokens(tenant)?);
        for &connections in &options.connections {
            let sides = [(&ours, vec![server.pid()]), (&theirs, nginx.pids())];
            let [ours, theirs] = compare(options, connections, &sides)?;
            let row = row(name, bytes.len(), connections, &ours, &theirs);
            print!("{row}");
            table.push_str(&row);
        }
    }
    let _ = writeln!(
        table,
        "\nGoals: {RATE_GOAL} × the requests per second, {COST_GOAL} of the processor time. \
         Medians of {} rounds of {} s, taken in turn.",
        options.rounds, options.seconds
    );
    Ok(table)
}

/// Posts the directory of a tenant and enough transactions to make its figures alive.
fn fill(size: &Size, address: Address) -> Result<()> {
    let report = ingest::run(&ingest::Options {
        address,
        connections: size.agents.min(4) as usize,
        batch: 500,
        seconds: 0.0,
        warm_up: 0.0,
        events: Some(size.events),
        agents: size.agents,
        queues: size.queues,
        threads: None,
        pid: Vec::new(),
        fsync_dir: None,
    })?;
    ensure!(report.posts.errors.is_empty(), "{:?}", report.posts.errors);
    ensure!(report.posts.events.accepted > 0, "no event was accepted");
    Ok(())
}

/// One side's figures over the rounds.
#[derive(Debug, Default)]
struct Side {
    rates: Vec<f64>,
    p99_ms: Vec<f64>,
    micros: Vec<f64>,
    errors: u64,
}

impl Side {
    fn add(&mut self, mut measured: Measured) {
        self.rates.push(measured.rate());
        self.p99_ms.push(measured.latency.percentile(99.0).as_secs_f64() * 1e3);
        self.micros.extend(measured.server_micros());
        self.errors += measured.errors.values().sum::<u64>();
    }
}

/// Asks both sides in turn.
fn compare(
    options: &Options,
    connections: usize,
    sides: &[(&Address, Vec<u32>); 2],
) -> Result<[Side; 2]> {
    let mut figures = [Side::default(), Side::default()];
    for _ in 0..options.rounds {
        for ((address, pids), side) in sides.iter().zip(&mut figures) {
            side.add(api::run(&api::Options {
                address: (*address).clone(),
                connections,
                seconds: options.seconds,
                warm_up: 0.5,
                threads: None,
                pid: pids.clone(),
                accept_encoding: None,
                new_connections: false,
            })?);
        }
    }
    Ok(figures)
}

const HEAD: &str = "\
| document | bytes | connections | rtstats requests/s | nginx requests/s | ratio | rtstats p99 | nginx p99 \
| rtstats µs/request | nginx µs/request | ratio |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";

fn row(name: &str, bytes: usize, connections: usize, ours: &Side, theirs: &Side) -> String {
    let medians = |side: &Side| {
        (median(side.rates.clone()), median(side.p99_ms.clone()), median(side.micros.clone()))
    };
    let ((rate, p99, cost), (their_rate, their_p99, their_cost)) = (medians(ours), medians(theirs));
    let shown = |ms: f64| millis(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default());
    let mut row = format!(
        "| {name} | {} | {connections} | {} | {} | **{:.2}** | {} | {} | {cost:.1} | {their_cost:.1} \
         | **{:.2}** |\n",
        grouped(bytes as f64),
        grouped(rate),
        grouped(their_rate),
        rate / their_rate,
        shown(p99),
        shown(their_p99),
        cost / their_cost,
    );
    for (who, side) in [("rtstats", ours), ("nginx", theirs)] {
        if side.errors > 0 {
            row.insert_str(row.len() - 1, &format!(" {who}: {} errors |", side.errors));
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_medians_and_ratios() {
        let side = |rate: f64| Side {
            rates: vec![rate, rate * 9.0, rate],
            p99_ms: vec![2.0],
            micros: vec![1e6 / rate],
            errors: 0,
        };
        let row = row("1 agent", 1_234, 64, &side(3_000.0), &side(2_000.0));
        assert_eq!(
            row,
            "| 1 agent | 1 234 | 64 | 3 000 | 2 000 | **1.50** | 2.000 ms | 2.000 ms | 333.3 | 500.0 \
             | **0.67** |\n"
        );
    }

    #[test]
    fn every_case_has_a_tenant() {
        for (_, tenant, _) in CASES {
            assert!(SIZES.iter().any(|size| size.name == *tenant));
        }
    }
}
