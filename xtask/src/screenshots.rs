//! `cargo xtask screenshots`: pictures of the main pages, made from the demo in a real Chromium.
//!
//! Which pages is declared in `browser/pages.mjs`; this builds the binary, sees to Chromium and hands over to Node.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What to make pictures of, and where to.
#[derive(clap::Args)]
pub struct Options {
    /// The folder for the pictures.
    #[arg(long, default_value = "target/screenshots")]
    folder: PathBuf,
    /// Only pictures whose names hold one of these words.
    words: Vec<String>,
}

/// Writes the pictures and prints their paths.
pub fn run(options: &Options, root: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    finish(Command::new(cargo).args(["build", "-q", "-p", "rtstats", "--locked"]), root)?;
    finish(&mut Command::new(root.join("browser/set-up")), root)?;
    let mut node = Command::new("node");
    node.arg("browser/screenshots.mjs").arg(root.join(&options.folder)).args(&options.words);
    finish(&mut node, root)
}

/// Runs a command to its end, which must be a good one.
fn finish(command: &mut Command, root: &Path) -> Result<()> {
    let program = command.get_program().to_owned();
    let status = command
        .current_dir(root)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !status.success() {
        bail!("{} ended with {status}", program.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_is_told() {
        let told = finish(&mut Command::new("false"), Path::new(".")).unwrap_err().to_string();
        assert!(told.starts_with("false ended with"), "{told}");
        assert!(finish(&mut Command::new("true"), Path::new(".")).is_ok());
    }
}
