//! The one binary: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    rtstats::cli::run(rtstats::cli::Cli::parse())
}
