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
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// Requests of a connection that are being answered.
#[derive(Debug, Clone)]
pub struct UnderWay(Arc<Marks>);

#[derive(Debug)]
struct Marks {
    begun: Instant,
    answering: AtomicU32,
    /// Since `begun`, when the latest request had been answered.
    answered_ms: AtomicU64,
}

/// One request that is being answered.
#[derive(Debug)]
pub struct Answering(UnderWay);

impl Default for UnderWay {
    fn default() -> UnderWay {
        let (answering, answered_ms) = (AtomicU32::new(0), AtomicU64::new(0));
        UnderWay(Arc::new(Marks { begun: Instant::now(), answering, answered_ms }))
    }
}

impl UnderWay {
    pub fn begin(&self) -> Answering {
        self.0.answering.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    fn any(&self) -> bool {
        self.0.answering.load(Ordering::Relaxed) > 0
    }

    /// When the latest request had been answered; at first, when the connection began.
    fn answered(&self) -> Instant {
        self.0.begun + Duration::from_millis(self.0.answered_ms.load(Ordering::Relaxed))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let marks = &*self.0.0;
        let since = u64::try_from(marks.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        marks.answered_ms.fetch_max(since, Ordering::Relaxed);
        marks.answering.fetch_sub(1, Ordering::Relaxed);
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
    /// The latest sign of life: see [`Guard::read_some`] and [`Guard::wrote_some`].
    moved: Instant,
    /// Bytes written since then beyond those read; see [`ANSWER_BYTES`].
    ahead_bytes: usize,
    /// A head's first bytes came.
    head_begun: Option<Instant>,
    /// Writing has waited since.
    blocked: Option<Instant>,
    /// While closing: how long what still comes is read.
    unread_until: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

/// HTTP/2 answers each ping with as many bytes, which is no sign that anyone wants anything; who takes so much more
/// than it sends takes an answer.
const ANSWER_BYTES: usize = 4_096;

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
            ahead_bytes: 0,
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
            _ => Some(self.moved.max(self.under_way.answered()) + self.patience.idle),
        }
    }

    /// Any byte is a sign of life in HTTP/1.1, where it belongs to a head or a body. In HTTP/2 it may be a ping or a
    /// head without end: there only bodies that come are, and answers that are made or taken.
    fn read_some(&mut self, bytes: usize) {
        if self.patience.header.is_some() || self.under_way.any() {
            self.moved = Instant::now();
        }
        self.ahead_bytes = self.ahead_bytes.saturating_sub(bytes);
    }

    fn wrote_some(&mut self, bytes: usize) {
        self.ahead_bytes += bytes;
        if self.patience.header.is_some() || self.ahead_bytes >= ANSWER_BYTES {
            self.moved = Instant::now();
            self.ahead_bytes = 0;
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
            let read = buffer.filled().len() - before;
            if read > 0 {
                self.read_some(read);
                if self.head_begun.is_none() && !self.under_way.any() {
                    self.head_begun = Some(Instant::now());
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
        if let Poll::Ready(Ok(written)) = result {
            self.wrote_some(written);
        }
        self.wrote(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.head_begun = None;
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        if let Poll::Ready(Ok(written)) = result {
            self.wrote_some(written);
        }
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    const IDLE: Duration = Duration::from_millis(500);

    /// A guarded HTTP/2 connection and its client.
    fn guarded(under_way: &UnderWay) -> (Guard<DuplexStream>, DuplexStream) {
        let (server, client) = tokio::io::duplex(64 << 10);
        let patience = Patience { header: None, idle: IDLE, write: Duration::from_secs(60) };
        (Guard::new(server, patience, under_way.clone()), client)
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await })
            .unwrap()
    }

    /// Sends a byte every so often until the server closes.
    async fn trickle(mut client: DuplexStream) {
        while client.write_all(b".").await.is_ok() {
            tokio::time::sleep(IDLE / 20).await;
        }
    }

    #[test]
    fn bytes_alone_keep_no_http_2_connection() {
        block_on(async {
            let (mut guard, client) = guarded(&UnderWay::default());
            tokio::spawn(trickle(client));
            let mut byte = [0];
            let error = loop {
                // As pings are answered.
                match guard.read_exact(&mut byte).await {
                    Ok(_) => guard.write_all(&byte).await.unwrap(),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn a_request_under_way_keeps_it_and_its_answer_renews_the_idle_time() {
        block_on(async {
            let under_way = UnderWay::default();
            let (mut guard, _client) = guarded(&under_way);
            let answering = under_way.begin();
            let begun = Instant::now();
            tokio::spawn(async move {
                tokio::time::sleep(IDLE * 2).await;
                drop(answering);
            });
            let error = guard.read_u8().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!(
                begun.elapsed() >= IDLE * 3 - Duration::from_millis(1),
                "{:?}",
                begun.elapsed()
            );
        });
    }

    #[test]
    fn an_answer_that_is_taken_slowly_keeps_it() {
        block_on(async {
            let (mut guard, _client) = guarded(&UnderWay::default());
            let idle_since = guard.moved;
            guard.wrote_some(17);
            guard.read_some(17);
            assert_eq!(guard.moved, idle_since, "a ping was answered");
            tokio::time::sleep(Duration::from_millis(1)).await;
            guard.wrote_some(ANSWER_BYTES);
            assert!(guard.moved > idle_since);
        });
    }
}
