//! What comes over HTTP/2 goes to the machinery as it came, but for what is answered before it: and then as it would be.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use rtstats::server::http2::{Gathered, Repeats, Told};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const PADDED: u8 = 8;
const PRIORITY: u8 = 32;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const FIRST_WINDOW: u64 = 65_535;

const LARGEST_WINDOW: u64 = 0x7fff_ffff;

/// What the machinery sends in answer to a block, if there is a window for it.
const BODY_BYTES: u64 = 4_000;

/// Of its window so much is its own, where there is as much at all.
const LEFT_BYTES: u64 = 16_384;

const QUIET_TURNS: usize = 3;

/// A frame: kind, flags, stream, payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame(pub u8, pub u8, pub u32, pub Vec<u8>);

impl Frame {
    pub fn bytes(&self) -> Vec<u8> {
        let len = u32::try_from(self.3.len()).unwrap().to_be_bytes();
        [&len[1..], &[self.0, self.1], &self.2.to_be_bytes(), &self.3].concat()
    }

    /// Whole frames, and what is left.
    fn all(mut bytes: &[u8]) -> (Vec<Frame>, &[u8]) {
        let mut frames = Vec::new();
        while let [a, b, c, kind, flags, d, e, f, g, rest @ ..] = bytes {
            let len = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            let Some(payload) = rest.get(..len) else { break };
            let stream = u32::from_be_bytes([d & 0x7f, *e, *f, *g]);
            frames.push(Frame(*kind, *flags, stream, payload.to_vec()));
            bytes = &rest[len..];
        }
        (frames, bytes)
    }

    fn number(&self) -> Option<u64> {
        let bytes: [u8; 4] = self.3.as_slice().try_into().ok()?;
        Some(u64::from(u32::from_be_bytes(bytes) & 0x7fff_ffff))
    }

    /// What it adds to the connection's window.
    fn window(&self) -> Option<u64> {
        let is = self.0 == WINDOW_UPDATE && self.2 == 0;
        self.number().filter(|more| is && *more > 0)
    }

    /// Its block, if that is all of one.
    fn block(&self) -> Option<&[u8]> {
        let whole = self.1 & END_HEADERS != 0 && self.1 & PADDED == 0;
        let from = if self.1 & PRIORITY == 0 { 0 } else { 5 };
        self.3.get(from..).filter(|_| whole)
    }

    /// What the block means by the table that stands then, for a question that may be asked again.
    fn meaning(&self, table: u64) -> Vec<u8> {
        [&table.to_be_bytes()[..], self.block().unwrap_or_default()].concat()
    }
}

/// A block, octet by octet.
struct Octets<'a>(std::slice::Iter<'a, u8>);

impl Octets<'_> {
    fn next(&mut self) -> Option<u8> {
        self.0.next().copied()
    }

    fn number(&mut self, first: u8, most: u8) -> Option<u64> {
        let mut value = u64::from(first & most);
        if value < u64::from(most) {
            return Some(value);
        }
        for power in 0..4 {
            let next = self.next()?;
            value += u64::from(next % 128) * 128_u64.pow(power);
            if next < 128 {
                return Some(value);
            }
        }
        None
    }

    fn text(&mut self) -> Option<()> {
        let first = self.next()?;
        let len = self.number(first, 0x7f)?;
        (0..len).try_for_each(|_| self.next().map(drop))
    }

    fn field(&mut self, first: u8) -> Option<()> {
        match first {
            0x80.. => self.number(first, 0x7f).map(drop),
            ..0x20 => {
                if self.number(first, 0x0f)? == 0 {
                    self.text()?;
                }
                self.text()
            }
            _ => None,
        }
    }
}

/// Whether a block leaves the table alone.
fn keeps(block: &[u8]) -> bool {
    let mut octets = Octets(block.iter());
    while let Some(first) = octets.next() {
        if octets.field(first).is_none() {
            return false;
        }
    }
    true
}

/// The two ends of a connection's bytes, with so much room for what is written.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    come: VecDeque<u8>,
    ended: bool,
    room: usize,
    written: Vec<u8>,
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut ends = self.0.lock().unwrap();
        if ends.come.is_empty() && !ends.ended {
            return Poll::Pending;
        }
        let bytes = buffer.remaining().min(ends.come.len());
        ends.come.drain(..bytes).for_each(|byte| buffer.put_slice(&[byte]));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut ends = self.0.lock().unwrap();
        let bytes = &bytes[..bytes.len().min(ends.room)];
        if bytes.is_empty() {
            return Poll::Pending;
        }
        ends.room -= bytes.len();
        ends.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What stands in for the machinery: it answers whatever block it gets, in its order, and keeps to its window.
#[derive(Default)]
struct Machinery {
    came: Vec<u8>,
    frames: usize,
    table: u64,
    window: u64,
    to_write: VecDeque<u8>,
}

impl Machinery {
    fn act(&mut self, told: &Told<Vec<u8>>) {
        let Some(came) = self.came.get(PREFACE.len()..) else { return };
        let (frames, _) = Frame::all(came);
        for frame in &frames[self.frames..] {
            self.window += frame.window().unwrap_or_default();
            if frame.0 == HEADERS {
                self.table += u64::from(!frame.block().is_some_and(keeps));
                self.answer(frame, told);
            } else if frame.0 == CONTINUATION {
                self.table += 1;
            } else if frame.0 == SETTINGS && frame.1 & ACK == 0 {
                self.to_write.extend(Frame(SETTINGS, ACK, 0, Vec::new()).bytes());
            }
        }
        self.frames = frames.len();
    }

    fn answer(&mut self, frame: &Frame, told: &Told<Vec<u8>>) {
        // Some it refuses, and its service doesn't hear of them.
        if frame.2 % 31 == 17 {
            return;
        }
        let body = frame.meaning(self.table);
        let answer = Response::new(Full::new(Bytes::from(body.clone())));
        told.answered(told.asked(), &answer, body);
        let head = Frame(HEADERS, END_HEADERS, frame.2, b"\x88".to_vec());
        let bytes = self.window.min(BODY_BYTES);
        self.window -= bytes;
        let data = Frame(DATA, END_STREAM, frame.2, vec![1; usize::try_from(bytes).unwrap()]);
        self.to_write.extend([head.bytes(), data.bytes()].concat());
    }

    /// Writes so much of what it has, which may end anywhere.
    fn write<S: AsyncWrite + Unpin>(
        &mut self,
        most: usize,
        stream: &mut S,
        context: &mut Context<'_>,
    ) {
        let bytes: Vec<u8> = self.to_write.iter().copied().take(most).collect();
        let (one, other) = bytes.split_at(bytes.len() / 2);
        let parts = [IoSlice::new(one), IoSlice::new(other)];
        if let Poll::Ready(written) = Pin::new(&mut *stream).poll_write_vectored(context, &parts) {
            self.to_write.drain(..written.unwrap());
        }
        let _ = Pin::new(stream).poll_flush(context);
    }
}

/// Bytes after the preface, in steps of one length; the first byte is that length.
pub fn http2(input: &[u8]) {
    answered(input);
}

/// The same; how many were answered before the machinery.
pub fn answered(input: &[u8]) -> usize {
    let Some((step, input)) = input.split_first() else { return 0 };
    let whole = [PREFACE, input].concat();
    let (pipe, told) = (Pipe::default(), Told::default());
    let stream = Gathered::new(pipe.clone());
    let mut repeats = Repeats::new(stream.clone(), told.clone(), |again: &Vec<u8>| {
        (!again.len().is_multiple_of(7)).then(|| Bytes::from(again.clone()))
    });
    let mut machinery = Machinery { window: FIRST_WINDOW, ..Machinery::default() };
    let context = &mut Context::from_waker(Waker::noop());
    let most = usize::from(*step) * 9 + 1;
    // At last there is room for all, and then an end.
    let parts = whole.chunks(usize::from(*step) + 1).map(|part| (part, most, false));
    for (part, room, ended) in parts.chain([(&[][..], usize::MAX, false), (&[], usize::MAX, true)])
    {
        {
            let mut ends = pipe.0.lock().unwrap();
            ends.come.extend(part);
            (ends.room, ends.ended) = (room, ended);
        }
        let mut quiet = 0;
        // A turn ends with a wake where there is more to do.
        for turn in 0.. {
            let mut room_for_it = [0; 300];
            let mut buffer = ReadBuf::new(&mut room_for_it);
            let _ = Pin::new(&mut repeats).poll_read(context, &mut buffer);
            machinery.came.extend_from_slice(buffer.filled());
            machinery.act(&told);
            machinery.write(room, &mut repeats, context);
            let _ = stream.poll_send(context);
            quiet = if buffer.filled().is_empty() { quiet + 1 } else { 0 };
            if quiet > QUIET_TURNS || !part.is_empty() && turn > QUIET_TURNS {
                break;
            }
        }
    }
    assert!(machinery.to_write.is_empty());
    assert!(stream.poll_send(context).is_ready());
    let written = std::mem::take(&mut pipe.0.lock().unwrap().written);
    compare(&whole, &machinery.came, &written)
}

/// What came, what went to the machinery, what was written.
fn compare(whole: &[u8], passed: &[u8], written: &[u8]) -> usize {
    let passed = passed.strip_prefix(PREFACE).expect("the preface passes");
    let (all, rest) = Frame::all(&whole[PREFACE.len()..]);
    let (passed, passed_rest) = Frame::all(passed);
    assert_eq!(rest, passed_rest, "what is no whole frame passes at the end");
    let mut answers = answers(written);
    let answered_bytes = answers.values().map(|body| body.len() as u64).sum::<u64>();
    let (mut passed, mut table) = (passed.into_iter().peekable(), 0);
    let (mut open, mut told, mut highest) = (FIRST_WINDOW, FIRST_WINDOW, 0);
    let (mut ours, mut in_block) = (Vec::new(), false);
    for (place, frame) in all.iter().enumerate() {
        while let Some(more) = passed.next_if(|it| it.window().is_some()).and_then(|it| it.window())
        {
            told += more;
        }
        if let Some(more) = frame.window() {
            open += more;
            continue;
        }
        let may_be_kept = frame.0 == HEADERS
            && frame.1 & END_STREAM != 0
            && frame.2 % 2 == 1
            && frame.2 > highest
            && !in_block
            && frame.block().is_some_and(keeps);
        // Of more than have passed the first is one that has not.
        let count = |of: &[Frame]| of.iter().filter(|it| *it == frame).count();
        let left: Vec<Frame> = passed.clone().collect();
        if may_be_kept && count(&all[place..]) > count(&left) {
            let resets = |it: &Frame| it.0 == RST_STREAM && it.2 == frame.2;
            match answers.remove(&frame.2) {
                Some(body) => assert_eq!(body, frame.meaning(table), "another's answer"),
                None => assert!(all[place..].iter().any(resets), "{frame:?} has no answer"),
            }
            highest = frame.2;
            ours.push(frame.2);
        } else if passed.next_if_eq(frame).is_some() {
            if frame.0 == HEADERS {
                table += u64::from(!frame.block().is_some_and(keeps));
                highest = highest.max(frame.2);
                in_block = frame.1 & END_HEADERS == 0;
            } else if frame.0 == CONTINUATION {
                table += 1;
                in_block &= frame.1 & END_HEADERS == 0;
            }
        } else {
            // Streams that were left out are closed once a later one has been opened.
            let is_closed = frame.2 % 2 == 1 && ours.last().is_some_and(|last| frame.2 <= *last);
            let says_little = matches!(frame.0, RST_STREAM | WINDOW_UPDATE);
            assert!(says_little && is_closed && frame.number().is_some(), "{frame:?} is lost");
        }
    }
    told += passed.by_ref().filter_map(|it| it.window()).sum::<u64>();
    assert!(answers.is_empty(), "nobody asked");
    let (frames, rest_written) = Frame::all(written);
    assert_eq!(rest_written, b"");
    let data = frames.iter().filter(|it| it.0 == DATA).map(|it| it.3.len() as u64).sum::<u64>();
    if open <= LARGEST_WINDOW {
        assert!(told + answered_bytes <= open, "{told} and {answered_bytes} of {open}");
        let (left, hypers) = (open - data, told - (data - answered_bytes));
        let is_between = rest.is_empty() && !in_block;
        assert!(!is_between || hypers >= left.min(LEFT_BYTES), "{hypers} of {left} bytes");
    }
    ours.len()
}

/// Whole answers that are not the machinery's, by their streams.
fn answers(written: &[u8]) -> BTreeMap<u32, Vec<u8>> {
    let (frames, _) = Frame::all(written);
    let (mut answers, mut open) = (BTreeMap::new(), None);
    for frame in frames {
        let Frame(kind, flags, stream, payload) = frame;
        if kind == HEADERS && payload != b"\x88" {
            assert!(keeps(&payload) && flags == END_HEADERS, "{payload:x?}");
            assert_eq!(open.replace(stream), None);
            assert_eq!(answers.insert(stream, Vec::new()), None, "answered twice");
        } else if open == Some(stream) {
            assert_eq!(kind, DATA);
            answers.entry(stream).or_default().extend(payload);
            if flags & END_STREAM != 0 {
                open = None;
            }
        }
    }
    assert_eq!(open, None, "an answer has no end");
    answers
}
