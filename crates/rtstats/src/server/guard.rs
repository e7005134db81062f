//! Time limits of a connection, watched where its bytes pass.
//!
//! A timer is armed once and looks at the clock's marks when it fires, so that a request costs no timer of its own.

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// Requests of a connection that are being answered.
#[derive(Debug, Clone, Default)]
pub struct UnderWay(Arc<AtomicU32>);

/// One request that is being answered.
pub struct Answering(UnderWay);

impl UnderWay {
    pub fn begin(&self) -> Answering {
        self.0.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From a head's first byte to its last; none where heads can't be told from other frames.
    pub header: Option<Duration>,
    pub idle: Duration,
    pub write: Duration,
}

/// A stream that ends with an error when its client takes too long.
pub struct Guard<S> {
    stream: S,
    patience: Patience,
    under_way: UnderWay,
    /// Bytes last passed, either way.
    moved: Instant,
    /// A head's first bytes came.
    head_begun: Option<Instant>,
    /// Writing has waited since.
    blocked: Option<Instant>,
    /// While closing: how long what still comes is read.
    unread_until: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

/// How long a closing connection reads what its client still sends.
const UNREAD_TIME: Duration = Duration::from_secs(1);

impl<S> Guard<S> {
    pub fn new(stream: S, patience: Patience, under_way: UnderWay) -> Guard<S> {
        let now = Instant::now();
        let timer = Box::pin(sleep_until(now + patience.header.unwrap_or(patience.idle)));
        Guard {
            stream,
            patience,
            under_way,
            moved: now,
            head_begun: None,
            blocked: None,
            unread_until: None,
            timer,
        }
    }

    /// The instant at which patience ends, as things stand; none while an answer is being made.
    fn deadline(&self) -> Option<Instant> {
        if let Some(blocked) = self.blocked {
            return Some(blocked + self.patience.write);
        }
        if self.under_way.any() {
            return None;
        }
        match (self.head_begun, self.patience.header) {
            (Some(begun), Some(header)) => Some(begun + header),
            _ => Some(self.moved + self.patience.idle),
        }
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.timer.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            let next = self.deadline().unwrap_or(now + self.patience.idle);
            if next <= now {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.timer.as_mut().reset(next);
        }
        Ok(())
    }

    /// A deadline nearer than the timer's brings it forward.
    fn bring_forward(&mut self) {
        if let Some(deadline) = self.deadline()
            && deadline < self.timer.deadline()
        {
            self.timer.as_mut().reset(deadline);
        }
    }

    fn wrote<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.blocked = None;
            self.moved = Instant::now();
            return result;
        }
        if self.blocked.is_none() {
            self.blocked = Some(Instant::now());
            self.bring_forward();
        }
        match self.check(context) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if result.is_ready() {
            if buffer.filled().len() > before {
                self.moved = Instant::now();
                if self.head_begun.is_none() && !self.under_way.any() {
                    self.head_begun = Some(self.moved);
                } else if self.under_way.any() {
                    self.head_begun = None;
                }
            }
            return result;
        }
        // Whoever waits for bytes while nothing is under way and no answer was owed waits for a head.
        if self.under_way.any() {
            self.head_begun = None;
        }
        self.bring_forward();
        match self.check(context) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // An answer goes out: the head that asked for it is whole.
        self.head_begun = None;
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.head_begun = None;
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.wrote(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        match result {
            // A flush with nothing to write is no sign of life.
            Poll::Ready(_) => {
                self.blocked = None;
                result
            }
            Poll::Pending => self.wrote(context, result),
        }
    }

    /// Closing on bytes that nobody has read would reset the last answer away: they are read, within bounds.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unread_until.is_none() {
            let result = Pin::new(&mut self.stream).poll_shutdown(context);
            match self.wrote(context, result) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
        }
        let mut rest = [MaybeUninit::uninit(); 4_096];
        loop {
            let mut buffer = ReadBuf::uninit(&mut rest);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let until = self.unread_until.unwrap_or(Instant::now() + UNREAD_TIME);
                    self.unread_until = Some(until);
                    if Instant::now() >= until {
                        return Poll::Ready(Ok(()));
                    }
                    self.timer.as_mut().reset(until);
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if self.unread_until.is_none() => return Poll::Ready(Ok(())),
                Poll::Pending => return self.timer.as_mut().poll(context).map(Ok),
            }
        }
    }
}
