//! Two hostile tenants: every path, token, stream, page and form of one is tried with all that the other has.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    browser::{Browser, PASSWORD},
    client::Client,
    server::{AGENTS, EVENTS, Folder, QUEUES, STATE, STATUS, Server, now_ms},
};

const LIVE: &str = "/api/rtstats/live";
const TRENDS: &str = "/api/rtstats/trends.json";

/// One tenant and all its keys.
struct Tenant {
    name: &'static str,
    /// In every name that it has: whoever sees it elsewhere sees too much.
    mark: &'static str,
    data: String,
    action: String,
    administrator: Browser,
    agent: Browser,
    viewer: Browser,
}

struct World {
    folder: Folder,
    server: Server,
    acme: Tenant,
    beta: Tenant,
}

impl World {
    fn new() -> World {
        let folder = Folder::new();
        let tokens = ["acme", "beta"].map(|name| folder.tenant(name, "UTC"));
        let server = Server::start(&folder, &["--refresh-seconds", "0.1"]);
        let mut maria = Browser::set_up(&server, &folder);
        let [(data, action), (data_too, action_too)] = tokens;
        let acme = Tenant::new(&server, &folder, &mut maria, "acme", "MARK-OF-ACME", data, action);
        let beta =
            Tenant::new(&server, &folder, &mut maria, "beta", "MARK-OF-BETA", data_too, action_too);
        World { folder, server, acme, beta }
    }

    fn client(&self, user: &str, token: &str) -> Client {
        self.server.client(&self.folder).signed_in(user, token)
    }
}

impl Tenant {
    fn new(
        server: &Server,
        folder: &Folder,
        maria: &mut Browser,
        name: &'static str,
        mark: &'static str,
        data: String,
        action: String,
    ) -> Tenant {
        let time = now_ms();
        // Both have the same ids: nothing but the tenant keeps them apart.
        let events: String = [
            json!({"time": time, "type": "queue.configured", "queue": 1, "name": mark, "media": "phone"}),
            json!({"time": time, "type": "group.configured", "group": 1, "name": mark}),
            json!({"time": time, "type": "codes.configured", "list": 1, "name": mark, "items":
                [{"item": 1, "short_code": "x", "name": mark, "status": "on-break"}]}),
            json!({"time": time, "type": "agent.configured", "agent": "j.doe", "name": mark, "group": 1}),
            json!({"time": time, "type": "agent.configured", "agent": mark, "name": "x"}),
            json!({"time": time, "type": "assignment.set", "agent": "j.doe", "queue": 1, "assigned": true}),
            json!({"time": time, "type": "agent.status", "agent": "j.doe", "status": "on-break",
                "list": 1, "item": 1, "source": mark, "seq": 1}),
        ]
        .map(|event| event.to_string() + "\n")
        .concat();
        let client = server.client(folder);
        let sent = client.signed_in(name, &action).post(EVENTS, events);
        assert_eq!(sent.json()["accepted"], 7, "{}", sent.text());
        let link = [("name", mark)];
        assert_eq!(maria.post(&format!("/manager/tenants/{name}/links"), &link).status, 303);
        let mut add = |role: &str, agent: &str| {
            let login = format!("{role}-{mark}");
            let fields = [("role", role), ("tenant", name), ("login", &*login), ("agent", agent)];
            let added = maria.post("/manager/accounts/new", &fields);
            assert_eq!(added.status, 303, "{}", added.text());
            let link = maria.secret(added.header("location").unwrap());
            let mut browser = Browser::new(client.clone());
            let code = link.split_once("/invitation#").unwrap().1;
            let fields = [("code", code), ("password", PASSWORD), ("again", PASSWORD)];
            assert_eq!(browser.post("/invitation", &fields).status, 303);
            browser
        };
        let (administrator, agent) = (add("tenant", ""), add("agent", "j.doe"));
        let mut viewer = Browser::new(client.clone());
        let fields = [("way", "viewer"), ("viewed", name), ("token", &*data)];
        assert_eq!(viewer.post("/sign-in", &fields).status, 303);
        Tenant { name, mark, data, action, administrator, agent, viewer }
    }
}

/// Everything that programs may read.
fn readable(mark: &str) -> Vec<String> {
    let items = ["agent/j.doe", "queue/1", "agents", "queues"].map(str::to_owned);
    let marked = format!("agent/{mark}");
    let stats = items.iter().chain([&marked]).flat_map(|item| {
        ["", ".xml", ".json"].map(|suffix| format!("/api/rtstats/stats/{item}{suffix}"))
    });
    let source = format!("{STATE}?source={mark}");
    let others = [STATUS, STATE, &source, LIVE, TRENDS, "/api/rtstats/trends.json?hours=24"];
    stats
        .chain(others.map(str::to_owned))
        .chain([format!("{AGENTS}.csv"), format!("{QUEUES}.csv")])
        .collect()
}

#[test]
fn no_token_of_one_tenant_opens_anything_of_another() {
    let world = World::new();
    let (acme, beta) = (&world.acme, &world.beta);
    let before = [AGENTS, QUEUES].map(|path| world.client("acme", &acme.data).get(path).body.len());
    // Whoever claims to be acme with what beta has, or the other way round, or with the wrong one of its own.
    for (user, token) in [
        ("acme", &beta.data),
        ("acme", &beta.action),
        ("beta", &acme.data),
        ("beta", &acme.action),
        ("ACME", &acme.data),
        ("acme ", &acme.data),
        ("acme\0", &acme.data),
        ("acme/beta", &beta.data),
        ("", &beta.data),
        ("acme", &beta.data.to_uppercase()),
        ("acme", &format!("{}:{}", acme.data, beta.data)),
        ("acme", &acme.data[..63].to_owned()),
        ("acme", &String::new()),
    ] {
        let client = world.client(user, token);
        for path in readable(acme.mark) {
            let answer = client.get(&path);
            assert_eq!(answer.status, 403, "{user} {path}: {}", answer.text());
            assert!(!answer.text().contains("MARK-OF"), "{path}");
        }
        let event = r#"{"time":1,"type":"agent.removed","agent":"j.doe"}"#;
        assert_eq!(client.post(EVENTS, event).status, 403, "{user}");
    }
    for path in [STATE, EVENTS] {
        let method = if path == EVENTS { "POST" } else { "GET" };
        let answer = world.client("acme", &acme.data).request(method, path, &[], b"");
        assert_eq!(answer.status, 403, "a Data Request Token at {path}");
    }
    let after = [AGENTS, QUEUES].map(|path| world.client("acme", &acme.data).get(path).body.len());
    assert_eq!(before, after);
    let log = world.folder.succeed(&["log", "acme"]);
    assert!(log.lines().count() == 7 && !log.contains("agent.removed"), "{log}");
}

#[test]
fn with_its_own_tokens_a_tenant_sees_itself_alone() {
    let world = World::new();
    for (own, other) in [(&world.acme, &world.beta), (&world.beta, &world.acme)] {
        let (data, action) =
            (world.client(own.name, &own.data), world.client(own.name, &own.action));
        for path in readable(other.mark).iter().filter(|path| **path != LIVE) {
            let client = if path.starts_with(STATE) { &action } else { &data };
            let answer = client.get(path);
            let expected =
                if path.contains(other.mark) && !path.starts_with(STATE) { 404 } else { 200 };
            assert_eq!(answer.status, expected, "{path}: {}", answer.text());
            assert!(!answer.text().contains(other.mark), "{path}: {}", answer.text());
        }
        // A number of the other's source is none here.
        let asked = action.get(&format!("{STATE}?source={}", other.mark));
        assert_eq!(asked.header("rtstats-seq"), Some("0"));
    }
}

#[test]
fn a_stream_tells_of_its_own_tenant_alone() {
    let world = World::new();
    let data = world.client("beta", &world.beta.data);
    let mut stream = data.connect();
    data.send(&mut *stream, "GET", LIVE, &[], b"").unwrap();
    let status = |tenant: &Tenant, status: &str| {
        let event =
            json!({"time": now_ms(), "type": "agent.status", "agent": "j.doe", "status": status});
        let sent = world.client(tenant.name, &tenant.action).post(EVENTS, event.to_string());
        assert_eq!(sent.json()["accepted"], 1);
    };
    let mut heard = String::new();
    let mut part = [0; 8_192];
    let mut changed = false;
    // Once the stream's first words are there, both change; beta's change is the last thing that is waited for.
    while heard.matches("event: change").count() < 3 {
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "the stream ended: {heard}");
        heard += &String::from_utf8_lossy(&part[..read]);
        if !changed && heard.contains("event: full") {
            status(&world.acme, "available");
            status(&world.beta, "work-offline");
            changed = true;
        }
    }
    assert!(heard.contains(world.beta.mark) && !heard.contains(world.acme.mark), "{heard}");
}

/// What pages lead to: paths to get, and those that forms post to.
#[derive(Default)]
struct Seen {
    gets: BTreeSet<String>,
    posts: BTreeSet<String>,
}

/// Follows every link that leads to a page.
fn crawl(browser: &mut Browser) -> Seen {
    let mut seen = Seen::default();
    let mut next = vec!["/".to_owned()];
    while let Some(path) = next.pop() {
        if !seen.gets.insert(path.clone()) {
            continue;
        }
        let page = browser.get(&path);
        let html = String::from_utf8_lossy(&page.body).into_owned();
        let location = page.header("location").map(str::to_owned);
        let links =
            html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        let led =
            links.chain(location).map(|link| link.split('#').next().unwrap().replace("&amp;", "&"));
        next.extend(led.filter(|link| link.starts_with('/') && !link.starts_with("/assets/")));
        for action in html.split("action=\"").skip(1) {
            seen.posts.insert(action.split('"').next().unwrap().to_owned());
        }
    }
    seen
}

#[test]
fn no_page_or_form_of_one_tenant_is_the_other_s() {
    let mut world = World::new();
    let seen = crawl(&mut world.acme.administrator);
    let own = |path: &&String| path.contains("/tenants/acme");
    assert!(seen.gets.iter().filter(own).count() > 12, "{:?}", seen.gets);
    assert!(seen.posts.iter().filter(own).count() > 5, "{:?}", seen.posts);
    let accounts =
        |path: &&String| path.starts_with("/manager/accounts/") && !path.ends_with("/new");
    assert!(seen.gets.iter().filter(accounts).count() >= 2, "{:?}", seen.gets);
    let before = world.folder.succeed(&["log", "acme"]);
    let foreign = |path: &str| {
        let path = path.to_owned();
        own(&&path) || accounts(&&path)
    };
    let token = world.acme.administrator.token().unwrap();
    let beta = &mut world.beta;
    for browser in [&mut beta.administrator, &mut beta.agent, &mut beta.viewer] {
        for path in &seen.gets {
            let page = browser.get(path);
            let html = String::from_utf8_lossy(&page.body);
            assert!(!html.contains(world.acme.mark), "{path}: {html}");
            if foreign(path) {
                assert!(matches!(page.status, 403 | 404), "{path}: {}", page.status);
            }
        }
        for path in seen.posts.iter().filter(|path| foreign(path)) {
            let refused = browser.post(path, &[("name", "x"), ("typed", "acme"), ("version", "0")]);
            assert!(matches!(refused.status, 403 | 404), "{path}: {}", refused.status);
            // Not even with the other's token of the form.
            let refused = browser.post_only(path, &[("csrf", &token)], &[]);
            assert!(matches!(refused.status, 403 | 404), "{path}: {}", refused.status);
        }
    }
    assert_eq!(world.folder.succeed(&["log", "acme"]), before);
    assert_eq!(crawl(&mut world.acme.administrator).gets, seen.gets, "nothing has gone");
}
