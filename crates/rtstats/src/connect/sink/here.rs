//! The server that the connector runs in: its ingest without HTTP, its shards without documents.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use stats::limit;
use tokio::time::sleep;

use super::{Present, SinkError, Trouble};
use crate::{
    api::Api,
    backoff::Backoff,
    clock,
    connect::status::Monitor,
    ingest::{Ingest, Refusal},
    journal::JournalError,
    post::Receipt,
    shard::{Applied, Parsed, State, Unavailable},
    tenants::{TenantId, TenantName},
};

/// How often a tenant that isn't served yet is looked for: as often as tenants are.
const READY_EVERY: Duration = Duration::from_millis(50);

/// How often it is looked whether the tenant is still the same.
const GONE_EVERY: Duration = Duration::from_millis(500);

/// How long a tenant may take to be recovered before its wait is worth a line.
const PATIENCE: Duration = Duration::from_secs(2);

/// The journal takes no more: it tries every second itself.
const WAITS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

pub(super) struct Here {
    ingest: Arc<Ingest>,
    api: Arc<Api>,
    tenant: TenantName,
    /// The number of the tenant whose present state was taken: one of the same name that comes later is another.
    id: AtomicU32,
    monitor: Arc<Monitor>,
}

impl Here {
    pub(super) fn new(
        ingest: Arc<Ingest>,
        api: Arc<Api>,
        tenant: TenantName,
        monitor: Arc<Monitor>,
    ) -> Here {
        Here { ingest, api, tenant, id: AtomicU32::new(0), monitor }
    }

    pub(super) async fn present(&self, source: &str) -> Present {
        let mut trouble = Trouble::none(&self.monitor);
        let mut waited = Duration::ZERO;
        loop {
            let line = match self.ready() {
                Ok(id) => match self.api.shards.present(id, source.to_owned()).await {
                    Ok(present) => {
                        self.id.store(id.0, Relaxed);
                        trouble.is_over("the tenant is served now");
                        return present;
                    }
                    Err(denied) => denied.to_string(),
                },
                Err(line) => line,
            };
            if waited >= PATIENCE || !self.exists() {
                trouble.is(&line, READY_EVERY);
            }
            sleep(READY_EVERY).await;
            waited += READY_EVERY;
        }
    }

    /// A tenant that is removed and added again is another one, also when nothing happens in it.
    pub(super) async fn gone(&self) -> SinkError {
        loop {
            let directory = self.api.directory.load();
            let id = directory.get(&self.tenant).map(|tenant| tenant.id.0);
            if id != Some(self.id.load(Relaxed)) {
                return SinkError::Gone(self.tenant.clone());
            }
            drop(directory);
            sleep(GONE_EVERY).await;
        }
    }

    fn exists(&self) -> bool {
        self.api.directory.load().get(&self.tenant).is_some()
    }

    /// The tenant's number, if it is served.
    fn ready(&self) -> Result<TenantId, String> {
        let name = &self.tenant;
        let directory = self.api.directory.load();
        let tenant = directory.get(name).ok_or_else(|| {
            format!(
                "there is no tenant {name}: add it with `rtstats tenant add {name} --timezone ZONE`"
            )
        })?;
        match self.api.shards.live(tenant.id).map(|live| live.state()) {
            Some(State::Ready) => Ok(tenant.id),
            Some(State::Broken) => Err(format!("the state of tenant {name} is broken")),
            Some(State::Recovering) | None => Err(format!("the tenant {name} is being recovered")),
        }
    }

    pub(super) async fn send(&self, lines: Bytes) -> Result<Receipt, SinkError> {
        let id = TenantId(self.id.load(Relaxed));
        let mut trouble = Trouble::none(&self.monitor);
        let mut backoff = Backoff::new(WAITS);
        let mut is_first = true;
        loop {
            let latest = Some(clock::now() + limit::AHEAD_MS_MAX);
            let parsed = Parsed::new(lines.clone(), latest).map_err(|errors| {
                let told = errors.first().map_or("", |error| &error.error.message);
                SinkError::Refused(format!("malformed events, a fault of rtstats: {told}"))
            })?;
            let events = parsed.lines().len() as u64;
            let error = match self.ingest.submit(id, parsed, None).await {
                Ok(applied) => {
                    trouble.is_over("the journal takes events again");
                    let receipt = self.receipt(&applied);
                    // Those of a batch that had arrived the first time are explained.
                    let duplicates = if is_first { receipt.duplicates } else { 0 };
                    return Ok(Receipt { duplicates, ..receipt });
                }
                Err(Refusal::Stored(why)) => {
                    // On disk, and counted as soon as the tenant is up to date again.
                    self.stored(why);
                    return Ok(Receipt { accepted: events, ..Receipt::default() });
                }
                Err(Refusal::Journal(JournalError::Gone(_))) => {
                    return Err(SinkError::Gone(self.tenant.clone()));
                }
                Err(error) => error,
            };
            is_first = false;
            self.monitor.retried();
            let wait = backoff.next_wait();
            trouble.is(&error.to_string(), wait);
            sleep(wait).await;
        }
    }

    fn receipt(&self, applied: &Applied) -> Receipt {
        for (line, reason) in &applied.ignored {
            let (connector, reason) = (self.monitor.name(), reason.word());
            tracing::debug!(connector, line, reason, "an event was ignored");
        }
        let ignored = applied.ignored.len() as u64;
        Receipt { accepted: applied.accepted, duplicates: applied.duplicates, ignored }
    }

    fn stored(&self, why: Unavailable) {
        let connector = self.monitor.name();
        tracing::warn!(connector, %why, "a batch is stored but not counted yet");
    }
}
