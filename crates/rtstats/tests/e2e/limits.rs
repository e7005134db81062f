//! Slow, greedy and broken clients, and what the rest notices of them.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    client::{Response, receive},
    documents::World,
    server::{AGENTS, EVENTS, PATIENCE, QUEUES, now_ms},
};

/// Reads until the server closes the connection; how long that took.
fn closed_after(stream: &mut dyn crate::client::Stream) -> Duration {
    let begun = Instant::now();
    let mut rest = [0; 4_096];
    while matches!(stream.read(&mut rest), Ok(1..)) {}
    begun.elapsed()
}

#[test]
fn a_head_that_trickles_in_is_cut_off_and_nobody_else_waits() {
    let world = World::new(&["--limits-header-timeout-seconds", "1"]);
    let mut slow = world.data.connect();
    slow.write_all(b"GET /api/rtstats/stats/agents HTTP/1.1\r\nHost: ").unwrap();
    slow.flush().unwrap();
    assert_eq!(world.get(AGENTS).status, 200);
    let took = closed_after(&mut *slow);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn an_idle_connection_is_closed_after_its_time_and_not_before() {
    let world =
        World::new(&["--limits-idle-timeout-seconds", "2", "--limits-header-timeout-seconds", "1"]);
    let mut stream = world.data.connect();
    let mut answered = Instant::now();
    for _ in 0..3 {
        answered = Instant::now();
        world.data.send(&mut *stream, "GET", QUEUES, &[], b"").unwrap();
        assert_eq!(receive(&mut *stream, false).unwrap().status, 200);
        // Longer than a head may take, shorter than a connection may idle.
        std::thread::sleep(Duration::from_millis(1_300));
    }
    closed_after(&mut *stream);
    let took = answered.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_handshake_that_never_comes_is_cut_off() {
    let world = World::new(&["--limits-handshake-timeout-seconds", "1"]);
    let mut silent = world.data.tcp().unwrap();
    let took = closed_after(&mut silent);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_body_that_never_ends_is_408_and_keeps_nothing() {
    let world = World::new(&["--limits-body-timeout-seconds", "1"]);
    let mut stream = world.action.connect();
    world.action.send_head(&mut *stream, "POST", EVENTS, &[], Some(1_000)).unwrap();
    stream.write_all(b"{\"time\":").unwrap();
    stream.flush().unwrap();
    assert_eq!(receive(&mut *stream, false).unwrap().status, 408);
}

#[test]
fn a_client_that_takes_no_answer_is_cut_off() {
    let world = World::new(&["--limits-write-timeout-seconds", "1"]);
    let agents: Vec<String> = (0..10_000)
        .map(|number| {
            json!({
                "time": now_ms(), "type": "agent.configured", "agent": format!("agent-{number}"),
                "name": "n".repeat(100),
            })
            .to_string()
        })
        .collect();
    assert_eq!(world.action.post(EVENTS, agents.join("\n")).status, 200);
    let path = format!("{AGENTS}.json");
    let whole = world.get_until(&path, |answer| answer.body.len() > 8 << 20).body.len();
    let mut deaf = world.data.connect();
    // More answers than what the system holds on the way.
    for _ in 0..4 {
        // The server may have closed by then.
        let _ = world.data.send(&mut *deaf, "GET", &path, &[], b"");
    }
    let closed = |page: &Response| page.text().contains("rtstats_connections_open 0\n");
    let deadline = Instant::now() + PATIENCE;
    while !closed(&world.server.admin_page("/metrics")) {
        assert!(Instant::now() < deadline, "the connection stays");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut taken = 0;
    let mut part = vec![0; 64 << 10];
    while let Ok(read @ 1..) = deaf.read(&mut part) {
        taken += read;
    }
    assert!(taken < 4 * whole, "{taken} of {}", 4 * whole);
}

#[test]
fn a_sender_over_its_rate_is_429_and_nothing_of_it_is_kept() {
    let world = World::new(&["--limits-tenant-requests-per-second-max", "2"]);
    let line = |number: usize| {
        json!({
            "time": now_ms(), "type": "transaction.queued", "queue": 115,
            "transaction": format!("t{number}"),
        })
        .to_string()
    };
    let answers: Vec<Response> =
        (0..8).map(|number| world.action.post(EVENTS, line(number))).collect();
    let over = answers.iter().find(|answer| answer.status == 429).expect("eight are too many");
    assert_eq!(over.header("retry-after"), Some("1"));
    assert_eq!(over.json()["error"]["code"], 429);
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    let log = world.folder.succeed(&["log", "acme"]);
    assert_eq!(log.matches("transaction.queued").count(), taken);
}

#[test]
fn a_head_that_is_too_large_is_431() {
    let world = World::new(&[]);
    let large = "x".repeat(30_000);
    let mut stream = world.data.connect();
    // The server may answer and close before all of it has gone out.
    let _ = world.data.send_head(&mut *stream, "GET", AGENTS, &[("X-Large", &large)], None);
    assert_eq!(receive(&mut *stream, false).unwrap().status, 431);
    assert_eq!(world.get(AGENTS).status, 200);
}

#[test]
fn connections_over_the_limit_are_503_and_those_within_are_served() {
    let world = World::new(&["--limits-connections-max", "4"]);
    let mut open: Vec<_> = (0..4).map(|_| world.data.connect()).collect();
    for stream in &mut open {
        world.data.send(&mut **stream, "GET", QUEUES, &[], b"").unwrap();
        assert_eq!(receive(&mut **stream, false).unwrap().status, 200);
    }
    let begun = Instant::now();
    let refused = world.get(QUEUES);
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(begun.elapsed() < Duration::from_secs(5));
    for stream in &mut open {
        world.data.send(&mut **stream, "GET", QUEUES, &[], b"").unwrap();
        assert_eq!(receive(&mut **stream, false).unwrap().status, 200);
    }
    drop(open);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !world.data.try_get(QUEUES).is_ok_and(|answer| answer.status == 200) {
        assert!(Instant::now() < deadline, "there is room again");
    }
}

#[test]
fn batches_beyond_the_budget_are_503_and_nothing_of_them_is_kept() {
    let world = World::new(&["--limits-ingest-in-flight-bytes-max", "100663296"]);
    let half = vec![b'\n'; 15 << 20];
    // Six senders hold most of the budget, with bodies that have not ended.
    let mut holding: Vec<_> = (0..6)
        .map(|_| {
            let mut stream = world.action.connect();
            world.action.send_head(&mut *stream, "POST", EVENTS, &[], Some(16 << 20)).unwrap();
            stream.write_all(&half).unwrap();
            stream.flush().unwrap();
            stream
        })
        .collect();
    let deadline = Instant::now() + Duration::from_secs(20);
    let refused = loop {
        let answer = world.action.post(EVENTS, vec![b'\n'; 8 << 20]);
        if answer.status != 200 || Instant::now() > deadline {
            break answer;
        }
    };
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    assert_eq!(world.get(QUEUES).status, 200, "reading goes on");
    for stream in &mut holding {
        stream.write_all(&vec![b'\n'; 1 << 20]).unwrap();
        stream.flush().unwrap();
        assert_eq!(receive(&mut **stream, false).unwrap().status, 200);
    }
}

/// A body of the given lines in chunks of one line each.
fn in_chunks(line: &str, lines: usize) -> Vec<u8> {
    let chunk = format!("{:x}\r\n{line}\r\n", line.len());
    (chunk.repeat(lines) + "0\r\n\r\n").into()
}

const CHUNKED: &[(&str, &str)] = &[("Transfer-Encoding", "chunked")];

#[test]
fn a_batch_counts_by_its_bytes_in_however_many_pieces_it_comes() {
    // No more than one batch may take.
    let world = World::new(&["--limits-ingest-in-flight-bytes-max", "100663296"]);
    let mut stream = world.action.connect();
    world.action.send_head(&mut *stream, "POST", EVENTS, CHUNKED, None).unwrap();
    stream.write_all(&in_chunks(&(" ".repeat(67) + "\n"), 120_000)).unwrap();
    stream.flush().unwrap();
    let answer = receive(&mut *stream, false).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_tenant_beyond_its_share_is_told_so_and_the_others_go_on() {
    let world = World::new(&["--limits-body-timeout-seconds", "3600"]);
    let (_, token) = world.folder.tenant("greedy", "UTC");
    let greedy = world.server.client(&world.folder).signed_in("greedy", &token);
    let deadline = Instant::now() + PATIENCE;
    while greedy.post(EVENTS, b"\n").status != 200 {
        assert!(Instant::now() < deadline, "the tenant is not there");
        std::thread::sleep(Duration::from_millis(20));
    }
    // All but the end of bodies, more and more of them; some are refused while they send.
    let most = vec![b'\n'; (16 << 20) - 4_096];
    let mut stalled = Vec::new();
    let refused = loop {
        let mut stream = greedy.connect();
        greedy.send_head(&mut *stream, "POST", EVENTS, &[], Some(16 << 20)).unwrap();
        let _ = stream.write_all(&most).and_then(|()| stream.flush());
        stalled.push(stream);
        let answer = greedy.post(EVENTS, vec![b'\n'; 1 << 20]);
        if answer.status != 200 {
            break answer;
        }
        assert!(Instant::now() < deadline, "its share has no end");
    };
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert!(refused.text().contains("This tenant has as many events on their way"), "{refused:?}");
    for _ in 0..4 {
        let other = world.action.post(EVENTS, vec![b'\n'; 8 << 20]);
        assert_eq!(other.status, 200, "{}", other.text());
    }
    // Those who were within the share are taken once they end.
    let mut taken = 0;
    for stream in &mut stalled {
        let end = stream.write_all(&[b'\n'; 4_096]).and_then(|()| stream.flush());
        taken += usize::from(
            end.is_ok_and(|()| receive(&mut **stream, false).is_ok_and(|it| it.status == 200)),
        );
    }
    assert!(taken >= 4, "{taken} are taken");
}

#[test]
fn what_is_no_http_is_refused_and_the_server_goes_on() {
    let world = World::new(&[]);
    for nonsense in
        [&b"\0\0\0\0\r\n\r\n"[..], b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"]
    {
        let mut stream = world.data.connect();
        stream.write_all(nonsense).unwrap();
        stream.flush().unwrap();
        let answer = receive(&mut *stream, false);
        assert!(answer.is_err() || answer.unwrap().status == 400, "{nonsense:?}");
    }
    assert_eq!(world.get(AGENTS).status, 200);
}
