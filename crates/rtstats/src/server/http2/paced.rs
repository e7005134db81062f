//! Bodies of HTTP/2 answers, handed out in parts, so that it is seen when a client takes no more of one.
//!
//! A client may leave a stream's window shut for as long as it likes while the connection itself looks alive; and
//! every unfinished answer keeps its whole document in memory.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use slab::Slab;
use tokio::time::Instant;

use crate::server::lasting::Lasting;

/// Bytes of a part.
const PART_BYTES: usize = 64 * 1_024;

/// The unfinished answers of one connection: when a part of each was last taken; none while there is no part to take.
#[derive(Debug, Clone, Default)]
pub struct Unfinished(Arc<Mutex<Slab<Option<Instant>>>>);

impl Unfinished {
    /// An answer's body.
    pub fn body(&self, body: Lasting) -> Paced {
        let place = self.lock().insert(Some(Instant::now()));
        Paced { body, rest: Bytes::new(), place, unfinished: self.clone() }
    }

    /// Since when the answer that has waited longest has waited to be taken.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.lock().iter().filter_map(|(_, taken)| *taken).min()
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Option<Instant>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that tells when it is taken.
#[derive(Debug)]
pub struct Paced {
    body: Lasting,
    rest: Bytes,
    place: usize,
    unfinished: Unfinished,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            let next = Pin::new(&mut self.body).poll_frame(context);
            if next.is_pending() {
                // A stream at rest: nothing waits to be taken.
                self.mark(None);
            }
            match ready!(next) {
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                None => return Poll::Ready(None),
                Some(Err(never)) => match never {},
            }
        }
        let len = self.rest.len().min(PART_BYTES);
        let part = self.rest.split_to(len);
        self.mark(Some(Instant::now()));
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.body.lasts() {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.rest.len() as u64 + self.body.size_hint().lower())
    }
}

impl Paced {
    fn mark(&self, taken: Option<Instant>) {
        self.unfinished.lock()[self.place] = taken;
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.unfinished.lock().remove(self.place);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::{api::answer, server::UnderWay};

    fn lasting(bytes: impl Into<Bytes>) -> Lasting {
        Lasting::new(answer::Body::from(bytes), UnderWay::default().begin())
    }

    #[tokio::test]
    async fn a_body_comes_whole_in_parts_and_is_unfinished_until_it_has_gone() {
        let unfinished = Unfinished::default();
        let whole = Bytes::from(vec![7; 3 * PART_BYTES + 5]);
        let mut body = unfinished.body(lasting(whole.clone()));
        let begun = unfinished.waiting_since().unwrap();
        assert_eq!(body.size_hint().exact(), Some(whole.len() as u64));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), PART_BYTES);
        assert!(unfinished.waiting_since().unwrap() >= begun);
        let rest = body.collect().await.unwrap().to_bytes();
        assert_eq!([first, rest].concat(), whole);
        assert_eq!(unfinished.waiting_since(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_taken_waits_since_its_last_part() {
        let unfinished = Unfinished::default();
        let mut taken = unfinished.body(lasting(vec![7; 9 * PART_BYTES]));
        let left = unfinished.body(lasting("x"));
        let begun = Instant::now();
        tokio::time::advance(std::time::Duration::from_secs(30)).await;
        taken.frame().await.unwrap().unwrap();
        assert_eq!(unfinished.waiting_since(), Some(begun));
        drop(left);
        assert_eq!(unfinished.waiting_since(), Some(Instant::now()));
    }
}
