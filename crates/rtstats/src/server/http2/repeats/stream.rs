//! The stream that hyper reads and writes: answers of ours go between its frames.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{super::answer::begun, Repeats};
use crate::server::whole;

/// Bytes that are read at a time.
const READ_BYTES: usize = 4_096;

/// Reads in one turn, after which other connections of the thread have theirs.
const READS_MAX: usize = 4;

impl<S: AsyncWrite + Unpin, A, J> Repeats<S, A, J> {
    /// Writes answers, unless hyper has written a part of a frame, or waits for its turn.
    fn give(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.hypers_turn {
            return self.finish(context);
        }
        while self.written.at_boundary()
            && let Some(given) = self.giving.front_mut()
        {
            ready!(self.stream.poll_give(context, &mut given.frames))?;
            self.giving.pop_front();
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the rest of a frame of ours.
    fn finish(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(given) = self.giving.front_mut() else { return Poll::Ready(Ok(())) };
        let rest = begun(&given.frames);
        if rest > 0 {
            ready!(self.stream.poll_give(context, &mut (&mut given.frames).take(rest)))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Makes way for what hyper writes: at once, unless that may be its farewell, behind which the client listens to no
    /// streams that hyper doesn't know, or the word that it keeps to settings, which may be narrower.
    fn make_way(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.hypers_turn = !self.written.goes_away && self.keeps_settings();
        self.give(context)
    }

    /// Hyper wrote these bytes.
    fn wrote(&mut self, context: &Context<'_>, bytes: &[u8]) {
        let data_bytes = self.written.add(bytes);
        if data_bytes > 0 && self.windows.hyper_sent(data_bytes) {
            self.lends = true;
            // It is to read, to hear of it.
            context.waker().wake_by_ref();
        }
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
        for _ in 0..READS_MAX {
            // Whether or not there is room for answers, the client may have more to say.
            if let Poll::Ready(given) = own.give(context) {
                given?;
            }
            own.lend();
            if own.incoming.hand_over(buffer) {
                return Poll::Ready(Ok(()));
            }
            if own.incoming.left > 0 {
                return own.incoming.poll_read_on(&mut own.stream, context, buffer);
            }
            let mut room = [MaybeUninit::uninit(); READ_BYTES];
            let mut came = ReadBuf::uninit(&mut room);
            ready!(Pin::new(&mut own.stream).poll_read(context, &mut came))?;
            if came.filled().is_empty() {
                let held = std::mem::take(&mut own.incoming.held);
                own.incoming.pass(&held);
                // Nothing is put behind a torn frame.
                own.incoming.left = usize::MAX;
                own.incoming.hand_over(buffer);
                return Poll::Ready(Ok(()));
            }
            own.take_or_hold(came.filled());
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
        ready!(self.make_way(context))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.hypers_turn = false;
        self.wrote(context, &bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.make_way(context))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts))?;
        self.hypers_turn = false;
        whole::written(parts, written).for_each(|bytes| self.wrote(context, bytes));
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
        self.hypers_turn = false;
        ready!(self.give(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
