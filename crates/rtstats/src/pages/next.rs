//! Where somebody goes after signing in: paths of our own pages, and nothing that leads elsewhere.

use http::uri::PathAndQuery;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters of a path at most.
const CHARS_MAX: usize = 512;

/// The path, if it is one of ours.
pub(super) fn local(path: &str) -> Option<&str> {
    let visible = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let rooted = path.starts_with('/') && !path.starts_with("//");
    // The sign-in page would lead to itself, the forms' targets to nothing.
    let itself = path.starts_with("/sign-");
    (visible && rooted && !itself && path.len() <= CHARS_MAX).then_some(path)
}

/// A path for the sign-in page's query.
pub(super) fn encoded(path: Option<&PathAndQuery>) -> String {
    let path = path.map_or("/", PathAndQuery::as_str);
    utf8_percent_encode(path, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_paths_of_our_own_are_followed() {
        for good in ["/", "/manager", "/manager/audit?page=2", "/a//b", "/%2f/x"] {
            assert_eq!(local(good), Some(good));
        }
        let long = format!("/{}", "a".repeat(CHARS_MAX));
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\/x",
            "https://evil.example",
            "evil",
            "javascript:alert(1)",
            "/\n/evil",
            "/ x",
            "/ä",
            "/sign-in?next=/",
            "/sign-out",
            &long,
        ] {
            assert_eq!(local(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_browser_reads_another_host_from_it(path in "[/\\\\a-z.:@?#\t\n ]{0,12}") {
            if let Some(path) = local(&path) {
                prop_assert!(path.starts_with('/'));
                prop_assert!(!matches!(path.as_bytes().get(1), Some(b'/' | b'\\')));
                prop_assert!(!path.contains(['\t', '\n', '\\']));
            }
        }
    }
}
