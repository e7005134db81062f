//! `cargo xtask bench api`: the statistics API beside nginx, which serves the very bytes that the server answered.
//!
//! Both run all the time and are asked in turn, A B A B, so that whatever else the machine does meets both.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::halves::Halves;
use super::nginx::{Document, Nginx};
use super::plot::{Bars, Scale};
use super::record::Report;
use super::server::{REFRESH, Server, Tenant};
use super::{Place, grouped, median};
use crate::load::latency::millis;
use crate::load::measure::Measured;
use crate::load::target::Address;
use crate::load::{api, ingest};

/// The goals, as ratios to nginx: requests per second, of bodies of megabytes and of new connections too, processor
/// time per request, and p99.
const RATE_GOAL: f64 = 1.6;
const LARGE_RATE_GOAL: f64 = 1.35;
const LARGE_BYTES: usize = 1 << 20;
const CONNECT_RATE_GOAL: f64 = 2.3;
const COST_GOAL: f64 = 0.5;
const P99_GOAL: f64 = 1.0;

/// The flags of `bench api`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// How often each server is asked for each document.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The measured time of each.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Connections, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 512])]
    connections: Vec<usize>,
    /// How documents are asked for, separated by commas: plain, new, http2, gzip, unchanged.
    #[arg(long, value_delimiter = ',', default_value = "plain,new,http2,gzip,unchanged")]
    ways: Vec<Way>,
    /// Servers and generator on all processors together, not on a half each.
    #[arg(long)]
    together: bool,
}

/// How documents are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Way {
    /// HTTP/1.1, on connections that stay.
    Plain,
    /// A new connection for every request.
    New,
    /// HTTP/2, one request at a time.
    Http2,
    /// Compressed.
    Gzip,
    /// If it isn't what came last.
    Unchanged,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Plain => "HTTP/1.1",
            Way::New => "new connections",
            Way::Http2 => "HTTP/2",
            Way::Gzip => "gzip",
            Way::Unchanged => "If-None-Match",
        }
    }

    fn manner(self) -> api::Manner {
        api::Manner {
            accept_encoding: (self == Way::Gzip).then(|| "gzip".to_owned()),
            new_connections: self == Way::New,
            unchanged: self == Way::Unchanged,
            http2: self == Way::Http2,
        }
    }
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

/// Measures and returns the table and its pictures.
pub fn run(options: &Options, root: &Path) -> Result<Report> {
    let folder = options.place.folder(root)?;
    let binary = options.place.server(root);
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    let tenants: Vec<Tenant> =
        SIZES.iter().map(|size| Tenant::add(&binary, &data, size.name)).collect::<Result<_>>()?;
    let halves = Halves::of_the_machine().filter(|_| !options.together);
    let server = Server::start_on_half(&binary, &data, halves.as_ref())?;
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
        let address = server.address(path, tenant, tokens(tenant)?);
        let (bytes, gzip) = (api::fetch(&address, &[])?, api::fetch(&address, GZIP)?);
        let gzip = (gzip != bytes).then_some(gzip);
        documents.push(Document { path: (*path).to_owned(), bytes, gzip });
    }
    let users: Vec<_> = tenants.iter().map(|t| (t.name.as_str(), t.data.as_str())).collect();
    let yard = folder.path().join("nginx");
    std::fs::create_dir(&yard)?;
    let nginx = Nginx::start(&yard, &documents, &users, halves.as_ref())?;
    if let Some(halves) = &halves {
        halves.keep_to_generators()?;
    }

    let mut rows = Vec::new();
    for ((name, tenant, path), document) in CASES.iter().zip(&documents) {
        let theirs = nginx.address(path, tenant, tokens(tenant)?);
        let gzip = document.gzip.as_ref().unwrap_or(&document.bytes);
        let same =
            api::fetch(&theirs, &[])? == document.bytes && api::fetch(&theirs, GZIP)? == *gzip;
        ensure!(same, "nginx serves other bytes at {path}");
        let ours = server.address(path, tenant, tokens(tenant)?);
        for &way in &options.ways {
            for &connections in &options.connections {
                let sides = [(&ours, vec![server.pid()]), (&theirs, nginx.pids())];
                let bytes = match way {
                    Way::Gzip => gzip.len(),
                    Way::Unchanged => 0,
                    Way::Plain | Way::New | Way::Http2 => document.bytes.len(),
                };
                let [ours, theirs, paced] = compare(options, way, connections, &sides)?;
                let row = Row { name, way, connections, bytes, ours, theirs, paced };
                print!("{row}");
                rows.push(row);
            }
        }
    }
    Ok(report(options, &rows, halves.as_ref()))
}

const GZIP: &[(&str, &str)] = &[("Accept-Encoding", "gzip")];

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
    errors: BTreeMap<String, u64>,
}

impl Side {
    fn add(&mut self, mut measured: Measured) {
        self.rates.push(measured.rate());
        self.p99_ms.push(measured.latency.percentile(99.0).as_secs_f64() * 1e3);
        self.micros.extend(measured.server_micros());
        for (kind, count) in measured.errors {
            *self.errors.entry(kind).or_default() += count;
        }
    }
}

/// Asks both sides in turn, each as fast as it answers; and ours once more as fast as nginx answered.
fn compare(
    options: &Options,
    way: Way,
    connections: usize,
    sides: &[(&Address, Vec<u32>); 2],
) -> Result<[Side; 3]> {
    let mut figures = [Side::default(), Side::default(), Side::default()];
    for _ in 0..options.rounds {
        let mut rate = None;
        for (index, side) in figures.iter_mut().enumerate() {
            let (address, pids) = &sides[index % 2];
            let measured = api::run(&api::Options {
                address: (*address).clone(),
                connections,
                seconds: options.seconds,
                warm_up: 0.5,
                threads: None,
                rate: rate.filter(|_| index == 2),
                pid: pids.clone(),
                manner: way.manner(),
            })?;
            rate = Some(measured.rate()).filter(|rate| *rate > 0.0);
            side.add(measured);
        }
    }
    Ok(figures)
}

/// A document asked for in one way.
struct Row {
    name: &'static str,
    way: Way,
    connections: usize,
    bytes: usize,
    ours: Side,
    theirs: Side,
    /// Ours, asked as often as nginx answers.
    paced: Side,
}

impl Row {
    fn rate_ratio(&self) -> f64 {
        median(self.ours.rates.clone()) / median(self.theirs.rates.clone())
    }

    /// At the same rate.
    fn p99_ratio(&self) -> f64 {
        median(self.paced.p99_ms.clone()) / median(self.theirs.p99_ms.clone())
    }

    fn cost_ratio(&self) -> f64 {
        median(self.ours.micros.clone()) / median(self.theirs.micros.clone())
    }

    fn rate_goal(&self) -> f64 {
        match self.way {
            // A body of megabytes outweighs its handshake.
            _ if self.bytes >= LARGE_BYTES => LARGE_RATE_GOAL,
            Way::New => CONNECT_RATE_GOAL,
            _ => RATE_GOAL,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |ms: &[f64]| {
            millis(Duration::try_from_secs_f64(median(ms.to_vec()) / 1e3).unwrap_or_default())
        };
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | **{:.2}** | {} | {} | {} | {:.2} | {:.1} | {:.1} | **{:.2}** |",
            self.name,
            self.way.name(),
            grouped(self.bytes as f64),
            self.connections,
            grouped(median(self.ours.rates.clone())),
            grouped(median(self.theirs.rates.clone())),
            self.rate_ratio(),
            shown(&self.ours.p99_ms),
            shown(&self.theirs.p99_ms),
            shown(&self.paced.p99_ms),
            self.p99_ratio(),
            median(self.ours.micros.clone()),
            median(self.theirs.micros.clone()),
            self.cost_ratio(),
        )?;
        for (who, side) in
            [("rtstats", &self.ours), ("nginx", &self.theirs), ("rtstats", &self.paced)]
        {
            for (kind, count) in &side.errors {
                write!(f, " {who}: {count} × {kind} |")?;
            }
        }
        writeln!(f)
    }
}

/// The table, what met the goals and what didn't, and a picture of the ratios for each number of connections.
fn report(options: &Options, rows: &[Row], halves: Option<&Halves>) -> Report {
    let mut table = String::from(HEAD);
    let (mut rates, mut costs, mut tails) = (0, 0, 0);
    for row in rows {
        let _ = write!(table, "{row}");
        rates += usize::from(row.rate_ratio() >= row.rate_goal());
        costs += usize::from(row.cost_ratio() <= COST_GOAL);
        tails += usize::from(row.p99_ratio() <= P99_GOAL);
    }
    let _ = writeln!(
        table,
        "\nGoals, and in how many of {} rows they were met: {RATE_GOAL} × the requests per second, \
         {LARGE_RATE_GOAL} × where bodies are megabytes, {CONNECT_RATE_GOAL} × the new connections: {rates}; \
         {COST_GOAL} of the processor time: {costs}; no longer p99 at nginx's rate: {tails}. Medians of {} rounds of {} s, \
         taken in turn. {}",
        rows.len(),
        options.rounds,
        options.seconds,
        halves.map_or("Servers and generator shared all processors.".to_owned(), |halves| format!(
            "Of the processors the servers had {}, the generator {}.",
            halves.servers, halves.generator
        ))
    );
    let pictures = options.connections.iter().map(|&connections| {
        let rows = rows.iter().filter(|row| row.connections == connections);
        let mut bars = vec![("nginx".to_owned(), 1.0)];
        bars.extend(
            rows.map(|row| (format!("{}, {}", row.name, row.way.name()), row.rate_ratio())),
        );
        let ours = 1..bars.len();
        let title = format!("Requests per second ÷ nginx's, {connections} connections");
        (format!("api-{connections}"), Bars { title, scale: Scale::Linear, bars, ours }.svg())
    });
    Report { table, plots: pictures.collect() }
}

const HEAD: &str = "\
| document | asked by | bytes | connections | rtstats requests/s | nginx requests/s | ratio | rtstats p99 | nginx p99 \
| rtstats p99 at nginx's rate | ratio | rtstats µs/request | nginx µs/request | ratio |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_medians_and_ratios() {
        let side = |rate: f64| Side {
            rates: vec![rate, rate * 9.0, rate],
            p99_ms: vec![2.0],
            micros: vec![1e6 / rate],
            errors: BTreeMap::new(),
        };
        let row = Row {
            name: "1 agent",
            way: Way::Plain,
            connections: 64,
            bytes: 1_234,
            ours: side(3_000.0),
            theirs: side(2_000.0),
            paced: side(2_000.0),
        };
        assert_eq!(
            row.to_string(),
            "| 1 agent | HTTP/1.1 | 1 234 | 64 | 3 000 | 2 000 | **1.50** | 2.000 ms | 2.000 ms | 2.000 ms | 1.00 \
             | 333.3 | 500.0 | **0.67** |\n"
        );
        assert_eq!(row.rate_goal().to_bits(), RATE_GOAL.to_bits());
    }

    #[test]
    fn every_case_has_a_tenant() {
        for (_, tenant, _) in CASES {
            assert!(SIZES.iter().any(|size| size.name == *tenant));
        }
    }
}
