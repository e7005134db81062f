//! The bytes of batches that may be on their way at a time: of all tenants, and of one of them.
//!
//! It waits for nobody: what there is no room for is refused at once. A tenant has a share, so that its batches, however
//! slowly they come, leave room for the others'. What counts is the sum of what a batch holds, in whatever pieces it came.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use stats::limit::BATCH_BYTES_MAX;

use crate::tenants::TenantId;

/// What the largest batch may hold: as it came, unpacked, and its lines read.
pub const LARGEST_BATCH_BYTES: usize = 6 * BATCH_BYTES_MAX;

/// The budget is asked for so many bytes at a time, since a body may come in many small pieces.
const STEP_BYTES: usize = 4_096;

/// Where there was no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// With all the tenants' batches together.
    Server,
    /// With the tenant's own.
    Tenant,
}

/// What may be held, and what is.
pub struct Budget {
    bytes_max: usize,
    of_tenant_bytes_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    bytes: usize,
    /// Of those tenants who hold any.
    of_tenants: HashMap<TenantId, usize>,
}

impl Budget {
    /// A tenant may hold half of it, or one batch of the largest size where that is more.
    pub fn new(bytes_max: usize) -> Budget {
        let of_tenant_bytes_max = (bytes_max / 2).max(LARGEST_BATCH_BYTES);
        Budget { bytes_max, of_tenant_bytes_max, taken: Mutex::default() }
    }

    fn take(&self, tenant: TenantId, bytes: usize) -> Result<(), Full> {
        let mut taken = self.lock();
        let own = taken.of_tenants.get(&tenant).copied().unwrap_or_default();
        if bytes > self.bytes_max.saturating_sub(taken.bytes) {
            return Err(Full::Server);
        }
        if bytes > self.of_tenant_bytes_max.saturating_sub(own) {
            return Err(Full::Tenant);
        }
        taken.bytes += bytes;
        taken.of_tenants.insert(tenant, own + bytes);
        Ok(())
    }

    fn give_back(&self, tenant: TenantId, bytes: usize) {
        let mut taken = self.lock();
        taken.bytes -= bytes;
        if let Some(own) = taken.of_tenants.get_mut(&tenant) {
            *own -= bytes;
            if *own == 0 {
                taken.of_tenants.remove(&tenant);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one batch holds of the budget, given back when it is dropped.
pub struct Held {
    budget: Arc<Budget>,
    tenant: TenantId,
    /// What it needs.
    bytes: usize,
    /// What it has taken for that: whole steps.
    taken_bytes: usize,
}

impl Held {
    /// Nothing yet, for a batch of this tenant.
    pub fn new(budget: Arc<Budget>, tenant: TenantId) -> Held {
        Held { budget, tenant, bytes: 0, taken_bytes: 0 }
    }

    /// Takes more of the budget.
    pub fn hold(&mut self, bytes: usize) -> Result<(), Full> {
        let needed = self.bytes.saturating_add(bytes);
        if needed > self.taken_bytes {
            let more = (needed - self.taken_bytes).div_ceil(STEP_BYTES).saturating_mul(STEP_BYTES);
            self.budget.take(self.tenant, more)?;
            self.taken_bytes += more;
        }
        self.bytes = needed;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.taken_bytes > 0 {
            self.budget.give_back(self.tenant, self.taken_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: TenantId = TenantId(1);
    const BBB: TenantId = TenantId(2);

    #[test]
    fn pieces_count_by_their_sum() {
        let budget = Arc::new(Budget::new(LARGEST_BATCH_BYTES));
        let mut held = Held::new(budget.clone(), ACME);
        for _ in 0..1_000_000 {
            held.hold(1).unwrap();
        }
        assert_eq!(budget.lock().bytes, 1_000_000_usize.next_multiple_of(STEP_BYTES));
        drop(held);
        let taken = budget.lock();
        assert_eq!((taken.bytes, taken.of_tenants.len()), (0, 0), "all is given back");
    }

    #[test]
    fn a_tenant_has_its_share_and_leaves_the_rest_to_others() {
        let budget = Arc::new(Budget::new(4 * LARGEST_BATCH_BYTES));
        let held = |tenant| Held::new(budget.clone(), tenant);
        let (mut first, mut second) = (held(ACME), held(ACME));
        first.hold(LARGEST_BATCH_BYTES).unwrap();
        second.hold(LARGEST_BATCH_BYTES).unwrap();
        assert_eq!(held(ACME).hold(1), Err(Full::Tenant));
        let mut others = held(BBB);
        others.hold(2 * LARGEST_BATCH_BYTES).unwrap();
        assert_eq!(held(TenantId(3)).hold(1), Err(Full::Server));
        drop(second);
        held(ACME).hold(LARGEST_BATCH_BYTES).unwrap();
    }

    #[test]
    fn the_largest_batch_fits_into_the_smallest_budget() {
        let budget = Arc::new(Budget::new(LARGEST_BATCH_BYTES));
        let mut held = Held::new(budget, ACME);
        held.hold(LARGEST_BATCH_BYTES).unwrap();
        assert_eq!(held.hold(usize::MAX), Err(Full::Server));
    }
}
