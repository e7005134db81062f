//! How many requests a second each tenant may make: a bucket that fills evenly and holds one second's worth.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use crate::tenants::{TenantId, TokenKind};

/// The buckets of all tenants; reading and sending have one each.
pub struct Rates {
    per_second: f64,
    buckets: Mutex<HashMap<(TenantId, TokenKind), Bucket>>,
}

struct Bucket {
    left: f64,
    filled: Instant,
}

impl Rates {
    /// So many requests a second; 0 is no limit.
    pub fn new(per_second: u32) -> Rates {
        Rates { per_second: f64::from(per_second), buckets: Mutex::default() }
    }

    /// Takes one request; where there is none left, the seconds after which there is.
    pub fn over(&self, tenant: TenantId, kind: TokenKind) -> Option<u64> {
        (self.per_second > 0.0).then(|| self.take(tenant, kind, Instant::now())).flatten()
    }

    /// Forgets tenants that are not among these: their numbers never come again.
    pub fn keep(&self, tenants: &HashSet<TenantId>) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|(tenant, _), _| tenants.contains(tenant));
    }

    fn take(&self, tenant: TenantId, kind: TokenKind, now: Instant) -> Option<u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = || Bucket { left: self.per_second, filled: now };
        let bucket = buckets.entry((tenant, kind)).or_insert_with(full);
        let seconds = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.left = (bucket.left + seconds * self.per_second).min(self.per_second);
        bucket.filled = now;
        if bucket.left < 1.0 {
            return Some(1);
        }
        bucket.left -= 1.0;
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_and_each_tenant_has_its_own() {
        let (rates, now) = (Rates::new(2), Instant::now());
        let take = |tenant, at| rates.take(TenantId(tenant), TokenKind::Data, at);
        assert_eq!([take(1, now), take(1, now), take(1, now)], [None, None, Some(1)]);
        assert_eq!(take(2, now), None);
        assert_eq!(rates.take(TenantId(1), TokenKind::Action, now), None);
        assert_eq!(take(1, now + Duration::from_millis(600)), None);
        assert_eq!(take(1, now + Duration::from_millis(600)), Some(1));
    }

    #[test]
    fn tenants_that_were_removed_are_forgotten_and_the_others_go_on() {
        let (rates, now) = (Rates::new(1), Instant::now());
        let take = |tenant, kind| rates.take(TenantId(tenant), kind, now);
        for (tenant, kind) in [(1, TokenKind::Data), (1, TokenKind::Action), (2, TokenKind::Data)] {
            assert_eq!(take(tenant, kind), None);
        }
        rates.keep(&HashSet::from([TenantId(2), TenantId(3)]));
        let left: Vec<_> = rates.buckets.lock().unwrap().keys().copied().collect();
        assert_eq!(left, [(TenantId(2), TokenKind::Data)]);
        assert_eq!(take(2, TokenKind::Data), Some(1), "its bucket is not filled by it");
    }

    #[test]
    fn zero_is_no_limit() {
        let rates = Rates::new(0);
        assert!((0..1_000).all(|_| rates.over(TenantId(1), TokenKind::Data).is_none()));
    }
}
