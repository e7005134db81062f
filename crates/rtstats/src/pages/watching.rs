//! Whoever is signed in may watch live: the own tenant, or the one that the request names (`?tenant=NAME`).

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::request::Parts;

use super::cookie;
use crate::{
    accounts::{Accounts, Role},
    api::{Sessions, Viewer},
    clock,
    tenants::{Directory, Tenant, TenantName, TokenDigest},
};

/// The sessions, as the live stream asks for them.
pub struct Watching {
    accounts: Arc<Accounts>,
    directory: Arc<ArcSwap<Directory>>,
}

impl Watching {
    /// Looks sessions up among these accounts.
    pub fn new(accounts: Arc<Accounts>, directory: Arc<ArcSwap<Directory>>) -> Watching {
        Watching { accounts, directory }
    }

    fn named(&self, query: &str) -> Option<Arc<Tenant>> {
        let name = query.split('&').find_map(|pair| pair.strip_prefix("tenant="))?;
        let name: TenantName = name.parse().ok()?;
        self.directory.load().get(&name).cloned()
    }

    /// The only tenant that a role may view, or the one asked for if it may.
    fn tenant(&self, role: &Role, query: &str) -> Option<Arc<Tenant>> {
        if query.split('&').any(|pair| pair.starts_with("tenant=")) {
            return self.named(query).filter(|tenant| role.may_view(tenant.id));
        }
        let directory = self.directory.load();
        let mut tenants = directory.tenants().filter(|tenant| role.may_view(tenant.id));
        let only = tenants.next().cloned();
        only.filter(|_| tenants.next().is_none())
    }
}

impl Sessions for Watching {
    fn viewer(&self, head: &Parts) -> Option<Viewer> {
        let sent = cookie::read(&head.headers)?;
        let session = self.accounts.watching(sent, clock::now())?;
        let tenant = self.tenant(&session.role, head.uri.query().unwrap_or_default())?;
        let (accounts, directory) = (self.accounts.clone(), self.directory.clone());
        let login = TokenDigest::of_claim(sent);
        let (sent, id, name) = (sent.to_owned(), tenant.id, tenant.name.clone());
        let lease = Arc::new(move || {
            let holds = directory.load().get(&name).is_some_and(|now| now.id == id);
            holds && accounts.watching(&sent, clock::now()).is_some_and(|now| now.role.may_view(id))
        });
        Some(Viewer { tenant: id, login, lease })
    }
}
