//! `cargo xtask fuzz`: every fuzz target for a fixed time, from the seeds and the kept inputs, with a stable compiler.
//!
//! `fuzz/instrument` compiles our own crates so that libFuzzer sees what an input reaches. New inputs go to a folder that
//! is thrown away, unless `--keep` asks for those that reach something new: the repository changes only when told to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

/// Fuzz targets, all or some.
#[derive(Args)]
pub struct Options {
    /// How long each target runs.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// How many targets run at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Keep in `fuzz/kept` a small set of inputs that reaches as much.
    #[arg(long)]
    keep: bool,
    /// Which targets: all, if none is named.
    targets: Vec<String>,
}

/// Each target with its folder among the seeds.
const TARGETS: &[(&str, &str)] = &[
    // The slow ones first, so that none is left alone at the end.
    ("parse_then_apply", "parse"),
    ("settings", "settings"),
    ("parse_line", "parse"),
    ("parse_batch", "parse"),
    ("snapshot_restore", "snapshot"),
    ("ami_messages", "ami"),
    ("queue_log_line", "queue_log"),
    ("http2", "http2"),
    ("path", "path"),
    ("authorization", "authorization"),
    ("cookies", "cookies"),
    ("form", "form"),
    ("table", "table"),
];

/// What one input may take: beyond it is a fault, as a panic is.
const LIMITS: &[&str] = &["-timeout=5", "-rss_limit_mb=1024"];

/// How many bytes of inputs are kept for a target, the shortest first: the repository is no place for more.
const KEPT_BYTES_MAX: u64 = 48 << 10;

/// What libFuzzer tells at the end of a run.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    runs: u64,
    seconds: u64,
    /// Edges of the program that were taken.
    edges: u64,
}

/// Builds the targets, runs them, prints a row for each; fails if one found something.
pub fn run(options: &Options, root: &Path) -> Result<()> {
    let chosen = chosen(&options.targets)?;
    let binaries = build(root, &chosen)?;
    let next = Mutex::new(chosen.into_iter());
    let failures = Mutex::new(Vec::new());
    println!("| target | runs | runs/s | edges |");
    println!("|---|---:|---:|---:|");
    let work = || {
        while let Some((target, seeds)) = next.lock().ok().and_then(|mut next| next.next()) {
            match fuzz(options, root, &binaries, target, seeds) {
                Ok(figures) => println!("| `{target}` | {} |", shown(&figures)),
                Err(error) => {
                    if let Ok(mut failures) = failures.lock() {
                        failures.push(format!("{error:#}"));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap_or_default();
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<(&'static str, &'static str)>> {
    if names.is_empty() {
        return Ok(TARGETS.to_vec());
    }
    let find = |name: &String| {
        let found = TARGETS.iter().find(|(target, _)| target == name).copied();
        found.with_context(|| format!("there is no fuzz target `{name}`; see fuzz/README.md"))
    };
    names.iter().map(find).collect()
}

/// The folder of the binaries. It is the workspace's own: what they depend on is there already.
fn build(root: &Path, targets: &[(&str, &str)]) -> Result<PathBuf> {
    let folder =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    command.arg("--target-dir").arg(&folder);
    for (target, _) in targets {
        command.args(["--bin", target]);
    }
    let status = command
        .env("RUSTC_WRAPPER", root.join("fuzz/instrument"))
        .current_dir(root)
        .status()
        .context("cannot start cargo")?;
    ensure!(
        status.success(),
        "the fuzz targets do not build; libFuzzer needs a C++ compiler (g++)"
    );
    Ok(root.join(folder).join("debug"))
}

fn fuzz(
    options: &Options,
    root: &Path,
    binaries: &Path,
    target: &str,
    seeds: &str,
) -> Result<Figures> {
    let new = tempfile::tempdir().context("no folder for new inputs")?;
    let found = root.join("fuzz/artifacts").join(target);
    std::fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
    let seeds = root.join("fuzz/seeds").join(seeds);
    let kept = root.join("fuzz/kept").join(target);
    let binary = binaries.join(target);
    let mut command = Command::new(&binary);
    command.args(LIMITS).arg(format!("-max_total_time={}", options.seconds));
    // It takes what stands before the file's name as it is: the `/` makes it a folder.
    command.arg(format!("-artifact_prefix={}/", found.display()));
    command.arg(new.path()).arg(&seeds);
    if kept.is_dir() {
        command.arg(&kept);
    }
    let output = command.output().with_context(|| format!("cannot start {}", binary.display()))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let input = written(&told).unwrap_or("(no input was written)");
        bail!("{told}\n`{target}` found a fault; once more: {} {input}", binary.display());
    }
    if options.keep {
        keep(&binary, &kept, &[new.path(), &seeds])?;
    }
    figures(&told).with_context(|| format!("`{target}` told no figures:\n{told}"))
}

/// Replaces the kept inputs by the smallest set of theirs and of others that reaches as much as all together.
fn keep(binary: &Path, kept: &Path, others: &[&Path]) -> Result<()> {
    let chosen = tempfile::tempdir().context("no folder for what is kept")?;
    let mut command = Command::new(binary);
    command.args(LIMITS).arg("-set_cover_merge=1").arg(chosen.path()).args(others);
    if kept.is_dir() {
        command.arg(kept);
    }
    let output = command.output().with_context(|| format!("cannot start {}", binary.display()))?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{told}\n{} cannot merge", binary.display());
    if kept.is_dir() {
        std::fs::remove_dir_all(kept)
            .with_context(|| format!("cannot empty {}", kept.display()))?;
    }
    std::fs::create_dir_all(kept).with_context(|| format!("cannot make {}", kept.display()))?;
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(chosen.path())? {
        let entry = entry?;
        inputs.push((entry.metadata()?.len(), entry.file_name()));
    }
    for name in shortest(inputs) {
        std::fs::copy(chosen.path().join(&name), kept.join(&name))
            .with_context(|| format!("cannot write into {}", kept.display()))?;
    }
    Ok(())
}

/// The shortest inputs, as many as may be kept.
fn shortest(mut inputs: Vec<(u64, OsString)>) -> Vec<OsString> {
    inputs.sort();
    let mut left = KEPT_BYTES_MAX;
    let fits = |(len, name): (u64, OsString)| {
        left = left.checked_sub(len)?;
        Some(name)
    };
    inputs.into_iter().map_while(fits).collect()
}

fn shown(figures: &Figures) -> String {
    let Figures { runs, seconds, edges } = figures;
    format!("{runs} | {} | {edges}", runs / (*seconds).max(1))
}

/// `#524288 DONE cov: 321 ft: …` and `Done 524288 runs in 6 second(s)`.
fn figures(told: &str) -> Option<Figures> {
    let mut edges = None;
    let mut done = None;
    for line in told.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            // Before `Done` the last of the lines that tell coverage is what all inputs reached.
            [count, _, "cov:", cov, ..] if count.starts_with('#') => edges = cov.parse().ok(),
            ["Done", runs, "runs", "in", seconds, "second(s)"] => {
                done = Some((runs.parse().ok()?, seconds.parse().ok()?));
            }
            _ => {}
        }
    }
    let (runs, seconds) = done?;
    Some(Figures { runs, seconds, edges: edges? })
}

/// The file that libFuzzer wrote an input to that broke something.
fn written(told: &str) -> Option<&str> {
    told.lines()
        .find_map(|line| line.split_once("Test unit written to "))
        .map(|(_, path)| path.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_of_the_manifest_is_run_and_has_seeds() {
        let root = crate::root();
        let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).expect("the manifest");
        let mut named: Vec<&str> = manifest
            .split("[[bin]]")
            .skip(1)
            .filter_map(|bin| bin.split_once("name = \"")?.1.split('"').next())
            .collect();
        named.sort_unstable();
        let mut run: Vec<&str> = TARGETS.iter().map(|(target, _)| *target).collect();
        run.sort_unstable();
        assert_eq!(run, named);
        for (target, seeds) in TARGETS {
            assert!(root.join("fuzz/seeds").join(seeds).is_dir(), "{target} has no seeds");
        }
    }

    #[test]
    fn figures_are_those_of_the_end() {
        let told = "#2\tINITED cov: 100 ft: 101 corp: 1/8b\n\
                    #900\tDONE   cov: 321 ft: 900 corp: 7/1b\nDone 900 runs in 3 second(s)\n";
        assert_eq!(figures(told), Some(Figures { runs: 900, seconds: 3, edges: 321 }));
        assert_eq!(figures("#2\tINITED cov: 100\n"), None);
    }

    #[test]
    fn an_input_that_broke_something_is_named() {
        let told =
            "==1== ERROR\nartifact_prefix='a/'; Test unit written to a/crash-0f\nBase64: eA==\n";
        assert_eq!(written(told), Some("a/crash-0f"));
        assert_eq!(written("Done 900 runs\n"), None);
    }

    #[test]
    fn a_target_that_is_not_there_is_refused() {
        assert!(chosen(&["path".to_owned(), "nothing".to_owned()]).is_err());
        assert_eq!(chosen(&["path".to_owned()]).expect("it is there").len(), 1);
    }

    #[test]
    fn the_shortest_inputs_are_kept() {
        let inputs = [(KEPT_BYTES_MAX, "long"), (2, "two"), (1, "one")];
        let inputs = inputs.map(|(len, name)| (len, OsString::from(name)));
        assert_eq!(shortest(inputs.to_vec()), ["one", "two"]);
    }
}
