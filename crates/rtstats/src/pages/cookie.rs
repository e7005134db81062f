//! The one cookie: it holds a session's secret and nothing else.

use http::{HeaderMap, HeaderValue, header};

use crate::tenants::Token;

/// `__Host-` has browsers take it only over HTTPS, for this host alone, for all paths.
const NAME: &str = "__Host-rtstats";

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// Seconds that a viewer's browser keeps it: the longest that browsers allow. The server ends a session by itself.
const KEPT_SECONDS: u32 = 400 * 86_400;

/// What the browser sent; the first, if it sent several.
pub fn read(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == NAME).map(|(_, value)| value.trim())
}

/// Gives the browser a session. `stays`: also when the browser is closed, as wall screens need it.
pub(super) fn set(token: &Token, stays: bool) -> HeaderValue {
    let life = if stays { format!("; Max-Age={KEPT_SECONDS}") } else { String::new() };
    let text = format!("{NAME}={}; {ATTRIBUTES}{life}", token.reveal());
    let mut value = HeaderValue::try_from(text).expect("a token's digits are visible ASCII");
    value.set_sensitive(true);
    value
}

/// Takes it away.
pub(super) fn cleared() -> HeaderValue {
    let text = format!("{NAME}=; {ATTRIBUTES}; Max-Age=0");
    HeaderValue::try_from(text).expect("it is visible ASCII")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(read(&headers(&["a=b; __Host-rtstats=12ab; c"])), Some("12ab"));
        assert_eq!(read(&headers(&["a=b", "__Host-rtstats=12ab"])), Some("12ab"));
        assert_eq!(read(&headers(&["rtstats=1; x__Host-rtstats=2; __Host-rtstatsx=3"])), None);
        assert_eq!(read(&headers(&[])), None);
        assert_eq!(read(&headers(&["__Host-rtstats"])), None);
    }

    proptest! {
        #[test]
        fn any_header_is_read_and_none_panics(line in "[ -~]{0,80}") {
            let read_back = read(&headers(&[&line])).map(str::to_owned);
            prop_assert!(read_back.is_none_or(|value| line.contains(&value)));
        }

        #[test]
        fn what_is_set_is_read(before in "([a-z]{1,9}=[a-z]{0,9}; )?", stays in any::<bool>()) {
            let token = Token::random().unwrap();
            let set = set(&token, stays);
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let headers = headers(&[&format!("{before}{pair}")]);
            prop_assert_eq!(read(&headers), Some(token.reveal()));
        }
    }
}
