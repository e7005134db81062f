//! What the service of an HTTP/2 connection tells of its answers, for those that may be given again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use hyper::body::Body;

use super::hpack;
use crate::clock;

/// Answers that wait to be learned, and questions that wait for theirs.
pub const WAITING_MAX: usize = 8;

/// What a connection's service tells. Clones are the same.
pub struct Told<A>(Arc<Mutex<Answers<A>>>);

struct Answers<A> {
    asked: u64,
    answered: VecDeque<Answered<A>>,
}

/// An answer that may be given again.
pub struct Answered<A> {
    /// Which of the service's questions it answers.
    pub number: u64,
    pub block: Bytes,
    pub body_bytes: usize,
    pub again: A,
}

impl<A> Clone for Told<A> {
    fn clone(&self) -> Told<A> {
        Told(self.0.clone())
    }
}

impl<A> Default for Told<A> {
    fn default() -> Told<A> {
        Told(Arc::new(Mutex::new(Answers { asked: 0, answered: VecDeque::new() })))
    }
}

impl<A> Told<A> {
    /// The service is asked; the number of this question. To be called in the order of questions.
    pub fn asked(&self) -> u64 {
        let mut answers = self.lock();
        answers.asked += 1;
        answers.asked
    }

    /// A question has an answer that may be given again for as long as `again` is judged to hold.
    pub fn answered(&self, number: u64, answer: &Response<impl Body>, again: A) {
        let Some(body_bytes) = answer.body().size_hint().exact() else { return };
        let body_bytes = usize::try_from(body_bytes).unwrap_or(usize::MAX);
        // As hyper writes it.
        let mut headers = answer.headers().clone();
        if let Ok(date) = HeaderValue::try_from(clock::http_date(clock::now())) {
            headers.entry(header::DATE).or_insert(date);
        }
        if !answer.body().is_end_stream() {
            headers.entry(header::CONTENT_LENGTH).or_insert_with(|| body_bytes.into());
        }
        let block = hpack::block(answer.status(), &headers);
        let mut answers = self.lock();
        let answered = Answered { number, block, body_bytes, again };
        push_latest(&mut answers.answered, WAITING_MAX, answered);
    }

    /// The next answer that waits to be learned, if the service was asked just so many questions.
    pub fn next(&self, asked: u64) -> Option<Answered<A>> {
        let mut answers = self.lock();
        if answers.asked == asked { answers.answered.pop_front() } else { None }
    }

    fn lock(&self) -> MutexGuard<'_, Answers<A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts one more behind the latest ones, of which there are so many at most.
pub fn push_latest<T>(latest: &mut VecDeque<T>, max: usize, one: T) {
    if latest.len() == max {
        latest.pop_front();
    }
    latest.push_back(one);
}
