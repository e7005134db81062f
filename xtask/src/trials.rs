//! The long forms of the tests that break things or wear them out: `cargo xtask crash`, `simulation` and `soak`.
//!
//! The tests themselves are ordinary ones, whose short forms run with all others; a seed gives the same trial again.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

/// Kills of a server, one after the other on one folder.
#[derive(Args)]
pub struct Crash {
    /// How often it is killed.
    #[arg(long, default_value_t = 200)]
    kills: u64,
    /// What the moments are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs of the simulation, each with a seed of its own.
#[derive(Args)]
pub struct Simulation {
    /// How many.
    #[arg(long, default_value_t = 5_000)]
    runs: u64,
    /// The seed of the first; the next one has the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Days of a busy centre, one a minute.
#[derive(Args)]
pub struct Soak {
    /// How many: at least ten, since the first four are not judged.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(10..=800))]
    minutes: u64,
    /// What the days are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Kills the server.
pub fn crash(options: &Crash, root: &Path) -> Result<()> {
    let count = ("RTSTATS_KILLS", options.kills);
    test(root, &["--test", "e2e", "--", "--nocapture", "kills::"], count, options.seed)
}

/// Simulates.
pub fn simulation(options: &Simulation, root: &Path) -> Result<()> {
    let count = ("RTSTATS_SIM_RUNS", options.runs);
    test(root, &["--lib", "--", "--nocapture", "simulation::runs"], count, options.seed)
}

/// Wears the server out, as users build it.
pub fn soak(options: &Soak, root: &Path) -> Result<()> {
    let count = ("RTSTATS_SOAK_MINUTES", options.minutes);
    let which = ["--release", "--test", "e2e", "--", "--nocapture", "soak::days"];
    test(root, &which, count, options.seed)
}

fn test(root: &Path, which: &[&str], count: (&str, u64), seed: u64) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "--package", "rtstats", "--locked"])
        .args(which)
        .env(count.0, count.1.to_string())
        .env("RTSTATS_SEED", seed.to_string())
        .current_dir(root)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "it failed with {}={} RTSTATS_SEED={seed}", count.0, count.1);
    Ok(())
}
