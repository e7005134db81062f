//! Answers that last, over HTTP/1.1: the connection writes them itself, in chunks, once hyper has let go of it.
//!
//! A stream is open for hours, says little, and is all that its connection has to do. Hyper would keep two buffers of
//! 8 KiB for it beside its state, which is more than everything else that an open stream takes.
//!
//! The service hands such an answer over instead of giving it to hyper, which has written nothing of it then, and the
//! connection is taken from hyper only where it owes nothing else ([`Told::owes_one`](super::repeat::Told::owes_one)). It
//! ends with its stream, and its head says so: what was asked behind it is not answered.

use std::{
    future::Future,
    io,
    io::Write,
    mem::MaybeUninit,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, buf::Chain};
use http::{Response, response};
use hyper::body::Body;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{lasting::Lasting, whole::poll_write_whole};
use crate::clock;

/// Where a connection's service leaves an answer that lasts.
#[derive(Default)]
pub struct HandedOver(Mutex<Option<Response<Lasting>>>);

impl HandedOver {
    /// Hands an answer over: hyper waits for it until its connection is taken from it.
    pub async fn leave<T>(&self, answer: Response<Lasting>) -> T {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        std::future::pending().await
    }

    /// The answer, if there is one.
    pub fn take(&self) -> Option<Response<Lasting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Writes one answer to its end, or until its reader has gone.
pub struct Chunked<S> {
    stream: S,
    body: Lasting,
    /// What is being written: the head, or a chunk.
    writing: Option<Chunk>,
    ended: bool,
}

/// Its length in a line, its bytes, the end of their line.
type Chunk = Chain<Chain<Bytes, Bytes>, Bytes>;

const LINE_END: Bytes = Bytes::from_static(b"\r\n");
const LAST_CHUNK: Bytes = Bytes::from_static(b"0\r\n\r\n");

/// What a head takes: more than any of ours.
const HEAD_BYTES: usize = 512;

/// What a reader sends is read for its end alone.
const UNREAD_BYTES: usize = 256;

impl<S> Chunked<S> {
    pub fn new(stream: S, answer: Response<Lasting>) -> Chunked<S> {
        let (parts, body) = answer.into_parts();
        let head = Bytes::from(head(&parts));
        let writing = Some(head.chain(Bytes::new()).chain(Bytes::new()));
        Chunked { stream, body, writing, ended: false }
    }
}

fn head(parts: &response::Parts) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let date = clock::http_date(clock::now());
    head.extend_from_slice(b"HTTP/1.1 ");
    head.extend_from_slice(parts.status.as_str().as_bytes());
    // A reason may be left out, the space before it may not.
    head.push(b' ');
    head.extend_from_slice(parts.status.canonical_reason().unwrap_or_default().as_bytes());
    head.extend_from_slice(b"\r\n");
    for (name, value) in &parts.headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    write!(head, "connection: close\r\ntransfer-encoding: chunked\r\ndate: {date}\r\n\r\n")
        .expect("a vector takes all that is written");
    head
}

fn chunk(bytes: Bytes) -> Chunk {
    let length = Bytes::from(format!("{:x}\r\n", bytes.len()));
    length.chain(bytes).chain(LINE_END)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Chunked<S> {
    /// Writes what is to be written.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writing) = &mut self.writing else { return Poll::Ready(Ok(())) };
        ready!(poll_write_whole(&mut self.stream, context, writing))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.writing = None;
        Poll::Ready(Ok(()))
    }

    /// Ready once the reader has gone.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut unread = [MaybeUninit::uninit(); UNREAD_BYTES];
        loop {
            let mut buffer = ReadBuf::uninit(&mut unread);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Chunked<S> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let own = &mut *self;
        loop {
            ready!(own.poll_write(context))?;
            if own.ended {
                return Pin::new(&mut own.stream).poll_shutdown(context);
            }
            match Pin::new(&mut own.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    // An empty chunk would be the last.
                    let bytes = frame.into_data().unwrap_or_default();
                    own.writing = (!bytes.is_empty()).then(|| chunk(bytes));
                }
                Poll::Ready(Some(Err(never))) => match never {},
                Poll::Ready(None) => {
                    own.ended = true;
                    own.writing = Some(LAST_CHUNK.chain(Bytes::new()).chain(Bytes::new()));
                }
                Poll::Pending => return own.poll_gone(context),
            }
        }
    }
}
