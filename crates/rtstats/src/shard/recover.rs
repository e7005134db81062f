//! Opening a tenant: the newest snapshot that can be read, and the rest of the log.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    time::Instant,
};

use stats::{engine::Engine, event::Millis, parse::parse_batch, zone::Zone};

use super::{Input, Live};
use crate::{
    journal::{Journal, JournalError, Position},
    telemetry::{Metrics, Progress},
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
    /// Replaying broke an assertion of ours.
    #[error("replaying its log broke an assertion")]
    Assertion,
}

/// What a replay came to.
pub type Recovered = Result<Replayed, RecoverError>;

/// An engine brought up to date.
pub struct Replayed {
    pub engine: Engine,
    /// Behind the last event that it has seen.
    pub position: Position,
    /// Of the snapshot that it began with.
    pub kept: Position,
}

/// What is to be recovered.
pub struct Order {
    pub live: Arc<Live>,
    pub zone: Zone,
    /// Where to stop; none is the end of the log.
    pub until: Option<Position>,
    /// Snapshots of an engine that has described a later instant are left out, as far as the log reaches back to before
    /// them.
    pub described_until: Option<Millis>,
}

/// Starts the thread that recovers a shard's tenants one after the other, while the shard serves the others.
pub fn start(
    journal: Arc<dyn Journal>,
    metrics: Metrics,
    shard: mpsc::Sender<Input>,
) -> std::io::Result<mpsc::Sender<Order>> {
    let (sender, orders) = mpsc::channel::<Order>();
    let work = move || {
        for order in orders {
            let replayed = catch_unwind(AssertUnwindSafe(|| recover(&*journal, &order, &metrics)));
            let recovered = Box::new(replayed.unwrap_or(Err(RecoverError::Assertion)));
            if shard.send(Input::Opened { tenant: order.live.id, recovered }).is_err() {
                break;
            }
        }
    };
    std::thread::Builder::new().name("recovery".into()).spawn(work)?;
    Ok(sender)
}

pub(super) fn recover(journal: &dyn Journal, order: &Order, metrics: &Metrics) -> Recovered {
    let end = match order.until {
        Some(until) => until,
        None => journal.end(order.live.id)?,
    };
    let Some(described_until) = order.described_until else {
        return replay(journal, order, end, Millis::MAX, metrics);
    };
    replay(journal, order, end, described_until, metrics).or_else(|error| {
        // Retention has dropped the log that the later snapshots stand for.
        tracing::warn!(
            tenant = &*order.live.name,
            %error,
            "the present can't be described: all documents describe a later instant until the clock has caught up"
        );
        replay(journal, order, end, Millis::MAX, metrics)
    })
}

fn replay(
    journal: &dyn Journal,
    order: &Order,
    end: Position,
    described_until: Millis,
    metrics: &Metrics,
) -> Recovered {
    let begun = Instant::now();
    let (tenant, name) = (order.live.id, &*order.live.name);
    let (engine, kept) = begin(journal, order, end, described_until)?;
    let mut replay = Replayed { engine, position: kept, kept };
    let progress = Progress::start("replaying the log (events)", end.0.saturating_sub(kept.0));
    let mut wrong = None;
    journal.read(tenant, kept, &mut |after, lines| {
        if wrong.is_none() && replay.position < end {
            let before = replay.position;
            wrong = replay.apply(after, lines, end).err();
            progress.advance(replay.position.0 - before.0);
        }
    })?;
    drop(progress);
    metrics.replayed(replay.position.0 - kept.0);
    if let Some(wrong) = wrong {
        return Err(RecoverError::Log(wrong));
    }
    if replay.position < end {
        return Err(RecoverError::Log(format!(
            "the log ends at event {} but was to hold {}",
            replay.position.0, end.0
        )));
    }
    tracing::info!(
        tenant = name,
        snapshot_at = kept.0,
        replayed = replay.position.0 - kept.0,
        milliseconds = begun.elapsed().as_millis() as u64,
        "tenant recovered"
    );
    Ok(replay)
}

/// The newest snapshot before `end` that can be read, or an engine that knows nothing yet.
fn begin(
    journal: &dyn Journal,
    order: &Order,
    end: Position,
    described_until: Millis,
) -> Result<(Engine, Position), RecoverError> {
    let name = &*order.live.name;
    let mut begun = None;
    journal.snapshots(order.live.id, &mut |snapshot| {
        if snapshot.position > end {
            return true;
        }
        match Engine::restore(&snapshot.state) {
            Ok(engine) if engine.zone().name() != order.zone.name() => {
                tracing::warn!(tenant = name, "a snapshot of another time zone is left out");
            }
            Ok(engine) if engine.horizon().is_some_and(|horizon| horizon > described_until) => {}
            Ok(engine) => begun = Some((engine, snapshot.position)),
            Err(error) => tracing::warn!(tenant = name, %error, "a snapshot is left out"),
        }
        begun.is_none()
    })?;
    Ok(begun.unwrap_or_else(|| (Engine::new(order.zone.clone()), Position(0))))
}

impl Replayed {
    /// Applies a run of the log that follows on what was applied before, as far as `end`.
    fn apply(&mut self, after: Position, lines: &[u8], end: Position) -> Result<(), String> {
        let parsed = parse_batch(lines, None).map_err(|errors| {
            let first = errors.first().map(|first| first.error.message.as_str());
            let first = first.unwrap_or_default();
            format!("the log behind event {} can't be read: {first}", self.position.0)
        })?;
        if self.position.0 + parsed.len() as u64 != after.0 {
            return Err(format!(
                "the log has a gap: after event {} come {} events that end at {}",
                self.position.0,
                parsed.len(),
                after.0
            ));
        }
        for line in parsed.iter().take((end.0 - self.position.0) as usize) {
            self.engine.apply(&line.event);
        }
        self.position = after.min(end);
        Ok(())
    }
}
