//! `cargo xtask bench import`: a busy day's queue_log to standard output and into a server, beside `wc -l`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::server::{Server, Tenant};
use super::{Place, grouped, median, queue_log};
use crate::load::process;

/// The flags of `bench import`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// How often each is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Lines of the log.
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// Another number, another day.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Measures and returns the table.
pub fn run(options: &Options, root: &Path) -> Result<String> {
    let folder = options.place.folder(root)?;
    let binary = options.place.server(root);
    let log = folder.path().join("queue_log");
    let mut out = BufWriter::new(File::create(&log)?);
    queue_log::write(options.lines, options.seed, &mut out)?;
    out.flush()?;
    drop(out);
    let (mut plain, mut standard, mut server) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..options.rounds {
        plain.push(timed(Command::new("wc").arg("-l").arg(&log))?);
        let import = || {
            let mut command = Command::new(&binary);
            command.args(["import", "asterisk-queue-log", "--wrap-up-seconds", "5"]).arg(&log);
            command
        };
        standard.push(timed(&mut import())?);
        let data = folder.path().join(format!("server-{round}"));
        std::fs::create_dir(&data)?;
        let tenant = Tenant::add(&binary, &data, "load")?;
        let running = Server::start(&binary, &data)?;
        let to = running.address("", &tenant.name, &tenant.action).url;
        let mut sending = import();
        sending.args(["--to", &to, "--tenant", &tenant.name, "--insecure"]);
        server.push(timed(sending.env("RTSTATS_ACTION_TOKEN", &tenant.action))?);
        running.kill()?;
    }
    Ok(table(
        options.lines,
        &[("`wc -l`", plain), ("standard output", standard), ("a server", server)],
    ))
}

/// Time and highest memory of a command, which must succeed.
fn timed(command: &mut Command) -> Result<(f64, f64)> {
    let begin = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.with_context(|| format!("cannot start {command:?}"))?;
    let mut memory = 0.0_f64;
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "{command:?} ended with {status}");
            return Ok((begin.elapsed().as_secs_f64(), memory));
        }
        memory = memory.max(process::memory_mib(child.id(), true).unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn table(lines: u64, rows: &[(&str, Vec<(f64, f64)>)]) -> String {
    let mut table = format!(
        "| {} lines to | time | lines/s | memory |\n|---|---:|---:|---:|\n",
        grouped(lines as f64)
    );
    for (name, runs) in rows {
        let seconds = median(runs.iter().map(|(seconds, _)| *seconds).collect());
        let memory = median(runs.iter().map(|(_, memory)| *memory).collect());
        let rate = grouped(lines as f64 / seconds);
        table += &format!("| {name} | {seconds:.2} s | {rate} | {memory:.0} MiB |\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_the_middle_of_the_rounds() {
        let table = table(1_000, &[("x", vec![(1.0, 9.0), (2.0, 8.0), (9.0, 70.0)])]);
        assert!(table.ends_with("| x | 2.00 s | 500 | 9 MiB |\n"), "{table}");
    }
}
