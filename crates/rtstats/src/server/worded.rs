//! Words for the refusals that hyper writes by itself: what it can't read as HTTP/1.1 it answers 400, 414 or 431 without
//! a body, and whoever sent it would have to guess.
//!
//! Bytes alone don't tell such an answer: a document may hold the same ones, and a write may begin anywhere in it. What hyper
//! writes while nothing of its service's answers is left to write is its own ([`Owed`]), and then its code tells which. It
//! is the last of its connection. Where answers before it still wait, it stays as hyper wrote it.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::whole::poll_write_whole;

/// Code, and what to do about it.
const WORDS: &[(&str, &str)] = &[
    (
        "400 Bad Request",
        "This is no HTTP request that can be read. Check the request line, the headers, Content-Length and \
         Transfer-Encoding.",
    ),
    ("414 URI Too Long", "The address is too long. No page of this server has one that is."),
    (
        "431 Request Header Fields Too Large",
        "The request's head is too large. Send fewer and shorter headers, and no more cookies than needed.",
    ),
];

/// Whether hyper has something to write of what its service answers. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Owed(Arc<Owing>);

#[derive(Debug, Default)]
struct Owing {
    /// Answers that hyper has not taken whole.
    open: AtomicUsize,
    /// Something may wait in hyper's buffer.
    unwritten: AtomicBool,
}

impl Owed {
    /// The service is asked: an answer is owed until its body has been taken.
    pub fn asked(&self) -> Debt {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.unwritten.store(true, Ordering::Relaxed);
        Debt(self.clone())
    }

    /// Hyper's buffer is empty.
    fn flushed(&self) {
        if self.0.open.load(Ordering::Relaxed) == 0 {
            self.0.unwritten.store(false, Ordering::Relaxed);
        }
    }

    fn any(&self) -> bool {
        self.0.unwritten.load(Ordering::Relaxed)
    }
}

/// One answer that is owed. Its body holds it, which hyper lets go of once it has taken all.
#[derive(Debug)]
pub struct Debt(Owed);

impl Drop for Debt {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream on which hyper's own refusals get words.
pub struct Worded<S> {
    stream: S,
    owed: Owed,
    /// What stands in for a refusal, as far as it has not been written.
    words: Bytes,
}

impl<S> Worded<S> {
    pub fn new(stream: S, owed: Owed) -> Worded<S> {
        Worded { stream, owed, words: Bytes::new() }
    }

    /// The stream itself.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

/// The length of an answer without words.
const NO_LENGTH: &[u8] = b"content-length: 0\r\n";

/// What is written instead of an answer of hyper's own: a head alone, with one of these codes.
fn words(answer: &[u8]) -> Option<Bytes> {
    let rest = answer.strip_prefix(b"HTTP/1.1 ").filter(|rest| rest.starts_with(b"4"))?;
    let end = memmem::find(answer, b"\r\n\r\n")?;
    let at = memmem::find(answer, NO_LENGTH).filter(|_| end + 4 == answer.len())?;
    let (status, message) = WORDS.iter().find(|known| rest.starts_with(known.0.as_bytes()))?;
    let body = format!(r#"{{"error":{{"code":{},"message":"{message}"}}}}"#, &status[..3]);
    let length = format!(
        "content-type: application/json\r\ncache-control: no-store\r\ncontent-length: {}\r\n",
        body.len()
    );
    let (before, after) = (&answer[..at], &answer[at + NO_LENGTH.len()..]);
    Some(Bytes::from([before, length.as_bytes(), after, body.as_bytes()].concat()))
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    /// Writes what stands in for a refusal.
    fn poll_words(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_write_whole(&mut self.stream, context, &mut self.words)
    }

    /// What stands in for what hyper is about to write, if that is a refusal of its own.
    fn words_for(&self, bytes: &[u8]) -> Option<Bytes> {
        if self.owed.any() { None } else { words(bytes) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_words(context))?;
        if let Some(words) = self.words_for(bytes) {
            self.words = words;
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_words(context))?;
        if let Some(first) = bytes.first()
            && let Some(words) = self.words_for(first)
        {
            self.words = words;
            return Poll::Ready(Ok(first.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Hyper flushes once its buffer is empty.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.owed.flushed();
        ready!(self.poll_words(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_words(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
