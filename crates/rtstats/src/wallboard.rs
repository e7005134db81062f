//! The wallboard: a page that shows a tenant live, and what it loads besides itself.
//!
//! Page, styles and scripts are in the binary. Scripts import one another by their plain names, so that they lie in one
//! folder whose name holds a hash of all of them: browsers keep them for ever and never mix old with new. It holds no
//! figures: the page fetches them from the live feed, as whoever opened it.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use stats::document::Format;
use xxhash_rust::xxh3::Xxh3;

use crate::{
    api::{
        LIVE_PATH, TRENDS_PATH,
        answer::{self, Answer, Body},
    },
    board::Encoding,
};

/// What the paths of its assets begin with.
pub const ASSETS: &str = "/assets/wallboard-";

const PAGE: &str = include_str!("../assets/wallboard/wallboard.html");

macro_rules! assets {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../assets/wallboard/", $name)))),*]
    };
}

/// All assets. A new one is a line here.
const SOURCES: &[(&str, &[u8])] = assets![
    "agents.css" "agents.js" "alerts.js" "banner.js" "board.css" "clock.js" "columns.js" "dom.js" "first.js"
    "format.js" "freshness.js" "icon.svg" "main.js" "panel.js" "queues.css" "queues.js" "rotation.js" "rows.js"
    "settings.js" "single.js" "sound.js" "spark.js" "stream.js" "trends.js"
];

const ENCODINGS: [Encoding; 4] =
    [Encoding::Identity, Encoding::Gzip, Encoding::Brotli, Encoding::Zstd];

/// An asset in all its forms.
struct Forms([Bytes; ENCODINGS.len()]);

impl Forms {
    fn new(source: &[u8]) -> Forms {
        Forms(ENCODINGS.map(|encoding| encoding.compress(source).into()))
    }

    fn answer(&self, head: &Parts, content_type: &'static str) -> Answer {
        let accepted = Encoding::accepted(&head.headers);
        let place = ENCODINGS.iter().position(|own| *own == accepted).unwrap_or(0);
        let mut answer = Response::new(Body::from(self.0[place].clone()));
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(name) = accepted.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        answer
    }
}

struct Assets {
    /// The hash of all, as it stands in their paths.
    hash: String,
    forms: Vec<Forms>,
}

static ALL: LazyLock<Assets> = LazyLock::new(|| {
    let mut hasher = Xxh3::new();
    for (name, source) in SOURCES {
        hasher.update(name.as_bytes());
        hasher.update(source);
    }
    let forms = SOURCES.iter().map(|(_, source)| Forms::new(source)).collect();
    Assets { hash: format!("{:016x}", hasher.digest()), forms }
});

/// The page of a tenant, whose name it shows and whose feed it opens.
pub fn page(tenant: &str) -> String {
    let modules = SOURCES.iter().map(|(name, _)| *name);
    // What is preloaded comes in one round trip, however deep scripts import one another.
    let preloads: String = modules
        .filter(|name| name.ends_with(".js") && *name != "first.js" && *name != "main.js")
        .map(|name| format!("<link rel=\"modulepreload\" href=\"{ASSETS}{}/{name}\">\n", ALL.hash))
        .collect();
    PAGE.replace("{preloads}", preloads.trim_end())
        .replace("{assets}", &format!("{ASSETS}{}", ALL.hash))
        .replace("{live}", LIVE_PATH)
        .replace("{trends}", TRENDS_PATH)
        .replace("{tenant}", &escaped(tenant))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// Answers what lies below [`ASSETS`]; `rest` is what follows it.
pub fn asset(head: &Parts, rest: &str) -> Answer {
    if let Some(refused) = only_reading(head) {
        return refused;
    }
    let name = rest.strip_prefix(ALL.hash.as_str()).and_then(|rest| rest.strip_prefix('/'));
    let found = name.and_then(|name| SOURCES.iter().position(|(own, _)| *own == name));
    let Some(place) = found else {
        let message = "There is no such asset. Load the page again.";
        return answer::error(StatusCode::NOT_FOUND, message, Format::Json);
    };
    let mut answer = ALL.forms[place].answer(head, content_type(SOURCES[place].0));
    answer.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    answer
}

fn only_reading(head: &Parts) -> Option<Answer> {
    let reads = head.method == Method::GET || head.method == Method::HEAD;
    (!reads).then(|| answer::not_allowed("GET, HEAD", Format::Json))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(method: &str, accepted: &str) -> Parts {
        let request = Request::builder().method(method).header("accept-encoding", accepted);
        request.body(()).unwrap().into_parts().0
    }

    fn get(name: &str, accepted: &str) -> Answer {
        asset(&head("GET", accepted), &format!("{}/{name}", ALL.hash))
    }

    fn len(answer: &Answer) -> usize {
        use hyper::body::Body as _;
        usize::try_from(answer.body().size_hint().exact().unwrap()).unwrap()
    }

    #[test]
    fn every_asset_is_served_and_kept_for_ever_under_the_hash_alone() {
        for (name, source) in SOURCES {
            let answer = get(name, "identity");
            assert_eq!(answer.status(), 200, "{name}");
            assert_eq!(len(&answer), source.len(), "{name}");
            assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"));
            assert_eq!(get(name, "br").headers()["content-encoding"], "br");
        }
        for rest in ["", "main.js", "0000000000000000/main.js"] {
            assert_eq!(asset(&head("GET", "br"), rest).status(), 404, "{rest}");
        }
        assert_eq!(get("../wallboard.html", "br").status(), 404);
        assert_eq!(asset(&head("POST", "br"), "").status(), 405);
    }

    #[test]
    fn the_page_names_every_script_once_and_nothing_inline_or_from_elsewhere() {
        let html = page("acme<&\"");
        assert!(html.contains("acme&lt;&amp;&quot;"));
        assert!(!html.contains('{'), "every mark is filled in");
        for (name, _) in SOURCES {
            let path = format!("{ASSETS}{}/{name}\"", ALL.hash);
            assert_eq!(html.matches(&path).count(), 1, "{name}");
        }
        assert!(!html.contains("http") && !html.contains("<style") && !html.contains("style="));
        assert!(!html.contains("onclick") && !html.contains("<script>"));
    }

    #[test]
    fn scripts_and_styles_load_nothing_from_elsewhere_and_make_no_markup_from_text() {
        for (name, source) in SOURCES {
            let text = std::str::from_utf8(source).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for banned in ["http:", "https:", "innerHTML", "insertAdjacentHTML", "eval(", "@import"]
            {
                assert!(!text.contains(banned), "{name}: {banned}");
            }
        }
    }

    #[test]
    fn a_first_visit_transfers_less_than_100_kb() {
        let sent: usize = SOURCES.iter().map(|(name, _)| len(&get(name, "br"))).sum();
        let page = Encoding::Brotli.compress(page("acme").as_bytes()).len();
        assert!(sent + page < 100_000, "{sent} + {page} bytes");
    }
}
