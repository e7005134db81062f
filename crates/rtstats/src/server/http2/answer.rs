//! An answer as frames: a block of headers, and a body that is cut without being copied.

use std::io::{Cursor, IoSlice};

use bytes::{Buf, Bytes, buf::Chain};

use super::frame::{DATA, END_HEADERS, END_STREAM, HEAD_BYTES, HEADERS, Head};

/// Bytes of a body in one frame: with its head just what a TLS record takes.
const PART_BYTES: usize = 16_384 - HEAD_BYTES;

const FRAME_BYTES: usize = HEAD_BYTES + PART_BYTES;

/// The frames of one answer.
pub type Answer = Chain<Chain<Cursor<[u8; HEAD_BYTES]>, Bytes>, Data>;

/// Bytes that the frame lacks which has been begun; none between two.
pub fn begun(answer: &Answer) -> usize {
    let (head, data) = (answer.first_ref(), answer.last_ref());
    let gone = head.first_ref().position() > 0;
    match head.remaining() {
        0 => data.begun(),
        left if gone => left,
        _ => 0,
    }
}

/// The answer of a stream. A block is to fit one frame.
pub fn answer(stream: u32, block: Bytes, body: Bytes) -> Answer {
    let ends = if body.is_empty() { END_STREAM } else { 0 };
    let flags = END_HEADERS | ends;
    let head = Head { length: block.len(), kind: HEADERS, flags, stream };
    Cursor::new(head.bytes()).chain(block).chain(Data::new(stream, body))
}

/// The frames of a body.
#[derive(Debug)]
pub struct Data {
    body: Bytes,
    /// The head of each frame but the last.
    full: [u8; HEAD_BYTES],
    last: [u8; HEAD_BYTES],
    /// How much has gone, heads and all.
    gone: usize,
}

impl Data {
    fn new(stream: u32, body: Bytes) -> Data {
        let last = body.len().checked_sub(1).map_or(0, |before| before % PART_BYTES + 1);
        let head = |length, flags| Head { length, kind: DATA, flags, stream }.bytes();
        Data { body, full: head(PART_BYTES, 0), last: head(last, END_STREAM), gone: 0 }
    }

    fn whole(&self) -> usize {
        self.body.len() + self.body.len().div_ceil(PART_BYTES) * HEAD_BYTES
    }

    fn begun(&self) -> usize {
        match self.gone % FRAME_BYTES {
            0 => 0,
            gone => self.remaining().min(FRAME_BYTES - gone),
        }
    }

    /// What stands there and belongs together: the rest of a head, or of a part of the body.
    fn piece(&self, at: usize) -> &[u8] {
        let (begin, within) = (at / FRAME_BYTES * PART_BYTES, at % FRAME_BYTES);
        let end = self.body.len().min(begin + PART_BYTES);
        match within.checked_sub(HEAD_BYTES) {
            Some(sent) => &self.body[(begin + sent).min(end)..end],
            None if end == self.body.len() => &self.last[within..],
            None => &self.full[within..],
        }
    }
}

impl Buf for Data {
    fn remaining(&self) -> usize {
        self.whole() - self.gone
    }

    fn chunk(&self) -> &[u8] {
        if self.has_remaining() { self.piece(self.gone) } else { &[] }
    }

    fn advance(&mut self, bytes: usize) {
        assert!(bytes <= self.remaining(), "advanced past the end");
        self.gone += bytes;
    }

    fn chunks_vectored<'a>(&'a self, parts: &mut [IoSlice<'a>]) -> usize {
        let (mut at, whole, mut count) = (self.gone, self.whole(), 0);
        while at < whole && count < parts.len() {
            let piece = self.piece(at);
            parts[count] = IoSlice::new(piece);
            at += piece.len();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Frames as they are, cut without skill.
    fn frames(stream: u32, block: &[u8], body: &[u8]) -> Vec<u8> {
        let ends = if body.is_empty() { END_STREAM | END_HEADERS } else { END_HEADERS };
        let head = Head { length: block.len(), kind: HEADERS, flags: ends, stream };
        let mut all = [&head.bytes()[..], block].concat();
        let count = body.chunks(PART_BYTES).count();
        for (number, part) in body.chunks(PART_BYTES).enumerate() {
            let flags = if number + 1 == count { END_STREAM } else { 0 };
            let head = Head { length: part.len(), kind: DATA, flags, stream };
            all.extend([&head.bytes()[..], part].concat());
        }
        all
    }

    /// Whether bytes are whole frames.
    fn are_whole(mut bytes: &[u8]) -> bool {
        while let Some(rest) = Head::read(bytes).and_then(|it| bytes.get(HEAD_BYTES + it.length..))
        {
            bytes = rest;
        }
        bytes.is_empty()
    }

    fn body(length: usize) -> Bytes {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_body_is_cut_where_frames_end() {
        for length in [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
            let mut made = answer(5, Bytes::from_static(b"block"), body(length));
            let whole = made.copy_to_bytes(made.remaining());
            assert!(whole == frames(5, b"block", &body(length)), "{length}");
            assert_eq!(made.chunk(), b"");
            assert_eq!(made.chunks_vectored(&mut [IoSlice::new(&[]); 2]), 0);
        }
    }

    proptest! {
        #[test]
        fn in_whatever_steps_it_goes_it_is_the_same(
            length in 0..100_000_usize,
            steps in prop::collection::vec((1..40_000_usize, 1..9_usize), 1..20),
        ) {
            let mut made = answer(1, Bytes::from_static(b"block"), body(length));
            let mut sent = Vec::new();
            for (most, parts) in steps.iter().cycle() {
                let mut slices = [IoSlice::new(&[]); 9];
                let count = made.chunks_vectored(&mut slices[..*parts]);
                let mut step: Vec<u8> = slices[..count].iter().flat_map(|it| it.iter().copied()).collect();
                step.truncate(*most);
                prop_assert_eq!(step.is_empty(), !made.has_remaining());
                if step.is_empty() {
                    break;
                }
                made.advance(step.len());
                sent.extend(step);
                prop_assert_eq!(begun(&made) == 0, are_whole(&sent));
            }
            prop_assert!(sent == frames(1, b"block", &body(length)));
        }
    }
}
