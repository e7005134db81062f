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

use super::{
    frame::{Bye, GREETING},
    seats::Seat,
    wire::{Part, Wire},
};
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
    ring: VecDeque<Arc<Part>>,
    ring_bytes: usize,
    whole: Option<Whole>,
    whole_wanted: bool,
    subscribers: Slab<Place>,
    /// How many of them take compressed streams.
    packing: usize,
    over: Option<Bye>,
}

struct Whole {
    number: u64,
    event: Arc<Part>,
}

struct Place {
    _seat: Seat,
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
            packing: 0,
            over: None,
        };
        Feed { tenant, metrics, shared: Mutex::new(shared), wanted: Notify::new() }
    }

    /// One more subscriber, whose client has the frame `have`.
    pub fn subscribe(
        self: &Arc<Self>,
        seat: Seat,
        lease: Lease,
        have: Option<u64>,
        wire: Wire,
    ) -> Subscriber {
        let mut shared = self.lock();
        shared.packing += usize::from(wire.packs());
        let place = Place { _seat: seat, lease, waker: None, over: None };
        let place = shared.subscribers.insert(place);
        drop(shared);
        self.metrics.live_subscribed();
        self.wanted.notify_one();
        Subscriber { feed: self.clone(), place, have, wire, greeted: false, ended: false }
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
        let event = Arc::new(Part::new(event));
        self.pack(&event);
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
        let event = Arc::new(Part::new(event));
        self.pack(&event);
        let mut shared = self.lock();
        let number = shared.latest;
        shared.whole = Some(Whole { number, event });
        shared.whole_wanted = false;
        Feed::wake(shared);
    }

    /// Here rather than on the thread of the connection that needs it first; without the lock.
    fn pack(&self, event: &Part) {
        if self.lock().packing > 0 {
            event.pack();
        }
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
    fn after(&self, have: u64) -> Option<(u64, Arc<Part>)> {
        let behind = usize::try_from(self.latest.checked_sub(have)?).ok()?;
        let at = self.ring.len().checked_sub(behind)?;
        Some((have + 1, self.ring.get(at)?.clone()))
    }

    /// The whole table, if what has come since then is here and not longer than itself.
    fn whole(&self) -> Option<(u64, Arc<Part>)> {
        let Whole { number, event } = self.whole.as_ref()?;
        let behind = usize::try_from(self.latest - number).ok()?;
        let since: usize = self.ring.iter().rev().take(behind).map(|part| part.len()).sum();
        let is_here = behind <= self.ring.len().min(WHOLE_BEHIND_MAX) && since <= event.len();
        is_here.then(|| (*number, event.clone()))
    }

    /// Whether a client has fallen so far behind that the whole table is shorter.
    fn is_far(&self, have: u64) -> bool {
        let Some(whole) = &self.whole else { return false };
        let behind = usize::try_from(self.latest.saturating_sub(have)).unwrap_or(usize::MAX);
        let missed = self.ring.iter().rev().take(behind);
        have < whole.number && missed.map(|part| part.len()).sum::<usize>() > whole.event.len()
    }
}

/// One who watches a feed: a stream of events that ends when the feed does.
pub struct Subscriber {
    feed: Arc<Feed>,
    place: usize,
    /// The frame that the client has.
    have: Option<u64>,
    wire: Wire,
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
            return Poll::Ready(Some(self.wire.first(&Part::new(GREETING))));
        }
        let feed = self.feed.clone();
        let mut shared = feed.lock();
        if let Some(bye) = shared.subscribers[self.place].over.or(shared.over) {
            self.ended = true;
            drop(shared);
            return Poll::Ready(Some(self.wire.last(&Part::new(bye.event()))));
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
        let bytes = self.wire.next(&event);
        feed.metrics.live_sent(bytes.len());
        Poll::Ready(Some(bytes))
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let mut shared = self.feed.lock();
        shared.packing -= usize::from(self.wire.packs());
        let place = shared.subscribers.remove(self.place);
        drop(shared);
        // Its lease may hold anything: let go without the lock.
        drop(place);
        self.feed.metrics.live_unsubscribed();
        self.feed.wanted.notify_one();
    }
}

#[cfg(test)]
mod tests;
