//! Writing the whole of what is there, for streams that are polled by hand.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use tokio::io::AsyncWrite;

/// The parts of a buffer that are written at once: a head, a body, an end.
const PARTS: usize = 3;

/// Writes until the buffer is empty. Pending, it is called again with what is left.
pub fn poll_write_whole(
    stream: &mut (impl AsyncWrite + Unpin),
    context: &mut Context<'_>,
    buffer: &mut impl Buf,
) -> Poll<io::Result<()>> {
    poll_write_parts::<PARTS>(stream, context, buffer)
}

/// The same for buffers that have so many parts.
pub fn poll_write_parts<const PARTS: usize>(
    stream: &mut (impl AsyncWrite + Unpin),
    context: &mut Context<'_>,
    buffer: &mut impl Buf,
) -> Poll<io::Result<()>> {
    while buffer.has_remaining() {
        let mut parts = [io::IoSlice::new(&[]); PARTS];
        let count = buffer.chunks_vectored(&mut parts);
        match ready!(Pin::new(&mut *stream).poll_write_vectored(context, &parts[..count]))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => buffer.advance(written),
        }
    }
    Poll::Ready(Ok(()))
}

/// What was written of several parts.
pub fn written<'a>(
    parts: &'a [io::IoSlice<'_>],
    mut bytes: usize,
) -> impl Iterator<Item = &'a [u8]> {
    parts.iter().map(move |part| {
        let taken = part.len().min(bytes);
        bytes -= taken;
        &part[..taken]
    })
}
