//! Events in: answers, errors, exactly once, compression, limits.

use std::io::Write;

use serde_json::json;

use crate::{
    client::{Response, receive},
    documents::World,
    server::{EVENTS, now_ms},
};

fn queued(time: i64, transaction: &str) -> String {
    json!({ "time": time, "type": "transaction.queued", "transaction": transaction, "queue": 115 })
        .to_string()
}

/// Sends one event more and waits until the queue shows it; how many were queued then.
fn queued_with_one_more(world: &World) -> i64 {
    let sent_ms = now_ms();
    assert_eq!(world.action.post(EVENTS, queued(sent_ms, "one-more")).status, 200);
    let path = "/api/rtstats/stats/queue/115.json";
    let answer = world.get_until(path, |answer| {
        let instant: jiff::Timestamp = answer.header("rtstats-instant").unwrap().parse().unwrap();
        instant.as_millisecond() > sent_ms && shown_queued(answer) > 0
    });
    shown_queued(&answer)
}

fn shown_queued(answer: &Response) -> i64 {
    answer.json()["queue"]["thirty-min-queued"].as_i64().unwrap()
}

#[test]
fn a_batch_is_acknowledged_with_what_became_of_it() {
    let world = World::new(&["--refresh-seconds", "0.1"]);
    let now = now_ms();
    let body = [
        queued(now, "a"),
        String::new(),
        queued(now, "a"),
        json!({"time": now, "type": "agent.status", "agent": "nobody", "status": "available"})
            .to_string(),
        queued(now, "b"),
    ]
    .join("\r\n");
    let answer = world.action.post(EVENTS, &body);
    assert_eq!(answer.status, 200);
    let ignored = json!([
        { "line": 3, "reason": "already-in-queue" },
        { "line": 4, "reason": "unknown-agent" },
    ]);
    assert_eq!(answer.json(), json!({ "accepted": 4, "duplicates": 0, "ignored": ignored }));
    assert_eq!(queued_with_one_more(&world), 3);
}

#[test]
fn one_malformed_line_keeps_the_whole_batch_out() {
    let world = World::new(&["--refresh-seconds", "0.1"]);
    let now = now_ms();
    let wrong =
        json!({"time": now, "type": "agent.status", "agent": "j.doe", "status": "sleeping"});
    let body = format!("{}\n{wrong}\nnonsense\n", queued(now, "a"));
    let answer = world.action.post(EVENTS, body);
    assert_eq!(answer.status, 400);
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    assert_eq!(errors.len(), 2);
    assert_eq!((&errors[0]["line"], &errors[0]["field"]), (&json!(2), &json!("status")));
    assert_eq!(errors[1]["line"], 3);
    assert_eq!(queued_with_one_more(&world), 1);
}

#[test]
fn only_the_first_hundred_errors_are_told() {
    let world = World::new(&[]);
    let answer = world.action.post(EVENTS, "nonsense\n".repeat(250));
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 100);
}

#[test]
fn an_event_counts_once_however_often_it_is_sent() {
    let world = World::new(&["--refresh-seconds", "0.1"]);
    let event = |seq: u64| {
        json!({
            "time": now_ms(), "type": "transaction.queued", "transaction": format!("t{seq}"),
            "queue": 115, "source": "pbx", "seq": seq,
        })
        .to_string()
    };
    let batch = format!("{}\n{}\n", event(1), event(2));
    for (accepted, duplicates) in [(2, 0), (0, 2)] {
        let answer = world.action.post(EVENTS, &batch).json();
        assert_eq!(answer["accepted"], accepted);
        assert_eq!(answer["duplicates"], duplicates);
    }
    assert_eq!(queued_with_one_more(&world), 3);
}

#[test]
fn an_event_from_the_future_is_an_error() {
    let world = World::new(&[]);
    assert_eq!(world.action.post(EVENTS, queued(now_ms() + 3_000, "a")).status, 200);
    let answer = world.action.post(EVENTS, queued(now_ms() + 60_000, "b"));
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["errors"][0]["field"], "time");
}

#[test]
fn compressed_bodies_are_taken_and_others_refused() {
    let world = World::new(&[]);
    let line = queued(now_ms(), "a");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(line.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(line.as_bytes(), 1).unwrap();
    let post = |encoding, body: &[u8]| {
        world.action.request("POST", EVENTS, &[("Content-Encoding", encoding)], body)
    };
    assert_eq!(post("gzip", &gzip).status, 200);
    assert_eq!(post("zstd", &zstd).status, 200);
    assert_eq!(post("identity", line.as_bytes()).status, 200);
    assert_eq!(post("br", &gzip).status, 415);
    assert_eq!(post("gzip", &gzip[..gzip.len() - 5]).status, 400);
    assert_eq!(post("zstd", &gzip).status, 400);
}

#[test]
fn a_body_over_16_mib_is_413_also_when_it_unpacks_to_that() {
    let world = World::new(&[]);
    let large = vec![b'\n'; (16 << 20) + 1];
    assert_eq!(world.action.post(EVENTS, &large[..16 << 20]).status, 200);
    let bomb = zstd::encode_all(&*large, 1).unwrap();
    let headers = [("Content-Encoding", "zstd")];
    assert_eq!(world.action.request("POST", EVENTS, &headers, &bomb).status, 413);
    // An announced body is refused before it comes.
    let mut stream = world.action.connect();
    world.action.send_head(&mut *stream, "POST", EVENTS, &[], Some((16 << 20) + 1)).unwrap();
    assert_eq!(receive(&mut *stream, false).unwrap().status, 413);
}
