//! What is looked after beside the work: changed tenants and tokens, changed certificate files, old events, what is kept of
//! tenants that were removed.

mod steadiness;

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use rusqlite::Connection;
use stats::event::Millis;
use steadiness::Steadiness;

use crate::{
    accounts::Accounts,
    api::Api,
    clock,
    ingest::Ingest,
    journal::{Journal, SqliteJournal},
    pages::Pages,
    shard::Shards,
    telemetry::Metrics,
    tenants::{Directory, Watch},
    tls::{Certificates, Reload},
};

/// How often a changed tenant or token is looked for.
const TENANTS_EVERY: Duration = Duration::from_millis(50);

/// How often changed certificate files are looked for.
const CERTIFICATES_EVERY: Duration = Duration::from_secs(1);

/// How often old events are dropped.
const RETENTION_EVERY: Duration = Duration::from_secs(60);

/// All that is looked after.
pub struct Keeping {
    pub watch: Watch,
    pub api: Arc<Api>,
    pub ingest: Arc<Ingest>,
    pub pages: Arc<Pages>,
    /// By which is written down when tokens were used.
    pub register: Connection,
    pub accounts: Arc<Accounts>,
    /// None behind a proxy.
    pub certificates: Option<Arc<Certificates>>,
    pub journal: Arc<SqliteJournal>,
    pub retention_ms: i64,
    /// How long the audit trail is kept.
    pub trail_ms: i64,
}

/// The threads that look after it.
pub struct Housekeeping(Vec<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Housekeeping {
    /// Tenants have a thread of their own: a new token is to be in force at once, whatever else takes its time.
    pub fn start(keeping: Keeping) -> std::io::Result<Housekeeping> {
        let Keeping {
            mut watch,
            api,
            ingest,
            pages,
            mut register,
            accounts,
            certificates,
            journal,
            retention_ms,
            trail_ms,
        } = keeping;
        let mut failing = false;
        let (own, followed) = (api.clone(), accounts.clone());
        let tenants = every("tenants", TENANTS_EVERY, move || {
            follow(&mut watch, &mut failing, &own.directory, &followed, &own.shards);
        })?;
        let mut retained: Option<Instant> = None;
        let mut steadiness = Steadiness::default();
        let files = every("housekeeping", CERTIFICATES_EVERY, move || {
            if let Some(certificates) = &certificates {
                reload(certificates, &api.metrics);
            }
            api.shards.forget_aged_documents(api.refresh_every);
            // By a clock that has just jumped, nothing is old.
            let steady = steadiness.look(clock::now(), Instant::now());
            if retained.is_none_or(|at| at.elapsed() >= RETENTION_EVERY) {
                retained = Some(Instant::now());
                let dropped_after_ms = |ms| if steady { ms } else { Millis::MAX / 2 };
                if let Err(error) = journal.retain(clock::now() - dropped_after_ms(retention_ms)) {
                    tracing::warn!(%error, "old events could not be dropped; trying again later");
                }
                let in_force = api.directory.load();
                let present = in_force.tenants().map(|tenant| tenant.id).collect();
                api.rates.keep(&present);
                ingest.lately.keep(&present);
                pages.keep(&present);
                if let Err(error) = api.uses.keep(&mut register, &in_force) {
                    tracing::warn!(%error, "uses of tokens could not be written down; trying again later");
                }
                if let Err(error) = accounts.keep(clock::now(), dropped_after_ms(trail_ms)) {
                    tracing::warn!(%error, "sessions could not be written down; trying again later");
                }
            }
            api.metrics.sessions(accounts.sessions_len());
        })?;
        Ok(Housekeeping(vec![tenants, files]))
    }

    /// Ends the threads.
    pub fn stop(self) {
        for (stop, thread) in self.0 {
            // Gone already is stopped.
            let _ = stop.send(());
            if thread.join().is_err() {
                tracing::error!("a housekeeping thread ended by a panic");
            }
        }
    }
}

fn every(
    name: &str,
    pause: Duration,
    mut work: impl FnMut() + Send + 'static,
) -> std::io::Result<(mpsc::Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = mpsc::channel();
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        while stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
            work();
        }
    })?;
    Ok((stop, thread))
}

/// Puts changed tenants and tokens in force, and says so to whoever changed them. What fails goes on failing many times
/// a second: only the first failure and the first success after it are told.
fn follow(
    watch: &mut Watch,
    failing: &mut bool,
    directory: &ArcSwap<Directory>,
    accounts: &Accounts,
    shards: &Shards,
) {
    let polled = watch.poll();
    let failed = polled.is_err();
    match polled {
        Ok(Some(changed)) => {
            shards.serve(changed.tenants());
            let generation = changed.generation();
            directory.store(Arc::new(changed));
            if let Err(error) = accounts.follow(&directory.load(), clock::now()) {
                tracing::error!(%error, "changed accounts are not in force; restart the server");
                return;
            }
            if let Err(error) = watch.confirm(generation) {
                tracing::warn!(%error, "a change of tenants is in force but could not be confirmed");
            }
            tracing::info!(generation, "tenants and tokens were changed");
        }
        Ok(None) => {}
        Err(error) if !*failing => {
            tracing::warn!(%error, "tenants and tokens can't be looked up; trying on");
        }
        Err(_) => {}
    }
    if *failing && !failed {
        tracing::info!("tenants and tokens can be looked up again");
    }
    *failing = failed;
}

fn reload(certificates: &Certificates, metrics: &Metrics) {
    match certificates.reload_if_changed() {
        Reload::Unchanged => {}
        Reload::Taken => metrics.certificate_reload(true),
        Reload::KeptOld => metrics.certificate_reload(false),
    }
}
