//! The bounded queue between those who append and the thread that writes.
//!
//! It never blocks an appender: what doesn't fit is refused at once.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Batch, JournalError, chore::Chore};

/// Batches and bytes of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Batches.
    pub batches: usize,
    /// Bytes of their lines.
    pub bytes: usize,
}

pub(super) struct Queue {
    /// What it may hold.
    max: Depth,
    waiting: Mutex<Waiting>,
    woken: Condvar,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<Batch>,
    bytes: usize,
    chores: VecDeque<Chore>,
    closed: bool,
    /// The writer sleeps: only then is it worth waking.
    idle: bool,
}

impl Waiting {
    fn has_news(&self) -> bool {
        !self.batches.is_empty() || !self.chores.is_empty() || self.closed
    }
}

/// What the writer is to do next.
pub(super) struct Work {
    /// The batches of one commit, in the order of the log.
    pub(super) group: Vec<Batch>,
    /// Chores that came meanwhile.
    pub(super) chores: VecDeque<Chore>,
    /// Nothing is left and nothing more will come.
    pub(super) ended: bool,
}

impl Queue {
    pub(super) fn new(max: Depth) -> Queue {
        Queue { max, waiting: Mutex::default(), woken: Condvar::new() }
    }

    /// Queues a batch, or refuses it. One larger than the whole queue passes when it is alone.
    pub(super) fn push(&self, batch: Batch) -> Result<(), JournalError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(JournalError::closed());
        }
        let bytes = waiting.bytes + batch.lines.len();
        let full = waiting.batches.len() >= self.max.batches || bytes > self.max.bytes;
        if full && !waiting.batches.is_empty() {
            return Err(JournalError::Full);
        }
        waiting.bytes = bytes;
        waiting.batches.push_back(batch);
        self.wake(waiting);
        Ok(())
    }

    pub(super) fn push_chore(&self, chore: Chore) -> Result<(), JournalError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(JournalError::closed());
        }
        waiting.chores.push_back(chore);
        self.wake(waiting);
        Ok(())
    }

    /// Takes the next group, at most `bytes_max` unless one batch alone is larger; where there is no work, waits
    /// for it no longer than `patience`.
    pub(super) fn take(&self, bytes_max: usize, patience: Duration) -> Work {
        let mut waiting = self.lock();
        if !patience.is_zero() && !waiting.has_news() {
            waiting.idle = true;
            let woken =
                self.woken.wait_timeout_while(waiting, patience, |waiting| !waiting.has_news());
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
            waiting.idle = false;
        }
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(next) = waiting.batches.front() {
            bytes += next.lines.len();
            if bytes > bytes_max && !group.is_empty() {
                break;
            }
            group.extend(waiting.batches.pop_front());
        }
        waiting.bytes -= group.iter().map(|batch: &Batch| batch.lines.len()).sum::<usize>();
        let chores = std::mem::take(&mut waiting.chores);
        let ended = waiting.closed && group.is_empty() && chores.is_empty();
        Work { group, chores, ended }
    }

    /// Takes no more; what waits is still handed out.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        self.wake(waiting);
    }

    /// Takes no more and drops what waits: the writer is gone.
    pub(super) fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.bytes = 0;
        let batches = std::mem::take(&mut waiting.batches);
        let chores = std::mem::take(&mut waiting.chores);
        drop(waiting);
        for batch in batches {
            (batch.durable)(Err(JournalError::closed()));
        }
        drop(chores);
    }

    pub(super) fn depth(&self) -> Depth {
        let waiting = self.lock();
        Depth { batches: waiting.batches.len(), bytes: waiting.bytes }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No code that can panic runs under the lock, so what it guards is whole even if it says otherwise.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, waiting: MutexGuard<'_, Waiting>) {
        let idle = waiting.idle;
        drop(waiting);
        if idle {
            self.woken.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::tenants::TenantId;

    fn batch(bytes: usize) -> Batch {
        let lines = Bytes::from(vec![b'x'; bytes]);
        Batch { tenant: TenantId(1), lines, events: 1, durable: Box::new(|_| {}) }
    }

    #[test]
    fn a_queue_is_full_by_batches_or_by_bytes() {
        let queue = Queue::new(Depth { batches: 2, bytes: 100 });
        assert!(queue.push(batch(60)).is_ok());
        assert!(matches!(queue.push(batch(41)), Err(JournalError::Full)));
        assert!(queue.push(batch(40)).is_ok());
        assert!(matches!(queue.push(batch(0)), Err(JournalError::Full)));
        assert_eq!(queue.depth(), Depth { batches: 2, bytes: 100 });
    }

    #[test]
    fn a_batch_larger_than_the_queue_passes_alone() {
        let queue = Queue::new(Depth { batches: 2, bytes: 100 });
        assert!(queue.push(batch(1_000)).is_ok());
        assert!(matches!(queue.push(batch(1)), Err(JournalError::Full)));
        assert_eq!(queue.take(10, Duration::ZERO).group.len(), 1);
        assert_eq!(queue.depth(), Depth::default());
    }

    #[test]
    fn a_group_ends_at_its_bytes() {
        let queue = Queue::new(Depth { batches: 9, bytes: 1_000 });
        for _ in 0..5 {
            assert!(queue.push(batch(40)).is_ok());
        }
        assert_eq!(queue.take(100, Duration::ZERO).group.len(), 2);
        assert_eq!(queue.depth(), Depth { batches: 3, bytes: 120 });
    }

    #[test]
    fn a_closed_queue_hands_out_what_waits_and_then_ends() {
        let queue = Queue::new(Depth { batches: 9, bytes: 1_000 });
        assert!(queue.push(batch(1)).is_ok());
        queue.close();
        assert!(matches!(queue.push(batch(1)), Err(JournalError::Failed(_))));
        assert!(!queue.take(100, Duration::ZERO).ended);
        assert!(queue.take(100, Duration::ZERO).ended);
    }
}
