//! `cargo xtask instructions`: instructions and allocations of the hot paths, beside the kept ones.
//!
//! Times are noisy, and a build machine's are worthless; what valgrind counts is the same everywhere, to a per mille. It
//! shows every machine to a program as one processor, so that the same copies and searches are chosen.

mod count;
mod kept;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use kept::Kept;

use crate::bench::Report;

/// The flags of `instructions`.
#[derive(clap::Args)]
pub struct Options {
    /// Keep what is counted now as what is right, and write the table into docs/benchmarks.md.
    #[arg(long)]
    record: bool,
    /// The cases to count; all of them unless given.
    #[arg(conflicts_with = "record")]
    cases: Vec<String>,
}

/// The program with the cases, as cargo knows it.
const BENCH: &str = "instructions";

/// The dependencies are those that the tests have been built with; only our own crates are built as they are released,
/// but for optimization across crates. A profile of its own would build SQLite and the cryptography once more. The core
/// is compiled in one piece: into which pieces it falls would move its figures by 5 %.
const OWN: [(&str, &str); 2] = [("stats", "codegen-units=1"), ("rtstats", "codegen-units=16")];
const AS_RELEASED: [&str; 5] = [
    "opt-level=3",
    "debug=false",
    "debug-assertions=false",
    "overflow-checks=false",
    "incremental=false",
];

/// One hot path's figures, of all units that were measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    pub name: String,
    /// What it is counted by.
    pub unit: String,
    pub units: u64,
    pub instructions: u64,
    pub allocations: u64,
}

/// Counts, and compares or keeps.
pub fn run(options: &Options, root: &Path) -> Result<()> {
    if let Some(why) = not_here()? {
        println!("instructions: skipped, since {why}");
        return Ok(());
    }
    let program = build(root)?;
    let mut counted = Vec::new();
    for (name, unit) in cases(&program)? {
        if options.cases.is_empty() || options.cases.contains(&name) {
            counted.push(count::count(&program, &name, &unit)?);
        }
    }
    ensure!(!counted.is_empty(), "there is no such case; {BENCH} --list tells all");
    let tools = tools()?;
    if options.record {
        let tolerance_percent =
            Kept::read(root).map_or(kept::TOLERANCE_PERCENT, |kept| kept.tolerance_percent);
        let kept = Kept { tolerance_percent, tools: tools.clone(), figures: counted };
        kept.write(root)?;
        print!("{}", kept.table());
        return Report::from(kept.table()).record("instructions", &tools, root);
    }
    let kept = Kept::read(root)?;
    let verdict = kept.judge(&counted, options.cases.is_empty());
    println!("{}", verdict.table);
    for lower in &verdict.lower {
        println!("{lower}: the kept figure can be lowered: cargo xtask instructions --record");
    }
    if verdict.wrong.is_empty() {
        return Ok(());
    }
    let other_tools = match tools == kept.tools {
        true => String::new(),
        false => format!("\nThe kept figures are of {}; here are {tools}.", kept.tools),
    };
    bail!(
        "more than the kept figures allow:\n{}\nIf that is meant: cargo xtask instructions --record, and say why in the \
         commit.{other_tools}",
        verdict.wrong.join("\n")
    )
}

/// Why nothing can be counted on this machine, if so.
fn not_here() -> Result<Option<String>> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Ok(Some("the kept figures are of Linux on x86-64".to_owned()));
    }
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if !processor.split_whitespace().any(|flag| flag == "avx2") {
        return Ok(Some("the kept figures are of a processor with AVX2".to_owned()));
    }
    if is_there("valgrind") {
        return Ok(None);
    }
    // The project's own machine installs it.
    let could_be_had = std::env::var_os("CI").is_some() && is_there("apt-get");
    ensure!(!could_be_had, "valgrind is missing; as root: apt-get install valgrind");
    Ok(Some("valgrind is missing; on Debian, as root: apt-get install valgrind".to_owned()))
}

fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The compiler and valgrind, by which figures may differ.
fn tools() -> Result<String> {
    let version = |program: &str| -> Result<String> {
        let output = Command::new(program).arg("--version").output();
        let output = output.with_context(|| format!("cannot run {program}"))?;
        let words = String::from_utf8_lossy(&output.stdout);
        Ok(words.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    };
    Ok(format!("{}, {}", version("rustc")?, version("valgrind")?))
}

/// Builds the cases, and says where they are.
fn build(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["build", "--quiet", "--workspace", "--locked"]);
    command.args(["--bench", BENCH, "--message-format", "json-render-diagnostics"]);
    for (package, units) in OWN {
        for setting in AS_RELEASED.iter().chain([&units]) {
            command.arg("--config").arg(format!("profile.dev.package.{package}.{setting}"));
        }
    }
    // What `cargo run` tells us of our own package: build scripts that look at it would build dependencies anew.
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    ensure!(output.status.success(), "the cases of {BENCH} can't be built");
    let told = String::from_utf8(output.stdout).context("cargo told no text")?;
    built(&told).context("cargo didn't say what it built")
}

/// Where the program is, by what cargo tells in JSON, a message a line.
fn built(told: &str) -> Option<PathBuf> {
    let messages =
        told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut ours = messages.filter(|message| message["target"]["name"] == BENCH);
    ours.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// The cases' names, with what they are counted by.
fn cases(program: &Path) -> Result<Vec<(String, String)>> {
    let output = Command::new(program).arg("--list").output();
    let output = output.with_context(|| format!("cannot run {}", program.display()))?;
    let list = String::from_utf8(output.stdout).context("the list of cases is no text")?;
    let cases = list.lines().filter_map(|line| line.split_once(' '));
    Ok(cases.map(|(name, unit)| (name.to_owned(), unit.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_what_cargo_tells() {
        let told = r#"{"reason":"compiler-artifact","target":{"name":"stats"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"instructions"},"executable":"/a/instructions-1"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(built(told), Some(PathBuf::from("/a/instructions-1")));
        assert_eq!(built("no JSON"), None);
    }
}
