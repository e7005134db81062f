//! Opening a tenant: the newest snapshot that can be read, and the rest of the log.

use std::time::Instant;

use stats::{engine::Engine, parse::parse_batch, zone::Zone};

use super::Live;
use crate::{
    journal::{Journal, JournalError, Position},
    telemetry::{Metrics, Progress},
    tenants::TenantId,
};

/// Why a tenant's state can't be had from its log.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The journal can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What was read is not the log.
    #[error("{0}")]
    Log(String),
}

/// An engine that has seen the whole log, the position behind it, and that of the snapshot that it began with.
pub fn recover(
    journal: &dyn Journal,
    live: &Live,
    zone: &Zone,
    metrics: &Metrics,
) -> Result<(Engine, Position, Position), RecoverError> {
    let begun = Instant::now();
    let (tenant, name) = (live.id, &*live.name);
    let (mut engine, from) = begin(journal, tenant, name, zone)?;
    let end = journal.end(tenant)?;
    let progress = Progress::start("replaying the log (events)", end.0.saturating_sub(from.0));
    let mut position = from;
    let mut wrong = None;
    journal.read(tenant, from, &mut |after, lines| {
        if wrong.is_none() {
            let before = position;
            wrong = replay(&mut engine, &mut position, after, lines).err();
            progress.advance(position.0 - before.0);
        }
    })?;
    drop(progress);
    metrics.replayed(position.0 - from.0);
    if let Some(wrong) = wrong {
        return Err(RecoverError::Log(wrong));
    }
    if position != end {
        return Err(RecoverError::Log(format!(
            "the log ends at event {} but was to hold {}",
            position.0, end.0
        )));
    }
    tracing::info!(
        tenant = name,
        snapshot_at = from.0,
        replayed = position.0 - from.0,
        milliseconds = begun.elapsed().as_millis() as u64,
        "tenant recovered"
    );
    Ok((engine, position, from))
}

fn begin(
    journal: &dyn Journal,
    tenant: TenantId,
    name: &str,
    zone: &Zone,
) -> Result<(Engine, Position), RecoverError> {
    for snapshot in journal.snapshots(tenant)? {
        match Engine::restore(&snapshot.state) {
            Ok(engine) if engine.zone().name() == zone.name() => {
                return Ok((engine, snapshot.position));
            }
            Ok(_) => tracing::warn!(tenant = name, "a snapshot of another time zone is left out"),
            Err(error) => tracing::warn!(tenant = name, %error, "a snapshot is left out"),
        }
    }
    Ok((Engine::new(zone.clone()), Position(0)))
}

/// Applies a run of the log that follows on what was applied before.
fn replay(
    engine: &mut Engine,
    position: &mut Position,
    after: Position,
    lines: &[u8],
) -> Result<(), String> {
    let parsed = parse_batch(lines, None).map_err(|errors| {
        let first = errors.first().map(|first| first.error.message.as_str()).unwrap_or_default();
        format!("the log behind event {} can't be read: {first}", position.0)
    })?;
    if position.0 + parsed.len() as u64 != after.0 {
        return Err(format!(
            "the log has a gap: after event {} come {} events that end at {}",
            position.0,
            parsed.len(),
            after.0
        ));
    }
    for line in &parsed {
        engine.apply(&line.event);
    }
    *position = after;
    Ok(())
}
