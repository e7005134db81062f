//! The operator's listener: `/healthz`, `/readyz` and `/metrics`, in plain HTTP and on loopback unless told otherwise. A
//! connector that is a process of its own has one too, if it is asked to.

use std::{
    convert::Infallible,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};

use crate::{
    api::{
        answer::{Answer, Body},
        status,
    },
    connect::status::Connectors,
    journal::Journal,
    server::{Accepting, Guard, Patience, UnderWay},
    shard::{Ledger, Shards, State},
    telemetry::{CONTENT_TYPE, Metrics},
};

/// Sources that are told of one by one; beyond them only the tenants' sums are.
const SOURCES_TOLD_MAX: usize = 10_000;

/// Connections at a time; more wait until one ends.
const CONNECTIONS_MAX: usize = 64;

/// Probes and scrapers are near: they need no setting.
const PATIENCE: Patience = Patience {
    header: Some(Duration::from_secs(10)),
    idle: Duration::from_secs(30),
    write: Duration::from_secs(10),
};

/// How long the metrics wait for shards that are busy; then they tell the rest.
const LEDGERS_TIME: Duration = Duration::from_secs(1);

/// Whose pages are served.
pub enum Pages {
    /// A server's.
    Server(Admin),
    /// Those of a connector that is a process of its own.
    Connectors(Connectors),
}

/// What a server's pages are made from.
pub struct Admin {
    /// The engines.
    pub shards: Arc<Shards>,
    /// Their log.
    pub journal: Arc<dyn Journal>,
    /// Our own figures.
    pub metrics: Metrics,
    /// The connectors'.
    pub connectors: Connectors,
    /// Whether the server has been told to stop.
    pub stopping: tokio::sync::watch::Receiver<bool>,
    /// Whether all that was there at the start has been recovered; a tenant added later makes nobody wait.
    pub recovered: AtomicBool,
}

/// How long accepting pauses after an error such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the operator's pages for as long as it is polled.
pub async fn serve(listener: TcpListener, pages: Pages) {
    let pages = Arc::new(pages);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let trouble = "the admin listener can't accept";
    let mut accepting = Accepting::new(listener, trouble, ACCEPT_PAUSE);
    // Nobody closes the semaphore.
    while let Ok(place) = room.clone().acquire_owned().await {
        let stream = accepting.next().await;
        let pages = pages.clone();
        tokio::spawn(async move {
            connection(stream, &pages).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, pages: &Pages) {
    let under_way = UnderWay::default();
    let guard = Guard::new(stream, PATIENCE, under_way.clone());
    let service = service_fn(async |request| {
        let _answering = under_way.begin();
        answer(request, pages).await
    });
    let mut connection = hyper::server::conn::http1::Builder::new();
    // A probe may have said all that it has to say.
    connection.half_close(true);
    if let Err(error) = connection.serve_connection(TokioIo::new(guard), service).await {
        tracing::debug!(%error, "an admin connection ended early");
    }
}

async fn answer(request: Request<Incoming>, pages: &Pages) -> Result<Answer, Infallible> {
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n".into());
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(answer);
    }
    let path = request.uri().path();
    Ok(match (path, pages) {
        ("/healthz", _) => text(StatusCode::OK, "ok\n".into()),
        ("/readyz", Pages::Server(admin)) => {
            let (status, why) = admin.readiness();
            let mut answer = text(status, why);
            if status != StatusCode::OK {
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(1));
            }
            answer
        }
        ("/metrics", Pages::Server(admin)) => exposition(metrics(admin).await),
        ("/metrics", Pages::Connectors(connectors)) => {
            let mut body = String::new();
            connectors.write_metrics(&mut body);
            exposition(body)
        }
        (_, Pages::Server(_)) => {
            text(StatusCode::NOT_FOUND, "/healthz, /readyz, /metrics\n".into())
        }
        (_, Pages::Connectors(_)) => text(StatusCode::NOT_FOUND, "/healthz, /metrics\n".into()),
    })
}

impl Admin {
    fn readiness(&self) -> (StatusCode, String) {
        let states = self.shards.states();
        let recovering = states[State::Recovering as usize];
        if *self.stopping.borrow() {
            (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into())
        } else if recovering > 0 && !self.recovered.load(Ordering::Relaxed) {
            let why = format!("recovering: {recovering} tenants still to be read\n");
            (StatusCode::SERVICE_UNAVAILABLE, why)
        } else if let Some(error) = self.journal.trouble() {
            (StatusCode::SERVICE_UNAVAILABLE, format!("the journal can't be written: {error}\n"))
        } else {
            self.recovered.store(true, Ordering::Relaxed);
            let broken = states[State::Broken as usize];
            let note = if broken > 0 {
                format!("ready, but {broken} tenants are broken\n")
            } else {
                "ready\n".into()
            };
            (StatusCode::OK, note)
        }
    }
}

/// Metrics in the text format.
fn exposition(body: String) -> Answer {
    let mut answer = text(StatusCode::OK, body);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    answer
}

async fn metrics(admin: &Admin) -> String {
    let states = admin.shards.states();
    admin.metrics.tenants(states.iter().sum());
    admin.metrics.recovering(states[State::Recovering as usize]);
    let ledgers = timeout(LEDGERS_TIME, admin.shards.ledgers()).await.ok();
    if let Some(ledgers) = &ledgers {
        let agents = ledgers.iter().map(|ledger| ledger.agents).sum();
        let queues = ledgers.iter().map(|ledger| ledger.queues).sum();
        admin.metrics.configured(agents, queues);
    }
    let mut body = admin.metrics.encode();
    let broken = states[State::Broken as usize] as f64;
    let about = "Tenants whose log can't be read or applied.";
    family(&mut body, "rtstats_tenants_broken", about, &[(String::new(), broken)]);
    if let Some(ledgers) = &ledgers {
        freshness(&mut body, ledgers);
    }
    admin.connectors.write_metrics(&mut body);
    body
}

/// How far each source and tenant has come: gauges whose series come and go with the tenants.
fn freshness(out: &mut String, ledgers: &[Ledger]) {
    let sources: Vec<_> = ledgers
        .iter()
        .flat_map(|ledger| ledger.account.sources().map(move |source| (ledger, source)))
        .take(SOURCES_TOLD_MAX)
        .collect();
    family(
        out,
        "rtstats_tenant_events",
        "Events in the tenant's log.",
        &ledgers.iter().map(|ledger| (tenant(ledger), ledger.events as f64)).collect::<Vec<_>>(),
    );
    family(
        out,
        "rtstats_tenant_last_event_timestamp_seconds",
        "Last counted time of the tenant.",
        &ledgers
            .iter()
            .filter_map(|ledger| Some((tenant(ledger), ledger.counted? as f64 / 1e3)))
            .collect::<Vec<_>>(),
    );
    family(
        out,
        "rtstats_source_last_event_timestamp_seconds",
        "Time of the source's latest event.",
        &sources
            .iter()
            .map(|(ledger, source)| (source_of(ledger, source.0), source.1.last_event as f64 / 1e3))
            .collect::<Vec<_>>(),
    );
    family(
        out,
        "rtstats_source_behind_seconds",
        "How far the source's latest event lies behind the server's clock.",
        &sources
            .iter()
            .map(|(ledger, source)| {
                (source_of(ledger, source.0), (ledger.instant - source.1.last_event) as f64 / 1e3)
            })
            .collect::<Vec<_>>(),
    );
    family(
        out,
        "rtstats_source_missing_events",
        "Sequence numbers of the source that never came.",
        &sources
            .iter()
            .filter_map(|(ledger, source)| {
                let missing = status::missing(source.0, source.1)?;
                Some((source_of(ledger, source.0), missing as f64))
            })
            .collect::<Vec<_>>(),
    );
    family(
        out,
        "rtstats_source_duplicate_events",
        "Events of the source whose numbers had been seen.",
        &sources
            .iter()
            .map(|(ledger, source)| (source_of(ledger, source.0), source.1.duplicates as f64))
            .collect::<Vec<_>>(),
    );
}

fn family(out: &mut String, name: &str, about: &str, series: &[(String, f64)]) {
    // Writing to a String does not fail.
    let _ = write!(out, "# HELP {name} {about}\n# TYPE {name} gauge\n");
    for (labels, value) in series {
        let _ = match &**labels {
            "" => writeln!(out, "{name} {value}"),
            labels => writeln!(out, "{name}{{{labels}}} {value}"),
        };
    }
}

fn tenant(ledger: &Ledger) -> String {
    format!("tenant=\"{}\"", ledger.tenant)
}

fn source_of(ledger: &Ledger, source: &str) -> String {
    // A source's name is anybody's: on a terminal it is to write nothing but its letters.
    let harmless = |char: char| {
        let directs = matches!(char, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        if char.is_control() || directs { char::REPLACEMENT_CHARACTER } else { char }
    };
    let source: String = source.chars().map(harmless).collect();
    let source = source.replace('\\', "\\\\").replace('"', "\\\"");
    format!("tenant=\"{}\",source=\"{source}\"", ledger.tenant)
}

fn text(status: StatusCode, body: String) -> Answer {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    answer
}
