//! What pages load besides themselves: in the binary, under names that hold a hash of what is in them, so that browsers
//! keep them for ever and never show an old one.

use std::{path::Path, sync::LazyLock};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use xxhash_rust::xxh3::xxh3_64;

use super::answer;
use crate::{
    api::answer::{self as plain, Answer},
    board::Encoding,
};
use stats::document::Format;

/// Where assets stand.
pub const PATH: &str = "/assets/";

/// All assets, by their names in pages. A new one is a line here.
const SOURCES: &[(&str, &[u8])] = &[
    ("base.css", include_bytes!("assets/base.css")),
    ("base.js", include_bytes!("assets/base.js")),
    ("explorer.css", include_bytes!("assets/explorer.css")),
    ("explorer.js", include_bytes!("assets/explorer.js")),
    ("icon.svg", include_bytes!("assets/icon.svg")),
    ("manager.css", include_bytes!("assets/manager.css")),
    ("manager.js", include_bytes!("assets/manager.js")),
    ("theme.js", include_bytes!("assets/theme.js")),
];

const ENCODINGS: [Encoding; 4] =
    [Encoding::Identity, Encoding::Gzip, Encoding::Brotli, Encoding::Zstd];

struct Asset {
    name: &'static str,
    path: String,
    etag: HeaderValue,
    content_type: &'static str,
    forms: [Bytes; ENCODINGS.len()],
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| SOURCES.iter().map(Asset::new).collect());

impl Asset {
    fn new((name, source): &(&'static str, &'static [u8])) -> Asset {
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let hash = format!("{:016x}", xxh3_64(source));
        let path = format!("{PATH}{stem}-{hash}.{extension}");
        let etag = HeaderValue::try_from(format!("\"{hash}\""));
        let forms = ENCODINGS.map(|encoding| match encoding {
            Encoding::Identity => Bytes::from_static(source),
            encoding => encoding.compress(source).into(),
        });
        Asset {
            name,
            path,
            etag: etag.expect("digits and quotation marks are visible ASCII"),
            content_type: content_type(extension),
            forms,
        }
    }

    fn answer(&self, head: &Parts) -> Answer {
        let encoding = Encoding::accepted(&head.headers);
        let known = head.headers.get_all(header::IF_NONE_MATCH).iter();
        let known = known.into_iter().any(|known| known == self.etag);
        let mut answer = answer::whole(StatusCode::OK, self.content_type, Bytes::new());
        if known {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            *answer.body_mut() = self.forms[place(encoding)].clone().into();
            if let Some(name) = encoding.name() {
                let headers = answer.headers_mut();
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
            }
        }
        let headers = answer.headers_mut();
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        let kept = "public, max-age=31536000, immutable";
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        answer
    }
}

fn place(encoding: Encoding) -> usize {
    ENCODINGS.iter().position(|own| *own == encoding).unwrap_or(0)
}

fn content_type(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        _ => "application/octet-stream",
    }
}

/// The path of an asset, as pages name it.
pub(super) fn path(name: &str) -> &'static str {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    // A page that names an asset which is not there is our own slip, and every test of it meets it.
    &asset.unwrap_or_else(|| panic!("there is no asset {name}")).path
}

/// Answers what lies below [`PATH`]; `name` is what follows it.
pub(super) fn answer(head: &Parts, name: &str) -> Answer {
    if head.method != Method::GET && head.method != Method::HEAD {
        return plain::not_allowed("GET, HEAD", Format::Json);
    }
    let asset = ASSETS.iter().find(|asset| Path::new(&asset.path).ends_with(name));
    match asset.filter(|_| !name.is_empty()) {
        Some(asset) => asset.answer(head),
        None => {
            let message = "There is no such asset. Load the page again.";
            plain::error(StatusCode::NOT_FOUND, message, Format::Json)
        }
    }
}

/// Browsers ask for it where a page names no icon.
pub(super) fn favicon() -> Answer {
    answer::see_other(path("icon.svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = http::Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).unwrap().into_parts().0;
        answer(&head, path.strip_prefix(PATH).unwrap())
    }

    #[test]
    fn an_asset_is_kept_for_ever_under_a_name_that_changes_with_it() {
        for (name, _) in SOURCES {
            let path = path(name);
            let shown = ask(path, &[("accept-encoding", "br")]);
            assert_eq!(shown.status(), 200);
            assert_eq!(shown.headers()["content-encoding"], "br");
            assert!(shown.headers()["cache-control"].to_str().unwrap().contains("immutable"));
            let etag = shown.headers()["etag"].to_str().unwrap().to_owned();
            assert!(path.contains(etag.trim_matches('"')));
            assert_eq!(ask(path, &[("if-none-match", &etag)]).status(), 304);
        }
        for path in ["/assets/", "/assets/base.css", "/assets/../base.css", "/assets/assets"] {
            assert_eq!(ask(path, &[]).status(), 404, "{path}");
        }
    }

    #[test]
    fn the_scripts_and_styles_name_nothing_from_elsewhere() {
        for (name, source) in SOURCES {
            let text = String::from_utf8(source.to_vec()).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http:") && !text.contains("https:"), "{name}");
            assert!(!text.contains("innerHTML") && !text.contains("eval("), "{name}");
        }
    }
}
