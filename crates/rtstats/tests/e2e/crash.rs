//! Stops of every kind: what was acknowledged is there, once, and the documents equal those of a replay of the log.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    client::Client,
    documents::{DIRECTORY, World},
    server::{EVENTS, Folder, Server, now_ms, rtstats},
};

/// Events of a sender, each with a transaction of its own.
pub fn batch(sender: usize, from_seq: u64, events: u64) -> String {
    batch_at(now_ms(), sender, from_seq, events)
}

/// The same, of one instant.
pub fn batch_at(time_ms: i64, sender: usize, from_seq: u64, events: u64) -> String {
    let line = |seq: u64| {
        json!({
            "time": time_ms, "type": "transaction.queued", "transaction": format!("{sender}-{seq}"),
            "queue": 115, "source": format!("sender-{sender}"), "seq": seq,
        })
        .to_string()
    };
    (from_seq..from_seq + events).map(line).collect::<Vec<_>>().join("\n")
}

/// Every transaction in the journal, in order.
pub fn journalled(folder: &Folder) -> Vec<String> {
    let log = folder.succeed(&["log", "acme"]);
    log.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|event| Some(event["transaction"].as_str()?.to_owned()))
        .collect()
}

/// The documents that the server shows equal those that a replay of its log gives for the same instant.
pub fn equals_replay(world: &World) {
    for (path, show) in [("queues.json", "queues"), ("agents.json", "agents")] {
        let answer = world.get(&format!("/api/rtstats/stats/{path}"));
        let at = answer.header("rtstats-instant").unwrap();
        let log = world.folder.path().join("exported.ndjson");
        std::fs::write(&log, world.folder.succeed(&["log", "acme"])).unwrap();
        let replay = rtstats()
            .arg("replay")
            .arg(&log)
            .args(["--timezone", "Europe/Berlin", "--at", at, "--show", show, "--format", "json"])
            .output()
            .unwrap();
        assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
        assert_eq!(String::from_utf8(replay.stdout).unwrap().trim_end(), answer.text());
    }
}

/// Starts a server again on the folder of a world whose server is gone.
pub fn again(folder: Folder, flags: &[&str]) -> World {
    let server = Server::start(&folder, flags);
    again_on(folder, server)
}

/// The world of a server that was started again on its folder.
pub fn again_on(folder: Folder, server: Server) -> World {
    let (data, action) = (folder.token("acme", "data"), folder.token("acme", "action"));
    server.wait_until_ready();
    let client = server.client(&folder);
    World {
        data: client.signed_in("acme", &data),
        action: client.signed_in("acme", &action),
        folder,
        server,
    }
}

#[test]
fn every_acknowledged_event_survives_kill_9_under_load_and_none_is_there_twice() {
    const SENDERS: usize = 4;
    let flags = ["--snapshot-every-events", "200", "--refresh-seconds", "0.1"];
    let mut world = World::new(&flags);
    let acknowledged: Vec<AtomicU64> = (0..SENDERS).map(|_| AtomicU64::new(0)).collect();
    for round in 0..6u64 {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for (sender, acknowledged) in acknowledged.iter().enumerate() {
                let (client, stop) = (&world.action, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let from = acknowledged.load(Ordering::Relaxed) + 1;
                        // What was not acknowledged is sent again with the same numbers.
                        match client.try_post(EVENTS, batch(sender, from, 7).as_bytes()) {
                            Ok(answer) if answer.status == 200 => {
                                acknowledged.store(from + 6, Ordering::Relaxed);
                            }
                            _ => break,
                        }
                    }
                });
            }
            // Each round dies somewhere else.
            std::thread::sleep(Duration::from_millis(60 + round * 41));
            world.server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        let World { server, folder, .. } = world;
        drop(server);
        world = again(folder, &flags);
        let all = journalled(&world.folder);
        for (sender, acknowledged) in acknowledged.iter().enumerate() {
            for seq in 1..=acknowledged.load(Ordering::Relaxed) {
                let id = format!("{sender}-{seq}");
                assert!(all.contains(&id), "round {round}: acknowledged {id} is lost");
            }
        }
        equals_replay(&world);
        let queue = world.get("/api/rtstats/stats/queue/115.json").json();
        let distinct = all.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert_eq!(queue["queue"]["queue-size"], distinct, "round {round}: each counts once");
    }
    let total: u64 = acknowledged.iter().map(|count| count.load(Ordering::Relaxed)).sum();
    assert!(total > 100, "there was load: {total}");
}

#[test]
fn a_stop_by_sigterm_ends_with_0_and_the_next_start_replays_nothing() {
    // A snapshot is on its way to the disk as the stop begins.
    let world = World::new(&["--snapshot-every-events", "100"]);
    assert_eq!(world.action.post(EVENTS, batch(1, 1, 500)).status, 200);
    let World { folder, server, .. } = world;
    assert_eq!(server.terminate(), Some(0));
    let world = again(folder, &["--log-format", "json"]);
    let log = world.server.log();
    assert!(log.contains("\"replayed\":0"), "{log}");
    equals_replay(&world);
}

#[test]
fn requests_under_way_end_before_a_stop_does() {
    let world = World::new(&[]);
    let mut stream = world.action.connect();
    let body = batch(1, 1, 50);
    world.action.send_head(&mut *stream, "POST", EVENTS, &[], Some(body.len())).unwrap();
    stream.write_all(&body.as_bytes()[..100]).unwrap();
    stream.flush().unwrap();
    // The head is there for sure once another request has been answered after it.
    assert_eq!(world.get("/api/rtstats/stats/queues").status, 200);
    let World { folder, server, .. } = world;
    let admin = Client::plain(server.admin);
    let stopping = std::thread::spawn(move || server.terminate());
    // It has begun to stop, and says so for as long as that takes.
    while admin.get("/readyz").text() != "stopping\n" {}
    stream.write_all(&body.as_bytes()[100..]).unwrap();
    stream.flush().unwrap();
    assert_eq!(crate::client::receive(&mut *stream, false).unwrap().status, 200);
    assert_eq!(stopping.join().unwrap(), Some(0));
    assert_eq!(journalled(&folder).len(), 50);
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let world = World::new(&[]);
    let output = world.folder.command(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("server"), "{told}");
    assert_eq!(world.get("/api/rtstats/stats/queues").status, 200);
}

#[test]
fn a_damaged_or_newer_database_is_refused_and_never_begun_afresh() {
    let world = World::new(&[]);
    assert_eq!(world.action.post(EVENTS, batch(1, 1, 2_000)).status, 200);
    let World { folder, server, .. } = world;
    assert_eq!(server.terminate(), Some(0));
    let database = folder.database();
    let whole = std::fs::read(&database).unwrap();
    let refused = |why: &str| {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let output = folder.command(&serve);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{why}: {told}");
        assert!(told.contains("rtstats.db"), "{why}: {told}");
        told
    };
    let mut header = whole.clone();
    header[..64].fill(0xAB);
    std::fs::write(&database, &header).unwrap();
    refused("a broken header");
    std::fs::write(&database, b"not a database").unwrap();
    refused("a text file");
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&999u32.to_be_bytes());
    std::fs::write(&database, &newer).unwrap();
    assert!(refused("a newer version").contains("999"));
    std::fs::write(&database, &whole).unwrap();
    let world = again(folder, &[]);
    assert_eq!(journalled(&world.folder).len(), 2_000);
    assert!(
        DIRECTORY.contains("j.doe") && world.get("/api/rtstats/stats/agent/j.doe").status == 200
    );
}
