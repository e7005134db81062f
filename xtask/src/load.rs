//! x x
use anyhow::Result;
#[derive(clap::Subcommand)]
pub enum Load {
    A,
}
pub fn run(_: &Load) -> Result<()> {
    Ok(())
}
