//! Questions that a connection asks again, byte for byte: answered from what was written before, past HTTP's machinery.
//!
//! Whoever reads statistics keeps a connection open and sends the same head over and over. The stream remembers the bytes
//! of the last question and of its answer's head. When exactly the same bytes come, and the answer still holds, it writes
//! that head and the shared document itself; hyper never hears of it. Same bytes, same meaning: the first time they were
//! understood by hyper, and the answer had been judged by everything that judges answers.
//!
//! Everything else goes to hyper as it came. A question is repeated only while hyper owes nothing: all that it was given
//! was one whole head without a body, and all of that answer has been written. A connection where that can't be told any
//! more, since requests came before answers had gone or had bodies, repeats nothing from then on.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, buf::Chain};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::whole::{self, poll_write_whole};

/// Heads longer than this, of questions or answers, aren't remembered.
const HEAD_BYTES_MAX: usize = 4_096;

/// Answers in one turn, after which other connections of the thread have theirs.
const GIVEN_MAX: usize = 4;

const HEAD_END: &[u8] = b"\r\n\r\n";

/// What the connection's service tells of its answers.
pub struct Told<A>(Arc<Mutex<Answers<A>>>);

struct Answers<A> {
    /// Questions that the service was asked since all was answered, as far as that can be told: not any more once it is lost.
    asked: usize,
    /// The latest one's answer.
    latest: Option<Answered<A>>,
}

struct Answered<A> {
    body_bytes: u64,
    again: Option<A>,
}

impl<A> Clone for Told<A> {
    fn clone(&self) -> Told<A> {
        Told(self.0.clone())
    }
}

impl<A> Default for Told<A> {
    fn default() -> Told<A> {
        Told(Arc::new(Mutex::new(Answers { asked: 0, latest: None })))
    }
}

impl<A> Told<A> {
    /// A question has come.
    pub fn asked(&self) {
        self.lock().asked += 1;
    }

    /// A question without a body is answered, with so many bytes behind the head; `again` judges whether the answer still
    /// holds, if it is of a kind that may.
    pub fn answered(&self, body_bytes: u64, again: Option<A>) {
        self.lock().latest = Some(Answered { body_bytes, again });
    }

    /// Whether the latest question is the only one that is owed an answer: those of all before it have been written.
    pub fn owes_one(&self) -> bool {
        self.lock().asked == 1
    }

    fn lock(&self) -> MutexGuard<'_, Answers<A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that answers repeated questions by itself.
///
/// `judge` says for an answer's `A` whether it still holds, and then gives the body.
pub struct Repeats<S, A, J> {
    stream: S,
    told: Told<A>,
    judge: J,
    known: Option<Known<A>>,
    /// Hyper has been given something since all was answered.
    owes: bool,
    /// What it was given since; too long to be remembered if at its limit.
    question: Vec<u8>,
    /// What it wrote since: the head, once it is whole, or its beginning.
    head: Vec<u8>,
    head_ended: bool,
    written_bytes: u64,
    /// It can't be told any more what hyper owes.
    lost: bool,
    /// A repeated answer on its way.
    giving: Option<Chain<Bytes, Bytes>>,
}

struct Known<A> {
    question: Vec<u8>,
    head: Bytes,
    again: A,
}

impl<S, A, J> Repeats<S, A, J> {
    /// A stream that knows no answers yet.
    pub fn new(stream: S, told: Told<A>, judge: J) -> Repeats<S, A, J>
    where
        J: Fn(&A) -> Option<Bytes>,
    {
        Repeats {
            stream,
            told,
            judge,
            known: None,
            owes: false,
            question: Vec::new(),
            head: Vec::new(),
            head_ended: false,
            written_bytes: 0,
            lost: false,
            giving: None,
        }
    }

    /// The stream itself.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// More bytes come: whether hyper has answered all that it was given before, and what may be repeated of it.
    fn settle(&mut self) {
        let mut answers = self.told.lock();
        let Some(answered) = answers.latest.take() else {
            // Still the same question, of which a part came; or a body, and then the count tells.
            self.lost |= answers.asked > 0;
            return;
        };
        let bytes = self.head.len() as u64 + answered.body_bytes;
        let all = self.head_ended && self.written_bytes == bytes;
        if answers.asked != 1 || !all || !is_one_head(&self.question) {
            self.lost = true;
            return;
        }
        answers.asked = 0;
        drop(answers);
        let head = std::mem::take(&mut self.head);
        let known = answered.again.map(|again| {
            let question = std::mem::take(&mut self.question);
            Known { question, head: Bytes::from(head), again }
        });
        self.known = known;
        self.question.clear();
        self.head_ended = false;
        self.written_bytes = 0;
        self.owes = false;
    }

    /// Hyper is given these bytes.
    fn asks(&mut self, bytes: &[u8]) {
        self.owes = true;
        if self.question.len() + bytes.len() > HEAD_BYTES_MAX {
            self.lost = true;
        }
        if self.lost {
            self.forget();
        } else {
            self.question.extend_from_slice(bytes);
        }
    }

    fn forget(&mut self) {
        self.known = None;
        self.question = Vec::new();
        self.head = Vec::new();
    }

    /// Hyper wrote these bytes.
    fn wrote(&mut self, bytes: &[u8]) {
        self.written_bytes += bytes.len() as u64;
        if self.head_ended || self.lost {
            return;
        }
        let before = self.head.len().saturating_sub(HEAD_END.len() - 1);
        let room = HEAD_BYTES_MAX - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if let Some(end) = memchr::memmem::find(&self.head[before..], HEAD_END) {
            self.head.truncate(before + end + HEAD_END.len());
            self.head_ended = true;
        } else if bytes.len() >= room {
            self.lost = true;
            self.forget();
        }
    }
}

/// Whether these bytes are one whole head and nothing else. Lines that end otherwise than by CR LF might hide a second.
fn is_one_head(bytes: &[u8]) -> bool {
    let ends = memchr::memmem::find(bytes, HEAD_END) == bytes.len().checked_sub(HEAD_END.len());
    ends && memchr::memchr_iter(b'\n', bytes).all(|at| at > 0 && bytes[at - 1] == b'\r')
}

impl<S: AsyncWrite + Unpin, A, J> Repeats<S, A, J> {
    /// Writes what is left of a repeated answer.
    fn give(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(giving) = &mut self.giving else { return Poll::Ready(Ok(())) };
        ready!(poll_write_whole(&mut self.stream, context, giving))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.giving = None;
        Poll::Ready(Ok(()))
    }
}

impl<S, A, J> AsyncRead for Repeats<S, A, J>
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Unpin,
    J: Fn(&A) -> Option<Bytes> + Unpin,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let own = &mut *self;
        ready!(own.give(context))?;
        for _ in 0..GIVEN_MAX {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut own.stream).poll_read(context, buffer))?;
            let came = &buffer.filled()[before..];
            if came.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if own.owes && !own.lost {
                own.settle();
            }
            let known = own.known.as_ref().filter(|known| !own.owes && known.question == came);
            let Some((known, body)) = known.and_then(|it| Some((it, (own.judge)(&it.again)?)))
            else {
                own.asks(came);
                return Poll::Ready(Ok(()));
            };
            buffer.set_filled(before);
            own.giving = Some(known.head.clone().chain(body));
            ready!(own.give(context))?;
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S, A, J> AsyncWrite for Repeats<S, A, J>
where
    S: AsyncWrite + Unpin,
    A: Unpin,
    J: Unpin,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.give(context))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.wrote(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.give(context))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts))?;
        whole::written(parts, written).for_each(|bytes| self.wrote(bytes));
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.give(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.give(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
