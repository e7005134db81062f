//! One tenant's feed as its subscribers and its driver share it: the last frames, the whole table, who waits.
//!
//! Frames are rendered once and shared. A subscriber holds no more than the number of the frame that its client has;
//! who falls behind takes the whole table instead of what was missed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use slab::Slab;
use tokio::sync::Notify;

use super::frame::{Bye, GREETING};
use crate::{clock, shard::Live, telemetry::Metrics};

/// Whether a subscriber may go on watching: asked about once a second.
pub type Lease = Arc<dyn Fn() -> bool + Send + Sync>;

/// Frames that are kept for those who come back: more than a minute of the fastest feed.
const RING_FRAMES_MAX: usize = 512;

/// Bytes of frames that are kept in any case; beyond the whole table's size they would save nothing.
const RING_BYTES_MIN: usize = 256 << 10;

/// Frames that may follow a whole table before another is made: who comes is soon up to date.
const WHOLE_BEHIND_MAX: usize = 4;

/// One tenant's feed.
pub struct Feed {
    /// Whose.
    pub tenant: Arc<Live>,
    metrics: Metrics,
    shared: Mutex<Shared>,
    /// Somebody came, or needs the whole table.
    pub wanted: Notify,
}

struct Shared {
    /// Number of the last frame.
    latest: u64,
    /// The last frames: their numbers end with `latest`.
    ring: VecDeque<Bytes>,
    ring_bytes: usize,
    whole: Option<Whole>,
    whole_wanted: bool,
    subscribers: Slab<Place>,
    over: Option<Bye>,
}

struct Whole {
    number: u64,
    event: Bytes,
}

struct Place {
    lease: Lease,
    waker: Option<Waker>,
    over: Option<Bye>,
}

impl Feed {
    /// A feed without frames.
    pub fn new(tenant: Arc<Live>, metrics: Metrics) -> Feed {
        let shared = Shared {
            // Later feeds of the tenant, after a restart too, begin with higher numbers: no other frame has this one's.
            latest: u64::try_from(clock::now()).unwrap_or_default(),
            ring: VecDeque::new(),
            ring_bytes: 0,
            whole: None,
            whole_wanted: false,
            subscribers: Slab::new(),
            over: None,
        };
        Feed { tenant, metrics, shared: Mutex::new(shared), wanted: Notify::new() }
    }

    /// One more subscriber, whose client has the frame `have`.
    pub fn subscribe(self: &Arc<Self>, lease: Lease, have: Option<u64>) -> Subscriber {
        let place = Place { lease, waker: None, over: None };
        let place = self.lock().subscribers.insert(place);
        self.metrics.live_subscribed();
        self.wanted.notify_one();
        Subscriber { feed: self.clone(), place, have, greeted: false, ended: false }
    }

    /// Whether nobody watches.
    pub fn is_empty(&self) -> bool {
        self.lock().subscribers.is_empty()
    }

    /// The number that the next frame gets.
    pub fn next_number(&self) -> u64 {
        self.lock().latest + 1
    }

    /// Whether somebody waits for the whole table.
    pub fn whole_is_wanted(&self) -> bool {
        self.lock().whole_wanted
    }

    /// Hands the next frame out.
    pub fn publish(&self, event: Bytes) {
        self.metrics.live_frame(event.len());
        let mut shared = self.lock();
        shared.latest += 1;
        shared.ring_bytes += event.len();
        shared.ring.push_back(event);
        let bytes_max =
            shared.whole.as_ref().map_or(0, |whole| whole.event.len()).max(RING_BYTES_MIN);
        while shared.ring.len() > RING_FRAMES_MAX || shared.ring_bytes > bytes_max {
            let Some(oldest) = shared.ring.pop_front() else { break };
            shared.ring_bytes -= oldest.len();
        }
        Feed::wake(shared);
    }

    /// Hands the whole table out, as of the last frame.
    pub fn publish_whole(&self, event: Bytes) {
        self.metrics.live_whole(event.len());
        let mut shared = self.lock();
        let number = shared.latest;
        shared.whole = Some(Whole { number, event });
        shared.whole_wanted = false;
        Feed::wake(shared);
    }

    /// The whole table is old: who comes now waits for a new one.
    pub fn forget_whole(&self) {
        self.lock().whole = None;
    }

    /// Ends it for everybody.
    pub fn end(&self, bye: Bye) {
        let mut shared = self.lock();
        shared.over.get_or_insert(bye);
        Feed::wake(shared);
    }

    /// Ends it for those who may watch no longer.
    pub fn end_leases(&self) {
        let leases: Vec<(usize, Lease)> = {
            let shared = self.lock();
            shared.subscribers.iter().map(|(at, place)| (at, place.lease.clone())).collect()
        };
        // Asked without the lock: who asks may look into a database.
        let ended = leases.into_iter().filter(|(_, lease)| !lease());
        for (at, lease) in ended.collect::<Vec<_>>() {
            let mut shared = self.lock();
            // The place may be another's by now.
            let place = shared.subscribers.get_mut(at);
            let Some(place) = place.filter(|place| Arc::ptr_eq(&place.lease, &lease)) else {
                continue;
            };
            place.over = Some(Bye::Revoked);
            let waker = place.waker.take();
            drop(shared);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn wake(mut shared: MutexGuard<'_, Shared>) {
        let wakers: Vec<Waker> =
            shared.subscribers.iter_mut().filter_map(|(_, place)| place.waker.take()).collect();
        drop(shared);
        for waker in wakers {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// What brings a client that has the frame `have` on, with the number that it has then; none where only the whole
    /// table does.
    fn after(&self, have: u64) -> Option<(u64, Bytes)> {
        let behind = usize::try_from(self.latest.checked_sub(have)?).ok()?;
        let at = self.ring.len().checked_sub(behind)?;
        Some((have + 1, self.ring.get(at)?.clone()))
    }

    /// The whole table, if what has come since then is here and not longer than itself.
    fn whole(&self) -> Option<(u64, Bytes)> {
        let Whole { number, event } = self.whole.as_ref()?;
        let behind = usize::try_from(self.latest - number).ok()?;
        let since: usize = self.ring.iter().rev().take(behind).map(Bytes::len).sum();
        let is_here = behind <= self.ring.len().min(WHOLE_BEHIND_MAX) && since <= event.len();
        is_here.then(|| (*number, event.clone()))
    }

    /// Whether a client has fallen so far behind that the whole table is shorter.
    fn is_far(&self, have: u64) -> bool {
        let Some(whole) = &self.whole else { return false };
        let behind = usize::try_from(self.latest.saturating_sub(have)).unwrap_or(usize::MAX);
        let missed = self.ring.iter().rev().take(behind);
        have < whole.number && missed.map(Bytes::len).sum::<usize>() > whole.event.len()
    }
}

/// One who watches a feed: a stream of events that ends when the feed does.
pub struct Subscriber {
    feed: Arc<Feed>,
    place: usize,
    /// The frame that the client has.
    have: Option<u64>,
    greeted: bool,
    ended: bool,
}

impl std::fmt::Debug for Subscriber {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Subscriber").field("have", &self.have).finish_non_exhaustive()
    }
}

impl Subscriber {
    /// The next bytes; none once it has ended.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if !self.greeted {
            self.greeted = true;
            return Poll::Ready(Some(GREETING));
        }
        let feed = self.feed.clone();
        let mut shared = feed.lock();
        if let Some(bye) = shared.subscribers[self.place].over.or(shared.over) {
            self.ended = true;
            return Poll::Ready(Some(bye.event()));
        }
        let next = match self.have {
            Some(have) if have == shared.latest => {
                shared.subscribers[self.place].waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            Some(have) if !shared.is_far(have) => shared.after(have),
            _ => None,
        };
        let Some((number, event)) = next.or_else(|| shared.whole()) else {
            shared.whole_wanted = true;
            shared.subscribers[self.place].waker = Some(context.waker().clone());
            drop(shared);
            feed.wanted.notify_one();
            return Poll::Pending;
        };
        self.have = Some(number);
        drop(shared);
        feed.metrics.live_sent(event.len());
        Poll::Ready(Some(event))
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        drop(self.feed.lock().subscribers.remove(self.place));
        self.feed.metrics.live_unsubscribed();
        self.feed.wanted.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::tenants::TenantId;

    fn feed() -> Arc<Feed> {
        Arc::new(Feed::new(Arc::new(Live::new(TenantId(1), "acme")), Metrics::new()))
    }

    fn always() -> Lease {
        Arc::new(|| true)
    }

    fn frame(feed: &Feed, len: usize) -> u64 {
        let number = feed.next_number();
        feed.publish(format!("{number:len$}").into());
        number
    }

    fn whole(feed: &Feed, len: usize) {
        let number = feed.next_number() - 1;
        feed.publish_whole(format!("whole {number:len$}").into());
    }

    /// What comes until it has to wait, its greeting left out.
    fn drain(subscriber: &mut Subscriber) -> Vec<String> {
        let mut context = Context::from_waker(Waker::noop());
        let mut came = Vec::new();
        while let Poll::Ready(Some(bytes)) = subscriber.poll_next(&mut context) {
            if bytes != GREETING {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                let is_number = |word: &&str| word.parse::<u64>().is_ok();
                let padded = text.split(' ').filter(|word| !word.is_empty());
                came.push(match text.starts_with("whole") {
                    true => format!("whole {}", padded.clone().find(is_number).unwrap()),
                    false => padded.collect::<Vec<_>>().join(" "),
                });
            }
        }
        came
    }

    fn numbers(came: &[String]) -> Vec<u64> {
        came.iter().map(|text| text.trim().parse().unwrap()).collect()
    }

    #[test]
    fn whoever_is_new_waits_for_the_whole_table_and_goes_on_with_changes() {
        let feed = feed();
        let first = frame(&feed, 1);
        let mut subscriber = feed.subscribe(always(), None);
        assert!(drain(&mut subscriber).is_empty());
        assert!(feed.whole_is_wanted());
        whole(&feed, 1);
        assert_eq!(drain(&mut subscriber), [format!("whole {first}")]);
        let second = frame(&feed, 1);
        assert_eq!(numbers(&drain(&mut subscriber)), [second]);
        assert!(!feed.whole_is_wanted());
    }

    #[test]
    fn whoever_comes_back_gets_what_was_missed_in_order() {
        let feed = feed();
        let sent: Vec<u64> = (0..10).map(|_| frame(&feed, 1)).collect();
        for (at, have) in sent.iter().enumerate() {
            let mut back = feed.subscribe(always(), Some(*have));
            assert_eq!(numbers(&drain(&mut back)), sent[at + 1..], "after {have}");
        }
        let mut before = feed.subscribe(always(), Some(sent[0] - 1));
        assert_eq!(numbers(&drain(&mut before)), sent);
    }

    #[test]
    fn whoever_has_a_frame_that_is_not_here_gets_the_whole_table() {
        let feed = feed();
        for _ in 0..2 * RING_FRAMES_MAX {
            frame(&feed, 1);
        }
        let latest = feed.next_number() - 1;
        for have in [0, 1, latest - RING_FRAMES_MAX as u64 - 1, latest + 1, u64::MAX] {
            feed.forget_whole();
            let mut lost = feed.subscribe(always(), Some(have));
            assert!(drain(&mut lost).is_empty(), "after {have}");
            whole(&feed, 1);
            assert_eq!(drain(&mut lost), [format!("whole {latest}")], "after {have}");
        }
        feed.forget_whole();
        let mut last = feed.subscribe(always(), Some(latest - RING_FRAMES_MAX as u64));
        assert_eq!(drain(&mut last).len(), RING_FRAMES_MAX);
    }

    #[test]
    fn whoever_is_slow_skips_to_the_whole_table_and_holds_nothing_up() {
        let feed = feed();
        let first = frame(&feed, 1);
        let mut slow = feed.subscribe(always(), Some(first));
        let mut quick = feed.subscribe(always(), Some(first));
        for _ in 0..100 {
            let number = frame(&feed, 1_000);
            assert_eq!(numbers(&drain(&mut quick)), [number]);
        }
        whole(&feed, 2_000);
        let latest = feed.next_number() - 1;
        assert_eq!(drain(&mut slow), [format!("whole {latest}")]);
        assert!(drain(&mut quick).is_empty(), "it has all of that");
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes() {
        let feed = feed();
        for _ in 0..20 {
            frame(&feed, RING_BYTES_MIN / 8);
        }
        let shared = feed.lock();
        assert_eq!(shared.ring.len(), 8);
        assert_eq!(shared.ring_bytes, shared.ring.iter().map(Bytes::len).sum::<usize>());
    }

    #[test]
    fn a_whole_table_serves_many_until_it_is_old() {
        let feed = feed();
        frame(&feed, 1);
        whole(&feed, 100);
        let second = frame(&feed, 1);
        let mut soon = feed.subscribe(always(), None);
        assert_eq!(drain(&mut soon).len(), 2, "the table, and what came since");
        assert!(!feed.whole_is_wanted());
        for _ in 0..WHOLE_BEHIND_MAX {
            frame(&feed, 1);
        }
        let mut late = feed.subscribe(always(), None);
        assert!(drain(&mut late).is_empty());
        assert!(feed.whole_is_wanted());
        assert_eq!(late.have, None);
        assert_eq!(soon.have, Some(second));
    }

    #[test]
    fn a_lease_that_ends_ends_its_own_stream_alone() {
        let feed = feed();
        let holds = Arc::new(AtomicBool::new(true));
        let asked = holds.clone();
        let first = frame(&feed, 1);
        let lease: Lease = Arc::new(move || asked.load(Ordering::Relaxed));
        let mut guest = feed.subscribe(lease, Some(first));
        let mut other = feed.subscribe(always(), Some(first));
        feed.end_leases();
        assert!(drain(&mut guest).is_empty());
        holds.store(false, Ordering::Relaxed);
        feed.end_leases();
        assert!(drain(&mut guest)[0].contains("revoked"));
        assert!(guest.ended);
        let second = frame(&feed, 1);
        assert_eq!(numbers(&drain(&mut other)), [second]);
        feed.end(Bye::Stop);
        assert!(drain(&mut other)[0].contains("stop"));
        drop((guest, other));
        assert!(feed.is_empty());
    }

    #[test]
    fn a_later_feed_has_higher_numbers() {
        let now = u64::try_from(clock::now()).unwrap();
        assert!(feed().next_number() > now);
    }
}
