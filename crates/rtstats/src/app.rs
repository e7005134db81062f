//! The whole server put together: the only file that knows every module.

mod housekeeping;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    thread::JoinHandle,
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
};
use tokio_rustls::TlsAcceptor;

use housekeeping::{Housekeeping, Keeping};

use crate::{
    accounts::Accounts,
    admin::{self, Admin},
    api::{Api, Rates, Standing, Standings},
    clock,
    config::Config,
    connect::{
        hosted::Hosted,
        status::{ConnectorStatus, Connectors},
    },
    database,
    ingest::Ingest,
    journal::{self, CommitReport, Depth, Journal, SqliteJournal},
    live::{Bounds, Feeds, Line, Lines},
    pages::{self, Changes, Pages, Rosters, Watching},
    routes::Routes,
    server::{self, Server},
    shard::{self, Shards, State},
    telemetry::Metrics,
    tenants::{Directory, Token, Uses, Watch},
    tls::Certificates,
};

const MS_PER_DAY: i64 = 86_400_000;

/// A server at work.
pub struct Running {
    /// Where statistics and ingest are served.
    pub addresses: Vec<SocketAddr>,
    /// Where the operator's pages are served.
    pub admin_address: SocketAddr,
    /// How to trust our own certificate; none where the settings name one, or behind a proxy.
    pub certificate_advice: Option<String>,
    /// Shows statistics.
    pub api: Arc<Api>,
    /// The way in for events, also those of this process.
    pub ingest: Arc<Ingest>,
    /// How the connectors stand.
    pub connectors: Connectors,
    hosted: Hosted,
    /// The secret of the one-time link that sets up the first administrator, while there is none.
    pub set_up: Option<Token>,
    shards: Arc<Shards>,
    journal: Arc<SqliteJournal>,
    server: Server,
    stopping: watch::Sender<bool>,
    housekeeping: Housekeeping,
    admin: AdminPages,
    stop_grace: Duration,
}

/// Starts a server; it recovers its tenants while it already answers that it is not ready.
pub fn start(config: &Config) -> anyhow::Result<Running> {
    let open_files_max = server::open_files::raise();
    let metrics = Metrics::new();
    let journal = Arc::new(open_journal(config, &metrics)?);
    let (watch, directory) = watch_tenants(config)?;
    let (accounts, set_up) = open_accounts(config, &directory)?;
    let (register, uses) = open_uses(config)?;

    let workers = if config.workers == 0 { cores() } else { config.workers };
    let certificates = certificates(config)?;
    let (addresses, listeners) = listen(config, workers)?;
    let admin_listener = server::bind(config.admin_listen, "admin.listen", 1)?.remove(0);
    let admin_address = admin_listener.local_addr()?;

    let shared: Arc<dyn Journal> = journal.clone();
    let shards = Shards::start(&shard_settings(config), &shared, &metrics)?;
    shards.serve(directory.load().tenants());
    let connectors = Connectors::default();
    let feeds = feeds(config, &shards, &shared, &metrics, &connectors)?;
    let told = (feeds, standings(&connectors));
    let api = Arc::new(api(config, &directory, &shards, told, &accounts, &uses, &metrics));
    let ingest = Arc::new(ingest(config, &shared, &api, &accounts));
    let pages = Arc::new(pages(config, &accounts, &api, &ingest, &connectors));
    let routes = Routes {
        api: api.clone(),
        ingest: ingest.clone(),
        pages: pages.clone(),
        metrics: metrics.clone(),
    };
    let tls = certificates.as_ref().map(|own| TlsAcceptor::from(own.server_config()));
    let limits = limits(config, open_files_max, workers);
    let server = Server::start(listeners, Arc::new(routes), tls, limits, metrics.clone())?;

    let (stopping, stopped) = watch::channel(false);
    let admin = Admin {
        shards: shards.clone(),
        journal: shared,
        metrics,
        connectors: connectors.clone(),
        stopping: stopped,
        recovered: AtomicBool::new(false),
    };
    let admin = AdminPages::start(admin_listener, admin)?;
    let certificate_advice = certificates.as_ref().and_then(|own| own.advice());
    let housekeeping = Housekeeping::start(Keeping {
        watch,
        api: api.clone(),
        ingest: ingest.clone(),
        pages,
        register,
        accounts,
        certificates,
        journal: journal.clone(),
        retention_ms: i64::from(config.retention_days) * MS_PER_DAY,
        trail_ms: i64::from(config.audit_retention_days) * MS_PER_DAY,
    })?;
    let hosted = Hosted::start(&config.asterisk, &config.data, &ingest, &api, &connectors)?;
    Ok(Running {
        addresses,
        admin_address,
        certificate_advice,
        api,
        ingest,
        connectors,
        hosted,
        set_up,
        shards,
        journal,
        server,
        stopping,
        housekeeping,
        admin,
        stop_grace: config.stop_grace,
    })
}

impl Running {
    /// Waits until every tenant has been recovered, or found broken.
    pub fn wait_until_ready(&self) {
        while self.shards.states()[State::Recovering as usize] > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets what is under way end, keeps every tenant's state, and closes the journal; until that is done, `/readyz` says
    /// that the server stops.
    pub fn stop(self) {
        self.stopping.send_replace(true);
        self.api.feeds.stop();
        self.server.stop(self.stop_grace);
        self.hosted.stop();
        self.housekeeping.stop();
        self.shards.stop();
        if let Err(error) = self.journal.close() {
            tracing::error!(%error, "the journal was not closed cleanly");
        }
        self.admin.stop();
    }
}

/// Waits until the process is told to stop, by SIGTERM or Ctrl-C.
pub fn wait_for_signal() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted?,
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await?;
        Ok(())
    })
}

fn open_journal(config: &Config, metrics: &Metrics) -> anyhow::Result<SqliteJournal> {
    let queue_max = Depth {
        bytes: config.limits.ingest_queue_bytes_max,
        ..journal::Settings::default().queue_max
    };
    let settings = journal::Settings { queue_max, ..journal::Settings::default() };
    let metrics = metrics.clone();
    let observe = move |commit: CommitReport| {
        if commit.failed {
            metrics.commit_failed();
        } else {
            metrics.commit(commit.batches as u64, commit.events, commit.took);
        }
        metrics.ingest_queue(commit.queued.batches, commit.queued.bytes);
    };
    Ok(SqliteJournal::open(&config.data, settings, Box::new(observe))?)
}

fn ingest(
    config: &Config,
    journal: &Arc<dyn Journal>,
    api: &Arc<Api>,
    accounts: &Arc<Accounts>,
) -> Ingest {
    let in_flight = config.limits.ingest_in_flight_bytes_max;
    let body_timeout = config.limits.body_timeout;
    Ingest::new(journal.clone(), api.clone(), accounts.clone(), in_flight, body_timeout)
}

/// The connectors as the statistics API shows them to their tenants.
fn standings(connectors: &Connectors) -> Standings {
    let connectors = connectors.clone();
    let standing = |status: ConnectorStatus| Standing {
        name: status.name,
        state: status.stage.word(),
        since: status.since,
        last_message: status.last_message,
        last_trouble: status.last_error_at.zip(status.last_error),
    };
    Box::new(move |tenant| connectors.of_tenant(tenant).into_iter().map(standing).collect())
}

fn feeds(
    config: &Config,
    shards: &Arc<Shards>,
    journal: &Arc<dyn Journal>,
    metrics: &Metrics,
    connectors: &Connectors,
) -> std::io::Result<Arc<Feeds>> {
    let bounds = Bounds {
        per_login: config.limits.live_streams_per_login_max,
        per_tenant: config.limits.live_streams_per_tenant_max,
    };
    Feeds::start(shards.clone(), journal.clone(), metrics.clone(), lines(connectors), bounds)
}

/// The connectors as live feeds show them to their tenants.
fn lines(connectors: &Connectors) -> Lines {
    let connectors = connectors.clone();
    let line = |status: ConnectorStatus| Line {
        name: status.name,
        state: status.stage.word(),
        down_since: status.down_since,
    };
    Box::new(move |tenant| connectors.of_tenant(tenant).into_iter().map(line).collect())
}

fn api(
    config: &Config,
    directory: &Arc<ArcSwap<Directory>>,
    shards: &Arc<Shards>,
    (feeds, standings): (Arc<Feeds>, Standings),
    accounts: &Arc<Accounts>,
    uses: &Arc<Uses>,
    metrics: &Metrics,
) -> Api {
    Api {
        directory: directory.clone(),
        shards: shards.clone(),
        metrics: metrics.clone(),
        refresh_every: config.refresh,
        rates: Rates::new(config.limits.tenant_requests_per_second_max),
        feeds,
        standings,
        sessions: Some(Arc::new(Watching::new(accounts.clone(), directory.clone()))),
        uses: uses.clone(),
    }
}

fn listen(
    config: &Config,
    workers: usize,
) -> anyhow::Result<(Vec<SocketAddr>, Vec<Vec<std::net::TcpListener>>)> {
    let mut addresses = Vec::new();
    let mut listeners: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
    for address in &config.listen {
        let bound = server::bind(*address, "listen", workers)?;
        addresses.push(bound[0].local_addr()?);
        for (worker, listener) in listeners.iter_mut().zip(bound) {
            worker.push(listener);
        }
    }
    Ok((addresses, listeners))
}

/// None behind a proxy, which has its own.
fn certificates(config: &Config) -> anyhow::Result<Option<Arc<Certificates>>> {
    match config.behind_proxy {
        true => Ok(None),
        false => Ok(Some(Arc::new(Certificates::open(config.certificate_source())?))),
    }
}

/// The tenants and tokens in force, and the eye on their changes.
fn watch_tenants(config: &Config) -> anyhow::Result<(Watch, Arc<ArcSwap<Directory>>)> {
    let mut watch = Watch::open(&config.data)?;
    let directory = watch.poll()?.unwrap_or_default();
    watch.confirm(directory.generation())?;
    Ok((watch, Arc::new(ArcSwap::from_pointee(directory))))
}

/// When tokens were used, and the connection by which that is written down.
fn open_uses(config: &Config) -> anyhow::Result<(rusqlite::Connection, Arc<Uses>)> {
    let register = database::open(&config.data)?;
    let uses = Arc::new(Uses::load(&register)?);
    Ok((register, uses))
}

/// The accounts, and the secret that sets up the first one while there is none.
fn open_accounts(
    config: &Config,
    directory: &ArcSwap<Directory>,
) -> anyhow::Result<(Arc<Accounts>, Option<Token>)> {
    let accounts = Accounts::open(&config.data, clock::now())?;
    accounts.follow(&directory.load(), clock::now())?;
    let set_up = accounts.first_start(clock::now())?;
    Ok((Arc::new(accounts), set_up))
}

fn pages(
    config: &Config,
    accounts: &Arc<Accounts>,
    api: &Arc<Api>,
    ingest: &Arc<Ingest>,
    connectors: &Connectors,
) -> Pages {
    Pages {
        accounts: accounts.clone(),
        directory: api.directory.clone(),
        metrics: api.metrics.clone(),
        api: api.clone(),
        ingest: ingest.clone(),
        connectors: connectors.clone(),
        folder: config.data.clone(),
        changes: Changes::default(),
        rosters: Rosters::default(),
        settings: pages::Settings {
            // A browser that was told to insist would never show a self-signed certificate's host again.
            trusted_certificate: !config.behind_proxy && config.tls_certificate.is_some(),
            behind_proxy: config.behind_proxy,
            body_timeout: config.limits.body_timeout,
        },
    }
}

fn shard_settings(config: &Config) -> shard::Settings {
    shard::Settings {
        shards: cores(),
        sla_target: config.sla_target,
        snapshot_every_events: config.snapshot_every_events,
        snapshot_every: config.snapshot_every,
        now: clock::now,
    }
}

/// How connections are bounded, once all else has its files open.
fn limits(config: &Config, open_files_max: Option<usize>, workers: usize) -> server::Limits {
    let (limits, connectors) = (&config.limits, config.asterisk.len());
    let wanted = limits.connections_max;
    let room = server::open_files::room(open_files_max, wanted, workers, connectors);
    server::Limits {
        connections_max: room.connections_max,
        told_max: room.told_max,
        handshake_timeout: limits.handshake_timeout,
        header_timeout: limits.header_timeout,
        idle_timeout: limits.idle_timeout,
        write_timeout: limits.write_timeout,
        header_bytes_max: limits.header_bytes_max,
        streams_max: limits.streams_max,
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The thread of the operator's pages.
struct AdminPages {
    /// The thread ends when this is dropped.
    ends: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl AdminPages {
    fn start(listener: std::net::TcpListener, pages: Admin) -> anyhow::Result<AdminPages> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ends, ended) = oneshot::channel::<()>();
        let serve = async move {
            match TcpListener::from_std(listener) {
                Ok(listener) => tokio::select! {
                    () = admin::serve(listener, admin::Pages::Server(pages)) => {}
                    _ = ended => {}
                },
                Err(error) => tracing::error!(%error, "the admin listener can't be used"),
            }
        };
        let thread = std::thread::Builder::new().name("admin".into());
        let thread = thread.spawn(move || runtime.block_on(serve))?;
        Ok(AdminPages { ends, thread })
    }

    fn stop(self) {
        drop(self.ends);
        if self.thread.join().is_err() {
            tracing::error!("the admin thread ended by a panic");
        }
    }
}
