//! That a form comes from our own pages: the browser's word for it, and a token that only our pages know.
//!
//! The token follows from the session's cookie, so nothing is stored for it. In each page it is masked by random bits of
//! its own, so that the length of a compressed page tells nothing of it.

use constant_time_eq::constant_time_eq;
use http::{HeaderMap, Uri, header};
use sha2::{Digest as _, Sha256};

/// The form field's name.
pub(super) const FIELD: &str = "csrf";

const BYTES: usize = 32;

/// The token of a session, masked for one page. Empty where the system has no randomness: the form is refused then.
pub(super) fn token(cookie: &str) -> String {
    let mut mask = [0; BYTES];
    if getrandom::fill(&mut mask).is_err() {
        return String::new();
    }
    let masked = own(cookie).iter().zip(mask).map(|(own, mask)| own ^ mask).collect::<Vec<_>>();
    mask.iter().chain(&masked).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a form's token is of this session.
pub(super) fn holds(cookie: &str, claim: &str) -> bool {
    let Some(bytes) = unhex(claim).filter(|bytes| bytes.len() == 2 * BYTES) else { return false };
    let (mask, masked) = bytes.split_at(BYTES);
    let claimed: Vec<u8> = mask.iter().zip(masked).map(|(mask, masked)| mask ^ masked).collect();
    constant_time_eq(&claimed, &own(cookie))
}

fn own(cookie: &str) -> [u8; BYTES] {
    Sha256::digest(format!("rtstats form {cookie}").as_bytes()).into()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Whether the browser says that another site sent this form. Programs and old browsers say nothing; with a session the
/// token decides then.
pub(super) fn is_foreign(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text(http::HeaderName::from_static("sec-fetch-site")) {
        return site != "same-origin" && site != "none";
    }
    // Our own policy of sending no referrer has a browser say `null` for our own forms.
    let Some(origin) = text(header::ORIGIN).filter(|origin| *origin != "null") else {
        return false;
    };
    let host = uri.authority().map(|authority| authority.as_str()).or(text(header::HOST));
    origin.split_once("://").map(|(_, authority)| authority) != host
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_holds_for_its_own_session_only() {
        let (own, other) = ("a".repeat(64), "b".repeat(64));
        let (one, again) = (token(&own), token(&own));
        assert!(holds(&own, &one) && holds(&own, &again));
        assert_ne!(one, again, "masked anew");
        assert!(!holds(&other, &one));
        assert!(!holds(&own, "") && !holds(&own, &one[1..]) && !holds(&own, &one[2..]));
    }

    #[test]
    fn another_site_is_foreign() {
        let check = |pairs: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                let name: http::HeaderName = name.parse().unwrap();
                headers.insert(name, value.parse().unwrap());
            }
            is_foreign(&headers, &Uri::from_static("/sign-in"))
        };
        assert!(!check(&[]));
        assert!(!check(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(check(&[("sec-fetch-site", "cross-site")]));
        assert!(check(&[("sec-fetch-site", "same-site")]));
        assert!(!check(&[("origin", "https://a:8443"), ("host", "a:8443")]));
        assert!(check(&[("origin", "https://b"), ("host", "a:8443")]));
        assert!(check(&[("origin", "https://a"), ("host", "a:8443")]));
        assert!(check(&[("origin", "nonsense"), ("host", "a")]));
    }

    proptest! {
        #[test]
        fn no_claim_panics_or_holds(claim in ".{0,140}") {
            prop_assert!(!holds("cookie", &claim));
        }
    }
}
