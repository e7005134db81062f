//! Tenants and their tokens (SPEC §5).

/// Number of a tenant, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub u32);
