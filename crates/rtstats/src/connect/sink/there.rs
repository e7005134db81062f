//! Another server, over HTTPS. The requests run on a thread of their own, since they block.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering::Relaxed},
        mpsc,
    },
    time::UNIX_EPOCH,
};

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use stats::event::Millis;
use tokio::{sync::oneshot, time::sleep};

use super::{Present, SinkError, Trouble};
use crate::{
    backoff::Backoff,
    clock,
    connect::status::Monitor,
    post::{Attempt, Body, Poster, Receipt, WAITS},
};

/// The header that holds the last counted time.
const COUNTED: &str = "Rtstats-Counted";

/// The header that holds the highest number of the source.
const SEQ: &str = "Rtstats-Seq";

pub(super) struct There {
    jobs: mpsc::Sender<Job>,
    /// How far our clock is ahead of the server's, for certain.
    ahead_ms: AtomicI64,
    monitor: Arc<Monitor>,
}

/// A request, and who waits for its answer.
enum Job {
    Post(Bytes, oneshot::Sender<Attempt<Receipt>>),
    Get(String, oneshot::Sender<(Attempt<Body>, Millis)>),
}

impl There {
    pub(super) fn new(mut poster: Poster, monitor: Arc<Monitor>) -> std::io::Result<There> {
        let (jobs, queue) = mpsc::channel();
        // It ends when the last request has been answered and the sink is gone.
        std::thread::Builder::new().name("connector-http".to_owned()).spawn(move || {
            for job in queue {
                // Who asked may have gone meanwhile: then nobody hears the answer.
                match job {
                    Job::Post(lines, answer) => drop(answer.send(poster.try_post(&lines))),
                    Job::Get(path, answer) => {
                        let asked = clock::now();
                        drop(answer.send((poster.try_get(&path), asked)));
                    }
                }
            }
        })?;
        Ok(There { jobs, ahead_ms: AtomicI64::new(0), monitor })
    }

    pub(super) fn ahead_ms(&self) -> Millis {
        self.ahead_ms.load(Relaxed)
    }

    pub(super) async fn present(&self, source: &str) -> Result<Present, SinkError> {
        let source = utf8_percent_encode(source, NON_ALPHANUMERIC);
        let path = format!("/api/rtstats/state?source={source}");
        let ask = |answer| Job::Get(path.clone(), answer);
        let (body, asked) = self
            .until_done(ask, |(attempt, asked)| match attempt {
                Attempt::Done(body) => Attempt::Done((body, asked)),
                Attempt::Later { trouble, asked } => Attempt::Later { trouble, asked },
                Attempt::Never(error) => Attempt::Never(error),
            })
            .await?;
        let number = |name: &str| body.headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
        let Some(seq) = number(SEQ) else {
            let line = "the server's answer lacks its header Rtstats-Seq: is it an rtstats of this version?";
            return Err(SinkError::Refused(line.to_owned()));
        };
        self.ahead_ms.store(ahead_ms(&body, asked).unwrap_or(0), Relaxed);
        let counted = number(COUNTED).and_then(|counted| Millis::try_from(counted).ok());
        Ok(Present { counted, seq, lines: body.bytes.into() })
    }

    pub(super) async fn send(&self, lines: Bytes) -> Result<Receipt, SinkError> {
        let tries = AtomicU32::new(0);
        let job = |answer| {
            tries.fetch_add(1, Relaxed);
            Job::Post(lines.clone(), answer)
        };
        let mut receipt = self.until_done(job, |attempt| attempt).await?;
        if tries.load(Relaxed) > 1 {
            // The batch had arrived the first time.
            receipt.duplicates = 0;
        }
        Ok(receipt)
    }

    async fn until_done<A, T>(
        &self,
        job: impl Fn(oneshot::Sender<A>) -> Job,
        read: impl Fn(A) -> Attempt<T>,
    ) -> Result<T, SinkError> {
        let mut trouble = Trouble::none(&self.monitor);
        let mut backoff = Backoff::new(WAITS);
        loop {
            let (answer, answered) = oneshot::channel();
            let sent = self.jobs.send(job(answer));
            // The thread lives as long as the sink does, unless it panicked.
            let gone = || SinkError::Refused("the thread of the requests has ended".to_owned());
            sent.map_err(|_| gone())?;
            match read(answered.await.map_err(|_| gone())?) {
                Attempt::Done(done) => {
                    trouble.is_over("the server takes events again");
                    return Ok(done);
                }
                Attempt::Never(error) => return Err(SinkError::Refused(format!("{error:#}"))),
                Attempt::Later { trouble: line, asked } => {
                    self.monitor.retried();
                    let wait = backoff.next_wait().max(asked);
                    trouble.is(&line, wait);
                    sleep(wait).await;
                }
            }
        }
    }
}

/// How far our clock was ahead of the server's at least, as it was asked: its `Date` is cut to the second and was set
/// after that.
fn ahead_ms(body: &Body, asked: Millis) -> Option<Millis> {
    let date = body.headers.get("Date")?.to_str().ok()?;
    let date = httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let latest = Millis::try_from(date.as_millis()).ok()? + 999;
    Some((asked - latest).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_of_a_clock_ahead_counts() {
        let mut body = Body { headers: Default::default(), bytes: Vec::new() };
        assert_eq!(ahead_ms(&body, 5_000), None);
        body.headers.insert("Date", "Thu, 01 Jan 1970 00:00:10 GMT".parse().unwrap());
        for (asked, ahead) in [(9_000, 0), (10_999, 0), (11_000, 1), (70_999, 60_000)] {
            assert_eq!(ahead_ms(&body, asked), Some(ahead), "{asked}");
        }
    }
}
