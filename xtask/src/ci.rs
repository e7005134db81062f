//! `cargo xtask ci`: every check of the project, one after the other, each with its time.
//!
//! `.ci/run` runs the same checks, its tests first and counted, after seeing to the compilers, and `bench/schemathesis`;
//! whoever changes one list changes the other.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One step: a name for the summary, and the arguments of cargo.
struct Step {
    name: &'static str,
    arguments: &'static [&'static str],
    /// Extra environment.
    environment: Option<(&'static str, &'static str)>,
}

/// The cheap ones first: what is wrong shows early.
const STEPS: &[Step] = &[
    // Tidy downloads nothing, and reads the licenses of all that is locked.
    Step { name: "packages", arguments: &["fetch", "--locked"], environment: None },
    Step {
        name: "fuzz packages",
        arguments: &["fetch", "--locked", "--manifest-path", "fuzz/Cargo.toml"],
        environment: None,
    },
    Step { name: "format", arguments: &["fmt", "--all", "--check"], environment: None },
    Step { name: "tidy", arguments: &["xtask", "tidy"], environment: None },
    Step {
        name: "clippy",
        arguments: &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
        environment: None,
    },
    Step {
        name: "docs",
        arguments: &["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"],
        environment: Some(("RUSTDOCFLAGS", "-D warnings")),
    },
    Step { name: "tests", arguments: &["test", "--workspace", "--locked"], environment: None },
    Step { name: "fuzz", arguments: &["xtask", "fuzz", "--seconds", "5"], environment: None },
    Step { name: "instructions", arguments: &["xtask", "instructions"], environment: None },
];

/// Runs every step, tells the time of each, and fails at the first that fails.
pub fn run(root: &Path) -> Result<()> {
    let mut times = Vec::new();
    for step in STEPS {
        times.push((step.name, run_step(root, step)?));
    }
    println!();
    for (name, time) in times {
        println!("{name:<13} {:>7.1} s", time.as_secs_f64());
    }
    Ok(())
}

fn run_step(root: &Path, step: &Step) -> Result<Duration> {
    println!("{}", shown(step));
    let begin = Instant::now();
    // The cargo that runs us, so that a toolchain chosen by `cargo +name` holds for the steps too.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(step.arguments)
        .envs(step.environment)
        .current_dir(root)
        .status()
        .with_context(|| format!("cannot start cargo for the step `{}`", step.name))?;
    if !status.success() {
        bail!("the step `{}` failed: {}", step.name, shown(step));
    }
    Ok(begin.elapsed())
}

/// The step as one would type it.
fn shown(step: &Step) -> String {
    let environment =
        step.environment.map_or_else(String::new, |(name, value)| format!("{name}=\"{value}\" "));
    format!("+ {environment}cargo {}", step.arguments.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_shown_as_it_would_be_typed() {
        let step = Step { name: "docs", arguments: &["doc", "-q"], environment: Some(("A", "b")) };
        assert_eq!(shown(&step), "+ A=\"b\" cargo doc -q");
    }

    #[test]
    fn a_failing_step_fails_the_run() {
        let step = Step { name: "wrong", arguments: &["no-such-command"], environment: None };
        assert!(run_step(Path::new("."), &step).is_err());
    }
}
