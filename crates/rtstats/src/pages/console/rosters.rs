//! Rosters for pages: whoever asks at the same time shares one, since reading a large tenant's takes time and memory.

use std::{
    collections::{HashMap, HashSet},
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use stats::engine::Present;

use super::roster::Roster;
use crate::{
    shard::{CONSOLE, Denied, Desk, Shards, Shared, Sources, Unavailable},
    tenants::TenantId,
};

/// Rosters of one tenant that may be there at a time. A page has its own for as long as it is made.
const ROSTERS_MAX: usize = 3;

/// Where pages ask for rosters, tenant by tenant.
#[derive(Default)]
pub struct Rosters(Mutex<HashMap<TenantId, Arc<Desk<Roster>>>>);

/// A roster that other pages have too.
pub struct SharedRoster(Arc<Shared<Roster>>);

impl Deref for SharedRoster {
    type Target = Roster;

    fn deref(&self) -> &Roster {
        &self.0.made
    }
}

impl Rosters {
    /// What the engine believes now of a tenant.
    pub async fn now(&self, shards: &Shards, tenant: TenantId) -> Result<SharedRoster, Denied> {
        let copy = shards.copy(tenant);
        let copy_of_ours = move |sources: Sources| async move {
            let (present, numbers) = copy(sources).await?;
            // All of them name our own source.
            let seq = numbers.first().copied().ok_or(Unavailable::NotReady)?;
            Ok(((present, seq), numbers))
        };
        let read = |(present, seq): &(Present, u64)| Roster::of(present, *seq);
        let (shared, _) =
            self.desk(tenant).ask(Some(CONSOLE.to_owned()), copy_of_ours, read).await?;
        Ok(SharedRoster(shared))
    }

    /// Forgets tenants that are not among these: their numbers never come again.
    pub(in crate::pages) fn keep(&self, tenants: &HashSet<TenantId>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|tenant, _| tenants.contains(tenant));
    }

    fn desk(&self, tenant: TenantId) -> Arc<Desk<Roster>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(tenant).or_insert_with(|| Desk::new(ROSTERS_MAX)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_that_were_removed_are_forgotten_and_the_others_keep_their_desk() {
        let rosters = Rosters::default();
        let [gone, stays] = [1, 2].map(|tenant| Arc::downgrade(&rosters.desk(TenantId(tenant))));
        rosters.keep(&HashSet::from([TenantId(2), TenantId(3)]));
        assert!(gone.upgrade().is_none(), "it is freed");
        assert!(Arc::ptr_eq(&stays.upgrade().unwrap(), &rosters.desk(TenantId(2))));
        assert_eq!(rosters.0.lock().unwrap().len(), 1);
    }
}
