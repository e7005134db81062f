//! Numbers events and hands them out in batches: what has gathered while one batch was under way is the next.
//!
//! So a lone event waits for nobody, and throughput rises with load. Names are kept before any event that uses them
//! goes out: a number that the server has seen is never given to another queue.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use stats::{
    event::{Event, Kind, Millis, Origin},
    limit,
};

use super::{
    kept::{Kept, KeptError},
    names::Names,
    status::Monitor,
};
use crate::post::Receipt;

/// Beyond so much the connector stops reading the other system, which then waits or cuts it off.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// What goes out at once: well within what ingest takes (SPEC §4.1), since one comparison may tell more.
const BATCH_BYTES_MAX: usize = 4 << 20;

const _: () = assert!(BATCH_BYTES_MAX <= limit::BATCH_BYTES_MAX, "a batch must be taken");

/// How soon again when names could not be kept.
const KEEP_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Events that go out together.
#[derive(Debug)]
pub(super) struct Batch {
    /// NDJSON.
    pub(super) lines: Bytes,
    /// When the events whose lag is of interest were certain.
    live: Vec<Millis>,
}

/// The numbers and the batches of one source.
pub(super) struct Outlet {
    source: String,
    seq: u64,
    waiting: Vec<u8>,
    live: Vec<Millis>,
    kept: Kept,
    /// Names that are not on disk yet, and when to try again.
    unkept: Option<(Names, Instant)>,
    is_failing: bool,
    monitor: Arc<Monitor>,
}

impl Outlet {
    /// Goes on behind the highest number that the server has seen.
    pub(super) fn new(source: String, seq: u64, kept: Kept, monitor: Arc<Monitor>) -> Outlet {
        let (waiting, live) = (Vec::new(), Vec::new());
        Outlet { source, seq, waiting, live, kept, unkept: None, is_failing: false, monitor }
    }

    /// An event is to go out. Its time is never ahead of the server's clock. The lag of one that was certain at an
    /// instant is measured from then, and what it had to wait for before is told apart.
    pub(super) fn tell(
        &mut self,
        time: Millis,
        kind: Kind<'static>,
        now: Millis,
        certain: Option<Millis>,
    ) {
        self.monitor.told(&kind);
        self.seq += 1;
        let time = time.min(now);
        let origin = Origin { source: Cow::Borrowed(&self.source), seq: self.seq };
        Event { time, origin: Some(origin), kind }.write_line(&mut self.waiting);
        if let Some(certain) = certain {
            self.live.push(certain.min(now));
            if time < certain {
                self.monitor.settled(certain - time);
            }
        }
    }

    /// Names have changed: they are kept before what was told since goes out.
    pub(super) fn keep(&mut self, names: Names) {
        self.unkept = Some((names, Instant::now()));
    }

    /// Whether all that was told is on its way or has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the other system is not to be read for now.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_BYTES_MAX
    }

    /// All that waits, or as much of it as one batch may hold.
    pub(super) fn next(&mut self) -> Option<Batch> {
        if let Some((names, due)) = &self.unkept {
            if *due > Instant::now() {
                return None;
            }
            let kept = self.kept.store(names);
            if !self.is_kept(kept) {
                return None;
            }
        }
        if self.waiting.is_empty() {
            return None;
        }
        if self.waiting.len() > BATCH_BYTES_MAX {
            // One line is far shorter than a batch, so there is a line feed.
            let end =
                memchr::memrchr(b'\n', &self.waiting[..BATCH_BYTES_MAX]).map_or(0, |at| at + 1);
            let rest = self.waiting.split_off(end);
            let lines = std::mem::replace(&mut self.waiting, rest).into();
            // The lags are measured with the last part, so that none looks shorter than it was.
            return Some(Batch { lines, live: Vec::new() });
        }
        let lines = std::mem::take(&mut self.waiting).into();
        Some(Batch { lines, live: std::mem::take(&mut self.live) })
    }

    /// When to ask for a batch again though nothing new was told.
    pub(super) fn due(&self) -> Option<Instant> {
        self.unkept.as_ref().map(|(_, due)| *due)
    }

    /// The server has a batch.
    pub(super) fn taken(&self, batch: &[Millis], receipt: Receipt, now: Millis) {
        self.monitor.taken(receipt.ignored);
        batch.iter().for_each(|time| self.monitor.lag(now - time));
    }

    fn is_kept(&mut self, stored: Result<(), KeptError>) -> bool {
        let connector = self.monitor.name();
        match stored {
            Ok(()) => {
                if self.is_failing {
                    tracing::info!(connector, "numbers can be kept again");
                }
                (self.unkept, self.is_failing) = (None, false);
                true
            }
            Err(error) => {
                if !self.is_failing {
                    tracing::error!(connector, "{error}; events wait until it works");
                }
                self.monitor.trouble(&error.to_string());
                self.is_failing = true;
                if let Some((_, due)) = &mut self.unkept {
                    *due = Instant::now() + KEEP_AGAIN_AFTER;
                }
                false
            }
        }
    }
}

impl Batch {
    /// What is sent, and what is measured once it is on disk.
    pub(super) fn into_parts(self) -> (Bytes, Vec<Millis>) {
        (self.lines, self.live)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use stats::parse::parse_batch;

    use super::*;
    use crate::connect::status::Connectors;

    fn outlet(kept: Kept) -> Outlet {
        let monitor = Connectors::default().add("main", "acme", "pbx", &[]);
        Outlet::new("asterisk/main".to_owned(), 7, kept, monitor)
    }

    fn removed(queue: u32) -> Kind<'static> {
        Kind::QueueRemoved { queue }
    }

    #[test]
    fn events_go_on_behind_the_server_s_number_and_gather_in_one_batch() {
        let mut outlet = outlet(Kept::at("unused"));
        assert!(outlet.next().is_none());
        outlet.tell(1_000, removed(1), 2_000, Some(1_250));
        outlet.tell(9_000, removed(2), 2_000, None);
        let (lines, live) = outlet.next().unwrap().into_parts();
        let events = parse_batch(&lines, None).unwrap();
        let told: Vec<_> = events
            .iter()
            .map(|line| (line.event.time, line.event.origin.as_ref().unwrap().seq))
            .collect();
        assert_eq!(told, [(1_000, 8), (2_000, 9)]);
        assert_eq!(live, [1_250]);
        assert!(outlet.next().is_none());
        outlet.taken(&live, Receipt::default(), 1_257);
    }

    #[test]
    fn names_are_on_disk_before_the_events_that_use_them_go_out() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::at(folder.path().join("names.json"));
        let mut outlet = outlet(kept.clone());
        let mut names = Names::default();
        names.queue("sales");
        outlet.keep(names);
        outlet.tell(1, removed(1), 1, Some(1));
        assert!(outlet.next().is_some());
        assert_eq!(kept.load().unwrap().known_queue("sales"), Some(1));
    }

    #[test]
    fn events_wait_while_names_cannot_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("blocked");
        fs::write(&blocked, "a file where a folder is needed").unwrap();
        let mut outlet = outlet(Kept::at(blocked.join("names.json")));
        outlet.keep(Names::default());
        outlet.tell(1, removed(1), 1, Some(1));
        assert!(outlet.next().is_none() && outlet.due().is_some());
        fs::remove_file(&blocked).unwrap();
        outlet.keep(Names::default());
        let (lines, _) = outlet.next().unwrap().into_parts();
        assert_eq!(parse_batch(&lines, None).unwrap().len(), 1);
    }

    #[test]
    fn beyond_its_bound_it_is_full_until_a_batch_is_taken() {
        let mut outlet = outlet(Kept::at("unused"));
        while !outlet.is_full() {
            outlet.tell(1, removed(1), 1, None);
        }
        assert!(outlet.waiting.len() < WAITING_BYTES_MAX + 1_000);
        assert!(outlet.next().is_some() && !outlet.is_full());
    }

    #[test]
    fn more_than_one_batch_may_hold_goes_out_in_parts() {
        let mut outlet = outlet(Kept::at("unused"));
        let mut told = 0;
        while outlet.waiting.len() < 5 * BATCH_BYTES_MAX / 2 {
            outlet.tell(1, removed(1), 1, Some(1));
            told += 1;
        }
        let parts: Vec<_> = std::iter::from_fn(|| outlet.next()).map(Batch::into_parts).collect();
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|(lines, _)| lines.len() <= BATCH_BYTES_MAX));
        let events = parts.iter().map(|(lines, _)| parse_batch(lines, None).unwrap().len());
        assert_eq!(events.sum::<usize>(), told);
        assert_eq!(parts[2].1.len(), told);
    }
}
