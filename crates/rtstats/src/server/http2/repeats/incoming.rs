//! What comes from the client: what is looked into, and what goes to hyper.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

/// What every client's first bytes are.
pub const PREFACE_BYTES: usize = 24;

/// What has come, and what is left of it.
pub struct Incoming {
    /// The beginning of a frame that is to be looked into.
    pub held: Vec<u8>,
    /// Bytes for hyper, looked into.
    pub passing: BytesMut,
    /// Bytes that go to hyper as they come.
    pub left: usize,
    pub in_block: bool,
}

impl Default for Incoming {
    fn default() -> Incoming {
        let (held, passing) = (Vec::new(), BytesMut::new());
        Incoming { held, passing, left: PREFACE_BYTES, in_block: false }
    }
}

impl Incoming {
    /// These bytes go to hyper.
    pub fn pass(&mut self, bytes: &[u8]) {
        self.passing.extend_from_slice(bytes);
    }

    /// Whether what went to hyper is whole frames, and the next isn't bound to the last.
    pub fn at_boundary(&self) -> bool {
        self.left == 0 && !self.in_block
    }

    /// Hands hyper what there is for it; whether there is anything.
    pub fn hand_over(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        if self.passing.is_empty() {
            return false;
        }
        let bytes = self.passing.len().min(buffer.remaining());
        buffer.put_slice(&self.passing[..bytes]);
        self.passing.advance(bytes);
        if self.passing.is_empty() {
            self.passing = BytesMut::new();
        }
        true
    }

    /// Reads on in what goes to hyper as it comes.
    pub fn poll_read_on<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = self.left.min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        ready!(Pin::new(stream).poll_read(context, &mut part))?;
        let bytes = part.filled().len();
        buffer.advance(bytes);
        self.left -= bytes;
        Poll::Ready(Ok(()))
    }
}
