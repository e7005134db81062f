//! Hostile HTTP/2, frame by frame: what each is answered, and that the server goes on.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConnection, StreamOwned, pki_types::ServerName};

use crate::{
    client::receive,
    documents::World,
    server::{AGENTS, EVENTS, PATIENCE, QUEUES, STATE},
};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
pub const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const FRAME_SIZE_ERROR: u32 = 6;
const ENHANCE_YOUR_CALM: u32 = 11;

pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// How the server takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// GOAWAY, and the connection ends.
    Gone(u32),
    /// The stream alone is reset.
    Reset(u32),
    /// An answer to the request, by its status.
    Answer(u16),
}
use Told::{Answer, Gone, Reset};

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Literal headers without indexing and without Huffman's code.
pub fn block(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let text = |text: &[u8]| {
        // A length with a prefix of seven bits (RFC 7541 §5.1).
        let mut coded = Vec::new();
        match u8::try_from(text.len()) {
            Ok(len @ 0..127) => coded.push(len),
            _ => {
                coded.push(127);
                let mut rest = text.len() - 127;
                while rest >= 128 {
                    coded.push((rest % 128) as u8 | 128);
                    rest /= 128;
                }
                coded.push(rest as u8);
            }
        }
        [&coded, text].concat()
    };
    headers.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

const GET: &[(&[u8], &[u8])] = &[
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":authority", b"localhost"),
    (b":path", b"/api/rtstats/stats/agents"),
];

const OF_A_USER: &[(&[u8], &[u8])] = &[GET[0], GET[1], (b":authority", b"me@localhost"), GET[3]];

const TWICE: (&[u8], &[u8]) = (b"authorization", b"Basic YTpi");

fn with(more: &[(&[u8], &[u8])]) -> Vec<u8> {
    whole(&block(&[GET, more].concat()))
}

/// A request without a body, whose head is one frame.
fn whole(block: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, block)
}

fn without(name: &[u8]) -> Vec<u8> {
    let rest: Vec<_> = GET.iter().copied().filter(|header| header.0 != name).collect();
    whole(&block(&rest))
}

/// A connection over which frames have been sent.
pub fn connected(world: &World, frames: &[u8]) -> Stream {
    let name = ServerName::try_from("localhost").unwrap();
    let config = Arc::new(world.data.tls_config_with_alpn(b"h2"));
    let session = ClientConnection::new(config, name).unwrap();
    let mut stream = StreamOwned::new(session, world.data.tcp().unwrap());
    let opening = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&opening).unwrap();
    // The server may have ended it before all of it has gone out.
    let _ = stream.write_all(frames).and_then(|()| stream.flush());
    stream
}

/// The next frame that comes: its head and its payload.
pub fn next(stream: &mut Stream) -> std::io::Result<([u8; 9], Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; len as usize];
    stream.read_exact(&mut payload)?;
    Ok((head, payload))
}

/// Sends frames over a connection of their own, and reads until the server has told how it takes them.
fn told(world: &World, frames: &[u8]) -> Option<Told> {
    let mut stream = connected(world, frames);
    loop {
        let (head, payload) = next(&mut stream).ok()?;
        let number = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        match (head[3], head[8]) {
            (GOAWAY, _) => {
                let mut rest = Vec::new();
                // It ends with or without a word of TLS; reading it to its end shows that it does.
                let ended = stream.read_to_end(&mut rest);
                let waits = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
                assert!(!ended.is_err_and(waits), "it stays for {PATIENCE:?}");
                return Some(Gone(number(4)));
            }
            (RESET, 1) => return Some(Reset(number(0))),
            (HEADERS, 1) => return Some(Answer(status(&payload))),
            _ => {}
        }
    }
}

/// The status in the first field of a head: an entry of the static table, or a literal with its name from there.
fn status(block: &[u8]) -> u16 {
    // A change of the table's size may come first.
    let block = if block[0] >> 5 == 1 { &block[1..] } else { block };
    match block[0] {
        0x88 => 200,
        0x8c => 400,
        0x8d => 404,
        _ => {
            let huffman = block[1] & 0x80 != 0;
            let text = &block[2..2 + usize::from(block[1] & 0x7f)];
            if huffman {
                decimal(text)
            } else {
                std::str::from_utf8(text).unwrap().parse().unwrap()
            }
        }
    }
}

/// Digits in Huffman's code (RFC 7541, appendix B): 0 to 2 have five bits, the others six.
fn decimal(coded: &[u8]) -> u16 {
    let bits: String = coded.iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut rest, mut number) = (&*bits, 0);
    while rest.len() >= 5 && !rest.bytes().all(|bit| bit == b'1') {
        let short = u16::from_str_radix(&rest[..5], 2).unwrap();
        let (digit, len) = match short {
            0..=2 => (short, 5),
            _ => (u16::from_str_radix(&rest[..6], 2).unwrap() - 0b01_1001 + 3, 6),
        };
        number = number * 10 + digit;
        rest = &rest[len..];
    }
    number
}

#[track_caller]
fn check(world: &World, name: &str, frames: &[u8], expected: Told) {
    assert_eq!(told(world, frames), Some(expected), "{name}");
    assert_eq!(world.get(AGENTS).status, 200, "after {name}");
}

#[test]
fn frames_that_break_the_rules_end_their_connection() {
    let world = World::new(&[]);
    let get = with(&[]);
    let open = frame(HEADERS, END_HEADERS, 1, &block(GET));
    check(&world, "a good request", &get, Answer(401));
    for (name, frames, code) in [
        ("data of no stream", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
        ("data before a head", frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR),
        ("a stream that is the server's", frame(HEADERS, 5, 2, &block(GET)), PROTOCOL_ERROR),
        ("a push", frame(PUSH, END_HEADERS, 1, &[0, 0, 0, 2]), PROTOCOL_ERROR),
        ("a frame that is too large", frame(HEADERS, 5, 1, &[0; 16_385]), FRAME_SIZE_ERROR),
        ("a ping too short", frame(PING, 0, 0, b"x"), PROTOCOL_ERROR),
        ("settings of five bytes", frame(SETTINGS, 0, 0, &[0; 5]), PROTOCOL_ERROR),
        ("settings agreed to with words", frame(SETTINGS, ACK, 0, &[0; 6]), PROTOCOL_ERROR),
        ("a window of no bytes", frame(WINDOW_UPDATE, 0, 0, &[0; 4]), PROTOCOL_ERROR),
        (
            "a window beyond its bounds",
            frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
            FLOW_CONTROL_ERROR,
        ),
        ("more of no head", frame(CONTINUATION, 0, 1, b"x"), PROTOCOL_ERROR),
        (
            "another frame within a head",
            [frame(HEADERS, 0, 1, &block(GET)), frame(PING, 0, 0, &[0; 8])].concat(),
            PROTOCOL_ERROR,
        ),
        ("a head that can't be unpacked", whole(&[0xff, 0xff, 0xff, 0xff, 0xff]), PROTOCOL_ERROR),
        ("an index beyond the table", whole(&[0xfe]), PROTOCOL_ERROR),
        ("padding beyond the frame", frame(DATA, 8, 1, &[200, 1]), PROTOCOL_ERROR),
        ("a reset of nothing", frame(RESET, 0, 1, &[0; 4]), PROTOCOL_ERROR),
        (
            "data behind the end",
            [get, frame(RESET, 0, 1, &[0; 4]), frame(HEADERS, 5, 1, &block(GET))].concat(),
            PROTOCOL_ERROR,
        ),
    ] {
        check(&world, name, &frames, Gone(code));
    }
    let itself = [open, frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 0])].concat();
    check(&world, "a stream that waits for itself", &itself, Reset(PROTOCOL_ERROR));
}

#[test]
fn heads_that_break_the_rules_reach_nobody() {
    let world = World::new(&[]);
    let large = [
        frame(HEADERS, END_STREAM, 1, &block(&[GET, &[(b"x", &[b'a'; 14_000])]].concat())),
        frame(CONTINUATION, END_HEADERS, 1, &block(&[(b"y", &[b'a'; 14_000])])),
    ];
    for (name, frames, expected) in [
        ("a name in capitals", with(&[(b"X-A", b"b")]), Gone(PROTOCOL_ERROR)),
        ("chunks", with(&[(b"transfer-encoding", b"chunked")]), Reset(PROTOCOL_ERROR)),
        ("a connection's header", with(&[(b"connection", b"close")]), Reset(PROTOCOL_ERROR)),
        ("te", with(&[(b"te", b"gzip")]), Reset(PROTOCOL_ERROR)),
        ("two paths", with(&[(b":path", b"/")]), Reset(PROTOCOL_ERROR)),
        ("an unknown pseudo header", with(&[(b":x", b"y")]), Gone(PROTOCOL_ERROR)),
        ("a NUL in a value", with(&[(b"x", b"a\0b")]), Gone(PROTOCOL_ERROR)),
        ("a line end in a value", with(&[(b"x", b"a\r\nb: c")]), Gone(PROTOCOL_ERROR)),
        ("a line end in a name", with(&[(b"x\r\n", b"a")]), Gone(PROTOCOL_ERROR)),
        ("no method", without(b":method"), Reset(PROTOCOL_ERROR)),
        ("no path", without(b":path"), Reset(PROTOCOL_ERROR)),
        ("no host", without(b":authority"), Answer(400)),
        ("two hosts", with(&[(b"host", b"a"), (b"host", b"localhost")]), Answer(400)),
        ("a host other than the authority", with(&[(b"host", b"b")]), Answer(400)),
        ("an authority with a user", whole(&block(OF_A_USER)), Answer(400)),
        ("the same host again", with(&[(b"host", b"localhost")]), Answer(401)),
        ("two credentials", with(&[TWICE, TWICE]), Answer(403)),
        ("a head that is too large", large.concat(), Answer(431)),
        (
            "a body longer than its length",
            {
                let head = block(&[GET, &[(b"content-length", b"1")]].concat());
                [frame(HEADERS, END_HEADERS, 1, &head), frame(DATA, END_STREAM, 1, b"abc")].concat()
            },
            Reset(PROTOCOL_ERROR),
        ),
    ] {
        check(&world, name, &frames, expected);
    }
}

#[test]
fn floods_of_frames_end_their_connection() {
    let world = World::new(&[]);
    let get = block(GET);
    let streams = (0..2_000_u32).map(|number| number * 2 + 1);
    let resets: Vec<u8> = streams
        .flat_map(|stream| {
            [frame(HEADERS, 5, stream, &get), frame(RESET, 0, stream, &[0; 4])].concat()
        })
        .collect();
    check(&world, "requests taken back at once", &resets, Gone(ENHANCE_YOUR_CALM));
    let more = frame(CONTINUATION, 0, 1, &block(&[(b"x", &[b'a'; 8_000])]));
    let endless = [frame(HEADERS, 1, 1, &get), more.repeat(200)].concat();
    check(&world, "a head without end", &endless, Gone(ENHANCE_YOUR_CALM));
    let empty =
        [frame(HEADERS, 1, 1, &get), frame(CONTINUATION, 0, 1, &[]).repeat(10_000)].concat();
    check(&world, "a head of nothing without end", &empty, Gone(ENHANCE_YOUR_CALM));
}

#[test]
fn present_states_that_nobody_reads_are_bounded_and_free_again_with_their_connection() {
    let world = World::new(&[]);
    let credentials = world.action.authorization();
    let head = block(&[
        GET[0],
        GET[1],
        GET[2],
        (b":path", STATE.as_bytes()),
        (b"authorization", credentials.as_bytes()),
    ]);
    // A window of nothing for every answer's body.
    let mut deaf = connected(&world, &frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
    let mut ask = |stream: u8| {
        deaf.write_all(&frame(HEADERS, 5, stream.into(), &head)).unwrap();
        deaf.flush().unwrap();
        loop {
            let (head, payload) = next(&mut deaf).unwrap();
            if (head[3], head[8]) == (HEADERS, stream) {
                return status(&payload);
            }
        }
    };
    // Each comes after the one before was made, and is given a document of its own.
    assert_eq!([1, 3, 5, 7].map(&mut ask), [200, 200, 200, 503]);
    let crowded = world.action.get(STATE);
    assert_eq!((crowded.status, crowded.header("retry-after")), (503, Some("2")));
    let error = &crowded.json()["error"];
    assert_eq!(error["code"], 503);
    assert!(error["message"].as_str().unwrap().contains("not been read to their end"), "{error}");
    let sent = r#"{"time":1790000000001,"type":"group.removed","group":1}"#;
    assert_eq!(world.action.post(EVENTS, sent).status, 200, "events are taken");
    assert_eq!(world.get(AGENTS).status, 200, "statistics are shown");
    drop(deaf);
    let deadline = Instant::now() + PATIENCE;
    while world.action.get(STATE).status != 200 {
        assert!(Instant::now() < deadline, "the places stay taken");
    }
}

#[test]
fn a_connection_over_the_limit_is_told_so_closed_and_takes_no_place() {
    let world = World::new(&["--limits-connections-max", "1"]);
    // The one place is free once the server has seen its first client go.
    let patience = Duration::from_secs(20);
    let deadline = Instant::now() + patience;
    let mut served = loop {
        let mut stream = world.data.connect();
        let _ = world.data.send(&mut *stream, "GET", QUEUES, &[], b"");
        if receive(&mut *stream, false).is_ok_and(|answer| answer.status == 200) {
            break stream;
        }
        assert!(Instant::now() < deadline, "nobody is served");
    };
    let begun = Instant::now();
    let mut refused = connected(&world, &whole(&block(GET)));
    let (mut answered, mut gone) = (None, false);
    let end = loop {
        match next(&mut refused) {
            Ok((head, payload)) if head[3] == HEADERS => answered = Some(status(&payload)),
            Ok((head, _)) => gone |= head[3] == GOAWAY,
            Err(error) => break error.kind(),
        }
    };
    assert_eq!((answered, gone), (Some(503), true));
    assert!(matches!(end, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{end:?}");
    assert!(begun.elapsed() < patience, "{:?}", begun.elapsed());
    world.data.send(&mut *served, "GET", QUEUES, &[], b"").unwrap();
    assert_eq!(receive(&mut *served, false).unwrap().status, 200);
    // Those who are refused and stay keep nobody out.
    let _silent: Vec<_> = (0..4).map(|_| connected(&world, &[])).collect();
    drop(served);
    let deadline = Instant::now() + patience;
    while !world.data.try_get(QUEUES).is_ok_and(|answer| answer.status == 200) {
        assert!(Instant::now() < deadline, "there is room again");
    }
}
