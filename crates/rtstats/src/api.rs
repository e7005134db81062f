//! The edge that shows statistics: authenticate, look up, hand out shared bytes (SPEC §1).
//!
//! Never touches an engine: it asks the board, and the board asks the shard at most once a refresh.

mod again;
pub mod answer;
pub mod credentials;
mod live;
pub mod path;
mod rate;
mod state;
pub mod status;

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts,
};
use stats::document::{Format, Page};

pub use again::Again;
use answer::{Answer, Body};
pub use credentials::authenticate;
pub use live::{LIVE_PATH, Sessions, TRENDS_PATH, Viewer};
pub use path::{BASE, error_format};
use path::{PathError, Target};
pub use rate::Rates;
pub use status::{Standing, Standings};

use crate::{
    board::{Encoding, Form, Refresh},
    clock,
    live::Feeds,
    shard::{Live, Shards, State, Unavailable},
    telemetry::{IncidentId, Metrics},
    tenants::{Directory, Tenant, TokenKind, Uses},
};

/// The instant that an answer describes, to the millisecond.
const INSTANT: HeaderName = HeaderName::from_static("rtstats-instant");

/// Where the tenant's own view of its freshness stands.
pub const STATUS_PATH: &str = "/api/rtstats/status";

/// Where a sender reads the tenant's present state.
pub const STATE_PATH: &str = "/api/rtstats/state";

/// All that an answer is made from.
pub struct Api {
    /// Tenants and tokens in force.
    pub directory: Arc<ArcSwap<Directory>>,
    /// The engines.
    pub shards: Arc<Shards>,
    /// Our own figures.
    pub metrics: Metrics,
    /// How old an answer may be.
    pub refresh_every: Duration,
    /// Requests that each tenant may make.
    pub rates: Rates,
    /// What is pushed to those who watch.
    pub feeds: Arc<Feeds>,
    /// How the connectors that feed a tenant stand.
    pub standings: Standings,
    /// People who are signed in; none where nobody can be.
    pub sessions: Option<Arc<dyn Sessions>>,
    /// When each token was last used.
    pub uses: Arc<Uses>,
}

impl Api {
    /// Answers what lies at or below [`BASE`]; `rest` is what follows it.
    pub async fn statistics(&self, head: &Parts, rest: &str) -> Answer {
        self.document(head, rest).await.unwrap_or_else(|answer| answer)
    }

    /// Answers what lies at [`STATUS_PATH`].
    pub async fn status(&self, head: &Parts) -> Answer {
        self.freshness(head).await.unwrap_or_else(|answer| answer)
    }

    /// Answers what lies at [`STATE_PATH`].
    pub async fn state(&self, head: &Parts) -> Answer {
        self.present(head).await.unwrap_or_else(|answer| answer)
    }

    async fn document(&self, head: &Parts, rest: &str) -> Result<Answer, Answer> {
        let format = error_format(head.uri.path());
        only_reading(&head.method, format)?;
        let asked = path::parse(rest).map_err(|error| match error {
            PathError::Malformed(why) => answer::error(StatusCode::BAD_REQUEST, why, format),
            PathError::NoSuch(why) => answer::error(StatusCode::NOT_FOUND, why, format),
        })?;
        let directory = self.directory.load_full();
        let tenant = self.admit_by(&directory, &head.headers, TokenKind::Data, format)?;
        let live = self.ready(&tenant, format)?;
        let freeze = self.shards.clone().freeze(tenant.id);
        let refresh = live.board.refresh(self.refresh_every, freeze).await;
        let refresh = refresh.map_err(|no| unavailable(no, &tenant, format))?;
        let page = match &asked.page {
            Target::Agents => Page::Agents,
            Target::Queues => Page::Queues,
            Target::Agent(id) => Page::Agent(id),
            Target::Queue(id) => Page::Queue(*id),
        };
        let Some(document) = refresh.document(page, asked.format, &self.metrics).await else {
            let missing = match asked.page {
                Target::Queue(_) => "There is no queue of this number. /queues lists all.",
                _ => "There is no agent of this id. /agents lists all.",
            };
            return Err(answer::error(StatusCode::NOT_FOUND, missing, format));
        };
        let accepted = Encoding::accepted(&head.headers);
        let etag = document.etag(accepted);
        let form = if is_known(&head.headers, &etag) {
            None
        } else {
            Some(document.form(accepted, &self.metrics).await)
        };
        // Compressing may have taken a while.
        let again = Again {
            made: Instant::now(),
            seconds_left: refresh.seconds_left(),
            directory: Arc::downgrade(&directory),
            live: Arc::downgrade(&live),
            refresh: Arc::downgrade(&refresh),
            body: form.as_ref().map(|form| (Arc::downgrade(&document), form.encoding)),
            kind: again::kind(&asked.page),
        };
        let mut answer = match form {
            Some(form) => shown(form, asked.format, &refresh, again.seconds_left),
            None => not_modified(etag, &refresh, again.seconds_left),
        };
        if head.method == Method::GET {
            answer.extensions_mut().insert(again);
        }
        Ok(answer)
    }

    async fn freshness(&self, head: &Parts) -> Result<Answer, Answer> {
        only_reading(&head.method, Format::Json)?;
        let tenant = self.admit(&head.headers, TokenKind::Data, Format::Json)?;
        self.ready(&tenant, Format::Json)?;
        let ledger = self.shards.ledger(tenant.id).await;
        let ledger =
            ledger.ok_or_else(|| unavailable(Unavailable::NotReady, &tenant, Format::Json))?;
        Ok(answer::json(
            StatusCode::OK,
            status::body(&ledger, (self.standings)(tenant.name.as_str())),
        ))
    }

    async fn present(&self, head: &Parts) -> Result<Answer, Answer> {
        only_reading(&head.method, Format::Json)?;
        let source = state::source(head.uri.query())
            .map_err(|why| answer::error(StatusCode::BAD_REQUEST, why, Format::Json))?;
        let tenant = self.admit(&head.headers, TokenKind::Action, Format::Json)?;
        self.ready(&tenant, Format::Json)?;
        let follows = source.is_some();
        let written = self.shards.written(tenant.id, source).await;
        let (written, seq) = written.map_err(|no| state::denied(no, &tenant))?;
        let accepted = Encoding::accepted(&head.headers);
        let form = state::form(&written, accepted, &self.metrics).await;
        Ok(state::answer(form, &written, follows.then_some(seq)))
    }

    /// Who asks, if the credentials hold and the tenant's rate allows it.
    pub fn admit(
        &self,
        headers: &HeaderMap,
        kind: TokenKind,
        format: Format,
    ) -> Result<Arc<Tenant>, Answer> {
        self.admit_by(&self.directory.load(), headers, kind, format)
    }

    fn admit_by(
        &self,
        directory: &Directory,
        headers: &HeaderMap,
        kind: TokenKind,
        format: Format,
    ) -> Result<Arc<Tenant>, Answer> {
        let tenant = authenticate(directory, headers, kind, format)?;
        if let Some(token) = tenant.token(kind) {
            self.uses.note(&token, clock::now());
        }
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
            answer::fault(incident, format)
        }
    }
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

/// Room for what an answer's head holds, the date among it.
const HEADERS: usize = 12;

fn shown(form: Form, format: Format, refresh: &Refresh, seconds_left: u64) -> Answer {
    let mut answer = Response::new(Body::from(form.bytes));
    *answer.headers_mut() = HeaderMap::with_capacity(HEADERS);
    describe(answer.headers_mut(), form.etag, refresh, seconds_left);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, answer::content_type(format));
    if let Some(name) = form.encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    answer
}

fn not_modified(etag: HeaderValue, refresh: &Refresh, seconds_left: u64) -> Answer {
    let mut answer = Response::new(Body::default());
    *answer.status_mut() = StatusCode::NOT_MODIFIED;
    describe(answer.headers_mut(), etag, refresh, seconds_left);
    answer
}

/// What an answer says of its document, whether it carries it or not.
fn describe(headers: &mut HeaderMap, etag: HeaderValue, refresh: &Refresh, seconds_left: u64) {
    headers.insert(header::ETAG, etag);
    headers.insert(header::LAST_MODIFIED, refresh.last_modified.clone());
    headers.insert(INSTANT, refresh.instant.clone());
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Authorization"));
    headers.insert(header::CACHE_CONTROL, max_age(seconds_left));
}

/// Made once for each number of seconds, since every answer carries one of a few.
fn max_age(seconds: u64) -> HeaderValue {
    static MADE: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| (0..=60).map(make).collect());
    fn make(seconds: u64) -> HeaderValue {
        let text = format!("private, max-age={seconds}");
        HeaderValue::try_from(text).expect("words and digits are visible ASCII")
    }
    let made = usize::try_from(seconds).ok().and_then(|seconds| MADE.get(seconds));
    made.cloned().unwrap_or_else(|| make(seconds))
}
