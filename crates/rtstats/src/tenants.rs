//! Tenants and their tokens (SPEC §5), in the database of the data folder.
//!
//! [`Tenants`] changes them, from any process, also while a server runs, and adds to the audit trail what it does. A server looks at them through an immutable
//! [`Directory`], which a [`Watch`] reads anew after each change. Tokens are kept only as digests.

mod directory;
mod name;
mod store;
mod token;
mod uses;
mod watch;

pub use directory::{Directory, Tenant};
pub use name::{NameError, TenantName};
pub use store::{Added, InForce, OPERATOR, TenantError, Tenants};
pub(crate) use store::{raise_generation, wait_in_force};
pub use token::{Token, TokenDigest, TokenError, TokenKind};
pub use uses::Uses;
pub use watch::Watch;

/// Number of a tenant, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub u32);
