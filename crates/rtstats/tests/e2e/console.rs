//! The Configuration Manager and the agent's page, as forms with cookies over TLS.

use crate::{
    browser::{Browser, PASSWORD, check_html},
    client::{Client, Response},
    server::{Folder, Server},
};

/// A server whose tenant `acme` has nothing yet, and a browser of its first administrator.
pub struct Office {
    pub folder: Folder,
    pub server: Server,
    pub data: String,
    pub action: String,
    pub maria: Browser,
}

pub const BASE: &str = "/manager/tenants/acme";

impl Office {
    pub fn new() -> Office {
        let folder = Folder::new();
        let (data, action) = folder.tenant("acme", "UTC");
        let server = Server::start(&folder, &["--refresh-seconds", "0.1"]);
        let maria = Browser::set_up(&server, &folder);
        Office { folder, server, data, action, maria }
    }

    pub fn api(&self, path: &str) -> Response {
        self.reader(&self.data).get(path)
    }

    pub fn reader(&self, token: &str) -> Client {
        self.server.client(&self.folder).signed_in("acme", token)
    }

    /// The present state as the engine tells it.
    pub fn state(&self) -> String {
        let client = self.server.client(&self.folder).signed_in("acme", &self.action);
        client.get("/api/rtstats/state").text().to_owned()
    }

    /// Sends a form of a page with its hidden fields, and goes where it leads; that page must be shown.
    pub fn does(&mut self, path: &str, fields: &[(&str, &str)]) -> String {
        let version = hidden(&self.maria_page(path), "version");
        let version = version.as_deref().map(|version| ("version", version));
        let fields: Vec<_> = fields.iter().copied().chain(version).collect();
        let answer = self.maria.post(path, &fields);
        assert_eq!(answer.status, 303, "{path}: {}", answer.text());
        let location = answer.header("location").unwrap().to_owned();
        self.maria.page(&location)
    }

    pub fn maria_page(&mut self, path: &str) -> String {
        self.maria.page(path)
    }

    pub fn furnish(&mut self) {
        self.does(&at("/queues/new"), &[("queue", "115"), ("name", "Sales"), ("media", "phone")]);
        self.does(&at("/queues/new"), &[("queue", "116"), ("name", "Help"), ("media", "chat")]);
        self.does(&at("/agents/new"), &[("agent", "j.doe"), ("name", "Jane"), ("group", "")]);
    }

    /// Adds an account by its form and sets its password; the browser that is signed in then.
    pub fn invited(&mut self, page: &str) -> Browser {
        let link = self.maria.secret(page);
        let code = link.split_once("/invitation#").unwrap().1;
        let mut browser = Browser::new(self.server.client(&self.folder));
        let fields = [("code", code), ("password", PASSWORD), ("again", PASSWORD)];
        assert_eq!(browser.post("/invitation", &fields).status, 303);
        browser
    }
}

pub fn at(path: &str) -> String {
    format!("{BASE}{path}")
}

pub fn hidden(page: &str, name: &str) -> Option<String> {
    let (_, after) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    Some(after.split('"').next().unwrap().to_owned())
}

#[test]
fn a_queue_made_in_the_browser_is_in_the_api_with_its_number() {
    let mut office = Office::new();
    assert!(office.maria_page(&at("")).contains("To a running contact centre"));
    office.furnish();
    let queues = office.api("/api/rtstats/stats/queue/115.json").json();
    assert_eq!(queues["queue"]["queue-name"], "Sales");
    assert!(office.maria_page(&at("/queues")).contains(">115<"));
    let taken = [("queue", "115"), ("name", "Other"), ("media", "phone")];
    let refused = office.maria.post(&at("/queues/new"), &taken);
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("has this number already"));
    office.does(&at("/queue/115"), &[("name", "Sales EU"), ("media", "email")]);
    assert!(office.state().contains(r#""queue":115,"name":"Sales EU","media":"email""#));
    assert!(office.maria_page(&at("/queue/115/remove")).contains("What is lost"));
    office.does(&at("/queue/115/remove"), &[]);
    assert!(!office.state().contains(r#""queue":115"#), "{}", office.state());
    let trail = office.maria_page("/manager/audit");
    for told in
        ["queue.configured", "queue.removed", "Sales EU", "&quot;media&quot;:&quot;email&quot;"]
    {
        assert!(trail.contains(told), "{told} in {trail}");
    }
    assert!(office.maria_page(&at("/activity")).contains(">console<"));
}

#[test]
fn a_service_level_is_told_in_seconds_and_leaves_the_rest() {
    let mut office = Office::new();
    office.furnish();
    let path = at("/queue/115/sla");
    let mut fields = [
        ("percent", "80"),
        ("within", "2"),
        ("within-unit", "minutes"),
        ("every", "1"),
        ("every-unit", "hours"),
        ("way", "set"),
    ];
    let shown = office.does(&path, &fields);
    assert!(shown.contains("80 % within 2 min"), "{shown}");
    let sla = r#""name":"Sales","media":"phone","sla":{"percent":80,"within_seconds":120,"evaluate_every_seconds":3600}"#;
    assert!(office.state().contains(sla), "{}", office.state());
    fields[0].1 = "101";
    let version = hidden(&office.maria_page(&path), "version").unwrap();
    let wrong: Vec<_> = fields.iter().copied().chain([("version", &*version)]).collect();
    assert_eq!(office.maria.post(&path, &wrong).status, 422);
    fields[5].1 = "none";
    office.does(&path, &fields);
    assert!(!office.state().contains("\"sla\""));
}

#[test]
fn what_changed_meanwhile_is_told_and_not_overwritten() {
    let mut office = Office::new();
    office.furnish();
    let version = hidden(&office.maria_page(&at("/queue/115")), "version").unwrap();
    office.does(&at("/queue/115"), &[("name", "Sales North"), ("media", "phone")]);
    let stale = [("name", "Mine"), ("media", "phone"), ("version", &version)];
    let refused = office.maria.post(&at("/queue/115"), &stale);
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("it is now “Sales North”"), "{}", refused.text());
    assert!(refused.text().contains("value=\"Mine\""));
    assert!(office.state().contains("Sales North"));
}

#[test]
fn a_form_sent_twice_is_done_once() {
    let mut office = Office::new();
    let once = hidden(&office.maria_page(&at("/queues/new")), "once").unwrap();
    let fields = [("queue", "7"), ("name", "Seven"), ("media", "phone"), ("once", &*once)];
    for _ in 0..2 {
        let answer = office.maria.post(&at("/queues/new"), &fields);
        assert_eq!((answer.status, answer.header("location")), (303, Some(&*at("/queue/7"))));
    }
    let trail = office.maria_page("/manager/audit");
    assert_eq!(trail.matches("queue.configured").count(), 1);
}

#[test]
fn a_new_token_voids_the_old_one_at_once() {
    let mut office = Office::new();
    assert_eq!(office.api("/api/rtstats/stats/queues.json").status, 200);
    let shown = office.maria_page(&at("/tokens"));
    assert!(shown.contains("In force") && shown.contains("<time"), "{shown}");
    assert!(office.maria_page(&at("/tokens/data")).contains("What stops working"));
    let made = office.maria.post(&at("/tokens/data"), &[]);
    assert_eq!(made.status, 303, "{}", made.text());
    assert_eq!(office.api("/api/rtstats/stats/queues.json").status, 403);
    let token = office.maria.secret(&at("/tokens"));
    assert_eq!(token.len(), 64);
    assert_eq!(office.reader(&token).get("/api/rtstats/stats/queues.json").status, 200);
    assert!(!office.maria_page(&at("/tokens")).contains(&token), "it is shown once");
    let trail = office.maria_page("/manager/audit");
    assert!(trail.contains("token.data") && !trail.contains(&token));
}

#[test]
fn a_dry_run_writes_nothing_and_an_import_all_of_it() {
    let mut office = Office::new();
    office.furnish();
    let before = office.state();
    let path = at("/agents/import");
    let wrong = "agent-id,agent-name,queues\nj.doe,Jane,115\nj.doe,Twice,\nbob,,999\n";
    let refused = office.maria.post(&path, &[("csv", wrong)]);
    assert_eq!(refused.status, 422);
    for told in ["stands in line 2 already", "An agent-name has", "There is no queue 999"] {
        assert!(refused.text().contains(told), "{told} in {}", refused.text());
    }
    check_html("problems of an import", refused.text());
    assert_eq!(office.state(), before);
    let right = "agent-id,agent-name,queues\nj.doe,Jane Doe,115 116:disabled\nbob,Bob,115\n";
    let dry = office.maria.post(&path, &[("csv", right)]);
    assert_eq!(dry.status, 200, "{}", dry.text());
    check_html("the dry run", dry.text());
    assert_eq!(office.state(), before, "a dry run writes nothing");
    let version = hidden(dry.text(), "version").unwrap();
    let stale = [("csv", right), ("way", "apply"), ("version", "0")];
    assert_eq!(office.maria.post(&path, &stale).status, 200, "only what was looked at is written");
    assert_eq!(office.state(), before);
    assert_eq!(hidden(dry.text(), "way").as_deref(), Some("apply"));
    let apply = [("csv", right), ("way", "apply"), ("version", &*version)];
    assert_eq!(office.maria.post(&path, &apply).status, 303);
    let agent = office.api("/api/rtstats/stats/agent/j.doe.json").json();
    assert_eq!(agent["agent"]["agent-name"], "Jane Doe");
    assert_eq!(agent["agent"]["assigned-skill-count"], 2);
    assert_eq!(agent["agent"]["enabled-skill-count"], 1);
    let export = office.maria.get(&at("/agents/export"));
    assert!(export.text().contains("j.doe,Jane Doe,,115 116:disabled"), "{}", export.text());
    let again = office.maria.post(&path, &[("csv", export.text())]);
    assert!(again.text().contains("nothing to import"), "{}", again.text());
}

#[test]
fn an_import_comes_back_from_its_dry_run_as_it_was_chosen() {
    let mut office = Office::new();
    office.furnish();
    let odd = r#"{"time":1,"type":"agent.configured","agent":" odd ","name":" a\r\n\u0000b\n","group":9}
        {"time":1,"type":"agent.configured","agent":"none","name":""}"#;
    let sender = office.server.client(&office.folder).signed_in("acme", &office.action);
    assert_eq!(sender.post("/api/rtstats/events", odd).status, 200);
    let path = at("/agents/import");
    let export = office.maria.get(&at("/agents/export")).text().to_owned();
    let dry = office.maria.upload(&path, &[], Some(export.as_bytes()));
    assert!(dry.text().contains("nothing to import"), "{}", dry.text());
    let other = export.replace("\u{0}b\n", "\u{0}c\n");
    assert_ne!(other, export);
    let dry = office.maria.upload(&path, &[], Some(other.as_bytes()));
    let sent = ["version", "kept", "way"].map(|name| (name, hidden(dry.text(), name).unwrap()));
    let sent = sent.each_ref().map(|(name, value)| (*name, value.as_str()));
    let applied = office.maria.upload(&path, &sent, None);
    assert_eq!(applied.status, 303, "{}", applied.text());
    assert!(office.state().contains(r#""agent":" odd ","name":" a\r\n\u0000c\n","group":9"#));
}

#[test]
fn a_large_tenant_is_imported_in_parts() {
    let mut office = Office::new();
    let queues: Vec<String> = (101..151).map(|queue: u32| queue.to_string()).collect();
    let lines: Vec<String> = queues
        .iter()
        .map(|queue| format!(r#"{{"time":1,"type":"queue.configured","queue":{queue},"name":"Q","media":"phone"}}"#))
        .collect();
    let sender = office.server.client(&office.folder).signed_in("acme", &office.action);
    assert_eq!(sender.post("/api/rtstats/events", lines.join("\n")).status, 200);
    let (agents, queues) = (3_000, queues.join(" "));
    let mut file = "agent-id,agent-name,queues\n".to_owned();
    for agent in 0..agents {
        file += &format!("agent-{agent},Agent {agent},{queues}\n");
    }
    let path = at("/agents/import");
    let dry = office.maria.upload(&path, &[], Some(file.as_bytes()));
    let parts = dry.text().split_once("It is written in ").expect("it is more than a part").1;
    let parts: u32 = parts.split(' ').next().unwrap().parse().unwrap();
    assert!(parts > 4, "more than a batch of 16 MiB: {parts}");
    let sent = ["version", "kept", "way"].map(|name| (name, hidden(dry.text(), name).unwrap()));
    let sent = sent.each_ref().map(|(name, value)| (*name, value.as_str()));
    let applied = office.maria.upload(&path, &sent, None);
    assert_eq!(applied.status, 303, "{}", applied.text());
    let last = office.api(&format!("/api/rtstats/stats/agent/agent-{}.json", agents - 1)).json();
    assert_eq!(last["agent"]["enabled-skill-count"], 50);
    let again = office.maria.upload(&path, &[], Some(file.as_bytes()));
    assert!(again.text().contains("nothing to import"), "{}", again.text());
    let audit = office.maria_page("/manager/audit");
    // Newest first: the last part's counts, and below them its agents.
    let last = format!("&quot;part&quot;:{parts},&quot;parts&quot;:{parts}");
    assert!(audit.contains(&last), "{audit}");
    assert!(audit.contains(&format!("<strong>agent-{}</strong>", agents - 1)), "{audit}");
}

#[test]
fn the_matrix_sets_only_what_was_ticked() {
    let mut office = Office::new();
    office.furnish();
    let path = at("/assignments?agent=j%2Edoe");
    let page = office.maria_page(&path);
    check_html("the matrix", &page);
    let was = hidden(&page, "was").unwrap();
    assert_eq!(was, "nn");
    let shown = [("agent", "j.doe"), ("queue", "115"), ("queue", "116"), ("was", &*was)];
    let ticked: Vec<_> =
        shown.iter().copied().chain([("a", "0-0"), ("e", "0-0"), ("a", "0-1")]).collect();
    let saved = office.maria.post(&path, &ticked);
    assert_eq!((saved.status, saved.header("location")), (303, Some(&*path)), "{}", saved.text());
    let agent = office.api("/api/rtstats/stats/agent/j.doe.json").json();
    assert_eq!(agent["agent"]["assigned-skill-count"], 2);
    assert_eq!(agent["agent"]["enabled-skill-count"], 1);
    let stale = office.maria.post(&path, &shown);
    assert_eq!(stale.status, 303);
    let told = office.maria_page(&path);
    assert!(told.contains("There was nothing to change"), "{told}");
    let unticked =
        [("agent", "j.doe"), ("queue", "115"), ("queue", "116"), ("was", "nn"), ("a", "0-0")];
    assert_eq!(office.maria.post(&path, &unticked).status, 303);
    assert!(office.maria_page(&path).contains("Nothing was saved"));
    assert_eq!(
        hidden(&office.maria_page(&at("/assignments?queue=115")), "was").as_deref(),
        Some("e")
    );
    assert!(office.maria_page(&at("/assignments")).contains("Save the assignments"));
}

#[test]
fn codes_and_groups_are_kept_with_their_names() {
    let mut office = Office::new();
    office.furnish();
    office.does(&at("/groups/new"), &[("group", "4"), ("name", "North")]);
    office.does(&at("/agent/j%2Edoe"), &[("name", "Jane"), ("group", "4")]);
    let item = [("item", "1"), ("short", "LUN"), ("called", "Lunch"), ("for", "on-break")];
    let list: Vec<_> = [("list", "7"), ("name", "Breaks")].into_iter().chain(item).collect();
    office.does(&at("/codes/new"), &list);
    let state = office.state();
    assert!(
        state.contains(
            r#""items":[{"item":1,"short_code":"LUN","name":"Lunch","status":"on-break"}]"#
        ),
        "{state}"
    );
    assert!(office.maria_page(&at("/code/7")).contains("value=\"Lunch\""));
    office.does(&at("/group/4/remove"), &[]);
    let state = office.state();
    assert!(!state.contains("group.configured"));
    assert!(!state.contains(r#""group":4"#), "its agents are without one: {state}");
    let trail = office.maria_page("/manager/audit");
    assert!(trail.contains("<code>agent.configured</code> <strong>j.doe</strong>"), "{trail}");
    office.does(&at("/groups/new"), &[("group", "4"), ("name", "South")]);
    let jane = office.api("/api/rtstats/stats/agent/j.doe.json").json();
    assert_eq!(jane["agent"]["group-id"], 0, "nobody is in a new group: {jane}");
}

#[test]
fn a_long_list_of_codes_keeps_the_items_that_no_form_holds() {
    let mut office = Office::new();
    let items: Vec<String> = (1..=501)
        .map(|item| format!(r#"{{"item":{item},"short_code":"C{item}","name":"Code {item}","status":"on-break"}}"#))
        .collect();
    let list = |list: u32, items: &[String]| {
        let items = items.join(",");
        format!(
            r#"{{"time":1,"type":"codes.configured","list":{list},"name":"Long","items":[{items}]}}"#
        )
    };
    let sender = office.server.client(&office.folder).signed_in("acme", &office.action);
    for event in [list(7, &items), list(8, &items[..500])] {
        assert_eq!(sender.post("/api/rtstats/events", event).status, 200);
    }
    let long = office.maria_page(&at("/code/7"));
    check_html("a long list", &long);
    assert!(long.contains("Code 501") && !long.contains("name=\"item\""));
    office.does(&at("/code/7"), &[("name", "Longer")]);
    let state = office.state();
    assert!(state.contains("\"Longer\"") && state.contains("Code 501"), "all of it stays");
    // One row more than a form takes is refused, and never cut off.
    let numbers: Vec<String> = (1..=501).map(|item| item.to_string()).collect();
    let version = hidden(&office.maria_page(&at("/code/8")), "version").unwrap();
    let rows = numbers.iter().flat_map(|number| {
        [("item", &**number), ("short", ""), ("called", "x"), ("for", "on-break")]
    });
    let fields: Vec<_> =
        [("name", "Cut"), ("version", &*version)].into_iter().chain(rows).collect();
    let refused = office.maria.post(&at("/code/8"), &fields);
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("at most 500 items"));
    let more: Vec<_> = fields.iter().copied().cycle().take(4_200).collect();
    assert_eq!(office.maria.post(&at("/code/8"), &more).status, 413);
    assert!(!office.state().contains("\"Cut\""));
}

#[test]
fn an_account_goes_with_its_agent_also_by_an_event() {
    let mut office = Office::new();
    office.furnish();
    let made = office.maria.post(&at("/agent/j%2Edoe/account"), &[("login", "jane")]);
    let page = made.header("location").unwrap().to_owned();
    let mut jane = office.invited(&page);
    assert_eq!(jane.get("/agent").status, 200);
    let sender = office.server.client(&office.folder).signed_in("acme", &office.action);
    // An event that does nothing takes nobody's account.
    let ghost = r#"{"time":1,"type":"agent.removed","agent":"ghost"}"#;
    assert_eq!(sender.post("/api/rtstats/events", ghost).status, 200);
    let again = concat!(
        r#"{"time":1,"type":"agent.removed","agent":"j.doe"}"#,
        "\n",
        r#"{"time":1,"type":"agent.configured","agent":"j.doe","name":"John"}"#
    );
    assert_eq!(jane.get("/agent").status, 200);
    assert_eq!(sender.post("/api/rtstats/events", again).status, 200);
    assert_eq!(jane.get("/agent").status, 303, "Jane is out before the answer, not in as John");
    assert!(!office.maria_page(&at("/agent/j%2Edoe")).contains("in use"));
    let trail = office.maria_page("/manager/audit");
    assert!(trail.contains("<td>event agent.removed</td>"), "{trail}");
    assert!(trail.contains("<code>account.removed</code> <strong>jane</strong>"), "{trail}");
}

#[test]
fn a_secret_waits_for_the_page_that_shows_it() {
    let mut office = Office::new();
    assert_eq!(office.maria.post(&at("/tokens/data"), &[]).status, 303);
    assert!(!office.maria_page("/account").contains("id=\"secret\""));
    let token = office.maria.secret(&at("/tokens"));
    assert_eq!(office.reader(&token).get("/api/rtstats/stats/queues.json").status, 200);
    assert_eq!(office.maria.post(&at("/tokens/data"), &[]).status, 303);
    let cookie = format!("__Host-rtstats={}", office.maria.cookie.as_ref().unwrap());
    let head = office.maria.client.request("HEAD", &at("/tokens"), &[("Cookie", &*cookie)], b"");
    assert_eq!(head.status, 200);
    assert_ne!(office.maria.secret(&at("/tokens")), token, "a head alone shows nothing");
}

#[test]
fn administrators_of_one_tenant_see_no_other() {
    let mut office = Office::new();
    let made = office.maria.post("/manager/new", &[("name", "beta"), ("zone", "Europe/Berlin")]);
    assert_eq!(made.status, 303, "{}", made.text());
    let wrong = office.maria.post("/manager/new", &[("name", "beta"), ("zone", "Mars/Base")]);
    assert_eq!(wrong.status, 422);
    let fields = [("role", "tenant"), ("tenant", "beta"), ("login", "bert"), ("agent", "")];
    let added = office.maria.post("/manager/accounts/new", &fields);
    let page = added.header("location").unwrap().to_owned();
    let mut bert = office.invited(&page);
    let home = bert.get("/manager");
    assert_eq!((home.status, home.header("location")), (303, Some("/manager/tenants/beta")));
    assert_eq!(bert.get("/manager/tenants/beta/queues").status, 200);
    for path in
        ["", "/queues", "/queue/115", "/agents/export", "/tokens", "/tokens/data", "/assignments"]
    {
        assert_eq!(bert.get(&at(path)).status, 404, "{path}");
    }
    for path in ["/queues/new", "/tokens/action", "/agents/import", "/remove"] {
        assert_eq!(bert.post(&at(path), &[("typed", "acme")]).status, 404, "{path}");
    }
    assert_eq!(bert.get("/manager/new").status, 403);
    assert_eq!(bert.post("/manager/tenants/beta/remove", &[("typed", "beta")]).status, 403);
    assert_eq!(office.maria.post("/manager/tenants/beta/remove", &[("typed", "bet")]).status, 422);
    assert_eq!(office.maria.post("/manager/tenants/beta/remove", &[("typed", "beta")]).status, 303);
    assert_eq!(office.maria.get("/manager/tenants/beta").status, 404);
}

#[test]
fn an_agent_changes_the_own_status_and_own_queues_and_nothing_else() {
    let mut office = Office::new();
    office.furnish();
    office.does(&at("/agents/new"), &[("agent", "bob"), ("name", "Bob"), ("group", "")]);
    let shown =
        [("agent", "j.doe"), ("agent", "bob"), ("queue", "115"), ("queue", "116"), ("was", "nnnn")];
    let ticked = shown.into_iter().chain([("a", "0-0"), ("e", "0-0"), ("a", "1-0"), ("e", "1-0")]);
    assert_eq!(office.maria.post(&at("/assignments"), &ticked.collect::<Vec<_>>()).status, 303);
    let made = office.maria.post(&at("/agent/j%2Edoe/account"), &[("login", "jane")]);
    assert_eq!(made.status, 303, "{}", made.text());
    let page = made.header("location").unwrap().to_owned();
    let mut jane = office.invited(&page);
    let own = jane.page("/agent");
    check_html("/agent", &own);
    assert!(own.contains("Sales") && !own.contains("Help"), "{own}");
    assert_eq!(
        jane.post("/agent/status", &[("status", "available"), ("agent", "bob")]).status,
        303
    );
    let status = |office: &Office, agent: &str| {
        office.api(&format!("/api/rtstats/stats/agent/{agent}.json")).json()["agent"].clone()
    };
    assert!(
        office.state().contains(r#""type":"agent.status","agent":"j.doe","status":"available""#)
    );
    assert_eq!(status(&office, "bob")["agent-status"], 9);
    assert_eq!(jane.post("/agent/status", &[("status", "on-break 7 1")]).status, 303);
    assert!(jane.page("/agent").contains("There is no such status any more"));
    let pause = [("shown", "115+"), ("enabled", "116"), ("agent", "bob")];
    assert_eq!(jane.post("/agent/queues", &pause).status, 303);
    let state = office.state();
    assert!(
        state.contains(r#""agent":"j.doe","queue":115,"assigned":true,"enabled":false"#),
        "{state}"
    );
    assert!(state.contains(r#""agent":"bob","queue":115,"assigned":true}"#), "{state}");
    assert!(!state.contains(r#""agent":"j.doe","queue":116"#), "never assigned");
    assert_eq!(jane.post("/agent/queues", &[("shown", "116-"), ("enabled", "116")]).status, 303);
    assert!(jane.page("/agent").contains("have been changed meanwhile"));
    for path in [BASE, "/manager", "/manager/audit", "/wallboard", "/wallboard?tenant=acme"] {
        assert_eq!(jane.get(path).status, 403, "{path}");
    }
    for path in ["/api/rtstats/live", "/api/rtstats/live?tenant=acme", "/api/rtstats/trends.json"] {
        assert_eq!(jane.get(path).status, 401, "{path}");
    }
    assert!(jane.page("/").contains("acme"));
    office.does(&at("/agent/j%2Edoe/remove"), &[]);
    assert_eq!(jane.get("/agent").status, 303, "the account went with the agent");
}

#[test]
fn every_page_of_a_tenant_is_whole_also_when_it_is_empty() {
    let mut office = Office::new();
    let check = |office: &mut Office, paths: &[&str]| {
        for path in paths {
            check_html(path, &office.maria_page(&at(path)));
        }
    };
    let all = [
        "",
        "/queues",
        "/agents",
        "/agents/new",
        "/agents/import",
        "/assignments",
        "/groups",
        "/codes",
        "/codes/new",
        "/tokens",
        "/tokens/action",
        "/connections",
        "/activity",
        "/links",
        "/remove",
    ];
    check(&mut office, &all);
    office.furnish();
    check(&mut office, &all);
    check(
        &mut office,
        &[
            "/queue/115",
            "/queue/115/sla",
            "/agent/j%2Edoe",
            "/agent/j%2Edoe/remove",
            "/agents?search=x%25y",
            "/assignments?queue=115&search=jane",
            "/assignments?search=nobody",
        ],
    );
    check_html("/manager", &office.maria_page("/manager"));
    check_html("/manager/new", &office.maria_page("/manager/new"));
    for (path, status) in [
        ("/queue/999", 404),
        ("/queue/x", 404),
        ("/agent/none", 404),
        ("/nothing", 404),
        ("/assignments?queue=9", 404),
        ("/tokens/other", 404),
        ("/agent/x/account", 405),
    ] {
        assert_eq!(office.maria.get(&at(path)).status, status, "{path}");
    }
}

#[test]
fn what_senders_got_wrong_is_shown_with_its_reason() {
    let mut office = Office::new();
    let sender = office.server.client(&office.folder).signed_in("acme", &office.action);
    let ignored = r#"{"time":1,"type":"agent.status","agent":"ghost","status":"available"}"#;
    assert_eq!(sender.post("/api/rtstats/events", ignored).status, 200);
    assert_eq!(sender.post("/api/rtstats/events", r#"{"time":1,"type":"nonsense"}"#).status, 400);
    let page = office.maria_page(&at("/activity"));
    for told in ["unknown-agent", "ghost", "nonsense", "malformed"] {
        assert!(page.contains(told), "{told} in {page}");
    }
}
