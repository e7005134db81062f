//! The commands beside `serve`.

use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
    time::{Duration, Instant},
};

use crate::{
    client::Client,
    documents::DIRECTORY,
    server::{EVENTS, Folder, Server, now_ms, rtstats},
};

fn replay(log: &str, args: &[&str]) -> std::process::Output {
    let mut child = rtstats()
        .args(["replay", "-", "--timezone", "UTC"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(log.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn replay_shows_the_document_as_it_stood() {
    let log = format!(
        "{DIRECTORY}{}\n{}\n",
        r#"{"time":1790000010000,"type":"transaction.queued","transaction":"t","queue":115}"#,
        r#"{"time":1790000020000,"type":"transaction.abandoned","transaction":"t"}"#,
    );
    let show = |at: &str| {
        let output = replay(&log, &["--at", at, "--show", "queue/115", "--format", "json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let body: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (body["queue"]["queue-size"].clone(), body["queue"]["longest-wait-time"].clone())
    };
    assert_eq!(show("1790000009999"), (0.into(), 0.into()));
    assert_eq!(show("1790000010000"), (1.into(), 0.into()));
    assert_eq!(show("1790000019999"), (1.into(), 9.into()));
    assert_eq!(show("2026-09-21T14:13:40Z"), (0.into(), 0.into()));
}

#[test]
fn replay_ends_with_2_at_malformed_lines_and_names_them() {
    let log = format!("{DIRECTORY}\nnonsense\n{{\"time\":1,\"type\":\"queue.removed\"}}\n");
    let output = replay(&log, &["--at", "1790000009999"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("line 7"), "{told}");
    assert!(told.contains("line 8, field queue"), "{told}");
    assert!(output.stdout.is_empty());
}

#[test]
fn replay_says_what_it_can_t_show() {
    let missing = replay(DIRECTORY, &["--at", "1790000009999", "--show", "agent/nobody"]);
    assert_eq!(missing.status.code(), Some(1));
    for wrong in [
        &["--at", "1", "--show", "queue/1", "--format", "csv"][..],
        &["--at", "yesterday"],
        &["--at", "2026-01-01T00:00:00"],
        &["--at", "1", "--show", "groups"],
        &["--at", "1", "--show", "queue/x"],
        &["--at", "1", "--format", "yaml"],
    ] {
        assert_eq!(replay("", wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn replay_names_a_log_that_it_can_t_read() {
    let output =
        rtstats().args(["replay", ".", "--timezone", "UTC", "--at", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.starts_with("rtstats: can't read the log .: "), "{told}");
}

#[test]
fn log_says_where_it_ends() {
    let folder = Folder::new();
    let (_, action) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &[]);
    let event = format!(r#"{{"time":{},"type":"queue.removed","queue":1}}"#, now_ms());
    let count = 5;
    let batch = vec![event; count].join("\n");
    assert_eq!(server.client(&folder).signed_in("acme", &action).post(EVENTS, batch).status, 200);
    let told = |name: &str, after: usize| {
        let output = folder.command(&["log", name, "--after", &after.to_string()]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(told("acme", count), (Some(0), String::new()));
    let beyond = format!("rtstats: the log of acme ends after {count} events\n");
    assert_eq!(told("acme", 100), (Some(1), beyond));
    let (code, unknown) = told("nobody", 0);
    assert_eq!(code, Some(1));
    assert!(unknown.contains("there is no tenant `nobody`; `rtstats tenant list`"), "{unknown}");
}

#[test]
fn a_cause_is_said_once_and_what_to_do_with_it() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for command in [&["tenant", "add", "acme", "--timezone", "UTC"][..], &["tenant", "list"]] {
        let output = rtstats().args(command).arg("--data").arg(file.join("in")).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(told.matches("(os error 20)").count(), 1, "{told}");
        assert!(told.contains("must be a folder"), "{told}");
    }
}

#[test]
fn a_new_token_says_what_it_is_and_whether_it_replaces_one() {
    let folder = Folder::new();
    folder.succeed(&["tenant", "add", "acme", "--timezone", "UTC"]);
    let told = |kind: &str| {
        String::from_utf8(folder.command(&["token", "new", "acme", kind]).stderr).unwrap()
    };
    assert_eq!(told("data"), "this is the data token of acme, shown this once\n");
    assert_eq!(told("action"), "this is the action token of acme, shown this once\n");
    let again =
        "this is the data token of acme, shown this once; the one before has stopped working\n";
    assert_eq!(told("data"), again);
}

#[test]
fn config_prints_each_value_with_its_origin_and_all_mistakes_at_once() {
    let folder = Folder::new();
    let file = folder.path().join("rtstats.toml");
    std::fs::write(&file, "refresh_seconds = 5\nworkers = 3\n[admin]\nlisten = \"127.0.0.1:1\"\n")
        .unwrap();
    let print = |file: &std::path::Path| {
        rtstats()
            .arg("config")
            .arg("--config")
            .arg(file)
            .arg("--data")
            .arg(folder.path())
            .args(["--workers", "2"])
            .env("RTSTATS_RETENTION_DAYS", "3")
            .output()
            .unwrap()
    };
    let output = print(&file);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = |key: &str| told.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("refresh_seconds").contains("rtstats.toml"), "{told}");
    assert!(line("retention_days").contains("RTSTATS_RETENTION_DAYS"), "{told}");
    assert!(line("workers").contains("--workers"), "{told}");

    std::fs::write(&file, "refresh_secnds = 5\n[limits]\nstreams_max = \"many\"\n").unwrap();
    let output = print(&file);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("refresh_seconds") && told.contains("streams_max"), "{told}");
}

#[test]
fn tenants_are_added_listed_and_removed() {
    let folder = Folder::new();
    folder.succeed(&["tenant", "add", "acme", "--timezone", "Europe/Berlin"]);
    let twice = folder.command(&["tenant", "add", "acme", "--timezone", "UTC"]);
    assert_eq!(twice.status.code(), Some(1));
    let zone = folder.command(&["tenant", "add", "b", "--timezone", "Mars/Olympus"]);
    assert_eq!(zone.status.code(), Some(2));
    let name = folder.command(&["tenant", "add", "-x y", "--timezone", "UTC"]);
    assert_eq!(name.status.code(), Some(2));
    let token = folder.token("acme", "data");
    assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(folder.succeed(&["tenant", "list"]).contains("acme\tEurope/Berlin"));
    let database = std::fs::read(folder.database()).unwrap();
    let told = |text: &str| database.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!told(&token), "only a digest is stored");
    folder.succeed(&["tenant", "remove", "acme"]);
    assert_eq!(folder.succeed(&["tenant", "list"]), "");
    assert_eq!(folder.command(&["tenant", "remove", "acme"]).status.code(), Some(1));
}

/// A whole day's past included.
const READY_WITHIN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 2 });

#[test]
fn the_demo_is_alive_at_once_and_its_printed_commands_work() {
    let folder = tempfile::tempdir().unwrap();
    let (data, action) = ("a1".repeat(32), "b2".repeat(32));
    let begun = Instant::now();
    let mut child = rtstats()
        .args(["demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--seed", "7"])
        .args(["--data-token", &data, "--action-token", &action, "--data"])
        .arg(folder.path().join("demo"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    while !printed.contains("Ctrl-C") {
        assert_ne!(out.read_line(&mut printed).unwrap(), 0, "{printed}");
    }
    let took = begun.elapsed();
    let curl = printed.lines().find(|line| line.contains("curl") && line.contains("/queues"));
    let curl = curl.unwrap();
    let words: Vec<&str> = curl.split_whitespace().collect();
    let certificate = words[words.iter().position(|word| *word == "--cacert").unwrap() + 1];
    let port = curl.split("localhost:").nth(1).unwrap().split('/').next().unwrap();
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let client = Client::tls(address, certificate.as_ref()).signed_in("acme", &data);
    let queues = client.get("/api/rtstats/stats/queues.json").json();
    let queues = queues["queue"].as_array().unwrap();
    assert_eq!(queues.len(), 5);
    let sum = |field: &str| queues.iter().map(|queue| queue[field].as_i64().unwrap()).sum::<i64>();
    assert!(sum("enabled-agent-count") > 30);
    let agents = client.get("/api/rtstats/stats/agents.json").json();
    assert_eq!(agents["agent"].as_array().unwrap().len(), 30);
    assert!(took < READY_WITHIN, "{took:?}");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_simulated_day_replays_without_a_malformed_line() {
    let simulated = rtstats()
        .args(["simulate", "--seed", "3", "--start", "2026-03-02T00:00:00Z", "--timezone", "UTC"])
        .args(["--span", "10h"])
        .output()
        .unwrap();
    assert!(simulated.status.success(), "{}", String::from_utf8_lossy(&simulated.stderr));
    let log = String::from_utf8(simulated.stdout).unwrap();
    let output = replay(&log, &["--at", "2026-03-02T10:00:00Z", "--format", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let queues: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(queues["queue"][0]["day-queued"].as_i64().unwrap() > 0);
}

#[test]
fn a_simulated_past_is_refused_where_later_events_have_counted() {
    let folder = Folder::new();
    let (_, action) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &[]);
    let hour_ago = jiff::Timestamp::from_millisecond(now_ms() - 3_600_000).unwrap().to_string();
    let simulate = |flags: &[&str]| {
        let output = rtstats()
            .args(["simulate", "--tenant", "acme"])
            .args(["--to", &format!("https://localhost:{}", server.address.port())])
            .arg("--cacert")
            .arg(folder.path().join("tls/cert.pem"))
            .args(flags)
            .env("RTSTATS_ACTION_TOKEN", &action)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let past = ["--start", hour_ago.as_str(), "--span", "30m"];
    let (status, told) = simulate(&past);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains(" 0 duplicates"), "{told}");
    // The same goes on where it broke off.
    let (status, told) = simulate(&past);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("\nrtstats: 0 events accepted"), "{told}");
    let other = ["--seed", "2"];
    let (status, told) = simulate(&[&past[..], &other].concat());
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("Nothing was sent. Give --no-history to begin now"), "{told}");
    assert!(told.contains(&format!("at {hour_ago}:")) && !told.contains("accepted"), "{told}");
    let (status, told) = simulate(&["--no-history", "--span", "1ms", "--seed", "2"]);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains(" 0 duplicates, 0 ignored"), "{told}");
}

#[test]
fn a_token_in_the_environment_asks_for_no_server() {
    let run = |args: &[&str]| {
        let token = "0f".repeat(32);
        rtstats().args(args).env("RTSTATS_ACTION_TOKEN", token).output().unwrap()
    };
    let folder = Folder::new();
    let log = folder.path().join("queue_log");
    std::fs::write(&log, "1790000000|c|sales|NONE|ENTERQUEUE||555|1\n").unwrap();
    let import = ["import", "asterisk-queue-log", log.to_str().unwrap()];
    for args in [&["simulate", "--span", "1h"][..], &import] {
        let output = run(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.starts_with(b"{"), "{args:?}");
    }
    let output = run(&["simulate", "--to", "https://localhost:8443"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--tenant"));
}
