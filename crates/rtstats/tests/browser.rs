//! The pages in a real Chromium: runs the tests of `browser/tests` against the binary.
//!
//! The tests are written for Node and are told as cargo tells its own. Without Chromium or Node they are skipped, which is
//! said. Words among the arguments choose tests by name: `cargo test -p rtstats --test browser -- wallboard`.

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::{Command, ExitCode, exit},
};

/// By this status `browser/set-up` says that something can't be had.
const CANNOT_BE_HAD: i32 = 77;

/// Each test has a browser and a server: two at a time keep a small machine busy.
const FILES_AT_ONCE: &str = "2";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("the tests in a browser can't run: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../browser").canonicalize()?;
    let mut files = test_files(&browser.join("tests"))?;
    let listing = arguments.iter().any(|argument| argument == "--list");
    if listing {
        return Ok(ExitCode::SUCCESS);
    }
    let words: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let set_up = Command::new(browser.join("set-up")).status()?;
    match set_up.code() {
        Some(0) => {}
        Some(CANNOT_BE_HAD) => {
            // What is missing stands on the line before.
            println!("\nskipped: the tests in a browser");
            println!(
                "\ntest result: ok. 0 passed; 0 failed; {} ignored; 0 measured\n",
                files.len()
            );
            return Ok(ExitCode::SUCCESS);
        }
        _ => return Err(format!("browser/set-up ended with {set_up}").into()),
    }
    // A word may name a file; else it is a part of tests' names.
    let (named, parts): (Vec<&String>, Vec<&String>) =
        words.into_iter().partition(|word| files.iter().any(|file| is_named(file, word)));
    if !named.is_empty() {
        files.retain(|file| named.iter().any(|word| is_named(file, word)));
    }
    let mut node = Command::new("node");
    node.current_dir(&browser)
        .args(["--test", "--test-reporter=./reporter.mjs"])
        .arg(format!("--test-concurrency={FILES_AT_ONCE}"))
        .args(parts.iter().map(|part| format!("--test-name-pattern={part}")))
        .args(&files)
        .env("RTSTATS_BINARY", env!("CARGO_BIN_EXE_rtstats"))
        .env("RTSTATS_BROWSER_OUTPUT", output());
    exit(node.status()?.code().unwrap_or(1))
}

/// `tests/wallboard.test.mjs` is named `wallboard`.
fn is_named(file: &Path, word: &str) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_suffix(".test.mjs") == Some(word)
}

fn test_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.to_str().is_some_and(|path| path.ends_with(".test.mjs")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `target/browser`, for pictures of failed tests.
fn output() -> PathBuf {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary.parent().unwrap_or(temporary).join("browser")
}
