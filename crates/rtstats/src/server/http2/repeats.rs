//! Questions that an HTTP/2 connection asks again, byte for byte: answered from what was answered before, past hyper.
//!
//! A header block that adds nothing to the connection's table of headers means the same each time that it comes, until
//! another block changes that table. So a question is remembered by its block, with the head of its answer, and everything
//! that is remembered is forgotten as soon as a block comes that may change the table. Where the same block opens another
//! stream, and the answer still holds and fits the windows, its frames are written here, and hyper never hears of the
//! stream: to hyper its number is one that was left out.
//!
//! Everything else goes to hyper as it came, but for two kinds of frames. What the client adds to the connection's window
//! is [split](super::windows). And what it says of streams that hyper doesn't know yet is swallowed: hyper would take it
//! for a fault.
//!
//! Which answer belongs to which block is known by counting: hyper asks its service in the order in which blocks came. Where
//! it was asked as often as blocks went to it, each was one question. A connection where the counts differ, since
//! hyper refused one or a block was a trailer, learns nothing more.

mod incoming;
mod stream;

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use self::incoming::Incoming;
use super::{
    answer::{Answer, answer},
    frame::{
        ACK, CONTINUATION, END_STREAM, GOAWAY, HEAD_BYTES, HEADERS, Head, NUMBER, PADDED, PRIORITY,
        RST_STREAM, SETTINGS, WINDOW_UPDATE, Written,
    },
    gathered::Gathered,
    hpack,
    told::{Answered, Told, WAITING_MAX, push_latest},
    windows::Windows,
};

/// Questions that are remembered: as many as a wallboard has documents.
const KNOWN_MAX: usize = 8;

/// Frames longer than this are not looked into, and heads of answers not remembered.
const LOOKED_INTO_MAX: usize = 2_048;

/// Answers that may wait for their turn to be written.
const GIVING_MAX: usize = 32;

/// A stream's window unless the client says otherwise.
const STREAM_WINDOW: usize = 65_535;

/// Names of settings (RFC 9113 §6.5.2).
const HEADER_TABLE_SIZE: u16 = 1;
const INITIAL_WINDOW_SIZE: u16 = 4;
const SETTING_BYTES: usize = 6;

/// A stream that answers repeated questions by itself.
///
/// `judge` says for an answer's `A` whether it still holds, and then gives the body.
pub struct Repeats<S, A, J> {
    stream: Gathered<S>,
    told: Told<A>,
    judge: J,
    known: VecDeque<Known<A>>,
    /// Questions that went to hyper and may be asked again, by their numbers.
    asked: VecDeque<(u64, Bytes)>,
    /// Blocks that went to hyper.
    passed: u64,
    /// The highest streams that went to hyper, and that were answered here.
    hypers: u32,
    ours: u32,
    incoming: Incoming,
    written: Written,
    windows: Windows,
    stream_window: usize,
    /// How often the client has sent settings. It keeps to them itself only when it hears that hyper does.
    settings: u64,
    /// Hyper has too little left of the window.
    lends: bool,
    /// Nothing is answered here any more.
    ends: bool,
    /// Answers on their way; a part of the first may have been written.
    giving: VecDeque<Given>,
    /// Hyper has something to write, and its turn comes with the next frame: its pings are answered in time, and no
    /// stream of its own waits for all of ours.
    hypers_turn: bool,
}

/// An answer on its way.
struct Given {
    stream: u32,
    body_bytes: usize,
    frames: Answer,
    /// Bytes of all its frames.
    whole: usize,
}

struct Known<A> {
    question: Bytes,
    answer: Answered<A>,
}

impl<S, A, J> Repeats<S, A, J>
where
    J: Fn(&A) -> Option<Bytes>,
{
    /// A stream that knows no answers yet.
    pub fn new(stream: Gathered<S>, told: Told<A>, judge: J) -> Repeats<S, A, J> {
        Repeats {
            stream,
            told,
            judge,
            known: VecDeque::new(),
            asked: VecDeque::new(),
            passed: 0,
            hypers: 0,
            ours: 0,
            incoming: Incoming::default(),
            written: Written::default(),
            windows: Windows::default(),
            stream_window: STREAM_WINDOW,
            settings: 0,
            lends: false,
            ends: false,
            giving: VecDeque::new(),
            hypers_turn: false,
        }
    }

    /// Takes bytes that came, frame by frame; how many, as the rest is a part of a frame that is to be looked into.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        loop {
            let part = self.incoming.left.min(rest.len());
            self.incoming.pass(&rest[..part]);
            self.incoming.left -= part;
            rest = &rest[part..];
            let Some(head) = Head::read(rest) else { break };
            let whole = HEAD_BYTES + head.length;
            if head.length > LOOKED_INTO_MAX || !self.is_watched(head) {
                self.take_unseen(head);
                self.incoming.left = whole;
                continue;
            }
            let Some(frame) = rest.get(..whole) else { break };
            self.take_frame(head, frame);
            rest = &rest[whole..];
        }
        bytes.len() - rest.len()
    }

    /// Whether a frame is to be looked into whole. Between the frames of a block there can be no other.
    fn is_watched(&self, head: Head) -> bool {
        let watched = matches!(head.kind, HEADERS | RST_STREAM | SETTINGS | WINDOW_UPDATE);
        watched && !self.incoming.in_block
    }

    /// A frame goes to hyper of which only the head is seen.
    fn take_unseen(&mut self, head: Head) {
        match head.kind {
            HEADERS => {
                self.forget();
                self.passes_block(head, None);
            }
            CONTINUATION => {
                self.forget();
                self.incoming.in_block = head.leaves_block_open();
            }
            // Of settings that are so long it isn't known what they say.
            SETTINGS | GOAWAY => self.ends = true,
            _ => {}
        }
    }

    fn take_frame(&mut self, head: Head, frame: &[u8]) {
        let payload = &frame[HEAD_BYTES..];
        if head.kind == RST_STREAM {
            self.take_back(head.stream);
        }
        match head.kind {
            HEADERS => return self.take_block(head, frame),
            SETTINGS if head.flags & ACK == 0 => self.take_settings(payload),
            WINDOW_UPDATE if head.stream == 0 => {
                if let Some(more) = number(payload).filter(|more| *more > 0) {
                    let told = self.windows.add(more);
                    return self.tell_window(told);
                }
            }
            // Of a stream that hyper would think has not been opened.
            RST_STREAM | WINDOW_UPDATE
                if (self.hypers + 1..=self.ours).contains(&head.stream)
                    && is_a_clients(head.stream)
                    && number(payload).is_some() =>
            {
                return;
            }
            _ => {}
        }
        self.incoming.pass(frame);
    }

    /// Hyper is told that so much was added to the connection's window.
    fn tell_window(&mut self, more: u32) {
        if more > 0 {
            let head = Head { length: 4, kind: WINDOW_UPDATE, flags: 0, stream: 0 };
            self.incoming.pass(&head.bytes());
            self.incoming.pass(&more.to_be_bytes());
        }
    }

    fn take_settings(&mut self, payload: &[u8]) {
        self.settings += 1;
        for setting in payload.chunks_exact(SETTING_BYTES) {
            let [a, b, value @ ..] = setting else { continue };
            match u16::from_be_bytes([*a, *b]) {
                INITIAL_WINDOW_SIZE => {
                    self.stream_window = number(value).unwrap_or_default() as usize;
                }
                // The next block of ours would have to begin with the change, and hyper writes that into its own.
                HEADER_TABLE_SIZE if self.passed > 0 => self.ends = true,
                _ => {}
            }
        }
    }

    /// A block in one frame came.
    fn take_block(&mut self, head: Head, frame: &[u8]) {
        let payload = &frame[HEAD_BYTES..];
        let before = if head.flags & PRIORITY == 0 { 0 } else { PRIORITY_BYTES };
        let seen = head.flags & PADDED == 0 && !head.leaves_block_open();
        let keeps = seen && payload.get(before..).is_some_and(hpack::keeps_table);
        let opens = is_a_clients(head.stream) && head.stream > self.hypers.max(self.ours);
        let question = keeps && opens && head.flags & END_STREAM != 0;
        // Without what says of its weight: a flag tells whether it is there.
        let question = if question { payload.get(before..) } else { None };
        if question.is_some_and(|question| self.answers(head.stream, question)) {
            return;
        }
        if !keeps {
            self.forget();
        }
        self.passes_block(head, question);
        self.incoming.pass(frame);
    }

    /// Hyper is given a block, which may be a question that is worth remembering.
    fn passes_block(&mut self, head: Head, question: Option<&[u8]>) {
        self.incoming.in_block = head.leaves_block_open();
        self.hypers = self.hypers.max(head.stream);
        self.passed += 1;
        if let Some(question) = question {
            let asked = (self.passed, Bytes::copy_from_slice(question));
            push_latest(&mut self.asked, WAITING_MAX, asked);
        }
    }

    /// Answers a question, if it can be told how.
    fn answers(&mut self, stream: u32, question: &[u8]) -> bool {
        self.learn();
        if self.ends
            || self.written.goes_away
            || !self.written.any_headers
            || !self.keeps_settings()
            || self.giving.len() == GIVING_MAX
        {
            return false;
        }
        let known = self.known.iter().find(|known| known.question == question);
        let known = known.map(|known| &known.answer).filter(|known| {
            known.body_bytes <= self.stream_window && self.windows.fits(known.body_bytes)
        });
        let Some((known, body)) = known.and_then(|it| Some((it, (self.judge)(&it.again)?))) else {
            return false;
        };
        let body_bytes = body.len();
        self.windows.sent(body_bytes);
        let frames = answer(stream, known.block.clone(), body);
        let whole = frames.remaining();
        self.giving.push_back(Given { stream, body_bytes, frames, whole });
        self.ours = stream;
        true
    }

    /// Nobody wants the answer of a stream any more: it isn't sent, unless that has begun.
    fn take_back(&mut self, stream: u32) {
        let at = self
            .giving
            .iter()
            .position(|given| given.stream == stream && given.frames.remaining() == given.whole);
        if let Some(given) = at.and_then(|at| self.giving.remove(at)) {
            self.windows.unsent(given.body_bytes);
        }
    }

    /// Takes up what the service has told.
    fn learn(&mut self) {
        while let Some(answered) = self.told.next(self.passed) {
            let at = self.asked.iter().position(|(number, _)| *number == answered.number);
            let Some((_, question)) = at.and_then(|at| self.asked.remove(at)) else { continue };
            if answered.block.len() > LOOKED_INTO_MAX {
                continue;
            }
            self.known.retain(|known| known.question != question);
            push_latest(&mut self.known, KNOWN_MAX, Known { question, answer: answered });
        }
    }

    fn forget(&mut self) {
        self.known.clear();
        self.asked.clear();
    }

    /// Takes bytes that came, behind what is held, and holds what is to be looked into when more of it has come.
    fn take_or_hold(&mut self, bytes: &[u8]) {
        if self.incoming.held.is_empty() {
            let taken = self.take(bytes);
            self.incoming.held.extend_from_slice(&bytes[taken..]);
            return;
        }
        let mut held = std::mem::take(&mut self.incoming.held);
        held.extend_from_slice(bytes);
        let taken = self.take(&held);
        if taken < held.len() {
            held.drain(..taken);
            self.incoming.held = held;
        }
    }

    /// Gives hyper our part of the window, if it needs it and isn't within a frame or a block.
    fn lend(&mut self) {
        if self.lends && self.incoming.at_boundary() {
            self.lends = false;
            let lent = self.windows.lend();
            self.tell_window(lent);
        }
    }
}

/// A stream's weight and what it depends on, in a block's frame (RFC 9113 §6.2).
const PRIORITY_BYTES: usize = 5;

fn is_a_clients(stream: u32) -> bool {
    stream % 2 == 1
}

/// The number that is all of a payload.
fn number(payload: &[u8]) -> Option<u32> {
    payload.try_into().ok().map(|bytes| u32::from_be_bytes(bytes) & NUMBER)
}

impl<S, A, J> Repeats<S, A, J> {
    fn keeps_settings(&self) -> bool {
        self.written.settings_kept == self.settings
    }
}

#[cfg(test)]
mod tests;
