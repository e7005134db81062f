//! Which edge answers a request, and what all answers have in common.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, Method, Request, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use stats::{document::Format, limit};

use crate::{
    api::{
        Api, BASE, STATUS_PATH,
        answer::{self, Answer},
    },
    ingest::{self, Ingest},
    telemetry::{Kind, Metrics},
};

/// The edges of the public port.
pub struct Routes {
    /// Shows statistics.
    pub api: Arc<Api>,
    /// Takes events in.
    pub ingest: Arc<Ingest>,
    /// Our own figures.
    pub metrics: Metrics,
}

/// How long what a refused sender still sends is read.
const REST_TIME: Duration = Duration::from_secs(2);

impl Routes {
    /// Answers one request.
    pub async fn answer(&self, request: Request<Incoming>) -> Answer {
        let begun = Instant::now();
        let (head, mut body) = request.into_parts();
        let (kind, answer) = self.route(&head, &mut body).await;
        if !body.is_end_stream() {
            read_rest(&mut body).await;
        }
        let answer = if head.method == Method::HEAD { without_body(answer) } else { answer };
        self.metrics.request(kind, answer.status().as_u16(), begun.elapsed());
        self.metrics.bytes_sent(answer.body().size_hint().lower());
        answer
    }

    async fn route(&self, head: &Parts, body: &mut Incoming) -> (Kind, Answer) {
        let path = head.uri.path();
        let below = |rest: &&str| rest.is_empty() || rest.starts_with('/');
        if let Some(rest) = path.strip_prefix(BASE).filter(below) {
            return self.api.statistics(head, rest).await;
        }
        match path {
            ingest::PATH => (Kind::Events, self.ingest.answer(head, body).await),
            STATUS_PATH => (Kind::Status, self.api.status(head).await),
            _ => {
                let message = "There is no such page. Statistics are at \
                     /api/rtstats/stats/agents and /api/rtstats/stats/queues.";
                (Kind::Other, answer::error(StatusCode::NOT_FOUND, message, Format::Json))
            }
        }
    }
}

/// Clients that see their sending cut off take the answer for lost: what still comes is read first, within bounds.
async fn read_rest(body: &mut Incoming) {
    let rest = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, bytes::Bytes::len);
            if read > limit::BATCH_BYTES_MAX {
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
    if answer.status() != StatusCode::NOT_MODIFIED {
        answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    }
    *answer.body_mut() = Full::default();
    answer
}
