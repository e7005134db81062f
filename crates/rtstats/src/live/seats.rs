//! Who watches: how many streams each login and each tenant has open, within bounds.
//!
//! A stream holds its seat for as long as it is there and gives it back by being dropped, however it ends. Logins and
//! tenants without a stream leave nothing behind.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use crate::tenants::{TenantId, TokenDigest};

/// How many streams may be open at once.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Of one token, or one session.
    pub per_login: usize,
    /// Of all logins to one tenant.
    pub per_tenant: usize,
}

/// The seats of all logins and tenants.
pub struct Seats {
    bounds: Bounds,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    logins: HashMap<Login, usize>,
    tenants: HashMap<TenantId, usize>,
}

/// The digest of what opened the stream: a token or a session's cookie.
type Login = [u8; 32];

/// Whose seats are all taken; the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// Those of the token or session.
    Login(usize),
    /// Those of the tenant.
    Tenant(usize),
}

impl Seats {
    /// As many as these, all free.
    pub fn new(bounds: Bounds) -> Arc<Seats> {
        Arc::new(Seats { bounds, taken: Mutex::default() })
    }

    /// A seat for one stream.
    pub fn take(self: &Arc<Self>, tenant: TenantId, login: &TokenDigest) -> Result<Seat, Full> {
        let Bounds { per_login, per_tenant } = self.bounds;
        let login = *login.bytes();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |count: Option<&usize>| count.copied().unwrap_or_default();
        if of(taken.logins.get(&login)) >= per_login {
            return Err(Full::Login(per_login));
        }
        if of(taken.tenants.get(&tenant)) >= per_tenant {
            return Err(Full::Tenant(per_tenant));
        }
        *taken.logins.entry(login).or_default() += 1;
        *taken.tenants.entry(tenant).or_default() += 1;
        Ok(Seat { seats: self.clone(), tenant, login })
    }
}

/// One stream's; free again when it is dropped.
pub struct Seat {
    seats: Arc<Seats>,
    tenant: TenantId,
    login: Login,
}

#[cfg(test)]
impl Seat {
    /// One that is nobody's, for tests of what else a stream does.
    pub fn spare() -> Seat {
        let seats = Seats::new(Bounds { per_login: 1, per_tenant: 1 });
        let taken = seats.take(TenantId(1), &TokenDigest::from_bytes([0; 32]));
        taken.unwrap_or_else(|_| unreachable!("all are free"))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        give_back(&mut taken.logins, self.login);
        give_back(&mut taken.tenants, self.tenant);
    }
}

fn give_back<K: Eq + Hash>(counts: &mut HashMap<K, usize>, whose: K) {
    let Entry::Occupied(mut count) = counts.entry(whose) else {
        unreachable!("whoever holds a seat is counted")
    };
    *count.get_mut() -= 1;
    if *count.get() == 0 {
        count.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(number: u8) -> TokenDigest {
        TokenDigest::from_bytes([number; 32])
    }

    #[test]
    fn a_seat_is_free_again_once_its_stream_has_gone() {
        let seats = Seats::new(Bounds { per_login: 2, per_tenant: 3 });
        let take = |tenant, number| seats.take(TenantId(tenant), &login(number));
        let full = |taken: Result<Seat, Full>| taken.err();
        let (first, second) = (take(1, 1).unwrap(), take(1, 1).unwrap());
        assert_eq!(full(take(1, 1)), Some(Full::Login(2)));
        let third = take(1, 2).unwrap();
        assert_eq!(full(take(1, 2)), Some(Full::Tenant(3)), "whoever comes");
        assert_eq!(full(take(1, 3)), Some(Full::Tenant(3)));
        assert_eq!(full(take(2, 3)), None, "another tenant has its own");
        drop(first);
        let again = take(1, 1).unwrap();
        assert_eq!(full(take(1, 1)), Some(Full::Login(2)), "one was given back, not two");
        drop((second, third, again));
        let taken = seats.taken.lock().unwrap();
        assert!(taken.logins.is_empty() && taken.tenants.is_empty(), "nothing is left behind");
    }

    #[test]
    fn a_login_to_several_tenants_has_its_seats_once() {
        let seats = Seats::new(Bounds { per_login: 1, per_tenant: 9 });
        let held = seats.take(TenantId(1), &login(1)).unwrap();
        assert_eq!(seats.take(TenantId(2), &login(1)).err(), Some(Full::Login(1)));
        drop(held);
        assert!(seats.take(TenantId(2), &login(1)).is_ok());
    }
}
