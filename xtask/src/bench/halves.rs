//! Processors in two halves: servers on one, the generator on the other, as if it were another machine.
//!
//! Together on all of them, a generator takes from the server what it costs itself, and two servers look alike the more,
//! the dearer it is.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Which processors whom, as `taskset` takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halves {
    pub servers: String,
    pub generator: String,
    /// How many the servers have.
    pub count: usize,
}

impl Halves {
    /// The machine's, if it has two processors at least.
    pub fn of_the_machine() -> Option<Halves> {
        Halves::of(std::thread::available_parallelism().map_or(1, usize::from))
    }

    fn of(processors: usize) -> Option<Halves> {
        let count = processors / 2;
        let list = |from: usize, to: usize| match to - from {
            1 => from.to_string(),
            _ => format!("{from}-{}", to - 1),
        };
        (count > 0).then(|| Halves {
            servers: list(0, count),
            generator: list(count, processors),
            count,
        })
    }

    /// A server's command: on its half, if there are halves.
    pub fn server(halves: Option<&Halves>, program: impl AsRef<OsStr>) -> Command {
        match halves {
            Some(halves) => on(&halves.servers, program),
            None => Command::new(program),
        }
    }

    /// Keeps this process, which is the generator, to its half from now on.
    pub fn keep_to_generators(&self) -> Result<()> {
        let output = Command::new("taskset")
            .args(["--all-tasks", "--cpu-list", "--pid", &self.generator])
            .arg(std::process::id().to_string())
            .output()
            .context("cannot run taskset; on Debian: apt-get install util-linux")?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "taskset failed: {told}");
        Ok(())
    }
}

/// A command that keeps to some processors.
pub fn on(processors: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", processors]).arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_processors_and_none_has_two() {
        let of = |processors| Halves::of(processors).map(|it| (it.servers, it.generator, it.count));
        let text = |servers: &str, generator: &str, count| {
            Some((servers.to_owned(), generator.to_owned(), count))
        };
        assert_eq!(of(1), None);
        assert_eq!(of(2), text("0", "1", 1));
        assert_eq!(of(3), text("0", "1-2", 1));
        assert_eq!(of(8), text("0-3", "4-7", 4));
    }
}
