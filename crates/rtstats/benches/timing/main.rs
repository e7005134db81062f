//! Whether the time of a refusal tells anything of a token, of a login or of a tenant: a statistical test, not a rate.
//!
//! Two classes of what is refused are measured in random order; where their mean times differ beyond chance, |t| is large.
//! The last row of each kind is something that does differ, to show that the test would see it. Exits with 1 where a
//! bound is broken.

mod passwords;
mod tokens;
mod welch;

use std::process::ExitCode;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<ExitCode, Failure> {
    let quick = std::env::args().any(|flag| flag == "--quick");
    let folder = tempfile::TempDir::new()?;
    println!("| classes | measurements | mean | mean | |t| | bound |");
    println!("|---|---:|---:|---:|---:|---:|");
    let tokens = tokens::judge(folder.path(), quick)?;
    let passwords = passwords::judge(folder.path(), quick)?;
    Ok(if tokens && passwords { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
