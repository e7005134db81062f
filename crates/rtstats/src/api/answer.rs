//! Answers other than documents: errors in the format that was asked for, and small JSON bodies.
//!
//! An error carries a text for the client; what only the log may know is logged where it happens.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Frame, SizeHint};
use stats::document::Format;

use crate::{live::Subscriber, telemetry::IncidentId};

/// An answer.
pub type Answer = Response<Body>;

/// What an answer carries: bytes that are there, or a stream that lasts.
#[derive(Debug)]
pub enum Body {
    /// Whole.
    Whole(Full<Bytes>),
    /// As it comes, until its source or its reader ends it.
    Stream(Subscriber),
}

impl Body {
    /// Whether it lasts: its connection is not idle while nothing comes.
    pub fn lasts(&self) -> bool {
        matches!(self, Body::Stream(_))
    }
}

impl Default for Body {
    fn default() -> Body {
        Body::Whole(Full::default())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Body {
        Body::Whole(Full::new(bytes.into()))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Body::Whole(whole) => Pin::new(whole).poll_frame(context),
            Body::Stream(stream) => {
                stream.poll_next(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(whole) => whole.is_end_stream(),
            Body::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(whole) => whole.size_hint(),
            Body::Stream(_) => SizeHint::default(),
        }
    }
}

/// The challenge that makes a browser prompt.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static(r#"Basic realm="rtstats", charset="UTF-8""#);

/// Media types by format.
pub fn content_type(format: Format) -> HeaderValue {
    HeaderValue::from_static(match format {
        Format::Xml => "application/xml; charset=utf-8",
        Format::Json => "application/json",
        Format::Csv => "text/csv; charset=utf-8; header=present",
    })
}

/// An error, which says what to do.
pub fn error(status: StatusCode, message: &str, format: Format) -> Answer {
    let body = match format {
        Format::Json => serde_json::json!({
            "error": { "code": status.as_u16(), "message": message }
        })
        .to_string(),
        Format::Xml | Format::Csv => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
             <error><code>{}</code><message>{}</message></error>",
            status.as_u16(),
            xml_text(message)
        ),
    };
    let format = if format == Format::Json { Format::Json } else { Format::Xml };
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type(format));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
    }
    answer
}

/// A fault of ours, whose cause the log has under the incident.
pub fn fault(incident: IncidentId, format: Format) -> Answer {
    let message = format!(
        "This is a fault of the server. Its operator finds the cause in the log under {incident}."
    );
    error(StatusCode::INTERNAL_SERVER_ERROR, &message, format)
}

/// An error after which the client is to try again.
pub fn retry(status: StatusCode, after_seconds: u64, message: &str, format: Format) -> Answer {
    let mut answer = error(status, message, format);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after_seconds));
    answer
}

/// 405 with the methods that there are.
pub fn not_allowed(allow: &'static str, format: Format) -> Answer {
    let message = format!("This page takes {allow} only.");
    let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, &message, format);
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    answer
}

/// A JSON body that no cache may keep.
pub fn json(status: StatusCode, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type(Format::Json));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
