//! The live stream: `GET /api/rtstats/live` as Server-Sent Events; and the trends: `GET /api/rtstats/trends.json`.
//!
//! With the Data Request Token, or for who is signed in otherwise (`Sessions`). It is open for as long as that holds.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use stats::document::Format;

use super::{
    Api,
    answer::{self, Answer, Body},
    only_reading, unavailable,
};
use crate::{
    board::Encoding,
    live::{Full, HOURS_MAX, Lease, NoStream, Wire},
    shard::Unavailable,
    tenants::{Tenant, TenantId, TokenDigest, TokenKind},
};

/// Where the live stream stands.
pub const LIVE_PATH: &str = "/api/rtstats/live";

/// Where the trends stand.
pub const TRENDS_PATH: &str = "/api/rtstats/trends.json";

/// Hours of trends that are given where no number is asked for.
const HOURS: u8 = 8;

/// The number of the last frame that a client has.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What the answer is for, as browsers say: `empty` where a script fetches it.
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Keeps a proxy from holding events back until it has many.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Who may watch a tenant without its token: people who are signed in.
pub trait Sessions: Send + Sync {
    /// Whom the request is of, if it is of somebody who may watch: the own tenant, or the one that it names.
    fn viewer(&self, head: &Parts) -> Option<Viewer>;
}

/// Somebody who may watch a tenant.
pub struct Viewer {
    /// Which.
    pub tenant: TenantId,
    /// Of the token or the session's cookie: each may have so many streams.
    pub login: TokenDigest,
    /// Whether that still holds: asked about once a second while a stream is open.
    pub lease: Lease,
}

impl Api {
    /// Answers what lies at [`LIVE_PATH`].
    pub async fn live(&self, head: &Parts) -> Answer {
        self.stream(head).unwrap_or_else(|answer| answer)
    }

    fn stream(&self, head: &Parts) -> Result<Answer, Answer> {
        only_reading(&head.method, Format::Json)?;
        let Viewer { tenant, login, lease } = self.viewer(head)?;
        let packs = Encoding::Gzip.is_taken(&head.headers);
        let body = if head.method == Method::HEAD {
            Body::default()
        } else {
            let have = head.headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
            let have = have.and_then(|id| id.trim().parse().ok());
            let wire = if packs { Wire::gzip() } else { Wire::Plain };
            let stream = self.feeds.watch(tenant, &login, lease, have, wire);
            Body::Stream(stream.map_err(|why| match why {
                NoStream::NoTenant => unavailable_yet(self, tenant),
                NoStream::Full(full) => too_many(full),
            })?)
        };
        let mut answer = Response::new(body);
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
        if packs {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(answer)
    }

    /// Answers what lies at [`TRENDS_PATH`].
    pub async fn trends(&self, head: &Parts) -> Answer {
        self.last_hours(head).await.unwrap_or_else(|answer| answer)
    }

    async fn last_hours(&self, head: &Parts) -> Result<Answer, Answer> {
        only_reading(&head.method, Format::Json)?;
        let Viewer { tenant, .. } = self.viewer(head)?;
        let hours = hours(head.uri.query().unwrap_or_default()).ok_or_else(|| {
            let message = format!("hours is a whole number from 1 to {HOURS_MAX}.");
            answer::error(StatusCode::BAD_REQUEST, &message, Format::Json)
        })?;
        let document = self.feeds.trends(tenant, hours).await.map_err(|error| {
            tracing::error!(tenant = tenant.0, %error, "the trends can't be read");
            let message = "The trends can't be read at present. Ask again in a moment.";
            answer::retry(StatusCode::SERVICE_UNAVAILABLE, 5, message, Format::Json)
        })?;
        let form = document.form(Encoding::accepted(&head.headers), &self.metrics).await;
        let mut answer = Response::new(Body::from(form.bytes));
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, answer::content_type(Format::Json));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(name) = form.encoding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        Ok(answer)
    }

    /// Who asks: by the session that comes with the request, else by the token.
    pub fn viewer(&self, head: &Parts) -> Result<Viewer, Answer> {
        let headers = &head.headers;
        let session = || self.sessions.as_ref()?.viewer(head);
        if !headers.contains_key(header::AUTHORIZATION)
            && let Some(viewer) = session()
        {
            return Ok(viewer);
        }
        let tenant =
            self.admit(headers, TokenKind::Data, Format::Json).map_err(|mut refused| {
                // A script of ours tells by itself what to do; no browser is to ask for a password on a wall screen.
                if headers.get(FETCH_DEST).is_some_and(|dest| dest == "empty") {
                    refused.headers_mut().remove(header::WWW_AUTHENTICATE);
                }
                refused
            })?;
        let login = tenant.data.expect("the request was admitted by it");
        Ok(Viewer { tenant: tenant.id, login, lease: self.while_token_holds(&tenant) })
    }

    /// Until the tenant gets another token or is removed.
    fn while_token_holds(&self, tenant: &Arc<Tenant>) -> Lease {
        let (directory, tenant) = (self.directory.clone(), tenant.clone());
        Arc::new(move || {
            let directory = directory.load();
            let now = directory.get(&tenant.name);
            now.is_some_and(|now| now.id == tenant.id && now.data == tenant.data)
        })
    }
}

/// The hours that a query asks for; none where it asks for what there is not.
fn hours(query: &str) -> Option<u8> {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("hours="));
    match asked {
        None => Some(HOURS),
        Some(text) => text.parse().ok().filter(|hours| (1..=HOURS_MAX).contains(hours)),
    }
}

/// Seconds after which a stream may have ended where as many are open as may be.
const FULL_RETRY_SECONDS: u64 = 5;

fn too_many(full: Full) -> Answer {
    let (whose, bound, setting) = match full {
        Full::Login(bound) => ("token or session", bound, "live_streams_per_login_max"),
        Full::Tenant(bound) => ("tenant", bound, "live_streams_per_tenant_max"),
    };
    let message = format!(
        "This {whose} has {bound} live streams open, as many as it may (limits.{setting}). Close some, then ask again."
    );
    answer::retry(StatusCode::TOO_MANY_REQUESTS, FULL_RETRY_SECONDS, &message, Format::Json)
}

fn unavailable_yet(api: &Api, tenant: TenantId) -> Answer {
    let directory = api.directory.load();
    match directory.tenants().find(|known| known.id == tenant) {
        Some(tenant) => unavailable(Unavailable::NotReady, tenant, Format::Json),
        None => {
            let message = "This tenant has been removed.";
            answer::error(StatusCode::FORBIDDEN, message, Format::Json)
        }
    }
}
