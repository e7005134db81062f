//! A fault of ours takes one answer down, and no other: it becomes a 500 whose cause the log has.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use stats::document::Format;

use crate::{
    api::answer::{self, Answer},
    telemetry::{IncidentId, Panic},
};

/// A panic that was caught and logged.
#[derive(Debug)]
pub struct Fault(IncidentId);

/// What the future gives, or the fault by which it ended.
pub async fn caught<T>(answering: impl Future<Output = T>) -> Result<T, Fault> {
    let mut answering = pin!(answering);
    let poll = std::future::poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Fault::log())),
        }
    });
    poll.await
}

impl Fault {
    fn log() -> Fault {
        let incident = IncidentId::new();
        let cause =
            Panic::take_latest().map_or_else(|| "unknown".into(), |panic| panic.to_string());
        tracing::error!(%incident, %cause, "answering a request broke an assertion");
        Fault(incident)
    }

    /// What the log has its cause under.
    pub fn incident(&self) -> IncidentId {
        self.0
    }

    /// What the client is told.
    pub fn answer(&self, format: Format) -> Answer {
        answer::fault(self.0, format)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        panic::{set_hook, take_hook},
        sync::{Arc, Mutex},
    };

    use http_body_util::BodyExt;

    use super::*;
    use crate::telemetry::panics;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_panic_is_a_500_whose_cause_the_log_has_under_the_incident() {
        // Panics of other tests are still reported as ever.
        let before = take_hook();
        set_hook(Box::new(move |info| {
            panics::hear(info);
            before(info);
        }));
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        let fault = tracing::subscriber::with_default(log, || {
            block_on(caught(async {
                tokio::task::yield_now().await;
                assert_eq!(1 + 1, 3, "sums are off");
            }))
            .unwrap_err()
        });
        let answer = fault.answer(Format::Json);
        assert_eq!(answer.status(), 500);
        let body = block_on(answer.into_body().collect()).unwrap().to_bytes();
        let incident = fault.0.to_string();
        assert!(String::from_utf8_lossy(&body).contains(&incident));
        let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> =
            log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [heard, told] = &lines[..] else { panic!("two lines: {log}") };
        let text = |line: &serde_json::Value, field: &str| {
            line["fields"][field].as_str().unwrap_or_default().to_owned()
        };
        assert!(text(heard, "panic").contains("sums are off"), "{log}");
        assert!(text(heard, "place").contains("fault.rs:"), "{log}");
        assert_eq!(text(told, "incident"), incident, "{log}");
        assert!(text(told, "cause").contains("sums are off"), "{log}");
        assert!(text(told, "cause").contains("fault.rs:"), "{log}");
    }

    #[test]
    fn what_goes_well_is_handed_through() {
        assert_eq!(block_on(caught(async { 7 })).unwrap(), 7);
    }
}
