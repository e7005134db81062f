//! x x
use anyhow::Result;
#[derive(clap::Subcommand)]
pub enum Bench {
    A,
}
pub fn run(_: &Bench, _: &std::path::Path) -> Result<()> {
    Ok(())
}
