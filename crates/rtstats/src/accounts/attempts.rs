//! How failed sign-ins slow down further ones: by login and address together, by login, and by address.
//!
//! One address that guesses is slowed down soon; a login that many addresses guess at is slowed down later and for a
//! minute at most, and an address that guesses at many logins for some seconds, so that nobody locks another out. Where a
//! login got in lately, only its own failures from there count: strangers don't concern it. A login that does not exist is treated as one that does. An attempt
//! counts as failed when it begins, so that many at once gain nothing; whoever gets in has it taken back.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
};

/// The first delay; each further failure doubles it.
const DELAY_MS_MIN: i64 = 15_000;

/// The longest delay of any.
#[cfg(test)]
const DELAY_MS_MAX: i64 = RULES[0].delay_ms_max;

/// For so long it is remembered from where a login got in.
const TRUST_MS: i64 = 30 * 86_400_000;

/// Pairs of login and address that are remembered so at most.
const TRUSTED_MAX: usize = 20_000;

/// Failures are forgotten this long after the last.
const MEMORY_MS: i64 = 3_600_000;

/// Counts that are kept at most.
const COUNTS_MAX: usize = 100_000;

/// How failures of one kind slow down.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// Failures without a delay.
    free: u32,
    delay_ms_max: i64,
}

/// Of a login from one address, of a login, of an address.
const RULES: [Rule; 3] = [
    Rule { free: 5, delay_ms_max: 15 * 60_000 },
    Rule { free: 50, delay_ms_max: 60_000 },
    Rule { free: 25, delay_ms_max: DELAY_MS_MIN },
];

/// Failures by what they have in common, hashed: the login itself is not kept.
#[derive(Default)]
pub(super) struct Attempts {
    hasher: RandomState,
    counts: HashMap<u64, Count>,
    /// When a login got in from an address.
    trusted: HashMap<u64, i64>,
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
    address: Option<u64>,
}

impl Attempt {
    /// What it is counted under, and how.
    fn each(self) -> impl Iterator<Item = (u64, Rule)> {
        let keys = [self.pair, self.login, self.address];
        keys.into_iter().zip(RULES).filter_map(|(key, rule)| Some((key?, rule)))
    }
}

impl Attempts {
    /// Begins an attempt, or tells for how many milliseconds none may be made.
    ///
    /// Without a login, as for secrets that nobody guesses, the address alone counts, apart from its failures at logins.
    pub(super) fn begin(
        &mut self,
        login: Option<&str>,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Attempt, i64> {
        let network = network(address);
        let pair = login.map(|login| self.hasher.hash_one((login, network)));
        let trusted = pair.and_then(|pair| self.trusted.get(&pair));
        let keys = match trusted.is_some_and(|at_ms| now_ms - at_ms < TRUST_MS) {
            true => Attempt { pair, login: None, address: None },
            false => Attempt {
                pair,
                login: login.map(|login| self.hasher.hash_one(login)),
                address: Some(self.hasher.hash_one((network, login.is_some()))),
            },
        };
        let until = keys.each().filter_map(|(key, _)| self.counts.get(&key));
        let until_ms = until.map(|count| count.blocked_until_ms).max().unwrap_or(0);
        if until_ms > now_ms {
            return Err(until_ms - now_ms);
        }
        self.make_room(now_ms);
        for (key, rule) in keys.each() {
            let count = self.counts.entry(key).or_default();
            if now_ms - count.last_ms >= MEMORY_MS {
                *count = Count::default();
            }
            count.failures += 1;
            count.last_ms = now_ms;
            if let Some(beyond) = count.failures.checked_sub(rule.free) {
                let delay_ms = DELAY_MS_MIN.saturating_mul(1 << beyond.min(16));
                count.blocked_until_ms = now_ms + delay_ms.min(rule.delay_ms_max);
            }
        }
        Ok(keys)
    }

    /// The attempt succeeded: its login is free again, and trusted there; its address has one failure less.
    pub(super) fn succeeded(&mut self, attempt: Attempt, now_ms: i64) {
        for key in [attempt.pair, attempt.login].into_iter().flatten() {
            self.counts.remove(&key);
        }
        if let Some(address) = attempt.address {
            self.take_back(address);
        }
        if let Some(pair) = attempt.pair {
            if self.trusted.len() >= TRUSTED_MAX {
                let mut ages: Vec<i64> = self.trusted.values().copied().collect();
                let (_, oldest, _) = ages.select_nth_unstable(TRUSTED_MAX / 8);
                let oldest = *oldest;
                self.trusted.retain(|_, at_ms| *at_ms > oldest);
            }
            self.trusted.insert(pair, now_ms);
        }
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
        self.trusted.retain(|_, at_ms| now_ms - *at_ms < TRUST_MS);
    }

    /// Where all places are taken, those go whose block ends first.
    fn make_room(&mut self, now_ms: i64) {
        if self.counts.len() + RULES.len() <= COUNTS_MAX {
            return;
        }
        self.forget(now_ms);
        if self.counts.len() + RULES.len() > COUNTS_MAX {
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
        attempts.succeeded(right, 0);
        assert!(!attempts.is_blocked(right, 0));
        for number in 0..20 {
            attempts.begin(Some(&format!("guess{number}")), address(1), 0).unwrap();
        }
        let last = attempts.begin(Some("another"), address(1), 0).unwrap();
        assert!(attempts.is_blocked(last, 0));
        assert!(attempts.begin(Some("bob"), address(1), 0).is_err(), "the address is slowed down");
        assert_eq!(attempts.begin(Some("bob"), address(1), 0).unwrap_err(), DELAY_MS_MIN);
        assert!(attempts.begin(None, address(1), 0).is_ok(), "links are another matter");
    }

    #[test]
    fn where_a_login_got_in_strangers_do_not_lock_it_out() {
        let mut attempts = Attempts::default();
        let right = attempts.begin(Some("ann"), address(1), 0).unwrap();
        attempts.succeeded(right, 0);
        for number in 0..60 {
            let _ = attempts.begin(Some("ann"), address(100 + number), 1);
            let _ = attempts.begin(Some(&format!("guess{number}")), address(1), 1);
        }
        let elsewhere = attempts.begin(Some("ann"), address(2), 1).unwrap_err();
        assert!(elsewhere <= 60_000, "{elsewhere}");
        for _ in 0..5 {
            attempts.begin(Some("ann"), address(1), 1).unwrap();
        }
        assert!(
            attempts.begin(Some("ann"), address(1), 1).is_err(),
            "guessing there is slowed down"
        );
        assert!(attempts.begin(Some("ann"), address(1), TRUST_MS + MEMORY_MS).is_ok());
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
