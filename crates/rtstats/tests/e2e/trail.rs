//! The audit trail: every change is in it, whoever made it and by which way.

use std::{thread, time::Duration, time::Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    console::{Office, at},
    server::PATIENCE,
};

const TRAIL: &str = "/manager/audit";

/// How often the trail tells that something was done to an object.
fn told(trail: &str, action: &str, object: &str) -> usize {
    trail.matches(&format!("<code>{action}</code> <strong>{object}</strong>")).count()
}

/// Sends a form and goes away after a while, answered or not.
fn posted_and_left(
    office: &Office,
    token: &str,
    path: &str,
    fields: &[(&str, &str)],
    after: Duration,
) {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let fields = fields.iter().copied().chain([("csrf", token)]);
    let fields: Vec<String> =
        fields.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let cookie = format!("__Host-rtstats={}", office.maria.cookie.as_ref().unwrap());
    let form = "application/x-www-form-urlencoded";
    let headers = [("Content-Type", form), ("Cookie", &*cookie)];
    let client = &office.maria.client;
    let mut stream = client.connect();
    client.send(&mut *stream, "POST", path, &headers, fields.join("&").as_bytes()).unwrap();
    thread::sleep(after);
}

/// How long the browsers stay: some leave before the server has read the form, some after it has answered.
fn stays() -> impl Iterator<Item = Duration> + Clone {
    (0..40).map(|step| Duration::from_micros(500 * step))
}

#[test]
fn a_change_is_in_the_trail_also_if_its_browser_has_gone() {
    let mut office = Office::new();
    let token = office.maria.token().unwrap();
    for (number, after) in (201..).zip(stays()) {
        let number = number.to_string();
        let fields = [("queue", &*number), ("name", "Left"), ("media", "phone")];
        posted_and_left(&office, &token, &at("/queues/new"), &fields, after);
    }
    // A change is durable before it is in the trail: at the end there is none that isn't.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let state = office.state();
        let trail = office.maria_page(TRAIL);
        let made = |number: &i32| state.contains(&format!("\"queue\":{number},"));
        let (made, missing): (Vec<i32>, Vec<i32>) = {
            let made: Vec<i32> = (201..241).filter(made).collect();
            let silent = |number: &&i32| told(&trail, "queue.configured", &number.to_string()) != 1;
            (made.clone(), made.iter().filter(silent).copied().collect())
        };
        if !made.is_empty() && missing.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "of {made:?} the trail misses {missing:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_import_tells_of_each_agent() {
    let mut office = Office::new();
    office.furnish();
    let path = at("/agents/import");
    let csv = "agent-id,agent-name,queues\nj.doe,Jane Doe,115 116:disabled\nbob,Bob,\n";
    let dry = office.maria.post(&path, &[("csv", csv)]);
    let version = crate::console::hidden(dry.text(), "version").unwrap();
    let apply = [("csv", csv), ("way", "apply"), ("version", &*version)];
    assert_eq!(office.maria.post(&path, &apply).status, 303);
    let trail = office.maria_page(TRAIL).replace("&quot;", "\"");
    assert_eq!(told(&trail, "agents.imported", "CSV"), 1, "{trail}");
    assert_eq!(told(&trail, "agent.imported", "bob"), 1, "{trail}");
    assert_eq!(told(&trail, "agent.imported", "j.doe"), 1, "{trail}");
    for shown in [
        r#"{"name":"Jane","group":null,"queues":{}}"#,
        r#"{"name":"Jane Doe","group":null,"queues":{"115":true,"116":false}}"#,
    ] {
        assert!(trail.contains(shown), "{shown} in {trail}");
    }
}

#[test]
fn commands_are_in_the_trail_as_what_pages_do() {
    let mut office = Office::new();
    office.folder.succeed(&["tenant", "add", "beta", "--timezone", "Europe/Berlin"]);
    office.folder.succeed(&["tenant", "remove", "beta"]);
    let trail = office.maria_page(TRAIL);
    for (action, object) in [
        ("tenant.added", "acme"),
        ("token.data", "Data Request Token"),
        ("token.action", "Action Request Token"),
        ("tenant.added", "beta"),
        ("tenant.removed", "beta"),
    ] {
        assert_eq!(told(&trail, action, object), 1, "{action} {object} in {trail}");
    }
    assert_eq!(trail.matches("<td>operator (command line)</td>").count(), 5, "{trail}");
    assert_eq!(trail.matches("Europe/Berlin").count(), 2, "{trail}");
    assert_eq!(office.maria.post(&at("/tokens/data"), &[]).status, 303);
    let fields = [("name", "gamma"), ("zone", "UTC")];
    assert_eq!(office.maria.post("/manager/new", &fields).status, 303);
    let trail = office.maria_page(TRAIL);
    assert_eq!(told(&trail, "token.data", "Data Request Token"), 2, "{trail}");
    assert_eq!(told(&trail, "tenant.added", "gamma"), 1, "{trail}");
    assert_eq!(trail.matches("<td>operator (command line)</td>").count(), 5, "{trail}");
}

#[test]
fn a_new_token_waits_for_a_browser_that_has_gone() {
    let mut office = Office::new();
    let before = office.reader(&office.data);
    let is_void = || before.get("/api/rtstats/stats/queues.json").status == 403;
    let csrf = office.maria.token().unwrap();
    let deadline = Instant::now() + PATIENCE;
    for after in stays().cycle() {
        posted_and_left(&office, &csrf, &at("/tokens/data"), &[], after);
        if is_void() {
            break;
        }
        assert!(Instant::now() < deadline, "the old token is still in force");
    }
    loop {
        let page = office.maria_page(&at("/tokens"));
        let works = page.split("id=\"secret\"").skip(1).any(|shown| {
            let token = shown.split_once("value=\"").unwrap().1.split('"').next().unwrap();
            office.reader(token).get("/api/rtstats/stats/queues.json").status == 200
        });
        if works {
            break;
        }
        assert!(Instant::now() < deadline, "the new token is shown nowhere");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(told(&office.maria_page(TRAIL), "token.data", "Data Request Token") >= 2);
}
