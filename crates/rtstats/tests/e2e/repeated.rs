//! One connection that asks the same again and again: what it is told is what holds, over HTTP/1.1 and HTTP/2.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use crate::{
    client::{Stream as Plain, receive},
    documents::World,
    hostile_h2::{self, DATA, END_STREAM, HEADERS, RESET, WINDOW_UPDATE, block, frame},
    server::{AGENTS, EVENTS, PATIENCE},
};

/// A connection's status and body of the next answer.
trait Asks {
    fn ask(&mut self) -> (u16, String);
}

struct Http1<'a>(&'a World, Box<dyn Plain>);

impl Asks for Http1<'_> {
    fn ask(&mut self) -> (u16, String) {
        self.0.data.send(&mut *self.1, "GET", AGENTS, &[], b"").unwrap();
        let answer = receive(&mut *self.1, false).unwrap();
        (answer.status, answer.text().to_owned())
    }
}

struct Http2 {
    stream: hostile_h2::Stream,
    head: Vec<u8>,
    number: u32,
    /// Answers that were written without the machinery, which compresses heads.
    past: usize,
}

impl Http2 {
    fn open(world: &World) -> Http2 {
        let credentials = world.data.authorization();
        let head = block(&[
            (b":method", b"GET"),
            (b":scheme", b"https"),
            (b":authority", b"localhost"),
            (b":path", AGENTS.as_bytes()),
            (b"authorization", credentials.as_bytes()),
        ]);
        let window = frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes());
        Http2 { stream: hostile_h2::connected(world, &window), head, number: 1, past: 0 }
    }
}

impl Asks for Http2 {
    fn ask(&mut self) -> (u16, String) {
        self.stream.write_all(&frame(HEADERS, 5, self.number, &self.head)).unwrap();
        self.stream.flush().unwrap();
        let (mut status, mut body) = (0, Vec::new());
        loop {
            let (head, payload) = hostile_h2::next(&mut self.stream).unwrap();
            if head[5..] != self.number.to_be_bytes() {
                continue;
            }
            match head[3] {
                HEADERS => {
                    let past = payload.starts_with(b"\x08\x03200");
                    self.past += usize::from(past);
                    // Of other answers the body tells the status.
                    status = if past || payload[0] == 0x88 { 200 } else { 0 };
                }
                DATA => body.extend(payload),
                kind => panic!("a frame of kind {kind}"),
            }
            if head[4] & END_STREAM != 0 {
                break;
            }
        }
        // As some clients do behind an answer: it may be of a stream that the machinery never saw.
        let behind = [
            frame(WINDOW_UPDATE, 0, self.number, &1_u32.to_be_bytes()),
            frame(RESET, 0, self.number, &0_u32.to_be_bytes()),
        ];
        self.stream.write_all(&behind.concat()).unwrap();
        self.number += 2;
        (status, String::from_utf8(body).unwrap())
    }
}

/// Asks until an answer is as expected; all before it are as they were.
#[track_caller]
fn until(asks: &mut dyn Asks, before: &(u16, String), expected: impl Fn(&(u16, String)) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = asks.ask();
        if expected(&answer) {
            return;
        }
        assert!(&answer == before, "{answer:?} after {before:?}");
        assert!(Instant::now() < deadline, "nothing changes");
    }
}

fn holds_what_changes(world: &World, asks: &mut dyn Asks) {
    let first = asks.ask();
    assert_eq!(first.0, 200, "{}", first.1);
    for _ in 0..200 {
        assert!(asks.ask() == first);
    }
    let sent =
        r#"{"time":1790000000001,"type":"agent.configured","agent":"new","name":"Quite New"}"#;
    assert_eq!(world.action.post(EVENTS, sent).status, 200);
    let is_new = |answer: &(u16, String)| answer.0 == 200 && answer.1.contains("Quite New");
    until(asks, &first, is_new);
    let second = asks.ask();
    assert!(is_new(&second));
    world.folder.token("acme", "data");
    let is_refused = |answer: &(u16, String)| answer.0 != 200 && answer.1.contains("<code>403");
    until(asks, &second, is_refused);
    for _ in 0..20 {
        assert!(is_refused(&asks.ask()));
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn over_http_1_1_what_is_asked_again_and_again_is_told_as_it_is() {
    let world = World::new(&["--refresh-seconds", "1"]);
    holds_what_changes(&world, &mut Http1(&world, world.data.connect()));
}

#[test]
fn over_http_2_what_is_asked_again_and_again_is_told_as_it_is() {
    let world = World::new(&["--refresh-seconds", "1"]);
    let mut asks = Http2::open(&world);
    holds_what_changes(&world, &mut asks);
    assert!(asks.past > 100, "{} answers went past the machinery", asks.past);
}
