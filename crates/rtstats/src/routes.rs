//! Which edge answers a request, and what all answers have in common.

mod fault;
mod host;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, Method, Request, StatusCode, Version, header, request::Parts};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use stats::{document::Format, limit};

use crate::{
    api::{
        Api, BASE, LIVE_PATH, STATE_PATH, STATUS_PATH, TRENDS_PATH,
        answer::{self, Answer},
        error_format,
    },
    ingest::{self, Ingest},
    openapi,
    pages::{self, Pages},
    telemetry::{Kind, Metrics},
};

/// The edges of the public port.
pub struct Routes {
    /// Shows statistics.
    pub api: Arc<Api>,
    /// Takes events in.
    pub ingest: Arc<Ingest>,
    /// Everything outside of the API.
    pub pages: Arc<Pages>,
    /// Our own figures.
    pub metrics: Metrics,
}

/// How long, and how much of, what a refused sender still sends is read.
const REST_TIME: Duration = Duration::from_secs(5);
const REST_BYTES_MAX: usize = 8 * limit::BATCH_BYTES_MAX;

impl Routes {
    /// Answers one request; `peer` is whoever is at the connection's other end.
    pub async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Answer {
        let begun = Instant::now();
        let (head, mut body) = request.into_parts();
        let path = head.uri.path();
        let answer = fault::caught(self.route(&head, &mut body, peer)).await;
        let answer = answer.unwrap_or_else(|fault| match is_api(path) {
            true => fault.answer(error_format(path)),
            false => self.pages.fault(fault.incident()),
        });
        match head.version {
            _ if body.is_end_stream() => {}
            // Whoever waits to be invited has sent nothing yet, and is not invited to be refused.
            _ if head.headers.contains_key(header::EXPECT) => {}
            // The answer is on its way meanwhile, and a sender that minds it stops.
            Version::HTTP_2 => drop(tokio::spawn(read_rest(body))),
            _ => read_rest(body).await,
        }
        let mut answer = if head.method == Method::HEAD { without_body(answer) } else { answer };
        if is_api(path) {
            // The names in it are others' words: no browser is to guess that they are a page.
            answer
                .headers_mut()
                .insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        self.metrics.request(kind(path), answer.status().as_u16(), begun.elapsed());
        self.metrics.bytes_sent(answer.body().size_hint().lower());
        answer
    }

    async fn route(&self, head: &Parts, body: &mut Incoming, peer: IpAddr) -> Answer {
        if let Some(refusal) = host::refusal(head) {
            return refusal;
        }
        let path = head.uri.path();
        if let Some(rest) = statistics(path) {
            return self.api.statistics(head, rest).await;
        }
        // A connection keeps room for its largest answer for as long as it is open, and a stream is open for hours: what is
        // asked for more seldom takes its room for itself.
        Box::pin(self.route_elsewhere(head, body, peer)).await
    }

    async fn route_elsewhere(&self, head: &Parts, body: &mut Incoming, peer: IpAddr) -> Answer {
        let path = head.uri.path();
        match path {
            ingest::PATH => self.ingest.answer(head, body).await,
            STATUS_PATH => self.api.status(head).await,
            STATE_PATH => self.api.state(head).await,
            LIVE_PATH => self.api.live(head).await,
            TRENDS_PATH => self.api.trends(head).await,
            openapi::PATH => openapi::answer(head, &self.metrics).await,
            _ if !is_api(path) => self.pages.answer(head, body, peer).await,
            _ => {
                let message = "There is no such page. Statistics are at /api/rtstats/stats/agents and \
                     /api/rtstats/stats/queues; /api/explorer tells of all there is.";
                answer::error(StatusCode::NOT_FOUND, message, Format::Json)
            }
        }
    }
}

/// Whether programs ask for it; everything else is for people, and the page that explores the API.
fn is_api(path: &str) -> bool {
    path != openapi::EXPLORER_PATH && (path == "/api" || path.starts_with("/api/"))
}

/// What follows the base of the statistics, if the path lies at or below it.
fn statistics(path: &str) -> Option<&str> {
    path.strip_prefix(BASE).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the path asks for, also where it is refused.
fn kind(path: &str) -> Kind {
    let Some(rest) = statistics(path) else {
        return match path {
            ingest::PATH => Kind::Events,
            STATUS_PATH => Kind::Status,
            STATE_PATH => Kind::State,
            LIVE_PATH => Kind::Live,
            TRENDS_PATH => Kind::Trends,
            _ if is_api(path) => Kind::Other,
            _ if path.starts_with(pages::ASSETS) => Kind::Asset,
            _ => Kind::Page,
        };
    };
    match rest.split('/').nth(1).unwrap_or_default() {
        "agent" => Kind::Agent,
        "queue" => Kind::Queue,
        list => match list.split('.').next() {
            Some("agents") => Kind::Agents,
            Some("queues") => Kind::Queues,
            _ => Kind::Other,
        },
    }
}

/// Clients that see their sending cut off take the answer for lost: what still comes is read, within bounds.
async fn read_rest(mut body: Incoming) {
    let rest = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, bytes::Bytes::len);
            if read > REST_BYTES_MAX {
                break;
            }
        }
    };
    // Whoever takes longer has its answer cut short: that is the bound.
    let _ = tokio::time::timeout(REST_TIME, rest).await;
}

/// HEAD gets what GET would, but for the body; its length is told all the same.
fn without_body(mut answer: Answer) -> Answer {
    let len = answer.body().size_hint().lower();
    if answer.status() != StatusCode::NOT_MODIFIED && !answer.body().lasts() {
        answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    }
    *answer.body_mut() = answer::Body::default();
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_that_of_the_path_also_where_it_is_refused() {
        for (path, expected) in [
            ("/api/rtstats/stats/agents", Kind::Agents),
            ("/api/rtstats/stats/agents.yaml", Kind::Agents),
            ("/api/rtstats/stats/queues.json", Kind::Queues),
            ("/api/rtstats/stats/agent/", Kind::Agent),
            ("/api/rtstats/stats/agent/j.doe.json", Kind::Agent),
            ("/api/rtstats/stats/queue/abc", Kind::Queue),
            ("/api/rtstats/stats/groups", Kind::Other),
            ("/api/rtstats/stats", Kind::Other),
            ("/api/rtstats/statsx/agents", Kind::Other),
            ("/api/rtstats/events", Kind::Events),
            ("/api/rtstats/status", Kind::Status),
            ("/api/rtstats/state", Kind::State),
            ("/api/rtstats/live", Kind::Live),
            ("/api/rtstats/trends.json", Kind::Trends),
            ("/api/other", Kind::Other),
            ("/", Kind::Page),
            ("/apiary", Kind::Page),
            ("/assets/base.css", Kind::Asset),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
    }
}
