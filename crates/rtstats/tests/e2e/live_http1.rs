//! The live stream as HTTP/1.1 carries it: what was asked before it and behind it, how it ends, what it takes in memory.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    client::{Client, Stream, receive},
    documents::World,
    live::Events,
    server::{EVENTS, PATIENCE, now_ms},
};

const LIVE: &str = "/api/rtstats/live";
const AGENTS: &str = "/api/rtstats/stats/agents.json";

fn head(client: &Client, path: &str) -> Vec<u8> {
    let authorization = client.authorization();
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\r\n")
        .into()
}

/// Sends it in one piece, ends the stream once it has begun, and returns all that came until the server closed.
fn to_the_end(world: &mut World, stream: &mut dyn Stream, asked: &[u8]) -> String {
    stream.write_all(asked).unwrap();
    stream.flush().unwrap();
    let (mut came, mut part) = (Vec::new(), [0; 4_096]);
    while memchr::memmem::find(&came, b"event: full").is_none() {
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&came));
        came.extend_from_slice(&part[..read]);
    }
    let token = world.folder.token("acme", "data");
    world.data = world.server.client(&world.folder).signed_in("acme", &token);
    stream.read_to_end(&mut came).unwrap();
    let came = String::from_utf8(came).unwrap();
    assert!(came.contains(r#"{"reason":"revoked"}"#), "{came}");
    came
}

fn answers(came: &str) -> usize {
    came.matches("HTTP/1.1 ").count()
}

const CHUNKS: &str = "\r\nconnection: close\r\ntransfer-encoding: chunked\r\ndate: ";

#[test]
fn a_stream_ends_its_connection_and_says_so() {
    let mut world = World::new(&[]);
    for behind in [&[][..], &head(&world.data, AGENTS)[..]] {
        let mut stream = world.data.connect();
        let asked = [&head(&world.data, LIVE)[..], behind].concat();
        let came = to_the_end(&mut world, &mut *stream, &asked);
        assert_eq!(answers(&came), 1, "what was asked behind it is not answered: {came}");
        assert!(came.contains(CHUNKS), "{came}");
        assert!(came.ends_with("\n\n\r\n0\r\n\r\n"), "{came}");
    }
}

#[test]
fn what_was_asked_before_a_stream_is_answered_before_it() {
    let mut world = World::new(&["--limits-idle-timeout-seconds", "1"]);
    let mut stream = world.data.connect();
    // In turn, so that the stream is all that is owed; the second of the same is answered past hyper.
    for _ in 0..3 {
        stream.write_all(&head(&world.data, AGENTS)).unwrap();
        assert_eq!(receive(&mut *stream, false).unwrap().status, 200);
    }
    let asked = head(&world.data, LIVE);
    let came = to_the_end(&mut world, &mut *stream, &asked);
    assert!(answers(&came) == 1 && came.contains(CHUNKS), "{came}");

    // All at once: hyper still owes the others as it comes to the stream.
    let mut stream = world.data.connect();
    let (agents, live) = (head(&world.data, AGENTS), head(&world.data, LIVE));
    let all = [&agents[..], &agents, &live, &agents].concat();
    let came = to_the_end(&mut world, &mut *stream, &all);
    assert_eq!(answers(&came), 3, "what was asked behind it is not answered: {came}");
    let (agents, live) = came.rsplit_once("HTTP/1.1 200 OK\r\n").unwrap();
    assert_eq!(agents.matches("content-length: ").count(), 2, "{came}");
    assert!(live.contains("content-type: text/event-stream\r\n"), "{came}");
    assert!(live.contains("connection: close\r\n"), "{came}");
    assert!(live.ends_with("\n\n\r\n0\r\n\r\n"), "{came}");
}

#[test]
fn a_client_that_knows_no_chunks_gets_none() {
    let mut world = World::new(&[]);
    let asked = String::from_utf8(head(&world.data, LIVE)).unwrap();
    let asked = asked.replace("HTTP/1.1", "HTTP/1.0");
    let mut stream = world.data.connect();
    let came = to_the_end(&mut world, &mut *stream, asked.as_bytes());
    assert!(!came.contains("transfer-encoding"), "{came}");
    assert!(came.ends_with("{\"reason\":\"revoked\"}\n\n"), "{came}");
}

/// More than the system holds on the way of what nobody reads.
const WHOLE_BYTES_MIN: f64 = 6e6;

#[test]
fn a_reader_that_takes_nothing_is_cut_off_and_whoever_reads_goes_on() {
    // The one time limit that can end it.
    let world = World::new(&[
        "--limits-write-timeout-seconds=1",
        "--limits-header-timeout-seconds=3600",
        "--limits-idle-timeout-seconds=3600",
    ]);
    let agent = |number| {
        let (agent, name) = (format!("agent-{number}"), "n".repeat(100));
        let event =
            json!({ "time": now_ms(), "type": "agent.configured", "agent": agent, "name": name });
        event.to_string() + "\n"
    };
    let agents: String = (0..10_000).map(agent).collect();
    assert_eq!(world.action.post(EVENTS, agents).status, 200);
    let mut reads = Events::open(&world.data, &[]);
    let full = reads.next().unwrap();
    assert_eq!(full.data["agents"].as_array().unwrap().len(), 10_002);
    assert!(world.server.metric("rtstats_live_whole_table_bytes_total") > WHOLE_BYTES_MIN);

    let mut deaf = world.data.connect();
    deaf.write_all(&head(&world.data, LIVE)).unwrap();
    deaf.flush().unwrap();
    // The handshake is over: the server counts it until it has let go of it.
    let deadline = Instant::now() + PATIENCE;
    while world.server.metric("rtstats_connections_open") > 1.0 {
        assert!(Instant::now() < deadline, "it stays, with all that it holds");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(world.server.metric("rtstats_live_subscribers"), 1.0);
    let (mut came, mut part) = (Vec::new(), [0; 64 << 10]);
    while let Ok(read @ 1..) = deaf.read(&mut part) {
        came.extend_from_slice(&part[..read]);
    }
    let began = String::from_utf8_lossy(&came[..came.len().min(2_000)]);
    assert!(began.contains(CHUNKS) && began.contains("event: full"), "{began}");
    assert!((came.len() as f64) < WHOLE_BYTES_MIN, "{} bytes: it was all there", came.len());
    assert!(reads.next().is_some());
}

/// Streams that are open before those that are weighed, so that all else has its memory.
const BEFORE: usize = 100;
const WEIGHED: usize = 500;

/// Less than half of it is measured; hyper's buffers alone would take 16 KiB more.
const STREAM_BYTES_MAX: f64 = 21_474.0;

#[test]
fn an_open_stream_takes_no_more_memory_than_lets_50_000_into_a_gib() {
    let world = World::new(&[]);
    let open = || {
        let mut stream = world.data.connect();
        stream.write_all(&head(&world.data, LIVE)).unwrap();
        let mut part = [0; 4_096];
        assert!(stream.read(&mut part).unwrap() > 0);
        stream
    };
    let memory = || world.server.metric("process_resident_memory_bytes");
    let first: Vec<_> = (0..BEFORE).map(|_| open()).collect();
    let before = memory();
    let weighed: Vec<_> = (0..WEIGHED).map(|_| open()).collect();
    let each = (memory() - before) / WEIGHED as f64;
    drop((first, weighed));
    assert!(each < STREAM_BYTES_MAX, "{each} bytes each");
    eprintln!("{each:.0} bytes each");
}
