//! Waits between attempts at something outside: each twice the last, none longer than the longest.
//!
//! A wait lies evenly between half and the whole of what the doubling gives, so that many who were cut off at once
//! don't come back all at once.

use std::time::Duration;

/// The waits of one row of attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Waits from the first to the longest.
    pub fn new((first, longest): (Duration, Duration)) -> Backoff {
        Backoff { first, longest, next: first }
    }

    /// How long to wait now.
    pub fn next_wait(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.longest);
        whole / 2 + (whole / 2).mul_f64(chance())
    }

    /// An attempt succeeded: the next row begins with the first wait again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Evenly in `[0, 1]`.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Without the system's randomness the waits are in the middle, which is as good for one client alone.
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new((Duration::from_millis(200), Duration::from_secs(1)));
        for whole_ms in [200, 400, 800, 1_000, 1_000] {
            let wait = backoff.next_wait();
            let whole = Duration::from_millis(whole_ms);
            assert!(wait >= whole / 2 && wait <= whole, "{wait:?} of {whole:?}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_millis(200));
    }
}
