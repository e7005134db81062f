//! Answers of pages, and the headers that all of them carry.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use maud::Markup;

use super::Settings;
use crate::{
    api::answer::{Answer, Body},
    board::Encoding,
};

/// Nothing from elsewhere, nothing inline, nobody's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const PERMISSIONS_POLICY: &str = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), \
     microphone=(), midi=(), payment=(), usb=()";

const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";

/// Answers smaller than this are not worth compressing.
const COMPRESSED_BYTES_MIN: usize = 1_024;

/// Larger ones are compressed off the connections' threads.
const INLINE_BYTES_MAX: usize = 64 * 1_024;

/// An answer with a body of one piece.
pub(super) fn whole(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// A page. No cache keeps it: it is somebody's, and shows what was true then.
pub(super) fn html(status: StatusCode, page: Markup) -> Answer {
    let mut answer = whole(status, "text/html; charset=utf-8", page.into_string().into());
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// On to another page, after a form was taken. The path is ours, in ASCII.
pub(super) fn see_other(path: &str) -> Answer {
    let mut answer = Response::new(Body::default());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    let path = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    answer.headers_mut().insert(header::LOCATION, path);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Compresses a page for whom it may be. Secrets in it are masked anew for each (see `csrf`), so that its length
/// tells nothing of them.
pub(super) async fn compressed(answer: Answer, headers: &HeaderMap) -> Answer {
    let encoding = Encoding::accepted(headers);
    let (mut head, body) = answer.into_parts();
    if body.lasts() {
        return Response::from_parts(head, body);
    }
    // A body of one piece can't fail to be read.
    let plain = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    head.headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Cookie"));
    let Some(name) = encoding.name().filter(|_| plain.len() >= COMPRESSED_BYTES_MIN) else {
        return Response::from_parts(head, plain.into());
    };
    let shared = plain.clone();
    let compress = move || Bytes::from(encoding.compress(&shared));
    let body = match plain.len() {
        0..INLINE_BYTES_MAX => compress(),
        _ => match tokio::task::spawn_blocking(compress).await {
            Ok(body) => body,
            Err(_) => return Response::from_parts(head, plain.into()),
        },
    };
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    Response::from_parts(head, body.into())
}

/// The headers by which a browser protects whoever sits before it.
pub(super) fn secured(mut answer: Answer, settings: Settings) -> Answer {
    let headers = answer.headers_mut();
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY);
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if settings.trusted_certificate {
        set(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT_SECURITY);
    }
    answer
}
