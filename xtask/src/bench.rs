//! `cargo xtask bench`: starts servers on loopback, measures them, and prints Markdown for docs/benchmarks.md.
//!
//! Nothing is left behind: every server is ended and every folder removed, also when a step fails.

mod api;
mod connect;
mod halves;
mod hostile;
mod import;
mod ingest;
mod nginx;
mod overload;
mod plot;
mod postgres;
mod profile;
mod queue_log;
mod record;
mod refresh;
mod scale;
mod server;
mod start;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
pub use record::Report;
use tempfile::TempDir;

/// The flags of every benchmark.
#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    bench: Bench,
    /// Also write the table into docs/benchmarks.md and its pictures into docs/images.
    #[arg(long, global = true)]
    record: bool,
}

/// What to measure.
#[derive(clap::Subcommand)]
enum Bench {
    /// The statistics API beside nginx that serves the same bytes.
    Api(api::Options),
    /// A connector to a PBX that tells thousands of events a second.
    Connect(connect::Options),
    /// Durable ingest: events per second in batches, and single posts beside bare fdatasync.
    Ingest(ingest::Options),
    /// Ten times the load that the server takes, and hostile clients.
    Overload(overload::Options),
    /// A day's queue_log of Asterisk, imported.
    Import(import::Options),
    /// Where the time goes: samples by perf, shares and flame graphs.
    Profile(profile::Options),
    /// Every figure of an instant from a day of a million transactions, beside the same asked in SQL.
    Refresh(refresh::Options),
    /// Write a table from standard input into the page with its marks.
    Record(record::Options),
    /// Memory and refresh time over agents, queues, tenants, event rate and open streams.
    Scale(scale::Options),
    /// The start after kill −9 with millions of events in the log.
    Start(start::Options),
}

/// Where the server under test is, and where it keeps its data.
#[derive(clap::Args, Clone)]
pub struct Place {
    /// The release binary to measure.
    #[arg(long, default_value = "target/release/rtstats")]
    pub server: PathBuf,
    /// The folder for the server's data while it is measured: on the disk that is to be measured.
    #[arg(long, default_value = "target/bench")]
    pub folder: PathBuf,
}

impl Place {
    /// A new folder for one run.
    fn folder(&self, root: &Path) -> Result<TempDir> {
        let folder = root.join(&self.folder);
        std::fs::create_dir_all(&folder)
            .and_then(|()| tempfile::tempdir_in(&folder))
            .with_context(|| format!("cannot make a folder in {}", folder.display()))
    }

    fn server(&self, root: &Path) -> PathBuf {
        root.join(&self.server)
    }
}

/// Runs a benchmark and prints its table.
pub fn run(options: &Options, root: &Path) -> Result<()> {
    // How busy the machine was before, not by the benchmark.
    let machine = machine();
    let (name, report) = match &options.bench {
        Bench::Api(options) => ("api", api::run(options, root)?),
        Bench::Connect(options) => ("connect", connect::run(options, root)?.into()),
        Bench::Ingest(options) => ("ingest", ingest::run(options, root)?),
        Bench::Import(options) => ("import", import::run(options, root)?.into()),
        Bench::Overload(options) => ("overload", overload::run(options, root)?.into()),
        Bench::Profile(options) => ("profile", profile::run(options, root)?),
        Bench::Refresh(options) => ("refresh", refresh::run(options, root)?),
        Bench::Scale(options) => ("scale", scale::run(options, root)?),
        Bench::Start(options) => ("start", start::run(options, root)?.into()),
        Bench::Record(options) => return record::run(options, &machine, root),
    };
    let Report { table, .. } = &report;
    println!("\n{table}");
    println!("Measured on {machine}.");
    if options.record {
        report.record(name, &machine, root)?;
    }
    Ok(())
}

/// A loopback address that is free at present.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// The status of a plain-HTTP GET, if there is an answer.
fn status_of(address: SocketAddr, path: &str) -> Option<u16> {
    let patience = Duration::from_secs(1);
    let mut tcp = TcpStream::connect_timeout(&address, patience).ok()?;
    tcp.set_read_timeout(Some(patience)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).ok()?;
    let mut head = [0; 12];
    tcp.read_exact(&mut head).ok()?;
    std::str::from_utf8(&head).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

/// The body of a plain-HTTP GET.
fn body_of(address: SocketAddr, path: &str) -> Result<String> {
    let mut tcp = TcpStream::connect(address)?;
    tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes())?;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer without an end")?;
    Ok(body.to_owned())
}

/// The middle of some figures: the upper one of two in the middle.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A whole number with a space between thousands.
pub fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

/// Processor, kernel and how busy the machine is already, for whoever compares figures.
fn machine() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
    let model =
        model.map_or("an unnamed processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let loads = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = loads.split(' ').next().unwrap_or("unknown");
    format!("{cores} cores of {model}, Linux {}, load average {load} before", kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_in_thousands() {
        assert_eq!(grouped(1_234_567.4), "1 234 567");
        assert_eq!(grouped(999.6), "1 000");
        assert_eq!(grouped(12.0), "12");
    }

    #[test]
    fn the_median_is_no_mean() {
        assert!((median(vec![100.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn a_status_is_read_from_a_plain_answer() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut tcp, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = tcp.read(&mut request).unwrap();
            tcp.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        assert_eq!(status_of(address, "/readyz"), Some(503));
        assert!(server.join().unwrap().starts_with("GET /readyz HTTP/1.1\r\n"));
        assert_eq!(status_of(address, "/readyz"), None);
    }
}
