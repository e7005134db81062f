//! The description of the API: its operations as data, and the OpenAPI 3.1 document made of them.
//!
//! The explorer's page is made of the same operations ([`operations`]), whose schemas come from the declarations by which
//! documents are written and events are told; examples come from an engine that was fed the example's events.

mod document;
mod example;
mod live;
mod live_schema;
mod operation;
mod refusal;
mod schema;
mod sending;
mod statistics;

use std::sync::{Arc, LazyLock};

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};

pub use document::document;
pub use operation::{Content, Operation, Parameter, Place, Reply};

use crate::{
    api::answer::{self, Answer, Body},
    board::{Document, Encoding},
    telemetry::Metrics,
};
use stats::document::Format;

/// Where the OpenAPI document stands.
pub const PATH: &str = "/api/openapi.json";

/// Where the page stands that explores it, one of `pages`.
pub const EXPLORER_PATH: &str = "/api/explorer";

/// Every operation of the API, in the order in which they are told.
pub fn operations() -> Vec<Operation> {
    [statistics::operations(), live::operations(), sending::operations()].concat()
}

/// The document as it is served: written once, compressed once.
static WRITTEN: LazyLock<Arc<Document>> = LazyLock::new(|| {
    let written = serde_json::to_vec(&document(&operations()));
    Arc::new(Document::new(written.expect("texts and numbers are JSON").into()))
});

/// Answers what lies at [`PATH`]. No credentials are asked for: what is told is the same everywhere.
pub async fn answer(head: &Parts, metrics: &Metrics) -> Answer {
    if head.method != Method::GET && head.method != Method::HEAD {
        return answer::not_allowed("GET, HEAD", Format::Json);
    }
    let form = WRITTEN.form(Encoding::accepted(&head.headers), metrics).await;
    let mut answer = Response::new(Body::default());
    let known = head.headers.get_all(header::IF_NONE_MATCH).iter().any(|known| known == form.etag);
    if known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *answer.body_mut() = Body::from(form.bytes);
    }
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(name) = form.encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    headers.insert(header::ETAG, form.etag);
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}
