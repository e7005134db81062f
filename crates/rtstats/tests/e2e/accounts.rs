//! Who gets in: setting up, signing in, being slowed down, being thrown out.

use std::time::{Duration, Instant};

use crate::{
    browser::{Browser, PASSWORD},
    faulty::Faulty,
    server::{EVENTS, Folder, Server},
};

/// A tenant, a server, and a browser of its first administrator.
struct Office {
    folder: Folder,
    data: String,
    server: Server,
    maria: Browser,
}

impl Office {
    fn new(flags: &[&str]) -> Office {
        let folder = Folder::new();
        let (data, _) = folder.tenant("acme", "UTC");
        let server = Server::start(&folder, flags);
        let maria = Browser::set_up(&server, &folder);
        Office { folder, data, server, maria }
    }

    fn stranger(&self) -> Browser {
        Browser::new(self.server.client(&self.folder))
    }

    /// Adds an account and follows its link; gives the new one's browser.
    fn add(&mut self, role: &str, tenant: &str, login: &str) -> Browser {
        let fields = [("role", role), ("tenant", tenant), ("login", login), ("agent", "")];
        let added = self.maria.post("/manager/accounts/new", &fields);
        assert_eq!(added.status, 303, "{}", added.text());
        let path = added.header("location").unwrap().to_owned();
        let link = self.maria.secret(&path);
        let code = link.split_once("/invitation#").unwrap().1;
        let mut browser = self.stranger();
        let fields = [("code", code), ("password", PASSWORD), ("again", PASSWORD)];
        assert_eq!(browser.post("/invitation", &fields).status, 303);
        let again = self.stranger().post("/invitation", &fields);
        assert_eq!(again.status, 403, "a link opens once");
        browser
    }
}

#[test]
fn the_set_up_link_of_the_first_start_works_once() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    let secret = server.set_up_secret();
    let mut browser = Browser::new(server.client(&folder));
    let mut fields =
        [("code", &*secret), ("login", "Maria"), ("password", "short"), ("again", "short")];
    let weak = browser.post("/set-up", &fields);
    assert_eq!(weak.status, 422);
    assert!(weak.text().contains("at least 12 characters"), "{}", weak.text());
    (fields[2].1, fields[3].1) = (PASSWORD, PASSWORD);
    assert_eq!(browser.post("/set-up", &fields).status, 303);
    assert!(browser.is_in());
    fields[1].1 = "eve";
    let mut other = Browser::new(server.client(&folder));
    let used = other.post("/set-up", &fields);
    assert_eq!(used.status, 403);
    assert!(used.text().contains("rtstats account set-up-link"), "{}", used.text());
    assert!(!other.is_in());
    drop(server);
    let again = Server::start(&folder, &[]);
    assert_eq!(again.output(), "", "somebody is set up: no link is printed");
    let link = folder.succeed(&["account", "set-up-link"]);
    fields[0].1 = link.trim().split_once('#').unwrap().1;
    let mut other = Browser::new(again.client(&folder));
    assert_eq!(other.post("/set-up", &fields).status, 303, "operators can make another one");
}

#[test]
fn signing_in_leads_where_one_wanted_to_go() {
    let office = Office::new(&[]);
    let mut browser = office.stranger();
    let sent = browser.get("/manager/audit?page=1");
    assert_eq!(sent.status, 303);
    let sign_in = sent.header("location").unwrap();
    assert_eq!(sign_in, "/sign-in?next=%2Fmanager%2Faudit%3Fpage%3D1");
    assert!(browser.page(sign_in).contains("value=\"/manager/audit?page=1\""));
    for (login, password) in [("maria", "wrong horse battery"), ("nobody", PASSWORD)] {
        let refused = browser.sign_in("", login, password);
        assert_eq!(refused.status, 403);
        assert!(
            refused.text().contains("The login or the password is wrong"),
            "{}",
            refused.text()
        );
        assert!(!refused.text().contains(password));
    }
    assert_eq!(browser.sign_in("acme", "maria", PASSWORD).status, 403, "not acme's");
    let fields = [("login", "MARIA"), ("password", PASSWORD), ("next", "/manager/audit?page=1")];
    let entered = browser.post("/sign-in", &fields);
    assert_eq!(entered.header("location"), Some("/manager/audit?page=1"));
    assert_eq!(browser.post("/sign-out", &[]).status, 303);
    assert!(!browser.is_in());
    let fields = [("login", "maria"), ("password", PASSWORD), ("next", "//evil.example/")];
    assert_eq!(browser.post("/sign-in", &fields).header("location"), Some("/"));
}

#[test]
fn wrong_passwords_slow_down_alike_whether_the_login_exists_or_not() {
    let office = Office::new(&[]);
    let mut browser = office.stranger();
    let mut seen = Vec::new();
    let mut quickest = Vec::new();
    for login in ["maria", "nobody"] {
        let mut answers = Vec::new();
        let mut times = Vec::new();
        for attempt in 0..6 {
            let begun = Instant::now();
            let answer = browser.sign_in("", login, &format!("wrong password {attempt}"));
            if attempt < 5 {
                times.push(begun.elapsed());
            }
            let told = answer.text().replace(login, "LOGIN");
            answers.push((answer.status, told));
        }
        seen.push(answers);
        quickest.push(times.into_iter().min().unwrap());
    }
    let statuses: Vec<u16> = seen[0].iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429]);
    assert!(seen[0][4].1.contains("Further attempts are delayed"), "{}", seen[0][4].1);
    assert!(seen[0][5].1.contains("Try again in 15 seconds"), "{}", seen[0][5].1);
    assert_eq!(seen[0], seen[1], "the same words for both");
    let [known, unknown] = quickest[..] else { unreachable!("two logins") };
    assert!(known.min(unknown) > Duration::from_millis(3), "both were hashed: {quickest:?}");
    assert!(known.max(unknown) < 3 * known.min(unknown), "alike: {quickest:?}");
    let mut clean = office.stranger();
    assert_eq!(clean.sign_in("", "maria", PASSWORD).status, 429, "not even looked at");
    let metrics = office.server.admin_page("/metrics");
    assert!(metrics.text().contains(r#"rtstats_sign_ins_total{result="wrong"} 10"#));
    assert!(metrics.text().contains(r#"rtstats_sign_ins_total{result="delayed"} 3"#));
    assert!(metrics.text().contains("rtstats_lock_outs_total 2"));
}

#[test]
fn a_restart_signs_nobody_out_and_a_removed_account_is_out_at_once() {
    let mut office = Office::new(&[]);
    let mut jane = office.add("tenant", "acme", "jane");
    let Office { folder, server, mut maria, .. } = office;
    assert_eq!(server.terminate(), Some(0));
    let server = Server::start(&folder, &[]);
    for browser in [&mut maria, &mut jane] {
        browser.client = browser.client.at(server.address);
        assert!(browser.is_in());
    }
    let listed = folder.succeed(&["account", "list"]);
    assert_eq!(
        listed,
        "-\tmaria\tPlatform administrator\t-\tpassword\n\
                        acme\tjane\tTenant administrator\t-\tpassword\n"
    );
    folder.succeed(&["account", "remove", "jane", "--tenant", "acme"]);
    assert!(!jane.is_in() && maria.is_in());
    let last = folder.command(&["account", "remove", "maria"]);
    assert!(String::from_utf8_lossy(&last.stderr).contains("add another one first"));
    folder.succeed(&["tenant", "remove", "acme"]);
    assert_eq!(folder.succeed(&["account", "list"]).lines().count(), 1);
}

#[test]
fn a_changed_password_ends_the_other_sessions() {
    let office = Office::new(&[]);
    let mut maria = office.maria;
    let mut elsewhere = Browser::new(maria.client.clone());
    assert_eq!(elsewhere.sign_in("", "maria", PASSWORD).status, 303);
    let new = "another long password";
    let fields = [("old", "wrong horse battery"), ("password", new), ("again", new)];
    assert_eq!(maria.post("/account/password", &fields).status, 403);
    let fields = [("old", PASSWORD), ("password", new), ("again", new)];
    assert_eq!(maria.post("/account/password", &fields).status, 303);
    assert!(maria.is_in() && !elsewhere.is_in());
    assert_eq!(elsewhere.sign_in("", "maria", PASSWORD).status, 403);
    elsewhere.cookie = None;
    assert_eq!(elsewhere.sign_in("", "maria", new).status, 303);
    assert_eq!(elsewhere.post("/account/sign-out-everywhere", &[]).status, 303);
    assert!(!maria.is_in() && !elsewhere.is_in());
}

#[test]
fn nobody_stays_in_by_the_password_that_was_changed() {
    let office = Office::new(&[]);
    let mut maria = office.maria;
    let (mut old, mut rounds) = (PASSWORD.to_owned(), 0);
    while rounds < 3 {
        rounds += 1;
        let new = format!("another long password {rounds}");
        let thieves: Vec<_> = (0..6)
            .map(|_| {
                let (mut thief, old) = (Browser::new(maria.client.clone()), old.clone());
                std::thread::spawn(move || {
                    thief.sign_in("", "maria", &old);
                    thief
                })
            })
            .collect();
        let fields = [("old", &*old), ("password", &new), ("again", &new)];
        assert_eq!(maria.post("/account/password", &fields).status, 303);
        for thief in thieves {
            let mut thief = thief.join().unwrap();
            assert!(!thief.is_in(), "signed in by the former password");
        }
        assert!(maria.is_in());
        old = new;
    }
}

#[test]
fn whoever_signs_out_stays_out_though_tokens_change_meanwhile() {
    let office = Office::new(&[]);
    std::thread::scope(|threads| {
        let tokens = threads.spawn(|| {
            (0..15).for_each(|_| drop(office.folder.succeed(&["token", "new", "acme", "data"])));
        });
        let mut out = 0;
        while !tokens.is_finished() || out < 20 {
            let mut browser = office.stranger();
            assert_eq!(browser.sign_in("", "maria", PASSWORD).status, 303);
            let cookie = browser.cookie.clone();
            assert_eq!(browser.post("/sign-out", &[]).status, 303);
            browser.cookie = cookie;
            assert!(!browser.is_in(), "after {out} that were out");
            out += 1;
        }
    });
}

#[test]
fn a_form_needs_its_own_session_s_token_and_our_own_page() {
    let office = Office::new(&[]);
    let mut maria = office.maria;
    let mut other = Browser::new(maria.client.clone());
    assert_eq!(other.sign_in("", "maria", PASSWORD).status, 303);
    let (own, foreign) = (maria.token().unwrap(), other.token().unwrap());
    let path = "/manager/tenants/acme/links";
    for fields in [
        vec![("name", "x")],
        vec![("name", "x"), ("csrf", &*foreign)],
        vec![("name", "x"), ("csrf", "")],
    ] {
        let refused = maria.post_only(path, &fields, &[]);
        assert_eq!(refused.status, 403, "{fields:?}");
    }
    let fields = [("name", "x"), ("csrf", &*own)];
    for headers in [[("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.example")]] {
        assert_eq!(maria.post_only(path, &fields, &headers).status, 403, "{headers:?}");
        let mut stranger = Browser::new(maria.client.clone());
        let fields = [("login", "maria"), ("password", PASSWORD)];
        assert_eq!(stranger.post_only("/sign-in", &fields, &headers).status, 403, "{headers:?}");
        assert!(stranger.cookie.is_none());
    }
    assert!(maria.page(path).contains("There are no links yet"));
    let headers = [("Sec-Fetch-Site", "same-origin"), ("Origin", "null")];
    assert_eq!(maria.post_only(path, &fields, &headers).status, 303);
    assert_eq!(maria.get("/sign-out").status, 405);
    assert!(maria.is_in(), "asking changes nothing");
}

#[test]
fn a_revoked_link_and_a_replaced_token_end_what_they_opened() {
    let mut office = Office::new(&[]);
    let path = "/manager/tenants/acme/links";
    for (view, told) in [
        ("themee=dark", "The wallboard has no setting “themee”."),
        ("theme=drak", "The wallboard's setting “theme” is auto, light or dark, not “drak”."),
    ] {
        let refused = office.maria.post(path, &[("name", "Sales floor"), ("view", view)]);
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains(told), "{}", refused.text());
    }
    let fields = [("name", "Sales floor"), ("view", "https://x/wallboard?tenant=acme#theme=dark")];
    assert_eq!(office.maria.post(path, &fields).status, 303);
    let link = office.maria.secret(path);
    let code = link.split_once("/wallboard#share=").unwrap().1;
    let mut screen = office.stranger();
    let opened = screen.post("/share", &[("share", code)]);
    assert_eq!(opened.header("location"), Some("/wallboard#theme=dark"));
    assert!(screen.page("/").contains("signed in to look at"));
    assert_eq!(screen.get("/manager").status, 403);
    assert_eq!(screen.get("/account").status, 403);
    let listed = office.maria.page(path);
    assert!(listed.contains("Sales floor") && !listed.contains(code), "shown once");
    assert!(listed.contains("<td class=\"number\">1</td>"), "one screen");
    let mut viewer = office.stranger();
    let fields = [("way", "viewer"), ("viewed", "acme"), ("token", &*office.data)];
    assert_eq!(viewer.post("/sign-in", &fields).status, 303);
    assert!(viewer.is_in());
    let revoke = format!("{path}/1/revoke");
    assert!(listed.contains(&format!("href=\"{revoke}\"")));
    let asks = office.maria.page(&revoke);
    assert!(asks.contains("Revoke Sales floor?") && asks.contains("One screen is signed in by it"));
    assert!(screen.is_in(), "asking changes nothing");
    assert_eq!(office.maria.post(&revoke, &[]).status, 303);
    assert!(!screen.is_in(), "out at once");
    assert!(office.maria.page(path).contains("The link is revoked."));
    assert_eq!(office.maria.get(&revoke).status, 404);
    assert_eq!(office.maria.post(&revoke, &[]).status, 303);
    assert!(office.maria.page(path).contains("That link was revoked already."));
    assert_eq!(office.stranger().post("/share", &[("share", code)]).status, 403);
    assert!(viewer.is_in());
    office.folder.token("acme", "data");
    assert!(!viewer.is_in(), "out at once");
    let refused = office.stranger().post("/sign-in", &fields);
    assert_eq!(refused.status, 403);
}

#[test]
fn a_tenant_s_administrator_sees_that_tenant_alone() {
    let mut office = Office::new(&[]);
    office.folder.tenant("other", "UTC");
    let mut jane = office.add("tenant", "acme", "jane");
    let mut ann = office.add("agent", "other", "ann");
    let accounts = jane.page("/manager/accounts");
    assert!(
        accounts.contains(">jane<") && !accounts.contains(">ann<") && !accounts.contains(">maria<")
    );
    assert_eq!(jane.get("/manager").header("location"), Some("/manager/tenants/acme"));
    assert!(!jane.page("/manager/tenants/acme").contains("tenants/other"));
    for path in [
        "/manager/tenants/other/links",
        "/manager/accounts/1",
        "/manager/accounts/3",
        "/manager/audit?tenant=other",
    ] {
        assert_eq!(jane.get(path).status, 404, "{path}");
    }
    for (role, tenant, status) in
        [("platform", "", 403), ("agent", "other", 422), ("agent", "acme", 303)]
    {
        let fields = [("role", role), ("tenant", tenant), ("login", "new"), ("agent", "")];
        assert_eq!(jane.post("/manager/accounts/new", &fields).status, status, "{role} {tenant}");
    }
    assert_eq!(jane.post("/manager/accounts/3/remove", &[("sure", "yes")]).status, 404);
    let links = "/manager/tenants/other/links";
    assert_eq!(office.maria.post(links, &[("name", "Their wall")]).status, 303);
    let revoke = "/manager/tenants/acme/links/1/revoke";
    assert_eq!(jane.get(revoke).status, 404);
    assert_eq!(jane.post(revoke, &[]).status, 303);
    assert!(jane.page("/manager/tenants/acme/links").contains("revoked already"));
    assert!(office.maria.page(links).contains("Their wall"), "it is there still");
    assert!(ann.is_in());
    assert_eq!(ann.get("/manager/accounts").status, 403);
    let trail = office.maria.page("/manager/audit");
    for deed in ["account.set-up", "account.added", "session.opened", "account.password"] {
        assert!(trail.contains(deed), "{deed}");
    }
    assert!(jane.page("/manager/audit").contains("account.added"));
    assert!(!jane.page("/manager/audit").contains("account.set-up"));
}

#[test]
fn no_secret_of_the_pages_reaches_the_log() {
    let mut office = Office::new(&["--log-level", "trace", "--log-format", "json"]);
    let path = "/manager/tenants/acme/links";
    assert_eq!(office.maria.post(path, &[("name", "Wall")]).status, 303);
    let link = office.maria.secret(path);
    let share = link.split_once("#share=").unwrap().1.to_owned();
    assert_eq!(office.stranger().post("/share", &[("share", &share)]).status, 303);
    let wrong = "wrong horse battery";
    assert_eq!(office.stranger().sign_in("", "maria", wrong).status, 403);
    let set_up = office.server.set_up_secret();
    let cookie = office.maria.cookie.clone().unwrap();
    let log = office.server.log();
    assert!(log.contains("serving"), "{log}");
    for secret in [&*share, &set_up, &cookie, PASSWORD, wrong] {
        assert!(!log.contains(secret), "a secret is in the log");
    }
}

#[test]
fn no_account_outlasts_its_agent_wherever_the_server_dies() {
    let folder = Folder::new();
    let (_, action) = folder.tenant("acme", "UTC");
    let Some(faulty) = Faulty::new(&folder) else { return };
    let hired = r#"{"time":1,"type":"agent.configured","agent":"j.doe","name":"Jane"}"#;
    let left = r#"{"time":1,"type":"agent.removed","agent":"j.doe"}"#;
    let (mut removed, mut kept) = (0, 0);
    for operation in (1..).step_by(5) {
        faulty.kill_in(0, false);
        let server = Server::start_by(faulty.command(), &folder, &[]).unwrap();
        server.wait_until_ready();
        let sender = server.client(&folder).signed_in("acme", &action);
        assert_eq!(sender.post(EVENTS, hired).status, 200);
        if !folder.succeed(&["account", "list"]).contains("jane") {
            folder.succeed(&["account", "add", "jane", "--tenant", "acme", "--agent", "j.doe"]);
        }
        faulty.kill_in(operation, false);
        let answer = sender.try_post(EVENTS, left.as_bytes());
        server.kill();
        drop(server);
        let has_left = folder.succeed(&["log", "acme"]).ends_with(&format!("{left}\n"));
        let has_account = folder.succeed(&["account", "list"]).contains("jane");
        assert!(!has_left || !has_account, "killed at operation {operation}");
        removed += u32::from(has_left);
        kept += u32::from(has_account);
        if answer.is_ok_and(|answer| answer.status == 200) {
            break;
        }
    }
    assert!(removed > 0 && kept > 0, "{removed} removed, {kept} kept");
}
