//! How failed sign-ins slow down further ones: by login and address together, by login, and by address.
//!
//! One address that guesses is slowed down soon; a login that many addresses guess at is slowed down later, so that
//! nobody locks another out with a few requests. A login that does not exist is treated as one that does. An attempt
//! counts as failed when it begins, so that many at once gain nothing; whoever gets in has it taken back.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
};

/// The first delay; each further failure doubles it.
const DELAY_MS_MIN: i64 = 15_000;

/// The longest delay.
const DELAY_MS_MAX: i64 = 15 * 60_000;

/// Failures are forgotten this long after the last.
const MEMORY_MS: i64 = 3_600_000;

/// Counts that are kept at most.
const COUNTS_MAX: usize = 100_000;

/// Failures without a delay: of a login from one address, of a login, of an address.
const FREE: [u32; 3] = [5, 50, 25];

/// Failures by what they have in common, hashed: the login itself is not kept.
#[derive(Default)]
pub(super) struct Attempts {
    hasher: RandomState,
    counts: HashMap<u64, Count>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    failures: u32,
    last_ms: i64,
    blocked_until_ms: i64,
}

/// An attempt that may be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pair: Option<u64>,
    login: Option<u64>,
    address: u64,
}

impl Attempt {
    /// What it is counted under, with how many failures are free.
    fn each(self) -> impl Iterator<Item = (u64, u32)> {
        let keys = [self.pair, self.login, Some(self.address)];
        keys.into_iter().zip(FREE).filter_map(|(key, free)| Some((key?, free)))
    }
}

impl Attempts {
    /// Begins an attempt, or tells for how many milliseconds none may be made.
    ///
    /// Without a login, as for secrets that nobody guesses, the address alone counts: no stranger can lock others out.
    pub(super) fn begin(
        &mut self,
        login: Option<&str>,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Attempt, i64> {
        let network = network(address);
        let keys = Attempt {
            pair: login.map(|login| self.hasher.hash_one((login, network))),
            login: login.map(|login| self.hasher.hash_one(login)),
            address: self.hasher.hash_one(network),
        };
        let until = keys.each().filter_map(|(key, _)| self.counts.get(&key));
        let until_ms = until.map(|count| count.blocked_until_ms).max().unwrap_or(0);
        if until_ms > now_ms {
            return Err(until_ms - now_ms);
        }
        self.make_room(now_ms);
        for (key, free) in keys.each() {
            let count = self.counts.entry(key).or_default();
            if now_ms - count.last_ms >= MEMORY_MS {
                *count = Count::default();
            }
            count.failures += 1;
            count.last_ms = now_ms;
            if let Some(beyond) = count.failures.checked_sub(free) {
                let delay_ms = DELAY_MS_MIN.saturating_mul(1 << beyond.min(16));
                count.blocked_until_ms = now_ms + delay_ms.min(DELAY_MS_MAX);
            }
        }
        Ok(keys)
    }

    /// The attempt succeeded: its login is free again, its address has one failure less.
    pub(super) fn succeeded(&mut self, attempt: Attempt) {
        for key in [attempt.pair, attempt.login].into_iter().flatten() {
            self.counts.remove(&key);
        }
        self.take_back(attempt.address);
    }

    /// The attempt was neither right nor wrong.
    pub(super) fn take_back_all(&mut self, attempt: Attempt) {
        attempt.each().for_each(|(key, _)| self.take_back(key));
    }

    /// Whether the attempt, having failed, brought a delay.
    pub(super) fn is_blocked(&self, attempt: Attempt, now_ms: i64) -> bool {
        let mut counts = attempt.each().filter_map(|(key, _)| self.counts.get(&key));
        counts.any(|count| count.blocked_until_ms > now_ms)
    }

    fn take_back(&mut self, key: u64) {
        if let Some(count) = self.counts.get_mut(&key) {
            count.failures = count.failures.saturating_sub(1);
            count.blocked_until_ms = 0;
        }
    }

    /// Drops what is over.
    pub(super) fn forget(&mut self, now_ms: i64) {
        self.counts.retain(|_, count| now_ms - count.last_ms < MEMORY_MS);
    }

    /// Where all places are taken, those go whose block ends first.
    fn make_room(&mut self, now_ms: i64) {
        if self.counts.len() + FREE.len() <= COUNTS_MAX {
            return;
        }
        self.forget(now_ms);
        if self.counts.len() + FREE.len() > COUNTS_MAX {
            let mut ends: Vec<i64> =
                self.counts.values().map(|count| count.blocked_until_ms).collect();
            let (_, middle, _) = ends.select_nth_unstable(COUNTS_MAX / 8);
            let end = *middle;
            let mut spare = COUNTS_MAX / 8;
            self.counts.retain(|_, count| {
                let goes = spare > 0 && count.blocked_until_ms <= end;
                spare -= usize::from(goes);
                !goes
            });
        }
    }
}

/// What of an address one customer of a network has for itself: all of IPv4, the first half of IPv6.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        IpAddr::V6(address) => (u128::from(address) >> 64) as u64 | 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn the_delay_grows_and_ends() {
        let mut attempts = Attempts::default();
        for _ in 0..5 {
            attempts.begin(Some("eve"), address(1), 0).unwrap();
        }
        let mut now_ms = 0;
        for delay_ms in [15_000, 30_000, 60_000, 120_000, 240_000, 480_000, 900_000, 900_000] {
            assert_eq!(attempts.begin(Some("eve"), address(1), now_ms).unwrap_err(), delay_ms);
            assert_eq!(
                attempts.begin(Some("eve"), address(1), now_ms + delay_ms - 1).unwrap_err(),
                1
            );
            assert!(
                attempts.begin(Some("eve"), address(2), now_ms).is_ok(),
                "nobody else is locked out"
            );
            now_ms += delay_ms;
            attempts.begin(Some("eve"), address(1), now_ms).unwrap();
        }
        assert!(attempts.begin(Some("eve"), address(1), now_ms + MEMORY_MS).is_ok());
        assert!(
            attempts.begin(Some("eve"), address(1), now_ms + MEMORY_MS).is_ok(),
            "all is forgotten"
        );
    }

    #[test]
    fn success_forgives_the_login_but_not_the_address() {
        let mut attempts = Attempts::default();
        for _ in 0..4 {
            attempts.begin(Some("ann"), address(1), 0).unwrap();
        }
        let right = attempts.begin(Some("ann"), address(1), 0).unwrap();
        attempts.succeeded(right);
        assert!(!attempts.is_blocked(right, 0));
        for number in 0..20 {
            attempts.begin(Some(&format!("guess{number}")), address(1), 0).unwrap();
        }
        let last = attempts.begin(Some("another"), address(1), 0).unwrap();
        assert!(attempts.is_blocked(last, 0));
        assert!(attempts.begin(Some("ann"), address(1), 0).is_err(), "the address is slowed down");
    }

    #[test]
    fn a_login_guessed_at_from_everywhere_is_slowed_down_too() {
        let mut attempts = Attempts::default();
        for number in 0..50 {
            attempts.begin(Some("ann"), address(number), 0).unwrap();
        }
        assert!(attempts.begin(Some("ann"), address(99), 0).is_err());
        assert!(attempts.begin(Some("bob"), address(99), 0).is_ok());
    }

    #[test]
    fn without_a_login_strangers_slow_down_only_themselves() {
        let mut attempts = Attempts::default();
        for number in 0..200 {
            attempts.begin(None, address(number), 0).unwrap();
        }
        for _ in 1..25 {
            attempts.begin(None, address(7), 0).unwrap();
        }
        assert!(attempts.begin(None, address(7), 0).is_err());
        assert!(attempts.begin(None, address(8), 0).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_blocks_outlast_a_flood() {
        let mut attempts = Attempts::default();
        for _ in 0..5 {
            attempts.begin(Some("eve"), address(1), 0).unwrap();
        }
        for number in 0..COUNTS_MAX as u32 {
            let from = IpAddr::from(number.to_be_bytes());
            let _ = attempts.begin(Some(&format!("guess{number}")), from, 1);
            assert!(attempts.counts.len() <= COUNTS_MAX);
        }
        assert!(attempts.begin(Some("eve"), address(1), 2).is_err());
    }

    proptest! {
        #[test]
        fn an_attempt_is_refused_only_for_a_while_that_is_told(
            steps in proptest::collection::vec((0u8..4, 0u8..4, 0i64..100_000), 1..200),
        ) {
            let mut attempts = Attempts::default();
            let mut now_ms = 0;
            for (login, from, later_ms) in steps {
                now_ms += later_ms;
                if let Err(wait_ms) = attempts.begin(Some(&login.to_string()), address(from), now_ms) {
                    prop_assert!(wait_ms > 0 && wait_ms <= DELAY_MS_MAX);
                    now_ms += wait_ms;
                    prop_assert!(attempts.begin(Some(&login.to_string()), address(from), now_ms).is_ok());
                }
            }
        }
    }
}
