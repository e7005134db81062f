//! `rtstats connect asterisk --check`: what a PBX shows us, what becomes of it, and what is missing, for an operator.
//!
//! It asks and listens for a moment, and changes nothing on the PBX.

mod report;
mod seen;
mod table;

use std::{io::Write, time::Duration};

use crate::connect::{asterisk::mapping::Mapping, names::Names};

use super::ami::{Session, Target};
use seen::{LISTEN, Seen};

/// Whether the connector would work as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is missing: exit status 0.
    Well,
    /// Something is missing, and the report says what: exit status 1.
    Lacking,
}

/// Connects and writes what it sees. Queues that had no number get one in `names`.
///
/// A PBX that can't be reached or refuses the login is a finding, not an error: errors are those of `out`.
pub async fn check(
    target: &Target,
    mapping: &Mapping,
    names: &mut Names,
    out: &mut impl Write,
) -> anyhow::Result<Verdict> {
    check_for(LISTEN, target, mapping, names, out).await
}

async fn check_for(
    listen: Duration,
    target: &Target,
    mapping: &Mapping,
    names: &mut Names,
    out: &mut impl Write,
) -> anyhow::Result<Verdict> {
    writeln!(out, "Asterisk at {}", target.address)?;
    let mut session = match Session::connect(target).await {
        Ok(session) => session,
        Err(error) => return missed(out, &error),
    };
    let seen = match Seen::gather(&mut session, listen).await {
        Ok(seen) => seen,
        Err(error) => return missed(out, &error),
    };
    session.logoff().await;
    report::write(&seen, &target.username, mapping, names, out)
}

fn missed(out: &mut impl Write, error: &dyn std::error::Error) -> anyhow::Result<Verdict> {
    writeln!(out, "\nMissing\n  - {error}")?;
    Ok(Verdict::Lacking)
}

#[cfg(test)]
mod tests;
