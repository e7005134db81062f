//! The live stream as HTTP/1.1 carries it: what was asked before it and behind it, how it ends, what it takes in memory.

use crate::{
    client::{Client, Stream, receive},
    documents::World,
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
    let came = to_the_end(&mut world, &mut *stream, &[&agents[..], &agents, &live].concat());
    assert_eq!(answers(&came), 3, "{came}");
    let (agents, live) = came.rsplit_once("HTTP/1.1 200 OK\r\n").unwrap();
    assert_eq!(agents.matches("content-length: ").count(), 2, "{came}");
    assert!(live.contains("content-type: text/event-stream\r\n"), "{came}");
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
    let memory = || {
        let page = world.server.admin_page("/metrics");
        let name = "process_resident_memory_bytes ";
        let line = page.text().lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        line.unwrap().trim().parse::<f64>().unwrap()
    };
    let first: Vec<_> = (0..BEFORE).map(|_| open()).collect();
    let before = memory();
    let weighed: Vec<_> = (0..WEIGHED).map(|_| open()).collect();
    let each = (memory() - before) / WEIGHED as f64;
    drop((first, weighed));
    assert!(each < STREAM_BYTES_MAX, "{each} bytes each");
    eprintln!("{each:.0} bytes each");
}
