//! Snapshots are stored on a thread of their own, so that a shard never waits for the disk.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Instant,
};

use super::Input;
use crate::{
    journal::{Journal, Snapshot},
    telemetry::Metrics,
    tenants::TenantId,
};

/// Stores snapshots one after the other, and tells the shard of each.
pub struct Keeper {
    snapshots: mpsc::Sender<(TenantId, Snapshot)>,
    pending: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

/// Snapshots that wait for the disk at a time: each is a tenant's whole state in memory.
const PENDING_MAX: usize = 2;

impl Keeper {
    pub fn start(
        journal: Arc<dyn Journal>,
        metrics: Metrics,
        shard: mpsc::Sender<Input>,
    ) -> std::io::Result<Keeper> {
        let (sender, snapshots) = mpsc::channel::<(TenantId, Snapshot)>();
        let pending = Arc::new(AtomicUsize::new(0));
        let stored = pending.clone();
        let work = move || {
            for (tenant, snapshot) in snapshots {
                let kept = keep(&*journal, &metrics, tenant, snapshot);
                stored.fetch_sub(1, Ordering::Release);
                // A shard that has stopped needs to know nothing any more.
                let _ = shard.send(kept);
            }
        };
        let thread = std::thread::Builder::new().name("keeper".into()).spawn(work)?;
        Ok(Keeper { snapshots: sender, pending, thread })
    }

    /// A keeper whose snapshots come out of the channel instead; whoever keeps one counts it down.
    #[cfg(test)]
    pub fn driven() -> (Keeper, mpsc::Receiver<(TenantId, Snapshot)>, Arc<AtomicUsize>) {
        let (sender, snapshots) = mpsc::channel();
        let pending = Arc::new(AtomicUsize::new(0));
        let thread = std::thread::spawn(|| {});
        (Keeper { snapshots: sender, pending: pending.clone(), thread }, snapshots, pending)
    }

    pub fn has_room(&self) -> bool {
        self.pending.load(Ordering::Acquire) < PENDING_MAX
    }

    pub fn take(&self, tenant: TenantId, snapshot: Snapshot) {
        self.pending.fetch_add(1, Ordering::AcqRel);
        if self.snapshots.send((tenant, snapshot)).is_err() {
            tracing::error!("the thread that keeps snapshots is gone");
        }
    }

    /// Stores what waits, and ends the thread.
    pub fn finish(self) {
        drop(self.snapshots);
        if self.thread.join().is_err() {
            tracing::error!("the thread that keeps snapshots ended by a panic");
        }
    }
}

pub(super) fn keep(
    journal: &dyn Journal,
    metrics: &Metrics,
    tenant: TenantId,
    snapshot: Snapshot,
) -> Input {
    let (begun, bytes, position) = (Instant::now(), snapshot.state.len(), snapshot.position);
    let stored = journal.keep_snapshot(tenant, snapshot);
    match &stored {
        Ok(()) => metrics.snapshot(bytes, begun.elapsed()),
        Err(error) => {
            metrics.snapshot_failed();
            tracing::warn!(tenant = tenant.0, %error, "a snapshot was not kept");
        }
    }
    Input::Kept { tenant, position, stored: stored.is_ok() }
}
