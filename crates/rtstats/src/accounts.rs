//! Who may use the pages: accounts, sessions, links for wall screens, and the trail of who did what.
//!
//! [`Register`] changes them in the database, for commands too; [`Accounts`] is the server's side, which knows every
//! session in memory: a request costs no disk. Secrets are kept only as digests. Instants come in as arguments.

mod account;
mod attempts;
mod deed;
mod password;
mod register;
mod role;
mod session;
mod share;
mod sign_in;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Transaction;

pub use account::{Account, AccountId, LINK_LIFE_MS, Login, LoginError};
pub use deed::{Deed, Record, Trail};
pub use password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, Weak};
pub use register::{AccountError, Register};
pub use role::{Caller, Role};
pub use session::{Flash, Session};
pub use share::{Share, ShareId};
pub use sign_in::{Realm, Refusal, SignedIn};

use attempts::Attempts;
use password::Hasher;
use session::Sessions;

use crate::{
    database::OpenError,
    tenants::{Directory, TenantId},
};

/// The accounts of a running server.
pub struct Accounts {
    register: Mutex<Register>,
    sessions: Sessions,
    attempts: Mutex<Attempts>,
    hasher: Hasher,
}

impl Accounts {
    /// Opens the accounts of a data folder that is there.
    pub fn open(folder: &Path, now_ms: i64) -> Result<Accounts, AccountError> {
        let mut register = Register::open(folder)?;
        let sessions = Sessions::default();
        sessions.replace(register.look(session::load)?, now_ms);
        Ok(Accounts {
            register: Mutex::new(register),
            sessions,
            attempts: Mutex::default(),
            hasher: Hasher::new()?,
        })
    }

    /// The session of a cookie, if it is in force; it counts as used now.
    pub fn session(&self, cookie: &str, now_ms: i64) -> Option<Arc<Session>> {
        self.sessions.find(cookie, now_ms)
    }

    /// The same for a browser that watches live by itself, with nobody at it perhaps: that counts for viewers only.
    pub fn watching(&self, cookie: &str, now_ms: i64) -> Option<Arc<Session>> {
        self.sessions.watch(cookie, now_ms)
    }

    /// How many sessions there are.
    pub fn sessions_len(&self) -> usize {
        self.sessions.len()
    }

    /// Puts in force what a command changed, and ends the sessions whose tenant or Data Request Token is gone.
    pub fn follow(&self, directory: &Directory, now_ms: i64) -> Result<(), AccountError> {
        let mut register = self.register.lock().unwrap_or_else(PoisonError::into_inner);
        self.sessions.replace(register.look(session::load)?, now_ms);
        let gone = self.sessions.end(|session| !session.is_of(directory));
        if gone.is_empty() {
            return Ok(());
        }
        register.change(|transaction| session::remove(transaction, &gone))
    }

    /// Writes down when sessions and links were used last, drops what has expired and what the trail need not keep.
    pub fn keep(&self, now_ms: i64, trail_ms: i64) -> Result<(), AccountError> {
        let mut register = self.register.lock().unwrap_or_else(PoisonError::into_inner);
        let expired = self.sessions.end(|session| session.has_expired(now_ms));
        let used = self.sessions.used_since_written();
        let old =
            register.look(|transaction| deed::is_any_before(transaction, now_ms - trail_ms))?;
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).forget(now_ms);
        if expired.is_empty() && used.is_empty() && !old {
            return Ok(());
        }
        register.change(|transaction| {
            session::remove(transaction, &expired)?;
            session::write_used(transaction, &used)?;
            deed::forget(transaction, now_ms - trail_ms)
        })
    }

    /// Makes the one-time link by which the first administrator is set up, if there is none yet.
    pub fn first_start(&self, now_ms: i64) -> Result<Option<crate::tenants::Token>, AccountError> {
        let mut register = self.register.lock().unwrap_or_else(PoisonError::into_inner);
        register.change(|transaction| match account::platform_len(transaction)? {
            0 => account::new_set_up_link(transaction, now_ms).map(Some),
            _ => Ok(None),
        })
    }

    /// Reads from the register off the connections' threads.
    async fn look<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let own = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            own.register.lock().unwrap_or_else(PoisonError::into_inner).look(read)
        });
        work.await.unwrap_or_else(|_| Err(AccountError::Stopping))
    }

    /// Runs a change of the register off the connections' threads, whole or not at all.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        self.change_then(change, |_| ()).await
    }

    /// The same, and what follows from it in memory before anybody else changes something.
    async fn change_then<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, AccountError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, AccountError> {
        let own = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let mut register = own.register.lock().unwrap_or_else(PoisonError::into_inner);
            let value = register.change(change)?;
            then(&value);
            Ok(value)
        });
        work.await.unwrap_or_else(|_| Err(AccountError::Stopping))
    }

    /// Adds to the audit trail what somebody did.
    pub async fn record(self: &Arc<Self>, deed: Deed) -> Result<(), AccountError> {
        self.record_all(vec![deed]).await
    }

    /// Adds all that somebody did at once, whole or not at all.
    pub async fn record_all(self: &Arc<Self>, deeds: Vec<Deed>) -> Result<(), AccountError> {
        self.change(move |transaction| {
            deeds.iter().try_for_each(|deed| deed::add(transaction, deed))
        })
        .await
    }

    /// A page of the audit trail, newest first: of one tenant, or of all.
    pub async fn trail(
        self: &Arc<Self>,
        tenant: Option<TenantId>,
        skip: u64,
        len_max: u64,
    ) -> Result<Trail, AccountError> {
        self.look(move |transaction| deed::read(transaction, tenant, skip, len_max)).await
    }

    /// The accounts of one tenant, or all, by tenant and login; and how many there are.
    pub async fn list(
        self: &Arc<Self>,
        tenant: Option<TenantId>,
        skip: u64,
        len_max: u64,
    ) -> Result<(Vec<Account>, u64), AccountError> {
        self.look(move |transaction| account::list(transaction, tenant, skip, len_max)).await
    }

    /// An account by its number.
    pub async fn account(self: &Arc<Self>, id: AccountId) -> Result<Option<Account>, AccountError> {
        self.look(move |transaction| account::by_id(transaction, id)).await
    }

    /// The accounts that an agent signs in with.
    pub async fn of_agent(
        self: &Arc<Self>,
        tenant: TenantId,
        agent: String,
    ) -> Result<Vec<Account>, AccountError> {
        self.look(move |transaction| account::of_agent(transaction, tenant, &agent)).await
    }

    /// The agents of a tenant who have accounts.
    pub async fn agents(
        self: &Arc<Self>,
        tenant: TenantId,
    ) -> Result<BTreeSet<String>, AccountError> {
        self.look(move |transaction| account::agents(transaction, tenant)).await
    }

    /// Adds an account and gives the one-time link's secret by which its password is set.
    pub async fn add_account(
        self: &Arc<Self>,
        login: Login,
        role: Role,
        by: Caller,
        now_ms: i64,
    ) -> Result<(Account, crate::tenants::Token), AccountError> {
        self.change(move |transaction| {
            let account = account::add(transaction, &login, &role, now_ms)?;
            let link = account::new_link(transaction, account.id, now_ms)?;
            let after = Some(account.shown());
            let deed = by.deed(now_ms, role.tenant(), "account.added", login.as_str());
            deed::add(transaction, &Deed { after, ..deed })?;
            Ok((account, link))
        })
        .await
    }

    /// Gives an account a new one-time link, by which its password is set anew; the password holds until then.
    pub async fn new_link(
        self: &Arc<Self>,
        account: Account,
        by: Caller,
        now_ms: i64,
    ) -> Result<crate::tenants::Token, AccountError> {
        self.change(move |transaction| {
            let link = account::new_link(transaction, account.id, now_ms)?;
            let login = account.login.as_str();
            let deed = by.deed(now_ms, account.role.tenant(), "account.link", login);
            deed::add(transaction, &deed)?;
            Ok(link)
        })
        .await
    }

    /// Removes an account; its sessions end at once. The platform's last administrator stays.
    pub async fn remove_account(
        self: &Arc<Self>,
        account: Account,
        by: Caller,
        now_ms: i64,
    ) -> Result<(), AccountError> {
        let (own, id) = (self.clone(), account.id);
        let change = move |transaction: &Transaction<'_>| {
            account::remove(transaction, &account)?;
            let before = Some(account.shown());
            let login = account.login.as_str();
            let deed = by.deed(now_ms, account.role.tenant(), "account.removed", login);
            deed::add(transaction, &Deed { before, ..deed })
        };
        let then = move |_: &()| drop(own.sessions.end(|session| session.account == Some(id)));
        self.change_then(change, then).await
    }

    /// Removes the accounts of agents whom events are about to remove; their sessions end at once. Whoever gets such an id next is
    /// somebody else.
    pub async fn remove_of_agents(
        self: &Arc<Self>,
        tenant: TenantId,
        agents: Vec<String>,
        by: Caller,
        now_ms: i64,
    ) -> Result<(), AccountError> {
        let own = self.clone();
        let change = move |transaction: &Transaction<'_>| {
            let mut gone = Vec::new();
            for agent in &agents {
                for account in account::of_agent(transaction, tenant, agent)? {
                    account::remove(transaction, &account)?;
                    let before = Some(account.shown());
                    let login = account.login.as_str();
                    let deed = by.deed(now_ms, Some(tenant), "account.removed", login);
                    deed::add(transaction, &Deed { before, ..deed })?;
                    gone.push(account.id);
                }
            }
            Ok(gone)
        };
        let then = move |gone: &Vec<AccountId>| {
            let is_gone = |session: &Session| session.account.is_some_and(|id| gone.contains(&id));
            drop(own.sessions.end(is_gone));
        };
        self.change_then(change, then).await.map(drop)
    }

    /// The sessions of an account, latest use first.
    pub fn sessions_of(&self, account: AccountId) -> Vec<Arc<Session>> {
        self.sessions.list(|session| session.account == Some(account))
    }

    /// The links of a tenant, by name.
    pub async fn shares(self: &Arc<Self>, tenant: TenantId) -> Result<Vec<Share>, AccountError> {
        let mut shares = self.look(move |transaction| share::list(transaction, tenant)).await?;
        for share in &mut shares {
            let viewers = self.sessions.list(|session| session.role.share() == Some(share.id));
            let latest = viewers.iter().map(|session| session.used_ms()).max();
            share.used_ms = share.used_ms.max(latest.unwrap_or(0));
            share.viewers = viewers.len();
        }
        Ok(shares)
    }

    /// Makes a link for a wall screen of a tenant; its secret is shown once.
    pub async fn add_share(
        self: &Arc<Self>,
        tenant: TenantId,
        name: String,
        view: String,
        by: Caller,
        now_ms: i64,
    ) -> Result<crate::tenants::Token, AccountError> {
        self.change(move |transaction| {
            let token = share::add(transaction, tenant, &name, &view, &by.who, now_ms)?;
            let deed = by.deed(now_ms, Some(tenant), "share.added", &name);
            let after = Some(serde_json::json!({ "view": view }));
            deed::add(transaction, &Deed { after, ..deed })?;
            Ok(token)
        })
        .await
    }

    /// Revokes a link; whoever came by it is out at once. False if the tenant has no such link.
    pub async fn revoke_share(
        self: &Arc<Self>,
        tenant: TenantId,
        id: ShareId,
        by: Caller,
        now_ms: i64,
    ) -> Result<bool, AccountError> {
        let own = self.clone();
        let change = move |transaction: &Transaction<'_>| {
            let Some(name) = share::remove(transaction, tenant, id)? else { return Ok(false) };
            let deed = by.deed(now_ms, Some(tenant), "share.revoked", &name);
            deed::add(transaction, &deed).map(|()| true)
        };
        let then = move |revoked: &bool| {
            if *revoked {
                own.sessions.end(|session| session.role.share() == Some(id));
            }
        };
        self.change_then(change, then).await
    }
}

impl From<OpenError> for AccountError {
    fn from(error: OpenError) -> AccountError {
        AccountError::Tenants(error.into())
    }
}
