//! The project's own tools: `cargo xtask tidy`, `ci`, `load`, `bench`, `instructions`, `crash`, `simulation`, `soak`, `fuzz`
//! and `screenshots`.
//!
//! Nothing here is part of the product. Each tool is a module; this file only names them.

mod bench;
mod ci;
mod fuzz;
mod instructions;
mod load;
mod screenshots;
mod tidy;
mod trials;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own tools.
#[derive(Parser)]
#[command(name = "xtask")]
struct Cli {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Subcommand)]
enum Tool {
    /// Hold the house rules: floors, file lengths, headers, links, names in the documents.
    Tidy,
    /// Run everything that must be green before a commit is merged, with the time of each step.
    Ci,
    /// Put load on a running server and measure it.
    #[command(subcommand)]
    Load(load::Load),
    /// Start servers, measure, and print a Markdown table for docs/benchmarks.md.
    Bench(bench::Options),
    /// Count instructions and allocations of the hot paths, and compare them with the kept ones.
    Instructions(instructions::Options),
    /// Kill a server again and again under load, and compare what is left with what was acknowledged.
    Crash(trials::Crash),
    /// Simulate journal, engines and documents on a disk with faults.
    Simulation(trials::Simulation),
    /// Have a server live through days of a busy centre, one a minute, and see that it stays as it is.
    Soak(trials::Soak),
    /// Build the fuzz targets and run each for a fixed time.
    Fuzz(fuzz::Options),
    /// Write pictures of the main pages, made from the demo.
    Screenshots(screenshots::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().tool {
        Tool::Tidy => tidy::run(&root()),
        Tool::Ci => ci::run(&root()),
        Tool::Load(load) => load::run(&load),
        Tool::Bench(options) => bench::run(&options, &root()),
        Tool::Instructions(options) => instructions::run(&options, &root()),
        Tool::Crash(options) => trials::crash(&options, &root()),
        Tool::Simulation(options) => trials::simulation(&options, &root()),
        Tool::Soak(options) => trials::soak(&options, &root()),
        Tool::Fuzz(options) => fuzz::run(&options, &root()),
        Tool::Screenshots(options) => screenshots::run(&options, &root()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder: the parent of this package's.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}
