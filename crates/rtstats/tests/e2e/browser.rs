//! A browser as far as the tests need one: a cookie, forms with their hidden fields, and a look at the HTML.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    client::{Client, Response},
    server::{Folder, Server},
};

/// One browser's state.
pub struct Browser {
    pub client: Client,
    pub cookie: Option<String>,
}

/// A password as good as any.
pub const PASSWORD: &str = "correct horse battery";

impl Browser {
    pub fn new(client: Client) -> Browser {
        Browser { client, cookie: None }
    }

    /// A browser in which the platform's first administrator has just been set up.
    pub fn set_up(server: &Server, folder: &Folder) -> Browser {
        let mut browser = Browser::new(server.client(folder));
        let fields = [
            ("code", &*server.set_up_secret()),
            ("login", "maria"),
            ("password", PASSWORD),
            ("again", PASSWORD),
        ];
        let answer = browser.post("/set-up", &fields);
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/")),
            "{}",
            answer.text()
        );
        browser
    }

    pub fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }

    /// The page of a path, which must be shown.
    pub fn page(&mut self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text().to_owned()
    }

    /// Sends a form, with the hidden token that a page of this session has.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let token = self.cookie.is_some().then(|| self.token()).flatten();
        let token = token.as_deref().map(|token| ("csrf", token));
        self.post_only(path, &fields.iter().copied().chain(token).collect::<Vec<_>>(), &[])
    }

    /// Sends a form with files, as browsers do: line ends of its values are changed, its file is left as it is.
    pub fn upload(&mut self, path: &str, fields: &[(&str, &str)], file: Option<&[u8]>) -> Response {
        const BOUNDARY: &str = "----boundary7d1f";
        let token = self.token().expect("somebody is signed in");
        let mut body = Vec::new();
        for (name, value) in fields.iter().copied().chain([("csrf", &*token)]) {
            let value = value.replace("\r\n", "\n").replace(['\r', '\n'], "\r\n");
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"");
            body.extend(format!("{head}\r\n\r\n{value}\r\n").into_bytes());
        }
        if let Some(file) = file {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"");
            body.extend(format!("{head}; filename=\"a.csv\"\r\n\r\n").into_bytes());
            body.extend(file);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.send("POST", path, &[("Content-Type", &kind)], &body)
    }

    /// Sends just these fields.
    pub fn post_only(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Response {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let headers: Vec<_> = form.iter().chain(headers).copied().collect();
        self.send("POST", path, &headers, fields.join("&").as_bytes())
    }

    /// Signs in to a tenant, or to the platform where none is named.
    pub fn sign_in(&mut self, tenant: &str, login: &str, password: &str) -> Response {
        let fields =
            [("way", "account"), ("tenant", tenant), ("login", login), ("password", password)];
        self.post("/sign-in", &fields)
    }

    /// Whether the browser is signed in.
    pub fn is_in(&mut self) -> bool {
        self.page("/").contains("action=\"/sign-out\"")
    }

    /// The token in a page of this session, if it is in force.
    pub fn token(&mut self) -> Option<String> {
        let page = self.page("/");
        let (_, after) = page.split_once("name=\"csrf\" value=\"")?;
        Some(after.split('"').next().unwrap().to_owned())
    }

    /// The secret that a page shows once.
    pub fn secret(&mut self, path: &str) -> String {
        let page = self.page(path);
        let (_, after) = page.split_once("id=\"secret\"").expect("the page shows a secret");
        let (_, value) = after.split_once("value=\"").unwrap();
        value.split('"').next().unwrap().to_owned()
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let cookie = self.cookie.as_ref().map(|cookie| format!("__Host-rtstats={cookie}"));
        let cookie = cookie.as_deref().map(|cookie| ("Cookie", cookie));
        let headers: Vec<_> = headers.iter().copied().chain(cookie).collect();
        let answer = self.client.request(method, path, &headers, body);
        if let Some(set) = answer.header("set-cookie") {
            for attribute in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
                assert!(set.contains(attribute), "{attribute} is missing");
            }
            let pair = set.split(';').next().unwrap();
            let value = pair.strip_prefix("__Host-rtstats=").unwrap();
            self.cookie = (!value.is_empty()).then(|| value.to_owned());
        }
        answer
    }
}

/// Elements that have no end.
const VOID: &[&str] = &["input", "link", "meta", "img", "br", "hr"];

/// Checks what every page must have: balanced elements, a language, a title, one main part and one heading of the first
/// rank, a label or a name for every control, text for every button, and nothing inline.
pub fn check_html(name: &str, html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut controls = Vec::new();
    for piece in html.strip_prefix("<!DOCTYPE html>").expect("a doctype").split('<').skip(1) {
        let tag = piece.split('>').next().unwrap();
        if let Some(end) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(end), "{name}: </{end}>");
            continue;
        }
        let element = tag.split(' ').next().unwrap();
        if !VOID.contains(&element) {
            open.push(element);
        }
        assert!(!tag.contains(" style=") && !tag.contains(" onclick="), "{name}: <{tag}>");
        assert!(element != "style", "{name}: a style in the page");
        assert!(element != "script" || tag.contains(" src="), "{name}: a script in the page");
        let hidden = tag.contains("type=\"hidden\"") || tag.contains("aria-hidden");
        if ["input", "select", "textarea"].contains(&element) && !hidden {
            controls.push(tag);
        }
        assert!(element != "img" || tag.contains(" alt="), "{name}: <{tag}>");
        assert!(element != "form" || tag.contains(" action=\"/"), "{name}: <{tag}>");
    }
    assert!(open.is_empty(), "{name}: {open:?} stay open");
    for tag in controls {
        let id = tag.split_once(" id=\"").map(|(_, id)| id.split('"').next().unwrap());
        let id = id.unwrap_or_else(|| panic!("{name}: <{tag}> has no id"));
        assert!(html.contains(&format!("<label for=\"{id}\">")), "{name}: no label for <{tag}>");
    }
    for once in ["<html lang=\"en\">", "<title>", "<main ", "<h1>", "href=\"#main\""] {
        assert_eq!(html.matches(once).count(), 1, "{name}: {once}");
    }
}
