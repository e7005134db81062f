//! `cargo xtask bench connect`: a PBX of our own tells a server's connector thousands of events a second.
//!
//! The server runs on one core alone. What lags, and by how much, the connector measures itself, from the PBX's stamp to
//! the server's word that the event is on disk and counted; the stamp is when the message was due, so that a PBX that is
//! held up hides nothing.

mod figures;
mod pbx;
mod stories;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::server::{Server, Tenant};
use super::{Place, grouped};
use crate::load::latency::millis;
use crate::load::{fsync, process};
use figures::Figures;
use pbx::{Pbx, Size};

/// The goals: so many messages a second, and 99 % of the events on disk after so long.
const RATE_GOAL: u64 = 5_000;
const P99_GOAL_MS: f64 = 20.0;

/// The core that the server has for itself.
const CORE: usize = 0;

/// How long anything may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Messages of the flat-out burst.
const BURST: u64 = 200_000;

/// The flags of `bench connect`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// Messages per second, one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [RATE_GOAL, 10_000])]
    rates: Vec<u64>,
    /// The measured time of each rate.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Memberships of agents in queues, two of each agent.
    #[arg(long, default_value_t = 10_000)]
    members: usize,
    #[arg(long, default_value_t = 500)]
    queues: usize,
    /// Calls at a time.
    #[arg(long, default_value_t = 2_000)]
    calls: usize,
    /// The example `ami`, which times the bare decoder.
    #[arg(long, default_value = "target/release/examples/ami")]
    decoder: PathBuf,
}

/// Measures and returns the table.
pub fn run(options: &Options, root: &Path) -> Result<String> {
    let folder = options.place.folder(root)?;
    let binary = options.place.server(root);
    let stories = stories::read(&root.join("crates/rtstats/tests/fixtures/asterisk"))?;
    let Options { members, queues, calls, .. } = *options;
    let pbx = Pbx::new(stories, Size { people: members / 2, queues, calls });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let config = folder.path().join("bench.toml");
    std::fs::write(
        &config,
        format!(
            "[connect.asterisk.bench]\ntenant = 'load'\naddress = '{}'\nusername = 'bench'\nsecret = 'bench'\n",
            listener.local_addr()?
        ),
    )?;
    Tenant::add(&binary, folder.path(), "load")?;
    let bare = fsync::measure(folder.path(), 4_000, Duration::from_secs(3))?;
    let server = Server::start_on_core(&binary, folder.path(), CORE, &config)?;
    let mut line = Line::accept(&listener, pbx)?;
    line.wait(&server, |figures, _| figures.resyncs >= 1.0)?;
    // Until all calls are somewhere in their middle, as fast as it goes.
    line.flat_out(options.calls as u64 * 30)?;
    line.wait(&server, |figures, told| figures.messages >= told)?;

    let mut table = String::from(
        "| messages/s | lag p50 | p99 | longest | first, last 10 s: mean lag | within 20 ms | worst second's p99 | \
         connector's thread | server | memory |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for rate in &options.rates {
        let row = line.paced(&server, *rate, options.seconds)?;
        print!("{row}");
        table.push_str(&row);
    }
    let (per_second, path) = ceiling(&mut line, &server, folder.path())?;
    let decoder = decoder(&root.join(&options.decoder), &path)?;
    let end = Figures::read(server.admin)?;
    ensure!(end.logins < 2.0, "the connector's line was cut");
    let mut bare = bare;
    let _ = write!(
        table,
        "\nFlat out {} messages/s, {:.2} of what the bare decoder reads of the same bytes on the same core ({}/s). Bare \
         append with fdatasync in the same folder: p50 {}, p99 {}. {} memberships, {} agents' calls and {} callers at the \
         end; {} events told, {} found without sense, {} corrections by {} comparisons; {} events waited for certainty.\n\
         Goals: {} messages/s without growing lag, p99 {P99_GOAL_MS} ms.\n",
        grouped(per_second),
        per_second / decoder,
        grouped(decoder),
        millis(bare.percentile(50.0)),
        millis(bare.percentile(99.0)),
        grouped(end.members),
        grouped(end.calls),
        grouped(end.callers),
        grouped(end.events),
        grouped(end.ignored),
        grouped(end.corrections),
        grouped(end.resyncs),
        grouped(end.settled),
        grouped(RATE_GOAL as f64),
    );
    Ok(table)
}

/// The connection to the connector.
struct Line {
    pbx: Pbx,
    stream: TcpStream,
    actions: Receiver<(String, String)>,
}

impl Line {
    /// Waits for the connector. It ends with the server.
    fn accept(listener: &TcpListener, pbx: Pbx) -> Result<Line> {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        stream.write_all(b"Asterisk Call Manager/11.0.0\r\n")?;
        let (tell, actions) = mpsc::channel();
        let reader = BufReader::new(stream.try_clone()?);
        std::thread::spawn(move || {
            let (mut action, mut id) = (String::new(), String::new());
            for line in reader.lines().map_while(Result::ok) {
                match line.split_once(": ") {
                    Some(("Action", value)) => value.clone_into(&mut action),
                    Some(("ActionID", value)) => value.clone_into(&mut id),
                    None if line.is_empty() => {
                        let told =
                            tell.send((std::mem::take(&mut action), std::mem::take(&mut id)));
                        if told.is_err() {
                            return;
                        }
                    }
                    _ => {}
                }
            }
        });
        Ok(Line { pbx, stream, actions })
    }

    /// Answers what was asked.
    fn answer(&mut self) -> Result<()> {
        while let Ok((action, id)) = self.actions.try_recv() {
            let answer = self.pbx.answer(&action, &id);
            self.stream.write_all(answer.as_bytes())?;
        }
        Ok(())
    }

    /// Waits until the connector's figures are so; they are given with the number of messages told.
    fn wait(&mut self, server: &Server, is: impl Fn(&Figures, f64) -> bool) -> Result<Figures> {
        let end = Instant::now() + PATIENCE;
        loop {
            self.answer()?;
            let figures = Figures::read(server.admin)?;
            // Four answers are the session's own: challenge and login, and pings of a quiet line.
            if is(&figures, self.pbx.told as f64 - 4.0) {
                return Ok(figures);
            }
            ensure!(Instant::now() < end, "the connector has not come so far");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn flat_out(&mut self, count: u64) -> Result<()> {
        let mut told = 0;
        let mut bytes = String::new();
        while told < count {
            self.answer()?;
            bytes.clear();
            told += self.pbx.burst(Duration::ZERO, &mut bytes);
            self.stream.write_all(bytes.as_bytes())?;
        }
        Ok(())
    }

    /// Tells at a steady rate, and gives the row of what was measured.
    fn paced(&mut self, server: &Server, rate: u64, seconds: u64) -> Result<String> {
        let begin = Figures::read(server.admin)?;
        let (cpu, thread) = (process::cpu(&[server.pid()])?, thread_cpu(server)?);
        let start = Instant::now();
        let (mut told, mut bytes) = (0_u64, String::new());
        let (stop, stopped) = mpsc::channel::<()>();
        let admin = server.admin;
        // Elsewhere, so that reading doesn't hold the PBX up: what the connector tells at the end of each second.
        let marks = std::thread::spawn(move || -> Result<Vec<Figures>> {
            let mut marks = Vec::new();
            while stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                marks.push(Figures::read(admin)?);
            }
            Ok(marks)
        });
        while start.elapsed() < Duration::from_secs(seconds) {
            self.answer()?;
            let due = Duration::from_secs_f64(told as f64 / rate as f64);
            let now = start.elapsed();
            if now < due {
                std::thread::sleep((due - now).min(Duration::from_millis(1)));
            } else {
                bytes.clear();
                told += self.pbx.burst(now - due, &mut bytes);
                self.stream.write_all(bytes.as_bytes())?;
            }
        }
        let elapsed = start.elapsed();
        let cpu = (process::cpu(&[server.pid()])? - cpu).as_secs_f64() / elapsed.as_secs_f64();
        let thread = (thread_cpu(server)? - thread).as_secs_f64() / elapsed.as_secs_f64();
        let end = self.wait(server, |figures, told| figures.messages >= told)?;
        drop(stop);
        let Ok(read) = marks.join() else { bail!("the reader of metrics panicked") };
        let marks: Vec<Figures> = std::iter::once(begin.clone()).chain(read?).collect();
        let memory = process::memory_mib(server.pid(), true).unwrap_or(f64::NAN);
        let span = (marks.len() - 1).min(10);
        let first = marks[span].lag_ms_mean(&marks[0]);
        let last = marks[marks.len() - 1].lag_ms_mean(&marks[marks.len() - 1 - span]);
        let worst =
            marks.windows(2).map(|two| two[1].lag_ms(&two[0], 99.0)).filter(|ms| !ms.is_nan());
        let verdict = match (rate, end.lag_ms(&begin, 99.0) <= P99_GOAL_MS) {
            (RATE_GOAL, false) => " (goal missed)",
            _ => "",
        };
        Ok(format!(
            "| {} | ≤ {} ms | **≤ {} ms**{verdict} | ≤ {} ms | {first:.1} ms, {last:.1} ms | {:.2} % | ≤ {} ms | \
             {:.0} % | {:.0} % | {memory:.0} MiB |\n",
            grouped(told as f64 / elapsed.as_secs_f64()),
            end.lag_ms(&begin, 50.0),
            end.lag_ms(&begin, 99.0),
            end.lag_ms(&begin, 100.0),
            end.within(&begin, P99_GOAL_MS) * 100.0,
            worst.fold(0.0, f64::max),
            thread * 100.0,
            cpu * 100.0,
        ))
    }
}

fn thread_cpu(server: &Server) -> Result<Duration> {
    process::cpu_of_thread(server.pid(), "asterisk-bench")
}

/// Messages per second of a burst that is ready before it is sent, and the file that has its bytes.
fn ceiling(line: &mut Line, server: &Server, folder: &Path) -> Result<(f64, PathBuf)> {
    line.answer()?;
    let (mut bytes, mut told) = (String::new(), 0);
    while told < BURST {
        told += line.pbx.burst(Duration::ZERO, &mut bytes);
    }
    let path = folder.join("stream.ami");
    std::fs::write(&path, &bytes)?;
    let begin = Instant::now();
    line.stream.write_all(bytes.as_bytes())?;
    line.wait(server, |figures, told| figures.messages >= told)?;
    Ok((told as f64 / begin.elapsed().as_secs_f64(), path))
}

/// What the bare decoder reads per second of the same bytes on the same core, while the server has nothing to do.
fn decoder(example: &Path, stream: &Path) -> Result<f64> {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &CORE.to_string()]).arg(example).arg(stream);
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8_lossy(&output.stdout).trim().parse().context("the decoder tells no number")
}
