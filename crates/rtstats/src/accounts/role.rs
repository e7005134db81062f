//! What somebody who signed in may do, and who did something from where.

use std::sync::Arc;

use super::{Deed, ShareId};
use crate::tenants::{OPERATOR, TenantId};

/// What somebody who signed in may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Administers the platform and every tenant.
    Platform,
    /// Administers one tenant.
    Tenant(TenantId),
    /// One agent of a tenant: own figures, own status, own queues.
    Agent {
        /// The agent's tenant.
        tenant: TenantId,
        /// The agent's id in the API.
        agent: Arc<str>,
    },
    /// Looks at a tenant's wallboard and changes nothing.
    Viewer {
        /// The tenant looked at.
        tenant: TenantId,
        /// The link that was followed; none for whoever signed in with the Data Request Token.
        share: Option<ShareId>,
    },
}

impl Role {
    /// The tenant that it is bound to; none for the platform's administrators.
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Role::Platform => None,
            Role::Tenant(tenant) | Role::Agent { tenant, .. } | Role::Viewer { tenant, .. } => {
                Some(*tenant)
            }
        }
    }

    /// Whether it may change a tenant's directory, tokens and accounts.
    pub fn administers(&self, tenant: TenantId) -> bool {
        matches!(self, Role::Platform) || *self == Role::Tenant(tenant)
    }

    /// Whether it administers anything.
    pub fn is_administrator(&self) -> bool {
        matches!(self, Role::Platform | Role::Tenant(_))
    }

    /// Whether it may look at a tenant's wallboard. Agents see their own page only.
    pub fn may_view(&self, tenant: TenantId) -> bool {
        !matches!(self, Role::Agent { .. }) && self.reaches(tenant)
    }

    /// Whether it has to do with a tenant at all.
    pub fn reaches(&self, tenant: TenantId) -> bool {
        self.tenant().is_none_or(|own| own == tenant)
    }

    /// The link by which a viewer came.
    pub fn share(&self) -> Option<ShareId> {
        match self {
            Role::Viewer { share, .. } => *share,
            _ => None,
        }
    }

    /// What it is called.
    pub fn word(&self) -> &'static str {
        match self {
            Role::Platform => "Platform administrator",
            Role::Tenant(_) => "Tenant administrator",
            Role::Agent { .. } => "Agent",
            Role::Viewer { .. } => "Viewer",
        }
    }
}

/// Who asks, and from where: it is kept with sessions and with deeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The login, or what stands for it.
    pub who: String,
    /// The client's address as text; empty for commands.
    pub address: String,
    /// What the browser calls itself, cut short.
    pub browser: String,
}

impl Caller {
    /// Whoever gives commands on the server's own machine.
    pub fn operator() -> Caller {
        Caller { who: OPERATOR.to_owned(), address: String::new(), browser: String::new() }
    }

    /// A deed of theirs, without details.
    pub fn deed(&self, now_ms: i64, tenant: Option<TenantId>, action: &str, object: &str) -> Deed {
        Deed {
            time_ms: now_ms,
            who: self.who.clone(),
            address: self.address.clone(),
            tenant,
            action: action.to_owned(),
            object: object.to_owned(),
            before: None,
            after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_reaches_its_own_tenant_and_no_other() {
        let (own, other) = (TenantId(1), TenantId(2));
        let agent = Role::Agent { tenant: own, agent: "j.doe".into() };
        let viewer = Role::Viewer { tenant: own, share: Some(ShareId(7)) };
        for (role, administers, views) in [
            (Role::Platform, [true, true], [true, true]),
            (Role::Tenant(own), [true, false], [true, false]),
            (agent, [false, false], [false, false]),
            (viewer, [false, false], [true, false]),
        ] {
            assert_eq!(
                [own, other].map(|tenant| role.administers(tenant)),
                administers,
                "{role:?}"
            );
            assert_eq!([own, other].map(|tenant| role.may_view(tenant)), views, "{role:?}");
            assert!(role.reaches(own) && role.reaches(other) == (role == Role::Platform));
            assert_eq!(role.is_administrator(), administers[0], "{role:?}");
        }
    }
}
