//! One case under valgrind: what its measured part took.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Figures;

/// All that is done within it is counted, by the first thread: what others do at that moment is chance.
const COUNTED: &str = "instructions::counted";

/// The C library's functions that give memory, as Rust and C call them.
const ALLOCATING: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

/// Runs a case and counts.
pub fn count(program: &Path, name: &str, unit: &str) -> Result<Figures> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("counted");
    // What was counted before the measured part goes into a file of its own, and so does the part.
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--separate-threads=yes"])
        .args([format!("--dump-before={COUNTED}"), format!("--dump-after={COUNTED}")])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .arg(name)
        .output()
        .context("cannot run valgrind")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the case {name} failed:\n{told}");
    let units = String::from_utf8_lossy(&output.stdout).trim().parse();
    let units =
        units.with_context(|| format!("the case {name} did not say how much it measured"))?;
    let part = last_part(folder.path())?;
    let part = std::fs::read_to_string(&part)
        .with_context(|| format!("valgrind counted nothing of the case {name}:\n{told}"))?;
    let (instructions, allocations) = read(&part)
        .with_context(|| format!("what valgrind wrote of the case {name} can't be read"))?;
    Ok(Figures { name: name.to_owned(), unit: unit.to_owned(), units, instructions, allocations })
}

/// How the first thread's files end.
const FIRST_THREAD: &str = "-01";

/// The last measured part: the first thread's file with the highest number, as `counted.2-01`.
fn last_part(folder: &Path) -> Result<PathBuf> {
    let mut parts: Vec<(u32, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.extension().and_then(|end| end.to_str()?.strip_suffix(FIRST_THREAD));
        let number = number.and_then(|number| number.parse().ok());
        parts.extend(number.map(|number| (number, path)));
    }
    let last = parts.into_iter().max();
    Ok(last.context("valgrind found no measured part: is the program's symbol still there?")?.1)
}

/// Instructions and allocations of a file of callgrind's.
fn read(part: &str) -> Option<(u64, u64)> {
    let summary = part.lines().find_map(|line| line.strip_prefix("summary: "))?;
    let mut allocations = 0;
    let mut called = "";
    // The called function's name comes before how often it was called.
    for line in part.lines() {
        if let Some(name) = line.strip_prefix("cfn=") {
            called = name;
        } else if let Some(calls) = line.strip_prefix("calls=")
            && ALLOCATING.contains(&called)
        {
            allocations += calls.split(' ').next()?.parse::<u64>().ok()?;
        }
    }
    Some((summary.trim().parse().ok()?, allocations))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_and_calls_for_memory_are_read() {
        let part = "events: Ir\nsummary: 1234\n\nfn=main\ncfi=malloc.c\ncfn=malloc\ncalls=2 10\n5 40\n\
                    cfn=mallocs_other\ncalls=9 1\n5 4\ncfn=realloc\ncalls=3 10\n+1 90\ncfn=free\ncalls=7 1\n";
        assert_eq!(read(part), Some((1_234, 5)));
        assert_eq!(read("events: Ir\n"), None);
    }

    #[test]
    fn the_part_measured_last_counts() {
        let folder = tempfile::tempdir().unwrap();
        assert!(last_part(folder.path()).is_err());
        for name in ["counted-01", "counted.2-01", "counted.10-01", "counted.9-01", "counted.11-02"]
        {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert!(last_part(folder.path()).unwrap().ends_with("counted.10-01"));
    }
}
