//! One HTTP/2 connection over TLS, made for measuring as the one of HTTP/1.1 is: one request after the other, answers
//! counted, and as little work as that takes.
//!
//! It asks as other clients do: what stays the same from request to request is an entry of the connection's table of headers
//! from the second on, and path and credentials are not. Of an answer's head it reads the status alone.

use super::connection::{Answer, Connection, Failure, Takes};
use super::target::Target;

/// What a server may send before it hears of us, on a stream and on all: windows are to be nobody's limit here.
const WINDOW_BYTES: u32 = 16 << 20;

/// What the connection's window is before anything is said.
const FIRST_WINDOW_BYTES: u32 = 65_535;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

const HEAD_BYTES: usize = 9;

/// Names of settings: no pushes, and the window of a stream.
const ENABLE_PUSH: u16 = 2;
const INITIAL_WINDOW_SIZE: u16 = 4;

/// The first entry of the table that a connection makes for itself.
const DYNAMIC: usize = 62;

/// The same request for each connection: its header block, the first time and from then on.
pub struct Request {
    first: Vec<u8>,
    again: Vec<u8>,
}

impl Request {
    /// Without a body, with further headers whose names are lower-case.
    pub fn new(target: &Target, further: &[(&str, &str)]) -> Request {
        let mut path = vec![0x04];
        text(&mut path, target.path());
        let mut credentials = Vec::new();
        if let Some(value) = target.credentials() {
            // Never indexed, by the name's place in the static table.
            credentials.extend([0x1f, 0x08]);
            text(&mut credentials, &value);
        }
        // GET, https, the authority.
        let (mut first, mut again) = (vec![0x82, 0x87, 0x41], vec![0x82, 0x87]);
        text(&mut first, target.authority());
        for (name, value) in further {
            first.push(0x40);
            text(&mut first, name);
            text(&mut first, value);
        }
        // The latest entry comes first in the table.
        for place in (0..=further.len()).rev() {
            number(&mut again, 0x80, 7, DYNAMIC + place);
        }
        for block in [&mut first, &mut again] {
            block.extend_from_slice(&path);
            block.extend_from_slice(&credentials);
        }
        Request { first, again }
    }
}

/// A number behind so many bits of a kind (RFC 7541 §5.1).
fn number(block: &mut Vec<u8>, kind: u8, bits: u32, value: usize) {
    let most = (1_usize << bits) - 1;
    if value < most {
        block.push(kind | value as u8);
        return;
    }
    block.push(kind | most as u8);
    let mut rest = value - most;
    while rest > 0x7f {
        block.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    block.push(rest as u8);
}

fn text(block: &mut Vec<u8>, text: &str) {
    number(block, 0, 7, text.len());
    block.extend_from_slice(text.as_bytes());
}

fn frame(to: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [.., a, b, c] = payload.len().to_be_bytes();
    to.extend([a, b, c, kind, flags]);
    to.extend(stream.to_be_bytes());
    to.extend_from_slice(payload);
}

/// An open connection.
pub struct Http2 {
    connection: Connection,
    frames: Frames,
    sending: Vec<u8>,
}

impl Http2 {
    /// Connects and shakes hands; the target must be one for HTTP/2.
    pub async fn open(target: &Target) -> Result<Http2, Failure> {
        let connection = Connection::open(target).await?;
        if connection.protocol() != Some(b"h2") {
            return Err(Failure("the server speaks no HTTP/2".into()));
        }
        Ok(Http2 { connection, frames: Frames::default(), sending: Vec::new() })
    }

    /// Sends a request and takes the whole answer; its body isn't kept.
    pub async fn exchange(&mut self, request: &Request) -> Result<Answer, Failure> {
        let frames = &mut self.frames;
        self.sending.clear();
        if frames.stream == 0 {
            self.sending.extend_from_slice(PREFACE);
            let mut settings = Vec::new();
            for (name, value) in [(ENABLE_PUSH, 0), (INITIAL_WINDOW_SIZE, WINDOW_BYTES)] {
                settings.extend(name.to_be_bytes());
                settings.extend(value.to_be_bytes());
            }
            frame(&mut self.sending, SETTINGS, 0, 0, &settings);
            let more = WINDOW_BYTES - FIRST_WINDOW_BYTES;
            frame(&mut self.sending, WINDOW_UPDATE, 0, 0, &more.to_be_bytes());
        }
        let block = if frames.stream == 0 { &request.first } else { &request.again };
        frames.begin();
        frame(&mut self.sending, HEADERS, END_STREAM | END_HEADERS, frames.stream, block);
        self.connection.converse(&self.sending, frames).await?;
        let mut answer = Answer::default();
        (answer.status, answer.bytes) = (frames.status, frames.bytes);
        Ok(answer)
    }

    /// Whether the server said that it takes no more requests.
    pub fn closes(&self) -> bool {
        self.frames.goes_away
    }

    /// Ends the connection at once, so that no port of ours stays taken.
    pub fn reset(self) {
        self.connection.reset();
    }
}

/// What comes over a connection, and the answer that is awaited.
#[derive(Default)]
struct Frames {
    /// The latest stream.
    stream: u32,
    status: u16,
    /// Bytes of the body.
    bytes: usize,
    ended: bool,
    goes_away: bool,
    /// A frame's head and payload as far as they have come; a body's is not kept.
    head: Vec<u8>,
    payload: Vec<u8>,
    left: usize,
    /// Bytes of bodies that the server has not been given a new window for.
    taken: u32,
    reply: Vec<u8>,
}

impl Frames {
    fn begin(&mut self) {
        self.stream = if self.stream == 0 { 1 } else { self.stream + 2 };
        (self.status, self.bytes, self.ended) = (0, 0, false);
    }

    /// A frame's head is whole.
    fn begin_frame(&mut self) {
        self.left = self.head[..3].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.payload.clear();
        if self.head[3] == DATA {
            self.bytes += self.left;
            self.taken += self.left as u32;
            if self.taken >= WINDOW_BYTES / 2 {
                frame(&mut self.reply, WINDOW_UPDATE, 0, 0, &self.taken.to_be_bytes());
                self.taken = 0;
            }
        }
    }

    fn end_frame(&mut self) -> Result<(), Failure> {
        let (kind, flags) = (self.head[3], self.head[4]);
        let ours = self.head[5..] == self.stream.to_be_bytes();
        match kind {
            HEADERS if ours => self.status = status(&self.payload)?,
            RST_STREAM if ours => return Err(Failure("HTTP/2: the stream was reset".into())),
            SETTINGS if flags & ACK == 0 => frame(&mut self.reply, SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => frame(&mut self.reply, PING, ACK, 0, &self.payload),
            GOAWAY => self.goes_away = true,
            _ => {}
        }
        self.ended |= ours && matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0;
        self.head.clear();
        Ok(())
    }
}

impl Takes for Frames {
    fn take(&mut self, mut plain: &[u8]) -> Result<(), Failure> {
        while !plain.is_empty() {
            if self.head.len() < HEAD_BYTES {
                let part = plain.len().min(HEAD_BYTES - self.head.len());
                self.head.extend_from_slice(&plain[..part]);
                plain = &plain[part..];
                if self.head.len() < HEAD_BYTES {
                    return Ok(());
                }
                self.begin_frame();
            }
            let part = plain.len().min(self.left);
            if self.head[3] != DATA {
                self.payload.extend_from_slice(&plain[..part]);
            }
            self.left -= part;
            plain = &plain[part..];
            if self.left == 0 {
                self.end_frame()?;
            }
        }
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.ended
    }

    fn reply(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.reply)
    }
}

/// The status that a block begins with: an entry of the static table, or a literal without Huffman's code.
fn status(block: &[u8]) -> Result<u16, Failure> {
    Ok(match block {
        [0x88, ..] => 200,
        [0x8b, ..] => 304,
        [0x8c, ..] => 400,
        [0x8d, ..] => 404,
        [0x08 | 0x18 | 0x48, 3, a, b, c, ..] => {
            [a, b, c].iter().fold(0, |code, digit| 10 * code + u16::from(**digit & 0xf))
        }
        _ => return Err(Failure("HTTP/2: a status other than 200, 304, 400 and 404".into())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        let flags = crate::load::target::Address {
            url: "https://localhost:1/a".to_owned(),
            user: Some("x:y".to_owned()),
            cacert: None,
            insecure: true,
        };
        Target::new(&flags).unwrap()
    }

    #[test]
    fn what_stays_is_an_entry_of_the_table_from_the_second_request_on() {
        let request = Request::new(&target(), &[("accept-encoding", "gzip"), ("x", "y")]);
        let rest = b"\x04\x02/a\x1f\x08\x0aBasic eDp5";
        let named = b"\x82\x87\x41\x0blocalhost:1\x40\x0faccept-encoding\x04gzip\x40\x01x\x01y";
        assert_eq!(request.first, [&named[..], rest].concat());
        assert_eq!(request.again, [b"\x82\x87\xc0\xbf\xbe", &rest[..]].concat());
        let mut long = Vec::new();
        text(&mut long, &"z".repeat(127 + 200));
        assert_eq!(long[..3], [0x7f, 0xc8, 0x01]);
    }

    #[test]
    fn an_answer_is_counted_however_its_frames_come() {
        let mut bytes = Vec::new();
        frame(&mut bytes, SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]);
        frame(&mut bytes, SETTINGS, ACK, 0, &[]);
        frame(&mut bytes, PING, 0, 0, b"12345678");
        frame(&mut bytes, HEADERS, END_HEADERS, 1, b"\x88rest");
        frame(&mut bytes, DATA, 0, 1, &[7; 300]);
        frame(&mut bytes, DATA, END_STREAM, 1, &[7; 5]);
        let mut replied = Vec::new();
        frame(&mut replied, SETTINGS, ACK, 0, &[]);
        frame(&mut replied, PING, ACK, 0, b"12345678");
        for step in [1, 7, 10, bytes.len()] {
            let mut frames = Frames::default();
            frames.begin();
            for part in bytes.chunks(step) {
                assert!(!frames.is_whole());
                frames.take(part).unwrap();
            }
            assert!(frames.is_whole() && !frames.goes_away);
            assert_eq!((frames.status, frames.bytes), (200, 305));
            assert_eq!(frames.reply(), replied);
        }
    }

    #[test]
    fn a_window_is_given_anew_when_half_of_it_is_taken() {
        let mut frames = Frames::default();
        frames.begin();
        let mut bytes = Vec::new();
        frame(&mut bytes, DATA, 0, 1, &[0; 16_384]);
        let half = (WINDOW_BYTES / 2) as usize / 16_384;
        for _ in 1..half {
            frames.take(&bytes).unwrap();
        }
        assert_eq!(frames.reply(), b"");
        frames.take(&bytes).unwrap();
        assert_eq!(frames.reply(), b"\0\0\x04\x08\0\0\0\0\0\0\x80\0\0");
    }

    #[test]
    fn resets_and_strange_statuses_are_failures() {
        let take = |kind, stream, payload: &[u8]| {
            let (mut frames, mut bytes) = (Frames::default(), Vec::new());
            frames.begin();
            frame(&mut bytes, kind, END_HEADERS, stream, payload);
            frames.take(&bytes).map(|()| frames.status)
        };
        assert!(take(RST_STREAM, 1, &[0; 4]).is_err());
        assert!(take(RST_STREAM, 3, &[0; 4]).is_ok());
        assert!(take(HEADERS, 1, b"\xbe").is_err());
        assert_eq!(take(HEADERS, 1, b"\x48\x03503"), Ok(503));
        assert_eq!(take(HEADERS, 1, b"\x8b"), Ok(304));
    }
}
