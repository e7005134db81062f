//! How long to wait before connecting again. Pure: time and chance come from outside.

use std::time::Duration;

use rand_distr::{Distribution as _, StandardUniform};
use rand_pcg::{Pcg64Dxsm, rand_core::SeedableRng as _};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// A session that lasted so long was no failed attempt: the next wait is the first again.
const HELD: Duration = Duration::from_secs(60);

/// Waits that double from one second to thirty. Each is drawn from its half to its whole, so that many connectors that
/// lost one PBX don't come back at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    rng: Pcg64Dxsm,
    next: Duration,
}

impl Backoff {
    /// The same seed gives the same waits.
    pub fn new(seed: u64) -> Backoff {
        Backoff { rng: Pcg64Dxsm::seed_from_u64(seed), next: FIRST }
    }

    /// The wait before the next attempt, after a session that held for so long: zero if there was none.
    pub fn wait(&mut self, held: Duration) -> Duration {
        if held >= HELD {
            self.next = FIRST;
        }
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        let unit: f64 = StandardUniform.sample(&mut self.rng);
        whole.mul_f64(0.5 + unit / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    fn lies_within(wait: Duration, whole_seconds: u64) {
        let whole = Duration::from_secs(whole_seconds);
        assert!((whole / 2..=whole).contains(&wait), "{wait:?} of {whole:?}");
    }

    #[test]
    fn waits_double_from_one_second_to_thirty() {
        for seed in 0..100 {
            let mut backoff = Backoff::new(seed);
            for whole in [1, 2, 4, 8, 16, 30, 30, 30] {
                lies_within(backoff.wait(NONE), whole);
            }
        }
    }

    #[test]
    fn a_session_that_held_starts_over_and_a_short_one_does_not() {
        let mut backoff = Backoff::new(7);
        for _ in 0..3 {
            backoff.wait(NONE);
        }
        lies_within(backoff.wait(HELD - Duration::from_millis(1)), 8);
        lies_within(backoff.wait(HELD), 1);
        lies_within(backoff.wait(NONE), 2);
    }

    #[test]
    fn connectors_do_not_come_back_at_once() {
        let waits: std::collections::BTreeSet<Duration> =
            (0..100).map(|seed| Backoff::new(seed).wait(NONE)).collect();
        assert!(waits.len() > 90, "{}", waits.len());
        assert_eq!(Backoff::new(3).wait(NONE), Backoff::new(3).wait(NONE));
    }
}
