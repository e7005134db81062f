//! Bodies that keep their request under way for as long as they last.
//!
//! A whole body is known to its end when the head is: its request is answered then. A stream's is answered when the
//! stream ends: until then its connection is not idle, however seldom something comes. Over HTTP/1.1 every answer is also
//! owed for as long as its body is there.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::{guard::Answering, worded::Debt};
use crate::api::answer::Body;

/// A body, and its request's mark if the body lasts.
#[derive(Debug)]
pub struct Lasting {
    body: Body,
    _answering: Option<Answering>,
    _debt: Option<Debt>,
}

impl Lasting {
    pub fn new(body: Body, answering: Answering) -> Lasting {
        let answering = body.lasts().then_some(answering);
        Lasting { body, _answering: answering, _debt: None }
    }

    /// The body by which a debt is paid.
    pub fn paying(self, debt: Debt) -> Lasting {
        Lasting { _debt: Some(debt), ..self }
    }

    pub fn lasts(&self) -> bool {
        self.body.lasts()
    }
}

impl hyper::body::Body for Lasting {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
