//! The edge that shows statistics: authenticate, look up, hand out shared bytes (SPEC §1).
//!
//! Never touches an engine: it asks the board, and the board asks the shard at most once a refresh.

pub mod answer;
mod credentials;
mod path;
mod rate;
mod status;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use stats::document::{Format, Page};

use answer::Answer;
pub use credentials::authenticate;
use path::{BASE, PathError, Target};
pub use rate::Rates;

use crate::{
    board::{Encoding, Form, Refresh},
    ingest::{self, Ingest},
    shard::{Live, Shards, State, Unavailable},
    telemetry::{IncidentId, Kind, Metrics},
    tenants::{Directory, Tenant, TokenKind},
};

/// The instant that an answer describes, to the millisecond.
const INSTANT: HeaderName = HeaderName::from_static("rtstats-instant");

const STATUS_PATH: &str = "/api/rtstats/status";

/// All that an answer is made from.
pub struct Api {
    /// Tenants and tokens in force.
    pub directory: Arc<ArcSwap<Directory>>,
    /// The engines.
    pub shards: Arc<Shards>,
    /// The way in for events.
    pub ingest: Ingest,
    /// Our own figures.
    pub metrics: Metrics,
    /// How old an answer may be.
    pub refresh_every: Duration,
    /// Requests that each tenant may make.
    pub rates: Rates,
}

impl Api {
    /// Answers one request.
    pub async fn answer(&self, request: Request<Incoming>) -> Answer {
        let begun = Instant::now();
        let head = *request.method() == Method::HEAD;
        let (kind, answer) = self.route(request).await;
        let answer = if head { without_body(answer) } else { answer };
        self.metrics.request(kind, answer.status().as_u16(), begun.elapsed());
        self.metrics.bytes_sent(answer.body().size_hint().lower());
        answer
    }

    async fn route(&self, request: Request<Incoming>) -> (Kind, Answer) {
        let path = request.uri().path();
        let below = |rest: &&str| rest.is_empty() || rest.starts_with('/');
        if let Some(rest) = path.strip_prefix(BASE).filter(below) {
            let (kind, answered) = match self.statistics(&request, rest).await {
                Ok((kind, answer)) => (kind, answer),
                Err(answer) => (Kind::Other, answer),
            };
            return (kind, answered);
        }
        match path {
            ingest::PATH => (Kind::Events, self.ingest.answer(request, self).await),
            STATUS_PATH => (Kind::Status, self.status(&request).await.unwrap_or_else(|no| no)),
            _ => {
                let message = "There is no such page. Statistics are at \
                     /api/rtstats/stats/agents and /api/rtstats/stats/queues.";
                (Kind::Other, answer::error(StatusCode::NOT_FOUND, message, Format::Json))
            }
        }
    }

    async fn statistics(
        &self,
        request: &Request<Incoming>,
        rest: &str,
    ) -> Result<(Kind, Answer), Answer> {
        let format = path::error_format(request.uri().path());
        only_reading(request.method(), format)?;
        let asked = path::parse(rest).map_err(|error| match error {
            PathError::Malformed(why) => answer::error(StatusCode::BAD_REQUEST, why, format),
            PathError::NoSuch(why) => answer::error(StatusCode::NOT_FOUND, why, format),
        })?;
        let tenant = self.admit(request.headers(), TokenKind::Data, format)?;
        let live = self.ready(&tenant, format)?;
        let freeze = self.shards.freeze(tenant.id);
        let refresh = live.board.refresh(self.refresh_every, freeze).await;
        let refresh = refresh.map_err(|no| unavailable(no, &tenant, format))?;
        let (kind, page) = match &asked.page {
            Target::Agents => (Kind::Agents, Page::Agents),
            Target::Queues => (Kind::Queues, Page::Queues),
            Target::Agent(id) => (Kind::Agent, Page::Agent(id)),
            Target::Queue(id) => (Kind::Queue, Page::Queue(*id)),
        };
        let Some(document) = refresh.document(page, asked.format, &self.metrics).await else {
            let missing = match asked.page {
                Target::Queue(_) => "There is no queue of this number. /queues lists all.",
                _ => "There is no agent of this id. /agents lists all.",
            };
            return Ok((kind, answer::error(StatusCode::NOT_FOUND, missing, format)));
        };
        let accepted = Encoding::accepted(request.headers());
        let etag = document.etag(accepted);
        if is_known(request.headers(), &etag) {
            return Ok((kind, not_modified(etag, &refresh)));
        }
        Ok((kind, shown(document.form(accepted, &self.metrics).await, asked.format, &refresh)))
    }

    async fn status(&self, request: &Request<Incoming>) -> Result<Answer, Answer> {
        only_reading(request.method(), Format::Json)?;
        let tenant = self.admit(request.headers(), TokenKind::Data, Format::Json)?;
        self.ready(&tenant, Format::Json)?;
        let ledger = self.shards.ledger(tenant.id).await;
        let ledger =
            ledger.ok_or_else(|| unavailable(Unavailable::NotReady, &tenant, Format::Json))?;
        Ok(answer::json(StatusCode::OK, status::body(&ledger)))
    }

    /// Who asks, if the credentials hold and the tenant's rate allows it.
    pub fn admit(
        &self,
        headers: &HeaderMap,
        kind: TokenKind,
        format: Format,
    ) -> Result<Arc<Tenant>, Answer> {
        let tenant = authenticate(&self.directory.load(), headers, kind, format)?;
        if let Some(seconds) = self.rates.over(tenant.id, kind) {
            let message = "This tenant has made its requests for now. Ask again a little later.";
            let status = StatusCode::TOO_MANY_REQUESTS;
            return Err(answer::retry(status, seconds, message, format));
        }
        Ok(tenant)
    }

    /// The tenant's live side, if it is served now.
    pub fn ready(&self, tenant: &Tenant, format: Format) -> Result<Arc<Live>, Answer> {
        let live = self.shards.live(tenant.id);
        let live = live.ok_or_else(|| unavailable(Unavailable::NotReady, tenant, format))?;
        match live.state() {
            State::Ready => Ok(live),
            State::Recovering => Err(unavailable(Unavailable::NotReady, tenant, format)),
            State::Broken => Err(unavailable(Unavailable::Broken, tenant, format)),
        }
    }
}

/// The answer while a tenant is not served.
pub fn unavailable(why: Unavailable, tenant: &Tenant, format: Format) -> Answer {
    match why {
        Unavailable::NotReady => {
            let message = "The server is still reading its journal. Ask again in a moment.";
            answer::retry(StatusCode::SERVICE_UNAVAILABLE, 1, message, format)
        }
        Unavailable::Broken => {
            let incident = IncidentId::new();
            tracing::error!(%incident, tenant = tenant.name.as_str(), "the tenant's state is broken");
            let message = format!(
                "This is a fault of the server. Its operator finds the cause in the log under {incident}."
            );
            answer::error(StatusCode::INTERNAL_SERVER_ERROR, &message, format)
        }
    }
}

/// HEAD gets what GET would, but for the body; its length is told all the same.
fn without_body(mut answer: Answer) -> Answer {
    let len = answer.body().size_hint().lower();
    if answer.status() != StatusCode::NOT_MODIFIED {
        answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    }
    *answer.body_mut() = Full::default();
    answer
}

fn only_reading(method: &Method, format: Format) -> Result<(), Answer> {
    if *method == Method::GET || *method == Method::HEAD {
        return Ok(());
    }
    Err(answer::not_allowed("GET, HEAD", format))
}

/// Whether the client has this form already (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|known| {
        known.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).any(|known| {
            known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == etag.as_bytes()
        })
    })
}

fn shown(form: Form, format: Format, refresh: &Refresh) -> Answer {
    let mut answer = Response::new(Full::new(form.bytes));
    describe(answer.headers_mut(), form.etag, refresh);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, answer::content_type(format));
    if let Some(name) = form.encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    answer
}

fn not_modified(etag: HeaderValue, refresh: &Refresh) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NOT_MODIFIED;
    describe(answer.headers_mut(), etag, refresh);
    answer
}

/// What an answer says of its document, whether it carries it or not.
fn describe(headers: &mut HeaderMap, etag: HeaderValue, refresh: &Refresh) {
    headers.insert(header::ETAG, etag);
    headers.insert(header::LAST_MODIFIED, refresh.last_modified.clone());
    headers.insert(INSTANT, refresh.instant.clone());
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Authorization"));
    let max_age = format!("private, max-age={}", refresh.seconds_left());
    if let Ok(max_age) = HeaderValue::try_from(max_age) {
        headers.insert(header::CACHE_CONTROL, max_age);
    }
}
