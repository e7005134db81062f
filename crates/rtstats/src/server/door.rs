//! Who is served, who is told that there is no place, and who is closed without a word.
//!
//! A refusal in words costs a handshake: those who come again at once would take the processor from those who are served.
//! So, after a refusal, accepting pauses, and the kernel keeps who waits. They wait for a bounded time only: every
//! [`CLEARED_EVERY`] all who are there are taken up, and whoever can't be told is closed, which is cheap.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use tokio::net::{TcpListener, TcpStream};

use super::{Shared, connection};
use crate::telemetry::OpenConnection;

/// Connections that are being told at a time, where there are as many open files.
pub const TOLD_MAX: usize = 256;

/// How long accepting pauses after a refusal; in so long one connection more may be told,
const REFUSAL_PAUSE: Duration = Duration::from_millis(8);

/// and so many at once after a time without any.
const TOLD_AT_ONCE: u32 = 16;

/// How long somebody may wait in the kernel's queue,
const CLEARED_EVERY: Duration = Duration::from_millis(500);

/// and how soon those are taken up for whom there was no room among the ones before.
const CLEARED_ON: Duration = Duration::from_millis(50);

/// Connections that are taken up at a time for each that may be told: they are open files too, for a moment.
const CLEARED_PER_TOLD: usize = 2;

/// Connections taken up or closed before others of the thread have their turn.
const TURN: usize = 64;

/// One open connection's place in the counts.
pub struct Place {
    shared: Arc<Shared>,
    own: Arc<AtomicUsize>,
    _counted: OpenConnection,
    refused: bool,
}

impl Place {
    /// A place among those who are served, if there is one.
    fn take(shared: &Arc<Shared>, own: &Arc<AtomicUsize>) -> Option<Place> {
        Place::one_of(shared.limits.connections_max, shared, own, false)
    }

    /// A place among those who are told that there is none: they take none of those who are served.
    fn to_be_told(shared: &Arc<Shared>, own: &Arc<AtomicUsize>) -> Option<Place> {
        Place::one_of(shared.limits.told_max, shared, own, true)
    }

    fn one_of(
        max: usize,
        shared: &Arc<Shared>,
        own: &Arc<AtomicUsize>,
        refused: bool,
    ) -> Option<Place> {
        let taken = if refused { &shared.refused } else { &shared.open };
        let more = |taken| (taken < max).then_some(taken + 1);
        taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        own.fetch_add(1, Ordering::AcqRel);
        let counted = shared.metrics.connection_opened();
        Some(Place { shared: shared.clone(), own: own.clone(), _counted: counted, refused })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = if self.refused { &self.shared.refused } else { &self.shared.open };
        taken.fetch_sub(1, Ordering::AcqRel);
        self.own.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The way in by one listener.
pub struct Door {
    shared: Arc<Shared>,
    own: Arc<AtomicUsize>,
    pace: Pace,
    /// When all who wait are to be taken up.
    clear_next: Option<Instant>,
}

impl Door {
    pub fn new(shared: Arc<Shared>, own: Arc<AtomicUsize>) -> Door {
        Door { shared, own, pace: Pace::default(), clear_next: None }
    }

    /// Serves a connection, tells it that there is no place, or closes it; whether it is served.
    pub fn admit(&mut self, stream: TcpStream) -> bool {
        let shared = self.shared.clone();
        if let Some(place) = Place::take(&shared, &self.own) {
            tokio::spawn(connection::serve(stream, shared, place));
            return true;
        }
        shared.metrics.connection_refused();
        if self.pace.may_tell(Instant::now())
            && let Some(place) = Place::to_be_told(&shared, &self.own)
        {
            tokio::spawn(connection::refuse(stream, shared, place));
        }
        false
    }

    /// Waits before the next connection is taken up.
    pub async fn pause(&mut self, listener: &TcpListener) {
        if self.clear_next.is_none_or(|next| Instant::now() >= next) {
            let all = self.clear(listener).await;
            let rest = if all { CLEARED_EVERY } else { CLEARED_ON };
            self.clear_next = Some(Instant::now() + rest);
        }
        tokio::time::sleep(REFUSAL_PAUSE).await;
    }

    /// Takes up all who wait now, and only then closes: whoever comes again at once waits for the next time. Whether those were
    /// all.
    async fn clear(&mut self, listener: &TcpListener) -> bool {
        let (mut waiting, at_a_time) = (Vec::new(), CLEARED_PER_TOLD * self.shared.limits.told_max);
        while waiting.len() < at_a_time {
            // The runtime lets a task have so many at a time only, and says that there are no more.
            if waiting.len() % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            let next = poll_fn(|context| Poll::Ready(listener.poll_accept(context))).await;
            let Poll::Ready(Ok((stream, _))) = next else { break };
            waiting.push(stream);
        }
        let all = waiting.len() < at_a_time;
        for (number, stream) in waiting.into_iter().enumerate() {
            if number % TURN == 0 {
                tokio::task::yield_now().await;
            }
            self.admit(stream);
        }
        all
    }
}

/// The pace at which connections are told.
#[derive(Default)]
struct Pace {
    /// When all who were told would have been told, one in each pause.
    told_until: Option<Instant>,
}

impl Pace {
    /// Whether a connection that comes now may be told in words.
    fn may_tell(&mut self, now: Instant) -> bool {
        let until = self.told_until.map_or(now, |until| until.max(now));
        let may = until.duration_since(now) < REFUSAL_PAUSE * TOLD_AT_ONCE;
        if may {
            self.told_until = Some(until + REFUSAL_PAUSE);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_at_once_are_told_and_then_those_who_come_at_the_pace() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        for _ in 0..TOLD_AT_ONCE {
            assert!(pace.may_tell(begun));
        }
        assert!(!pace.may_tell(begun));
        for pauses in 1..100 {
            let now = begun + REFUSAL_PAUSE * pauses;
            assert!(pace.may_tell(now));
            assert!(!pace.may_tell(now), "one in each pause");
        }
        let later = begun + Duration::from_secs(60);
        let told = (0..1_000).filter(|_| pace.may_tell(later)).count();
        assert_eq!(told, TOLD_AT_ONCE as usize);
    }
}
