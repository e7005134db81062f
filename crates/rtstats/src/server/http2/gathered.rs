//! HTTP/2 frames, gathered into few writes.
//!
//! The HTTP/2 machinery writes and flushes every frame by itself. A large answer's are 16 KiB and nine bytes, so that each
//! would become two TLS records and a system call of its own. Here they wait until the machinery has nothing more to say, or
//! there are many of them; whoever polls the connection writes them then, by [`Gathered::poll_send`].

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::server::whole::{poll_write_parts, poll_write_whole};

/// So much is gathered before it is written: what TLS takes at once.
const GATHERED_BYTES: usize = 64 * 1_024;

/// So much may be copied for that, of what is given whole.
const COPIED_BYTES: usize = 16 * 1_024;

/// The parts of what is given: with a head before it, a body's frames of as many bytes as TLS takes.
const GIVEN_PARTS: usize = 12;

/// Room that a connection at rest keeps.
const KEPT_BYTES: usize = 2 * 1_024;

/// A stream whose writes wait. Clones are the same stream.
pub struct Gathered<S>(Arc<Mutex<Gathering<S>>>);

struct Gathering<S> {
    stream: S,
    waiting: BytesMut,
    /// Something was written that the stream may hold back still.
    unsent: bool,
}

impl<S> Clone for Gathered<S> {
    fn clone(&self) -> Gathered<S> {
        Gathered(self.0.clone())
    }
}

impl<S> Gathered<S> {
    /// A stream of which nothing has been written.
    pub fn new(stream: S) -> Gathered<S> {
        Gathered(Arc::new(Mutex::new(Gathering {
            stream,
            waiting: BytesMut::new(),
            unsent: false,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Gathering<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    /// Writes what waits. To be called after every poll of the connection.
    pub fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_send(context)
    }

    /// Takes all of a buffer: what is large goes straight to the stream. Pending, it is called again with what is left, and
    /// nothing else is written before.
    pub fn poll_give(
        &self,
        context: &mut Context<'_>,
        buffer: &mut impl Buf,
    ) -> Poll<io::Result<()>> {
        let mut own = self.lock();
        own.unsent = true;
        if own.waiting.len() + buffer.remaining() <= COPIED_BYTES {
            own.waiting.put(buffer);
            return Poll::Ready(Ok(()));
        }
        ready!(own.poll_pass_on(context))?;
        poll_write_parts::<GIVEN_PARTS>(&mut own.stream, context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> Gathering<S> {
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.unsent {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_pass_on(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.unsent = false;
        Poll::Ready(Ok(()))
    }

    /// Gives the stream what waits.
    fn poll_pass_on(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(poll_write_whole(&mut self.stream, context, &mut self.waiting))?;
        if self.waiting.capacity() > KEPT_BYTES {
            self.waiting = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what there is room for; waits only where that is nothing.
    fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.waiting.len() >= GATHERED_BYTES {
            ready!(self.poll_pass_on(context))?;
        }
        let mut taken = 0;
        for part in parts {
            let room = GATHERED_BYTES - self.waiting.len();
            let part = &part[..part.len().min(room)];
            self.waiting.extend_from_slice(part);
            taken += part.len();
        }
        self.unsent |= taken > 0;
        Poll::Ready(Ok(taken))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.lock().poll_take(context, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.lock().poll_take(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Left to [`Gathered::poll_send`]: the machinery flushes after every frame.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut own = self.lock();
        ready!(own.poll_send(context))?;
        Pin::new(&mut own.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, poll_fn},
        pin::pin,
    };

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// A reader, and a stream that takes so many bytes before they are read.
    fn pair(room: usize) -> (DuplexStream, Gathered<DuplexStream>) {
        let (there, here) = duplex(room);
        (there, Gathered::new(here))
    }

    #[tokio::test]
    async fn what_is_written_goes_when_it_is_sent_and_not_by_a_flush() {
        let (mut reader, mut stream) = pair(1_000);
        stream.write_all(b"one ").await.unwrap();
        stream.flush().await.unwrap();
        let parts = [io::IoSlice::new(b"two "), io::IoSlice::new(b"three")];
        assert_eq!(stream.write_vectored(&parts).await.unwrap(), 9);
        let mut came = [0; 13];
        let early = poll_fn(|context| {
            let mut came = ReadBuf::new(&mut came);
            Poll::Ready(Pin::new(&mut reader).poll_read(context, &mut came).is_ready())
        });
        assert!(!early.await);
        poll_fn(|context| stream.poll_send(context)).await.unwrap();
        reader.read_exact(&mut came).await.unwrap();
        assert_eq!(&came, b"one two three");
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_holds_the_writer_up_and_loses_nothing() {
        let (mut reader, mut stream) = pair(100);
        let whole: Vec<u8> = (0..3 * GATHERED_BYTES).map(|at| (at % 251) as u8).collect();
        let writing = async {
            stream.write_all(&whole).await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let mut writing = pin!(writing);
        let held = poll_fn(|context| Poll::Ready(writing.as_mut().poll(context).is_pending()));
        assert!(held.await);
        let mut came = Vec::new();
        let (_, read) = tokio::join!(writing, reader.read_to_end(&mut came));
        read.unwrap();
        assert!(came == whole);
    }

    #[tokio::test]
    async fn what_the_stream_itself_holds_back_is_sent_too() {
        // As TLS does: it takes more than it can pass on.
        let (mut reader, here) = duplex(100);
        let mut stream = Gathered::new(tokio::io::BufWriter::with_capacity(1_000, here));
        stream.write_all(&[7; 900]).await.unwrap();
        let sent = poll_fn(|context| Poll::Ready(stream.poll_send(context).is_ready())).await;
        assert!(!sent, "there is room for 100 bytes only");
        let mut came = [0; 900];
        let sending = poll_fn(|context| stream.poll_send(context));
        let (sent, read) = tokio::join!(sending, reader.read_exact(&mut came));
        sent.unwrap();
        assert_eq!(read.unwrap(), came.len());
    }

    #[tokio::test]
    async fn what_is_given_whole_goes_behind_what_waits_however_large_it_is() {
        for bytes in [1, COPIED_BYTES - 4, COPIED_BYTES - 3, 3 * GATHERED_BYTES] {
            let (mut reader, mut stream) = pair(1_000);
            let whole: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
            let writing = async {
                stream.write_all(b"before").await.unwrap();
                let mut given = &whole[..];
                poll_fn(|context| stream.poll_give(context, &mut given)).await.unwrap();
                stream.write_all(b"behind").await.unwrap();
                stream.shutdown().await.unwrap();
            };
            let mut came = Vec::new();
            let (_, read) = tokio::join!(writing, reader.read_to_end(&mut came));
            read.unwrap();
            assert!(came == [b"before", &whole[..], b"behind"].concat(), "{bytes}");
        }
    }

    #[tokio::test]
    async fn at_rest_it_keeps_little() {
        let (mut reader, mut stream) = pair(GATHERED_BYTES);
        stream.write_all(&[7; GATHERED_BYTES]).await.unwrap();
        poll_fn(|context| stream.poll_send(context)).await.unwrap();
        reader.read_exact(&mut [0; GATHERED_BYTES]).await.unwrap();
        assert!(stream.lock().waiting.capacity() <= KEPT_BYTES);
    }
}
