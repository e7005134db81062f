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

/// What can be chosen by the fragment of the page's address, as `settings.js` reads it.
const KEYS: [&str; 19] = [
    "view", "theme", "size", "layout", "columns", "clock", "queue", "silent", "inQueue", "search",
    "group", "state", "rotate", "pages", "only", "sound", "keys", "alert", "sort",
];

/// Those of them that are one of a few words.
const CHOICES: [(&str, &[&str]); 6] = [
    ("view", &["queues", "agents", "queue"]),
    ("theme", &["auto", "light", "dark"]),
    ("size", &["normal", "large", "huge"]),
    ("layout", &["auto", "cards", "table"]),
    ("columns", &["fit", "all"]),
    ("clock", &["zone", "browser"]),
];

/// Letters, digits and signs of a view.
const VIEW_BYTES_MAX: usize = 400;

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

/// Why a text is no view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// It can't stand in an address.
    #[error(
        "A view is what follows the # in the wallboard's address: at most {VIEW_BYTES_MAX} letters, digits and signs."
    )]
    NoFragment,
    /// A word before `=` that says nothing to the wallboard.
    #[error(
        "The wallboard has no setting “{0}”. “Copy link to this view” in its settings gives what can stand here."
    )]
    NoSetting(String),
    /// A word behind `=` that the setting doesn't have.
    #[error("The wallboard's setting “{setting}” is {}, not “{given}”.", any_of(.words))]
    NoChoice {
        /// The setting.
        setting: &'static str,
        /// What it can be.
        words: &'static [&'static str],
        /// What it was to be.
        given: String,
    },
}

/// Words as a sentence has them: `auto, light or dark`.
fn any_of(words: &[&str]) -> String {
    match words {
        [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => words.concat(),
    }
}

/// The settings of a wallboard, as they stand after the `#` of its address, from what people have of them: those alone, with
/// the `#` or `?` before them, or a whole link. Which tenant a link shows is no part of them.
pub fn view(text: &str) -> Result<String, ViewError> {
    let text = text.trim();
    let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
    // A bare setting may hold any sign, a question mark too; an address before settings says so.
    let query = match address.split_once('?') {
        Some((path, query)) if !path.contains('=') => query,
        _ if !address.contains('=') && address.contains('/') => "",
        _ => address,
    };
    let given =
        query.split('&').filter(|pair| !pair.starts_with("tenant=")).chain(fragment.split('&'));
    let settings: Vec<&str> = given.filter(|pair| !pair.is_empty()).collect();
    let view = settings.join("&");
    let is_fragment = view.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !is_fragment || view.len() > VIEW_BYTES_MAX {
        return Err(ViewError::NoFragment);
    }
    settings.into_iter().try_for_each(known)?;
    Ok(view)
}

/// Whether the wallboard takes a setting and its word. What is no word but a number or a text is not looked at.
fn known(pair: &str) -> Result<(), ViewError> {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    let excerpt = |text: &str| text.chars().take(40).collect();
    if !KEYS.contains(&key) {
        return Err(ViewError::NoSetting(excerpt(key)));
    }
    match CHOICES.into_iter().find(|(setting, _)| *setting == key) {
        Some((setting, words)) if !words.contains(&value) => {
            Err(ViewError::NoChoice { setting, words, given: excerpt(value) })
        }
        _ => Ok(()),
    }
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
    use proptest::prelude::*;

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
    fn a_view_is_taken_from_whatever_holds_it() {
        let own = "theme=dark&alert=*:w5,l60;115:w2";
        for text in [
            own.to_owned(),
            format!(" #{own} "),
            format!("?{own}"),
            format!("https://wall.example:8443/wallboard?tenant=acme#{own}"),
            format!("https://wall.example/wallboard?tenant=acme&{own}"),
            format!("/wallboard#{own}"),
            format!("wallboard?theme=dark#{}", own.split_once('&').unwrap().1),
            format!("&{own}&&"),
        ] {
            assert_eq!(view(&text).as_deref(), Ok(own), "{text}");
        }
        for text in [
            "",
            "#",
            "?",
            "https://wall.example/wallboard",
            "/wallboard?tenant=acme#",
            "tenant=acme",
        ] {
            assert_eq!(view(text).as_deref(), Ok(""), "{text}");
        }
        for text in ["search=who?&view=agents", "search=https://x/y"] {
            assert_eq!(view(text).as_deref(), Ok(text), "signs of a value");
        }
    }

    #[test]
    fn what_is_no_view_is_told() {
        let no_setting = |key: &str| Err(ViewError::NoSetting(key.to_owned()));
        assert_eq!(view("themee=drak"), no_setting("themee"));
        assert_eq!(view("#theme=dark&share=0123"), no_setting("share"));
        assert_eq!(view("theme=dark&huge"), no_setting("huge"));
        assert_eq!(view(&format!("{}=1", "x".repeat(99))), no_setting(&"x".repeat(40)));
        for (text, told) in [
            ("theme=drak", "The wallboard's setting “theme” is auto, light or dark, not “drak”."),
            (
                "size=huge&clock=utc",
                "The wallboard's setting “clock” is zone or browser, not “utc”.",
            ),
            ("theme=Dark", "The wallboard's setting “theme” is auto, light or dark, not “Dark”."),
            ("theme", "The wallboard's setting “theme” is auto, light or dark, not “”."),
        ] {
            assert_eq!(view(text).unwrap_err().to_string(), told);
        }
        for text in ["theme=dark size=large", "search=é", "#theme=dark#size=large"] {
            assert_eq!(view(text), Err(ViewError::NoFragment), "{text}");
        }
        let least = "search=".len();
        assert!(view(&format!("search={}", "a".repeat(VIEW_BYTES_MAX - least))).is_ok());
        assert!(view(&format!("search={}", "a".repeat(VIEW_BYTES_MAX - least + 1))).is_err());
    }

    proptest! {
        #[test]
        fn a_view_read_again_is_the_same_and_can_stand_in_a_header(text in "([#?&=:/ ]|view|theme|alert|wallboard|\\PC){0,12}") {
            if let Ok(read) = view(&text) {
                let path = format!("/wallboard#{read}");
                prop_assert!(HeaderValue::from_str(&path).is_ok(), "{}", path);
                prop_assert_eq!(view(&read), Ok(read.clone()));
                prop_assert_eq!(view(&format!("#{read}")), Ok(read));
            }
        }
    }

    #[test]
    fn the_scripts_know_the_same_settings() {
        let (_, source) = SOURCES.iter().find(|(name, _)| *name == "settings.js").unwrap();
        let text = std::str::from_utf8(source).unwrap();
        let told = text.split_once("export const KEYS = [").unwrap().1.split_once("];").unwrap().0;
        let theirs: Vec<&str> = told
            .split(',')
            .map(|key| key.trim().trim_matches('"'))
            .filter(|key| !key.is_empty())
            .collect();
        assert_eq!(theirs, KEYS);
        let (_, told) = text.split_once("export const VIEWS = [").unwrap();
        let (views, told) = told.split_once("];\n\nconst CHOICES = {\n  view: VIEWS,\n").unwrap();
        let (choices, _) = told.split_once("};").unwrap();
        let choices = format!("  view: [{views}],\n{choices}");
        let own = CHOICES.map(|(setting, words)| format!("  {setting}: {words:?},\n"));
        assert_eq!(choices, own.concat());
    }

    #[test]
    fn every_choice_is_a_setting_and_can_be_chosen() {
        for (setting, words) in CHOICES {
            assert!(KEYS.contains(&setting));
            for word in words {
                let text = format!("{setting}={word}");
                assert_eq!(view(&text), Ok(text));
            }
        }
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
