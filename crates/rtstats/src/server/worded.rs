//! Words for the refusals that hyper writes by itself: what it can't read as HTTP/1.1 it answers 400, 414 or 431 without
//! a body, and whoever sent it would have to guess.
//!
//! Such an answer is known by its head: no answer of ours has one of these codes and a length of 0. It is the last one of
//! its connection, and hyper writes it apart unless answers before it still wait; then it stays as hyper wrote it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

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

/// A stream on which hyper's own refusals get words.
pub struct Worded<S> {
    stream: S,
    /// What stands in for a refusal, as far as it has not been written.
    words: Bytes,
}

impl<S> Worded<S> {
    pub fn new(stream: S) -> Worded<S> {
        Worded { stream, words: Bytes::new() }
    }

    /// The stream itself.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

/// The length of an answer without words.
const NO_LENGTH: &[u8] = b"content-length: 0\r\n";

/// What is written instead of an answer, if it is one of hyper's own.
fn words(answer: &[u8]) -> Option<Bytes> {
    let rest = answer.strip_prefix(b"HTTP/1.1 ").filter(|rest| rest.starts_with(b"4"))?;
    let at = memmem::find(answer, NO_LENGTH)?;
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
        while !self.words.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.words))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.words.advance(written);
        }
        Poll::Ready(Ok(()))
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
        if let Some(words) = words(bytes) {
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
            && let Some(words) = words(first)
        {
            self.words = words;
            return Poll::Ready(Ok(first.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_words(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_words(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_without_words_gets_them_and_nothing_else_does() {
        for (status, _) in WORDS {
            let bare = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\ndate: then\r\n\r\n"
            );
            let words = words(bare.as_bytes()).unwrap();
            let text = std::str::from_utf8(&words).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\nconnection: close\r\n")));
            assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
            assert!(head.ends_with("\r\ndate: then"));
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"].to_string(), status[..3]);
        }
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 10\r\n\r\n{\"error\":1",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "",
        ] {
            assert_eq!(words(other.as_bytes()), None, "{other}");
        }
    }
}
