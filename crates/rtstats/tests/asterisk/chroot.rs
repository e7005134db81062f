//! The chroots with Asterisk, built by `testbed/asterisk/build` when they are missing.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The script's exit status for "it can't be done on this machine".
const CANNOT: i32 = 77;

/// A system folder with one version of Asterisk.
#[derive(Debug, Clone)]
pub struct Chroot {
    /// The major version: 16 or 22.
    pub version: u32,
    pub root: PathBuf,
}

/// Where the testbed's script and Asterisk's configuration lie.
pub fn testbed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testbed/asterisk")
}

/// Both versions, or `None` after one line that says why there are none here.
pub fn chroots(test: &str) -> Option<[Chroot; 2]> {
    static FOUND: OnceLock<Result<[Chroot; 2], String>> = OnceLock::new();
    match FOUND.get_or_init(build) {
        Ok(found) => Some(found.clone()),
        Err(why) => {
            // Past the capture of the test harness, which would swallow it in a test that passes.
            use std::io::Write;
            let line = format!("skipped without Asterisk: {test}: {why}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            None
        }
    }
}

fn build() -> Result<[Chroot; 2], String> {
    let output = Command::new(testbed().join("build")).args(["16", "22"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.code() == Some(CANNOT) {
        return Err(told);
    }
    assert!(output.status.success(), "testbed/asterisk/build: {told}");
    let roots = String::from_utf8(output.stdout).unwrap();
    let mut roots = roots.lines().map(|line| Path::new(line).canonicalize().unwrap());
    let mut next = |version| Chroot { version, root: roots.next().unwrap() };
    Ok([next(16), next(22)])
}
