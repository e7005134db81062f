//! The present state as events: what a sender compares with its own world.

use std::io::Read;

use jiff::Timestamp;

use crate::{
    client::Response,
    documents::World,
    server::{EVENTS, STATE, now_ms},
};

fn rfc3339(instant_ms: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(instant_ms).unwrap())
}

/// What the switchboard sends: an agent comes, a call waits, another is answered and held.
fn sent(now: i64) -> String {
    let lines = [
        (60, r#""agent.status","agent":"j.doe","status":"available""#),
        (20, r#""transaction.queued","transaction":"t1","queue":115"#),
        (19, r#""transaction.queued","transaction":"t2","queue":115"#),
        (15, r#""transaction.offered","transaction":"t2","agent":"j.doe""#),
        (12, r#""transaction.accepted","transaction":"t2","agent":"j.doe""#),
        (5, r#""transaction.held","transaction":"t2","agent":"j.doe""#),
    ];
    let line = |(seq, (ago, event)): (usize, &(i64, &str))| {
        let (time, seq) = (now - ago * 1_000, seq + 1);
        format!(r#"{{"time":{time},"type":{event},"source":"pbx","seq":{seq}}}"#)
    };
    lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// What the server tells of it.
fn told(now: i64) -> String {
    let lines = [
        (60, r#""queue.configured","queue":7,"name":"chat","media":"chat""#),
        (
            60,
            r#""queue.configured","queue":115,"name":"Sales & <Support>","media":"phone","sla":{"percent":80,"within_seconds":20}"#,
        ),
        (60, r#""agent.configured","agent":"ag 1","name":"Ag One""#),
        (60, r#""agent.configured","agent":"j.doe","name":"Jöhn \"JD\" Doe","group":101"#),
        (60, r#""assignment.set","agent":"j.doe","queue":115,"assigned":true"#),
        (60, r#""agent.status","agent":"j.doe","status":"available""#),
        (20, r#""transaction.queued","transaction":"t1","queue":115"#),
        (12, r#""transaction.placed","transaction":"t2","agent":"j.doe","queue":115"#),
        (5, r#""transaction.held","transaction":"t2","agent":"j.doe""#),
    ];
    let line = |(ago, event): &(i64, &str)| {
        format!("{{\"time\":\"{}\",\"type\":{event}}}\n", rfc3339(now - ago * 1_000))
    };
    lines.iter().map(line).collect()
}

fn seq_of(world: &World, source: &str) -> Response {
    world.action.get(&format!("{STATE}?source={source}"))
}

#[test]
fn the_present_state_is_told_as_events_also_after_kill_9() {
    let world = World::new(&[]);
    let now = now_ms();
    assert_eq!(world.action.post(EVENTS, sent(now)).status, 200);
    let state = seq_of(&world, "pbx");
    assert_eq!((state.status, state.text()), (200, &*told(now)));
    assert_eq!(state.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(state.header("cache-control"), Some("no-store"));
    assert_eq!(state.header("rtstats-counted"), Some(&*(now - 5_000).to_string()));
    assert_eq!(state.header("rtstats-seq"), Some("6"));
    world.server.kill();
    let world = world.again(&[]);
    world.server.wait_until_ready();
    let again = seq_of(&world, "pbx");
    assert_eq!((again.status, again.text()), (200, state.text()));
    for header in ["rtstats-counted", "rtstats-seq"] {
        assert_eq!(again.header(header), state.header(header), "{header}");
    }
}

#[test]
fn a_source_s_number_is_that_of_its_latest_event() {
    let world = World::new(&[]);
    for other in ["crm", "%C3%B6+1"] {
        assert_eq!(seq_of(&world, other).header("rtstats-seq"), Some("0"), "{other}");
    }
    let removed =
        r#"{"time":1790000000001,"type":"group.removed","group":1,"source":"ö 1","seq":41}"#;
    let ignored = world.action.post(EVENTS, removed).json();
    assert_eq!(ignored["ignored"][0]["reason"], "unknown-group");
    assert_eq!(seq_of(&world, "%C3%B6+1").header("rtstats-seq"), Some("41"));
    assert_eq!(seq_of(&world, "crm").header("rtstats-seq"), Some("0"));
    let of_none = world.action.get(STATE);
    assert_eq!((of_none.status, of_none.header("rtstats-seq")), (200, None));
    assert_eq!(of_none.header("rtstats-counted"), Some("1790000000001"));
}

#[test]
fn the_state_of_a_new_tenant_is_empty() {
    let world = World::new(&[]);
    let (_, action) = world.folder.tenant("empty", "UTC");
    let empty = world.server.client(&world.folder).signed_in("empty", &action).get(STATE);
    assert_eq!((empty.status, empty.text()), (200, ""));
    assert_eq!(empty.header("rtstats-counted"), None);
}

#[test]
fn only_the_action_request_token_opens_the_state() {
    let world = World::new(&[]);
    let nobody = world.server.client(&world.folder);
    assert_eq!(nobody.get(STATE).status, 401);
    let wrong = nobody.signed_in("acme", &"0".repeat(64)).get(STATE);
    let unknown = nobody.signed_in("nobody", &"0".repeat(64)).get(STATE);
    assert_eq!((wrong.status, unknown.status), (403, 403));
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(world.data.get(STATE).status, 403);
}

#[test]
fn other_methods_than_get_and_head_are_405_and_a_bad_source_400() {
    let world = World::new(&[]);
    let answer = world.action.post(STATE, "{}");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    let whole = seq_of(&world, "pbx");
    let head = world.action.request("HEAD", &format!("{STATE}?source=pbx"), &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(&*whole.body.len().to_string()));
    assert_eq!(head.header("rtstats-seq"), Some("0"));
    for bad in ["", &"x".repeat(65), "%FF", "a&source=b"] {
        let answer = seq_of(&world, bad);
        assert_eq!(answer.status, 400, "{bad}");
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains("`source`"), "{message}");
    }
}

#[test]
fn the_state_is_compressed_for_who_takes_that() {
    let world = World::new(&[]);
    let plain = world.action.get(STATE);
    assert!(plain.body.len() >= 512, "worth it: {}", plain.text());
    let packed = world.action.request("GET", STATE, &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
}
