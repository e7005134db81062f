//! The one binary: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod arenas;

fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    arenas::keep_few();
    #[cfg(unix)]
    if let Err(error) = outlive_file_size_limit() {
        eprintln!("rtstats: a file-size limit would end this process: {error}");
    }
    rtstats::cli::run(rtstats::cli::Cli::parse())
}

/// Has a write beyond the file-size limit (`ulimit -f`) fail, as on a full disk, instead of ending the process:
/// the signal counts as taken once somebody has asked for it.
#[cfg(unix)]
fn outlive_file_size_limit() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}
