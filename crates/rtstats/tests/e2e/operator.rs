//! What an operator sees: metrics, logs, readiness while the server recovers and stops.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    client::{Response, receive},
    documents::World,
    server::{AGENTS, EVENTS, Folder, PATIENCE, QUEUES, Server, now_ms},
};

#[test]
fn the_metrics_tell_of_requests_commits_refreshes_ignored_events_and_memory() {
    let world = World::new(&[]);
    let nobody = json!({"time": now_ms(), "type": "agent.removed", "agent": "nobody"}).to_string();
    assert_eq!(world.action.post(EVENTS, nobody).status, 200);
    assert_eq!(world.get(QUEUES).status, 200);
    assert_eq!(world.get("/api/rtstats/stats/queue/abc").status, 400);
    assert_eq!(world.action.get(AGENTS).status, 403);
    assert_eq!(world.data.post("/api/rtstats/stats/agent/j.doe", "").status, 405);
    let of = |series: &str| world.server.metric(series);
    for (series, least) in [
        (r#"rtstats_requests_total{kind="queues",code="200"}"#, 1.0),
        (r#"rtstats_requests_total{kind="events",code="200"}"#, 2.0),
        (r#"rtstats_requests_total{kind="queue",code="400"}"#, 1.0),
        (r#"rtstats_requests_total{kind="agents",code="403"}"#, 1.0),
        (r#"rtstats_requests_total{kind="agent",code="405"}"#, 1.0),
        (r#"rtstats_request_duration_seconds_count{kind="queues"}"#, 1.0),
        ("rtstats_journal_commit_duration_seconds_count", 2.0),
        ("rtstats_journal_commit_events_sum", 6.0),
        ("rtstats_refresh_duration_seconds_count", 1.0),
        (r#"rtstats_events_ignored_total{reason="unknown-agent"}"#, 1.0),
        ("rtstats_agents", 2.0),
        (r#"rtstats_tenant_events{tenant="acme"}"#, 6.0),
    ] {
        assert!(of(series) >= least, "{series}");
    }
    assert_eq!(of(r#"rtstats_requests_total{kind="other",code="400"}"#), 0.0);
    if cfg!(target_os = "linux") {
        assert!(of("process_resident_memory_bytes") > 1_000_000.0);
    }
}

#[test]
fn logs_hold_no_secret_at_any_level() {
    let folder = Folder::new();
    let (data, action) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &["--log-format", "json", "--log-level", "trace"]);
    let client = server.client(&folder);
    let (reader, sender) = (client.signed_in("acme", &data), client.signed_in("acme", &action));
    assert_eq!(reader.get(AGENTS).status, 200);
    assert_eq!(reader.get("/api/rtstats/stats/queue/abc").status, 400);
    assert_eq!(sender.post(EVENTS, crate::documents::DIRECTORY).status, 200);
    assert_eq!(sender.post(EVENTS, "nonsense").status, 400);
    let wrong = "5ec2e7".repeat(10);
    assert_eq!(client.signed_in("acme", &wrong).get(AGENTS).status, 403);
    let renewed = folder.token("acme", "data");
    assert_eq!(client.signed_in("acme", &renewed).get(AGENTS).status, 200);
    let log = server.log();
    // At this level something is said of each change of tokens: the log is not just empty.
    assert!(log.contains("tenants and tokens were changed"), "{log}");
    let pairs = [&reader, &sender].map(|client| client.authorization());
    let secrets = [&data, &action, &wrong, &renewed, &pairs[0], &pairs[1]];
    for secret in secrets.map(|secret| secret.trim_start_matches("Basic ")) {
        assert!(!log.contains(secret), "a secret is in the log");
    }
    let log = log.to_ascii_lowercase();
    assert!(!log.contains("authorization") && !log.contains("basic "), "{log}");
    for line in log.lines().filter(|line| line.starts_with('{')) {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

/// Answers of reading, sending and readiness, seen while the server was not ready.
#[derive(Default)]
struct NotReady {
    read: Option<Response>,
    sent: Option<Response>,
    readiness: Option<Response>,
}

impl NotReady {
    fn is_whole(&self) -> bool {
        self.read.is_some() && self.sent.is_some() && self.readiness.is_some()
    }

    /// Asks until the server is ready.
    fn watch(world: &World) -> NotReady {
        let refused = |answer: Response| (answer.status == 503).then_some(answer);
        let mut seen = NotReady::default();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let readiness = world.server.admin_page("/readyz");
            let ready = readiness.status == 200;
            seen.readiness = refused(readiness).or(seen.readiness);
            seen.read = refused(world.get(AGENTS)).or(seen.read);
            seen.sent = refused(world.action.post(EVENTS, "")).or(seen.sent);
            if ready {
                return seen;
            }
            assert!(Instant::now() < deadline, "the server gets not ready");
        }
    }
}

#[test]
fn while_a_log_is_read_everything_is_503_and_says_when_to_come_again() {
    const EVENTS_EACH: usize = 150_000;
    let flags = ["--snapshot-every-events", "1000000000", "--refresh-seconds", "3600"];
    let mut world = World::new(&flags);
    // How long a log takes depends on the machine: it grows until the reading can be seen.
    for round in 0..8 {
        let line = |number: usize| {
            json!({
                "time": now_ms(), "type": "transaction.queued", "queue": 115,
                "transaction": format!("{round}-{number}"),
            })
            .to_string()
        };
        let lines: Vec<String> = (0..EVENTS_EACH).map(line).collect();
        for part in lines.chunks(50_000) {
            assert_eq!(world.action.post(EVENTS, part.join("\n")).status, 200);
        }
        world.server.kill();
        world = world.again(&flags);
        let seen = NotReady::watch(&world);
        if !seen.is_whole() {
            continue;
        }
        for answer in [&seen.read, &seen.sent, &seen.readiness].into_iter().flatten() {
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        let told = seen.readiness.unwrap();
        assert!(told.text().starts_with("recovering"), "{}", told.text());
        let size = world.get("/api/rtstats/stats/queue/115.json").json()["queue"]["queue-size"]
            .as_u64()
            .unwrap();
        assert_eq!(size as usize, (round + 1) * EVENTS_EACH, "all is there once it is ready");
        return;
    }
    panic!("no log is large enough");
}

#[test]
fn a_stop_waits_for_no_silent_handshake() {
    let grace = ["--stop-grace-seconds", "50", "--limits-handshake-timeout-seconds", "50"];
    let world = World::new(&grace);
    let _silent = world.data.tcp().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while world.server.metric("rtstats_connections_open") < 1.0 {
        assert!(Instant::now() < deadline, "the connection is not accepted");
    }
    let begun = Instant::now();
    let World { server, folder: _folder, .. } = world;
    assert_eq!(server.terminate(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn the_operator_s_pages_take_so_many_clients_and_the_next_waits_for_a_place() {
    let world = World::new(&[]);
    let silent: Vec<_> = (0..64).map(|_| TcpStream::connect(world.server.admin).unwrap()).collect();
    let mut next = TcpStream::connect(world.server.admin).unwrap();
    next.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    next.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(next.read(&mut [0; 64]).is_err(), "all places are taken");
    drop(silent);
    next.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(receive(&mut next, false).unwrap().status, 200);
}

#[test]
fn a_port_in_use_is_told_with_its_setting() {
    let world = World::new(&[]);
    let folder = Folder::new();
    let (taken, free) = (world.server.admin.to_string(), "127.0.0.1:0");
    for (listen, admin, setting) in [(&*taken, free, "(listen)"), (free, &*taken, "(admin.listen)")]
    {
        let serve = ["serve", "--listen", listen, "--admin-listen", admin];
        let output = folder.command(&serve);
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(setting) && told.contains("choose another port"), "{told}");
    }
}
