//! A desk, where those who ask for a tenant's present state are served together.
//!
//! The state may be large: copying it holds up the shard, and an answer that nobody reads holds memory. So one copy is made
//! at a time, for all who came before it began. Who comes later shares the next, since an answer holds every event that
//! was acknowledged before its request came. What was made has a place until the last of it is gone; beyond the places
//! that there are nobody is served.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, sleep, timeout_at},
};

use super::Unavailable;

/// How long somebody waits for a place.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the next copy waits at least for one that was given up, which the shard may be at still.
const GIVEN_UP_PAUSE: Duration = Duration::from_millis(500);

/// What a copy is made with: the source of each who waits, if one was named.
pub type Sources = Vec<Option<String>>;

/// What is made of copies, a `T` of each.
pub struct Desk<T> {
    /// While somebody is in here, one of them leads: a task that has not taken them yet.
    waiting: Mutex<Vec<Waiter<T>>>,
    turn: tokio::sync::Mutex<()>,
    places: Arc<Semaphore>,
}

/// What several may share; it has a place until the last of them lets it go.
#[derive(Debug)]
pub struct Shared<T> {
    /// What was made.
    pub made: T,
    _place: OwnedSemaphorePermit,
}

/// Why there was nothing for who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no state to copy.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What was made before has all the places.
    #[error("too many earlier answers with the tenant's present state are not read to their end")]
    Crowded,
}

/// What was made, and the highest number seen of the source that was named; 0 if none.
type Reply<T> = Result<(Arc<Shared<T>>, u64), Denied>;

struct Waiter<T> {
    source: Option<String>,
    came: Instant,
    reply: oneshot::Sender<Reply<T>>,
}

impl<T: Send + Sync + 'static> Desk<T> {
    /// A desk of which so much may be there at a time.
    pub fn new(places: usize) -> Arc<Desk<T>> {
        let places = Arc::new(Semaphore::new(places));
        Arc::new(Desk { waiting: Mutex::default(), turn: tokio::sync::Mutex::default(), places })
    }

    /// What is made of a copy that was begun after this was called. `copy` gives the highest number of each source along,
    /// `make` works beside the connections' threads; both belong to whoever came first of those who share it.
    pub async fn ask<C, F>(
        self: &Arc<Self>,
        source: Option<String>,
        copy: impl FnOnce(Sources) -> F + Send + 'static,
        make: fn(&C) -> T,
    ) -> Reply<T>
    where
        C: Send + 'static,
        F: Future<Output = Result<(C, Vec<u64>), Unavailable>> + Send,
    {
        let (reply, told) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting();
            waiting.push(Waiter { source, came: Instant::now(), reply });
            waiting.len() == 1
        };
        if is_first {
            // A task of its own: whoever asked first may go away, and others wait for this one.
            let desk = self.clone();
            tokio::spawn(async move { desk.lead(copy, make).await });
        }
        told.await.unwrap_or(Err(Denied::Unavailable(Unavailable::NotReady)))
    }

    async fn lead<C, F>(&self, copy: impl FnOnce(Sources) -> F, make: fn(&C) -> T)
    where
        C: Send + 'static,
        F: Future<Output = Result<(C, Vec<u64>), Unavailable>>,
    {
        let _one_at_a_time = self.turn.lock().await;
        let Some((mut waiters, place)) = self.next().await else { return };
        let sources = waiters.iter_mut().map(|waiter| waiter.source.take()).collect();
        let begun = Instant::now();
        let copied = tokio::select! {
            copied = copy(sources) => Some(copied),
            // The shard skips what nobody waits for.
            () = all_gone(&mut waiters) => None,
        };
        let took = begun.elapsed();
        let Some(copied) = copied else { return sleep(took.max(GIVEN_UP_PAUSE)).await };
        let (copied, numbers) = match copied {
            Ok(copied) => copied,
            Err(unavailable) => {
                for waiter in waiters {
                    waiter.told(Err(unavailable.into()));
                }
                return;
            }
        };
        // To its end, whoever is still there: there is never more than one at work.
        let made = tokio::task::spawn_blocking(move || make(&copied)).await;
        let made = made.expect("making panics for no state, and nobody cancels it");
        let shared = Arc::new(Shared { made, _place: place });
        for (waiter, number) in waiters.into_iter().zip(numbers) {
            waiter.told(Ok((shared.clone(), number)));
        }
        drop(shared);
        // The shard's other tenants have as much of it as this one, however often it asks.
        sleep(took).await;
    }

    /// Those who wait, and a place for what they will share; none when nobody waits any more.
    async fn next(&self) -> Option<(Vec<Waiter<T>>, OwnedSemaphorePermit)> {
        loop {
            let first = {
                let mut waiting = self.waiting();
                waiting.retain(Waiter::is_there);
                waiting.first()?.came
            };
            let place = timeout_at(first + PATIENCE, self.places.clone().acquire_owned()).await;
            if let Ok(place) = place {
                let place = place.expect("nobody closes the places");
                let mut waiters = std::mem::take(&mut *self.waiting());
                waiters.retain(Waiter::is_there);
                return (!waiters.is_empty()).then_some((waiters, place));
            }
            let now = Instant::now();
            let is_late = |waiter: &mut Waiter<T>| waiter.came + PATIENCE <= now;
            for late in self.waiting().extract_if(.., is_late) {
                late.told(Err(Denied::Crowded));
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiter<T>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn all_gone<T>(waiters: &mut [Waiter<T>]) {
    for waiter in waiters {
        waiter.reply.closed().await;
    }
}

impl<T> Waiter<T> {
    fn is_there(&self) -> bool {
        !self.reply.is_closed()
    }

    /// Who has gone meanwhile hears nothing, and that is all.
    fn told(self, reply: Reply<T>) {
        drop(self.reply.send(reply));
    }
}

#[cfg(test)]
mod tests;
