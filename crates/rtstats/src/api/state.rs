//! What a sender reads after a restart or a cut: `GET /api/rtstats/state`, the present state as events.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use stats::{document::Format, limit};

use super::answer::{self, Answer, Body};
use crate::{
    board::{Encoding, Form},
    shard::{Denied, Shared, Written},
    telemetry::Metrics,
    tenants::Tenant,
};

/// The last counted time in milliseconds since the epoch; absent before any event.
const COUNTED: HeaderName = HeaderName::from_static("rtstats-counted");

/// The highest number seen of the source that was asked for; absent if none was.
const SEQ: HeaderName = HeaderName::from_static("rtstats-seq");

const EXPECTED: &str = "`source` is a source's name, 1 to 64 characters, percent-encoded as UTF-8: \
     /api/rtstats/state?source=pbx-1";
const TWICE: &str = "`source` is given twice. Ask for one source at a time.";

const CROWDED: &str = "Earlier answers with this tenant's present state have not been read to their end. Read them or \
     close their connections, and ask again in a moment.";

const CROWDED_RETRY_SECONDS: u64 = 2;

/// The source that a query names, if it names one. What else it says is ignored, as it is elsewhere.
pub fn source(query: Option<&str>) -> Result<Option<String>, &'static str> {
    let mut found = None;
    for pair in query.unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name != "source" {
            continue;
        }
        // As forms write a query: a plus sign stands for a space.
        let value = value.replace('+', " ");
        let value = percent_decode_str(&value).decode_utf8().map_err(|_| EXPECTED)?;
        if !(1..=limit::SOURCE_CHARS_MAX).contains(&value.chars().count()) {
            return Err(EXPECTED);
        }
        if found.replace(value.into_owned()).is_some() {
            return Err(TWICE);
        }
    }
    Ok(found)
}

/// The answer to who can't be shown the state now.
pub fn denied(why: Denied, tenant: &Tenant) -> Answer {
    match why {
        Denied::Unavailable(why) => super::unavailable(why, tenant, Format::Json),
        Denied::Crowded => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            answer::retry(status, CROWDED_RETRY_SECONDS, CROWDED, Format::Json)
        }
    }
}

/// The form for a client that would take `accepted`. What is shared keeps its place until that is made, also if the client
/// goes away meanwhile.
pub async fn form(written: &Arc<Shared<Written>>, accepted: Encoding, metrics: &Metrics) -> Form {
    let (written, metrics) = (written.clone(), metrics.clone());
    let forming = tokio::spawn(async move { written.made.document.form(accepted, &metrics).await });
    forming.await.expect("compressing panics for no bytes, and nobody cancels it")
}

/// Bytes of a document that is shared, which keep it its place until they have gone out: a body is dropped before.
struct Placed {
    bytes: Bytes,
    _written: Arc<Shared<Written>>,
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The lines, with how far the tenant has come and how far it has followed the source.
pub fn answer(form: Form, written: &Arc<Shared<Written>>, seq: Option<u64>) -> Answer {
    let counted = written.made.counted;
    let placed = Placed { bytes: form.bytes, _written: written.clone() };
    let mut answer = Response::new(Body::from(Bytes::from_owner(placed)));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Authorization"));
    if let Some(name) = form.encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    if let Some(counted) = counted {
        headers.insert(COUNTED, HeaderValue::from(counted));
    }
    if let Some(seq) = seq {
        headers.insert(SEQ, HeaderValue::from(seq));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Result<Option<String>, &'static str> {
        Ok(Some(name.to_owned()))
    }

    #[test]
    fn a_source_is_named_once_and_percent_encoded() {
        assert_eq!(source(None), Ok(None));
        assert_eq!(source(Some("")), Ok(None));
        assert_eq!(source(Some("sources=a&x")), Ok(None));
        assert_eq!(source(Some("source=pbx-1")), named("pbx-1"));
        assert_eq!(source(Some("x=1&source=a%20b+c%2B%C3%B6&y")), named("a b c+ö"));
        assert_eq!(source(Some("source=a&source=b")), Err(TWICE));
    }

    #[test]
    fn a_source_has_1_to_64_characters() {
        let query = |characters: usize| format!("source={}", "%C3%B6".repeat(characters));
        assert_eq!(source(Some(&query(64))), named(&"ö".repeat(64)));
        for wrong in [&*query(65), "source", "source=", "source=%FF"] {
            assert_eq!(source(Some(wrong)), Err(EXPECTED), "{wrong}");
        }
    }
}
