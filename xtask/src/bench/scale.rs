//! `cargo xtask bench scale`: what the server takes in memory and time as one thing grows and all else stays: agents, queues,
//! tenants, events in the last half hour, open streams. Each is to be a straight line.
//!
//! Every point but the tenants' is a server of its own with a folder of its own, so that none inherits anything.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::plot::{Points, fit};
use super::server::{Server, Tenant};
use super::{Place, Report, body_of, grouped};
use crate::load::events::Center;
use crate::load::{api, ingest, live, process};

/// The goal: so many idle streams in a GiB.
const STREAMS_GOAL: f64 = 50_000.0;
const KIB_PER_GIB: f64 = 1_048_576.0;

/// How often a tenant is refreshed while its refreshes are timed, and how many are.
const REFRESH: (&str, &str) = ("REFRESH_SECONDS", "0.1");
const REFRESHES: u32 = 10;

/// Open files that a process has beside its connections.
const OTHER_FILES: usize = 200;

const HALF_HOUR: Duration = Duration::from_secs(1_800);

/// The flags of `bench scale`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// Agents of one tenant, separated by commas; 100 queues.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 2_500, 5_000, 10_000, 20_000])]
    agents: Vec<u32>,
    /// Queues of one tenant; 2 000 agents.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 250, 500, 1_000, 2_000])]
    queues: Vec<u32>,
    /// Tenants with 10 agents and 2 queues each, growing.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 500, 1_000, 2_000])]
    tenants: Vec<usize>,
    /// Events per second all through the last half hour; 5 000 agents, 200 queues.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 250, 500, 1_000, 2_000])]
    rates: Vec<u64>,
    /// Open event streams over TLS; those beyond the limit of open files are left out.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000, 10_000, 19_000, 50_000])]
    streams: Vec<usize>,
}

/// A point: how much there was, memory in MiB, time in ms.
type Point = (f64, f64, f64);

/// One thing that grows, and what was measured.
struct Line {
    /// Its name in pictures' files.
    name: &'static str,
    what: &'static str,
    /// What the time is of.
    timed: &'static str,
    points: Vec<Point>,
}

/// Measures and returns the tables and their pictures.
pub fn run(options: &Options, root: &Path) -> Result<Report> {
    let bench = Bench { options, root };
    let refresh = "a refresh";
    let agents = |agents: &u32| {
        bench.tenant(Center { agents: *agents, queues: 100 }, u64::from(*agents) * 20)
    };
    let queues = |queues: &u32| bench.tenant(Center { agents: 2_000, queues: *queues }, 200_000);
    let center = Center { agents: 5_000, queues: 200 };
    let rates = |rate: &u64| bench.tenant(center, rate * HALF_HOUR.as_secs());
    let lines = [
        Line::of("agents", "agents", refresh, &options.agents, agents)?,
        Line::of("queues", "queues", refresh, &options.queues, queues)?,
        Line::of("rate", "events per second for half an hour", refresh, &options.rates, rates)?,
        Line { name: "tenants", what: "tenants", timed: "a start", points: bench.tenants()? },
        Line { name: "streams", what: "open event streams", timed: "", points: bench.streams()? },
    ];
    let mut report = Report::default();
    for line in &lines {
        line.show(&mut report);
    }
    let streams = lines.iter().find(|line| line.name == "streams");
    if let Some(fit) = streams.and_then(|line| fit(&line.memory())) {
        let kib = fit.slope * 1_024.0;
        let _ = writeln!(
            report.table,
            "An idle stream takes {kib:.1} KiB: {} in a GiB (goal {}).",
            grouped(KIB_PER_GIB / kib),
            grouped(STREAMS_GOAL)
        );
    }
    Ok(report)
}

impl Line {
    fn of<N: Copy + Into<u64>>(
        name: &'static str,
        what: &'static str,
        timed: &'static str,
        sizes: &[N],
        point: impl Fn(&N) -> Result<(f64, f64)>,
    ) -> Result<Line> {
        let points = sizes.iter().map(|size| {
            let number: u64 = (*size).into();
            let (memory, time) = point(size).with_context(|| format!("{number} {what}"))?;
            println!("{number} {what}: {memory:.1} MiB, {time:.3} ms");
            Ok((number as f64, memory, time))
        });
        Ok(Line { name, what, timed, points: points.collect::<Result<_>>()? })
    }

    fn memory(&self) -> Vec<(f64, f64)> {
        self.points.iter().map(|(size, memory, _)| (*size, *memory)).collect()
    }

    fn times(&self) -> Vec<(f64, f64)> {
        self.points.iter().map(|(size, _, time)| (*size, *time)).collect()
    }

    /// A table and one or two pictures.
    fn show(&self, report: &mut Report) {
        let straight = |points: &[(f64, f64)], unit: &str| {
            fit(points).map_or("–".to_owned(), |fit| {
                format!("{:.4} {unit} each, R² {:.3}", fit.slope, fit.explained)
            })
        };
        let (memory, times) = (self.memory(), self.times());
        let is_timed = !self.timed.is_empty();
        let (head, rule) =
            if is_timed { (format!(" {} |", self.timed), "---:|") } else { Default::default() };
        let _ = writeln!(report.table, "| {} | memory |{head}\n|---:|---:|{rule}", self.what);
        for (size, memory, time) in &self.points {
            let time = if is_timed { format!(" {time:.2} ms |") } else { String::new() };
            let _ = writeln!(report.table, "| {} | {memory:.1} MiB |{time}", grouped(*size));
        }
        let time = if is_timed { format!(" {} |", straight(&times, "ms")) } else { String::new() };
        let _ =
            writeln!(report.table, "| best straight line | {} |{time}\n", straight(&memory, "MiB"));
        let mut draw = |name: String, title: String, up: &str, points| {
            let (across, up) = (self.what.to_owned(), up.to_owned());
            report.plots.push((name, Points { title, across, up, points }.svg()));
        };
        draw(
            format!("scale-{}-memory", self.name),
            format!("Memory over {}", self.what),
            "MiB",
            memory,
        );
        if is_timed {
            let title = format!("Time of {} over {}", self.timed, self.what);
            draw(format!("scale-{}-time", self.name), title, "ms", times);
        }
    }
}

/// What all points share.
struct Bench<'a> {
    options: &'a Options,
    root: &'a Path,
}

impl Bench<'_> {
    fn binary(&self) -> PathBuf {
        self.options.place.server(self.root)
    }

    /// One tenant with so many events in its last half hour: the server's memory in MiB, and a refresh's time in ms.
    fn tenant(&self, center: Center, events: u64) -> Result<(f64, f64)> {
        let folder = self.options.place.folder(self.root)?;
        let tenant = Tenant::add(&self.binary(), folder.path(), "load")?;
        let server = Server::start_set(&self.binary(), folder.path(), &[REFRESH])?;
        let posts = server.address("/api/rtstats/events", &tenant.name, &tenant.action);
        ingest::post_past(&posts, center, events, HALF_HOUR)?;
        let queues = server.address("/api/rtstats/stats/queues.json", &tenant.name, &tenant.data);
        let before = refreshes(&server)?;
        for _ in 0..REFRESHES {
            api::fetch(&queues, &[])?;
            std::thread::sleep(Duration::from_millis(120));
        }
        let after = refreshes(&server)?;
        let times = after.0 - before.0;
        ensure!(times >= f64::from(REFRESHES) / 2.0, "only {times} refreshes");
        Ok((memory(&server)?, (after.1 - before.1) / times * 1e3))
    }

    /// More and more tenants on one server, which starts anew for each point: its memory, and how long the start took.
    fn tenants(&self) -> Result<Vec<Point>> {
        let folder = self.options.place.folder(self.root)?;
        let (binary, mut there, mut points) = (self.binary(), 0, Vec::new());
        for &tenants in &self.options.tenants {
            let new = (there..tenants)
                .map(|number| Tenant::add(&binary, folder.path(), &format!("tenant-{number}")));
            let new: Vec<Tenant> = new.collect::<Result<_>>()?;
            let server = Server::start(&binary, folder.path())?;
            for tenant in &new {
                let posts = server.address("/api/rtstats/events", &tenant.name, &tenant.action);
                ingest::post_past(&posts, Center { agents: 10, queues: 2 }, 1_000, HALF_HOUR)?;
            }
            server.kill()?;
            let server = Server::start(&binary, folder.path())?;
            let (memory, start_ms) = (memory(&server)?, server.start.as_secs_f64() * 1e3);
            println!("{tenants} tenants: {memory:.1} MiB, start {start_ms:.0} ms");
            points.push((tenants as f64, memory, start_ms));
            server.kill()?;
            there = there.max(tenants);
        }
        Ok(points)
    }

    /// Open streams of a tenant in which nothing happens: the server's memory.
    fn streams(&self) -> Result<Vec<Point>> {
        let files = open_files_max()?;
        let mut points = Vec::new();
        for &streams in &self.options.streams {
            if streams + OTHER_FILES > files {
                println!(
                    "{streams} streams: left out, a process has at most {files} open files here"
                );
                continue;
            }
            let folder = self.options.place.folder(self.root)?;
            let tenant = Tenant::add(&self.binary(), folder.path(), "load")?;
            let room = [
                ("LIMITS_CONNECTIONS_MAX", "100000"),
                ("LIMITS_LIVE_STREAMS_PER_LOGIN_MAX", "100000"),
                ("LIMITS_LIVE_STREAMS_PER_TENANT_MAX", "100000"),
            ];
            let server = Server::start_set(&self.binary(), folder.path(), &room)?;
            let told = live::run(&live::Options {
                address: server.address("/api/rtstats/live", &tenant.name, &tenant.data),
                streams,
                seconds: 3.0,
                pid: Some(server.pid()),
                events: None,
                queue: 1,
            })?;
            ensure!(told.failed == 0, "{} of {streams} streams failed", told.failed);
            let (_, memory) = told.memory_mib.context("no memory was told")?;
            println!("{streams} streams: {memory:.1} MiB");
            points.push((streams as f64, memory, 0.0));
        }
        Ok(points)
    }
}

fn memory(server: &Server) -> Result<f64> {
    process::memory_mib(server.pid(), false).context("the server has ended")
}

/// How many refreshes there were, and their seconds.
fn refreshes(server: &Server) -> Result<(f64, f64)> {
    let text = body_of(server.admin, "/metrics")?;
    let figure = |name: &str| -> Result<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("no {name} in the metrics"))?.trim().parse()?)
    };
    let name = "rtstats_refresh_duration_seconds";
    Ok((figure(&format!("{name}_count"))?, figure(&format!("{name}_sum"))?))
}

/// How many open files a process may have, by the kernel's word.
fn open_files_max() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|rest| rest.split_whitespace().next()).context("no limit is told")?;
    Ok(soft.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_with_its_slope() {
        let points = vec![(1.0, 10.0, 0.5), (2.0, 12.0, 1.0), (3.0, 14.0, 1.5)];
        let line = Line { name: "agents", what: "agents", timed: "a refresh", points };
        let mut report = Report::default();
        line.show(&mut report);
        assert!(report.table.contains("| 3 | 14.0 MiB | 1.50 ms |"), "{}", report.table);
        assert!(report.table.contains("2.0000 MiB each, R² 1.000"), "{}", report.table);
        let names: Vec<_> = report.plots.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["scale-agents-memory", "scale-agents-time"]);
    }

    #[test]
    fn the_limit_of_open_files_is_read() {
        assert!(open_files_max().unwrap() > 10);
    }
}
