//! Connectors to Asterisk: as a section of the server's file, and as a process of their own.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, Stdio},
    time::{Duration, Instant},
};

use crate::{
    client::Client,
    live::Events,
    pbx::{Pbx, SECRET},
    server::{Folder, PATIENCE, STATUS, Server, now_ms, rtstats},
};

const QUEUE: &str = "/api/rtstats/stats/queue/101.json";
const FAST: [&str; 2] = ["--refresh-seconds", "0.1"];

/// Asks until a queue's field has a value.
fn wait_for(client: &Client, field: &str, value: i64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = client.get(QUEUE);
        if answer.status == 200 && answer.json()["queue"][field] == value {
            return;
        }
        assert!(Instant::now() < deadline, "{field} is not {value}: {}", answer.text());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A configuration that follows the PBX for the tenant acme.
fn section(folder: &Folder, pbx: &Pbx) -> String {
    let path = folder.path().join("rtstats.toml");
    let text = format!(
        "[connect.asterisk.main]\ntenant = 'acme'\naddress = '{}'\nusername = 'rtstats'\nsecret = '{SECRET}'\n\
         [connect.asterisk.main.queue.sales]\nnumber = 101\nname = 'Sales'\n",
        pbx.address
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_section_of_the_file_shows_the_pbx_s_queues() {
    let (folder, pbx) = (Folder::new(), Pbx::start());
    let (data, _) = folder.tenant("acme", "UTC");
    let config = section(&folder, &pbx);
    let server = Server::start(&folder, &["--config", &config, FAST[0], FAST[1]]);
    let client = server.client(&folder).signed_in("acme", &data);
    wait_for(&client, "assigned-agent-count", 1);
    assert_eq!(client.get(QUEUE).json()["queue"]["queue-name"], "Sales");
    pbx.join("1.1");
    wait_for(&client, "queue-size", 1);

    // What happens while the line is cut is found by comparing, and nothing counts twice.
    pbx.join_unheard("1.2");
    pbx.cut();
    pbx.wait_for_logins(2);
    wait_for(&client, "queue-size", 2);
    wait_for(&client, "day-queued", 2);

    // The tenant's own view of it, which no other tenant has.
    let connectors = &client.get(STATUS).json()["connectors"];
    assert_eq!(connectors.as_array().map(Vec::len), Some(1), "{connectors}");
    let connector = &connectors[0];
    assert_eq!((&connector["name"], &connector["state"]), (&"main".into(), &"following".into()));
    let instant = |text: &serde_json::Value| -> jiff::Timestamp {
        text.as_str().unwrap_or_default().parse().unwrap()
    };
    let trouble = &connector["last-trouble"];
    let told = trouble["text"].as_str().unwrap_or_default();
    assert!(told.contains("closed the connection") && !told.contains(SECRET), "{connector}");
    for later in [&connector["since"], &connector["last-message"]] {
        assert!(instant(&trouble["instant"]) <= instant(later), "{connector}");
    }
    let (other, _) = folder.tenant("other", "UTC");
    let client_of_other = server.client(&folder).signed_in("other", &other);
    let deadline = Instant::now() + PATIENCE;
    while client_of_other.get(STATUS).status != 200 {
        assert!(Instant::now() < deadline, "the other tenant isn't served");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(client_of_other.get(STATUS).json()["connectors"], serde_json::json!([]));

    let metrics = server.admin_page("/metrics");
    for line in [
        r#"rtstats_connector_connected{connector="main"} 1"#,
        r#"rtstats_connector_logins_total{connector="main"} 2"#,
        r#"rtstats_connector_cuts_total{connector="main",cause="closed"} 1"#,
        r#"rtstats_connector_events_total{connector="main",type="transaction.queued"} 2"#,
        r#"rtstats_connector_messages_total{connector="main",kind="QueueCallerJoin"} 1"#,
        r#"rtstats_connector_queues{connector="main"} 1"#,
    ] {
        assert!(metrics.text().lines().any(|told| told == line), "no {line} in {}", metrics.text());
    }
    let kept = fs::read_to_string(folder.path().join("connect/asterisk-main.json")).unwrap();
    assert!(kept.contains("\"sales\": 101"), "{kept}");

    // Started again, it goes on with the numbers of its events.
    drop(client);
    let log = server.log();
    for told in ["logged in to", "following", "closed the connection"] {
        assert!(log.contains(told), "no {told:?} in {log}");
    }
    assert!(!log.contains(SECRET), "{log}");
    assert_eq!(server.terminate(), Some(0));
    let server = Server::start(&folder, &["--config", &config, FAST[0], FAST[1]]);
    pbx.wait_for_logins(3);
    pbx.join("1.3");
    let client = server.client(&folder).signed_in("acme", &data);
    wait_for(&client, "queue-size", 3);
    wait_for(&client, "day-queued", 3);
}

#[test]
fn the_live_feed_says_which_connection_is_cut_and_since_when() {
    let (folder, pbx) = (Folder::new(), Pbx::start());
    let (data, _) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &["--config", &section(&folder, &pbx)]);
    let client = server.client(&folder).signed_in("acme", &data);
    let deadline = Instant::now() + PATIENCE;
    while client.get(STATUS).status != 200 {
        assert!(Instant::now() < deadline, "the tenant isn't served");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut events = Events::open(&client, &[]);
    let up = events.until(|event| event.data["connectors"][0]["state"] == "following");
    let connector = &up.data["connectors"][0];
    assert_eq!((&connector["connector"], &connector["down-since"]), (&"main".into(), &().into()));
    pbx.refuse();
    pbx.cut();
    let down = events.until(|event| event.data["connectors"][0]["down-since"].is_i64());
    let (since, now) = (&down.data["connectors"][0]["down-since"], &down.data["now"]);
    assert!(since.as_i64() > up.data["now"].as_i64().map(|at| at - 60_000));
    assert!(since.as_i64() <= now.as_i64());
    // However often it is tried anew.
    let deadline = Instant::now() + PATIENCE;
    while !server.log().contains("refuses the user") {
        assert!(Instant::now() < deadline, "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    let refused = now_ms();
    let later = events.until(|event| event.data["now"].as_i64() > Some(refused));
    assert_eq!(later.data["connectors"][0]["down-since"], *since);
}

#[test]
fn a_tenant_may_come_and_go_while_its_connector_runs() {
    let (folder, pbx) = (Folder::new(), Pbx::start());
    let config = section(&folder, &pbx);
    let server = Server::start(&folder, &["--config", &config, FAST[0], FAST[1]]);
    pbx.join_unheard("1.1");
    for removed in 1..=2 {
        let (data, _) = folder.tenant("acme", "UTC");
        let client = server.client(&folder).signed_in("acme", &data);
        wait_for(&client, "day-queued", removed);
        folder.succeed(&["tenant", "remove", "acme"]);
        pbx.join_unheard(&format!("2.{removed}"));
        let deadline = Instant::now() + PATIENCE;
        let gone = "the tenant acme has been removed";
        while server.log().matches(gone).count() < removed as usize {
            assert!(Instant::now() < deadline, "{}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    assert!(server.log().contains("there is no tenant acme: add it with"), "{}", server.log());
}

#[test]
fn a_refused_login_is_one_clear_line_and_the_server_serves_on() {
    let (folder, pbx) = (Folder::new(), Pbx::start());
    folder.tenant("acme", "UTC");
    pbx.refuse();
    let server = Server::start(&folder, &["--config", &section(&folder, &pbx)]);
    let deadline = Instant::now() + PATIENCE;
    while !server.log().contains("refuses the user") {
        assert!(Instant::now() < deadline, "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    let metrics = server.admin_page("/metrics");
    assert!(metrics.text().contains("rtstats_connector_connected{connector=\"main\"} 0\n"));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn damaged_numbers_are_told_and_left_alone() {
    let (folder, pbx) = (Folder::new(), Pbx::start());
    folder.tenant("acme", "UTC");
    let kept = folder.path().join("connect/asterisk-main.json");
    fs::create_dir(kept.parent().unwrap()).unwrap();
    fs::write(&kept, "{\"queues\":").unwrap();
    let server = Server::start(&folder, &["--config", &section(&folder, &pbx)]);
    let deadline = Instant::now() + PATIENCE;
    while !server.log().contains("asterisk-main.json is damaged") {
        assert!(Instant::now() < deadline, "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(fs::read_to_string(&kept).unwrap(), "{\"queues\":");
    assert_eq!(server.terminate(), Some(0));
}

/// `rtstats connect asterisk` on its own, killed when it is dropped.
struct Process {
    child: Child,
    log: BufReader<ChildStderr>,
    told: String,
}

impl Process {
    fn start(folder: &Folder, port: u16, pbx: &Pbx, token: &str) -> Process {
        Process::start_with(folder, port, pbx, token, &[])
    }

    fn start_with(folder: &Folder, port: u16, pbx: &Pbx, token: &str, flags: &[&str]) -> Process {
        let to = format!("https://localhost:{port}");
        let state = folder.path().join("state/names.json");
        let secret = folder.path().join("secret.txt");
        fs::write(&secret, format!("{SECRET}\n")).unwrap();
        let mut child = rtstats()
            .args(["connect", "asterisk", &pbx.address.to_string(), "--username", "rtstats"])
            .args(["--tenant", "acme", "--name", "far", "--to", &to])
            .arg("--cacert")
            .arg(folder.path().join("tls/cert.pem"))
            .arg("--secret-file")
            .arg(secret)
            .arg("--state")
            .arg(state)
            .args(flags)
            .env("RTSTATS_ACTION_TOKEN", token)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Process { child, log, told: String::new() }
    }

    /// Reads its log up to the line that holds a text.
    fn wait_until_told(&mut self, text: &str) {
        while !self.told.contains(text) {
            let read = self.log.read_line(&mut self.told).unwrap();
            assert!(read > 0, "it ended without {text:?}: {}", self.told);
        }
    }

    /// Its exit status, once it ends, and what it has told.
    fn ended(mut self) -> (Option<i32>, String) {
        self.log.read_to_string(&mut self.told).unwrap();
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.told))
    }

    fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until the first queue's field has a value.
fn first_queue(client: &Client, field: &str, value: i64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = client.get("/api/rtstats/stats/queues.json").json();
        if answer["queue"][0][field] == value {
            return;
        }
        assert!(Instant::now() < deadline, "{field} is not {value}: {answer}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_happens_while_the_server_is_down_arrives_later_and_once() {
    let (folder, pbx) = (Folder::new(), Pbx::start());
    let (data, action) = folder.tenant("acme", "UTC");
    // Another address than the test's own, which stays the same over the restart.
    let again = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = again.to_string();
    let flags = ["--listen", &listen, FAST[0], FAST[1]];
    let server = Server::start(&folder, &flags);
    let mut process = Process::start(&folder, again.port(), &pbx, &action);
    pbx.wait_for_logins(1);
    pbx.join("1.1");
    let client = server.client(&folder).signed_in("acme", &data);
    first_queue(&client, "queue-size", 1);
    server.kill();
    drop(server);
    for caller in ["1.2", "1.3"] {
        pbx.join(caller);
    }
    process.wait_until_told("can't reach https://localhost");
    let server = Server::start(&folder, &flags);
    let client = server.client(&folder).signed_in("acme", &data);
    first_queue(&client, "queue-size", 3);
    first_queue(&client, "day-queued", 3);
    process.terminate();
    let (status, told) = process.ended();
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("the server takes events again"), "{told}");
}

#[test]
fn a_process_of_its_own_sends_to_a_server_elsewhere() {
    let (folder, pbx) = (Folder::new(), Pbx::start());
    let (data, action) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &FAST);
    let client = server.client(&folder).signed_in("acme", &data);
    for (started, caller) in [(1, "1.1"), (2, "1.2")] {
        let process = Process::start(&folder, server.address.port(), &pbx, &action);
        pbx.wait_for_logins(started);
        pbx.join(caller);
        first_queue(&client, "queue-size", started as i64);
        first_queue(&client, "day-queued", started as i64);
        process.terminate();
        let (status, told) = process.ended();
        assert_eq!(status, Some(0), "{told}");
        assert!(told.contains("logged in to") && !told.contains(SECRET), "{told}");
        assert!(!told.contains(&action), "{told}");
    }
    let kept = fs::read_to_string(folder.path().join("state/names.json")).unwrap();
    assert!(kept.contains("\"sales\": 1"), "{kept}");
}

#[test]
fn a_process_of_its_own_serves_its_metrics_where_it_is_asked_to() {
    let (folder, pbx) = (Folder::new(), Pbx::start());
    let (data, action) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &FAST);
    let flags = ["--admin-listen", "127.0.0.1:0"];
    let mut process = Process::start_with(&folder, server.address.port(), &pbx, &action, &flags);
    process.wait_until_told("/metrics");
    let (_, place) = process.told.split_once("metrics at http://").unwrap();
    let place = place.split('/').next().unwrap().parse().unwrap();
    let pages = Client::plain(place);
    assert_eq!(pages.get("/healthz").status, 200);
    for missing in ["/readyz", "/", "/api/rtstats/stats/agents"] {
        assert_eq!(pages.get(missing).status, 404, "{missing}");
    }
    process.wait_until_told("following");
    pbx.join("1.1");
    let client = server.client(&folder).signed_in("acme", &data);
    first_queue(&client, "queue-size", 1);
    assert_eq!(client.get(STATUS).json()["connectors"], serde_json::json!([]));
    let metrics = pages.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version="));
    for line in [
        r#"rtstats_connector_connected{connector="far"} 1"#,
        r#"rtstats_connector_events_total{connector="far",type="transaction.queued"} 1"#,
    ] {
        assert!(metrics.text().lines().any(|told| told == line), "no {line} in {}", metrics.text());
    }
    process.terminate();
    assert_eq!(process.ended().0, Some(0));
}

#[test]
fn a_process_of_its_own_ends_when_the_server_refuses_its_token() {
    let (folder, pbx) = (Folder::new(), Pbx::start());
    let (data, _) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &[]);
    let (status, told) = Process::start(&folder, server.address.port(), &pbx, &data).ended();
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("is it the Action Request Token?") && !told.contains(&data), "{told}");
}

#[test]
fn a_check_says_what_it_sees_and_wrong_flags_end_with_2() {
    let pbx = Pbx::start();
    let check = |flags: &[&str]| {
        let mut command = rtstats();
        command.args(["connect", "asterisk", &pbx.address.to_string(), "--check"]).args(flags);
        command.env("RTSTATS_AMI_SECRET", SECRET).output().unwrap()
    };
    pbx.refuse();
    let refused = check(&["--username", "rtstats"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("refuses the user"));
    let wrong = check(&["--tls-ca", "ca.pem", "--sla-percent", "many"]);
    assert_eq!(wrong.status.code(), Some(2));
    let told = String::from_utf8_lossy(&wrong.stderr);
    for part in ["3 mistakes", "username", "(flag --tls-ca): has no effect", "(flag --sla-percent)"]
    {
        assert!(told.contains(part) && !told.contains(SECRET), "no {part} in {told}");
    }
}
