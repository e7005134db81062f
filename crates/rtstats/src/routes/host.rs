//! Whom a request is for, and for what: one readable host and a path (RFC 9112 §3.2, RFC 9113 §8.3.1). A request with
//! none or two may mean another server to whoever stands between, so it is refused and its connection closed.

use http::{HeaderValue, Method, StatusCode, Version, header, request::Parts};
use stats::document::Format;

use crate::api::{
    answer::{self, Answer},
    error_format,
};

const NONE: &str = "The request names no host. Send one Host header, as HTTP/1.1 asks for.";
const TWO: &str = "The request names more than one host. Send one Host header.";
const UNREADABLE: &str =
    "What names the host holds no host. Send a name or an address, with a port if need be.";
const NO_PATH: &str = "The request line holds no path. It begins with a slash.";

/// The answer to a request that names no host, two, or one that can't be read.
pub fn refusal(head: &Parts) -> Option<Answer> {
    let why = fault(head)?;
    let path = head.uri.path();
    let format = if super::is_api(path) { error_format(path) } else { Format::Json };
    let mut answer = answer::error(StatusCode::BAD_REQUEST, why, format);
    if head.version < Version::HTTP_2 {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Some(answer)
}

fn fault(head: &Parts) -> Option<&'static str> {
    let path = head.uri.path();
    let of_no_page = match head.method {
        Method::CONNECT => true,
        Method::OPTIONS => path == "*",
        _ => false,
    };
    if !path.starts_with('/') && !of_no_page {
        return Some(NO_PATH);
    }
    let authority = head.uri.authority().map(|named| named.as_str().as_bytes());
    if authority.is_some_and(|named| !is_a_host(named)) {
        return Some(UNREADABLE);
    }
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let Some(host) = hosts.next() else {
        // HTTP/1.0 has no Host, and HTTP/2 has the authority in its place.
        let named = head.version < Version::HTTP_11
            || (head.version >= Version::HTTP_2 && authority.is_some());
        return (!named).then_some(NONE);
    };
    if hosts.next().is_some() {
        return Some(TWO);
    }
    if !is_a_host(host.as_bytes()) {
        return Some(UNREADABLE);
    }
    // The address itself may name one, also in HTTP/1.1.
    let differs = authority.is_some_and(|named| !named.eq_ignore_ascii_case(host.as_bytes()));
    differs.then_some(TWO)
}

fn is_a_host(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_of_a_host(*byte))
}

/// Bytes of `uri-host [ ":" port ]` (RFC 3986 §3.2.2).
fn is_of_a_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[track_caller]
    fn check(version: Version, uri: &str, hosts: &[&str], expected: Option<&str>) {
        let mut request = Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(fault(&head), expected, "{version:?} {uri} {hosts:?}");
    }

    #[test]
    fn a_request_is_for_one_host() {
        for good in ["localhost", "localhost:8443", "[::1]:8443", "192.0.2.1", "a-b.example", ""] {
            check(Version::HTTP_11, "/", &[good], None);
        }
        check(Version::HTTP_11, "/", &[], Some(NONE));
        check(Version::HTTP_10, "/", &[], None);
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            check(version, "/", &["a", "a"], Some(TWO));
        }
        for bad in ["a b", "a/b", "user@a", "a\\b", "a#b", "a, b", "a?b", "\"a\""] {
            check(Version::HTTP_11, "/", &[bad], Some(UNREADABLE));
        }
    }

    #[test]
    fn a_request_has_a_path() {
        check(Version::HTTP_11, "agents", &["a"], Some(NO_PATH));
        check(Version::HTTP_11, "*", &["a"], Some(NO_PATH));
        check(Version::HTTP_11, "http://a", &["a"], None);
    }

    #[test]
    fn a_host_in_the_address_is_the_one_of_the_header() {
        for (version, alone) in [(Version::HTTP_10, None), (Version::HTTP_11, Some(NONE))] {
            check(version, "http://a:1/", &[], alone);
            check(version, "http://a:1/", &["A:1"], None);
            check(version, "http://a:1/", &["b:1"], Some(TWO));
            check(version, "http://me@a:1/", &["a:1"], Some(UNREADABLE));
        }
    }

    #[test]
    fn over_http_2_the_authority_is_the_host() {
        check(Version::HTTP_2, "https://a:1/", &[], None);
        check(Version::HTTP_2, "https://a:1/", &["A:1"], None);
        check(Version::HTTP_2, "https://a:1/", &["b:1"], Some(TWO));
        check(Version::HTTP_2, "https://me@a:1/", &[], Some(UNREADABLE));
        check(Version::HTTP_2, "https://me@a:1/", &["a:1"], Some(UNREADABLE));
        check(Version::HTTP_2, "/", &["a"], None);
        check(Version::HTTP_2, "/", &[], Some(NONE));
    }
}
