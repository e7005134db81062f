//! The database of accounts: opened by the server and by commands, changed in whole transactions.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{Account, Caller, Deed, Login, Role, account, deed, password};
use crate::{
    database::{self, OpenError},
    tenants::{
        InForce, TenantError, TenantId, TenantName, Tenants, Token, raise_generation, wait_in_force,
    },
};

/// Why accounts can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The data folder or the tenants can't be used.
    #[error(transparent)]
    Tenants(#[from] TenantError),
    /// The login is taken.
    #[error("there is an account `{0}` already: choose another login")]
    Exists(Login),
    /// The login is not known.
    #[error("there is no account `{0}`; `rtstats account list` shows those that there are")]
    Unknown(Login),
    /// Nobody would be left to administer the platform.
    #[error(
        "`{0}` is the last administrator of the platform who can sign in: add another one first, who sets a \
         password"
    )]
    Last(Login),
    /// The password is too easily guessed.
    #[error(transparent)]
    Weak(#[from] password::Weak),
    /// The operating system has no randomness.
    #[error("no random bits: {0}")]
    Random(#[from] getrandom::Error),
    /// The database refused.
    #[error("the database of accounts: {0}")]
    Database(#[from] rusqlite::Error),
    /// A row is not as it was written.
    #[error("the database of accounts is damaged: {0}; put a backup in its place")]
    Damaged(String),
    /// The server stops, and takes up nothing new.
    #[error("the server is stopping; nothing was changed")]
    Stopping,
}

/// The accounts in the database of a data folder.
pub struct Register {
    folder: PathBuf,
    connection: Connection,
}

impl Register {
    /// Opens the accounts of a data folder; creates it where there is none.
    pub fn open(folder: &Path) -> Result<Register, OpenError> {
        let folder = database::prepare_folder(folder)?;
        let connection = database::open(&folder)?;
        Ok(Register { folder, connection })
    }

    /// Makes a change whole or not at all. The running server's own: nobody else is told.
    pub(super) fn change<T>(
        &mut self,
        apply: impl FnOnce(&Transaction<'_>) -> Result<T, AccountError>,
    ) -> Result<T, AccountError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = apply(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Reads as of one instant, and waits for nobody who writes.
    pub(super) fn look<T>(
        &mut self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, AccountError>,
    ) -> Result<T, AccountError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        read(&transaction)
    }

    /// A change by a command; returns once the running server, if there is one, has it in force.
    fn command<T>(
        &mut self,
        apply: impl FnOnce(&Transaction<'_>) -> Result<T, AccountError>,
    ) -> Result<(T, InForce), AccountError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = apply(&transaction)?;
        let generation = raise_generation(&transaction)?;
        transaction.commit()?;
        Ok((value, wait_in_force(&self.folder, &self.connection, generation)?))
    }

    /// The tenant of a name.
    pub fn tenant(&mut self, name: &TenantName) -> Result<TenantId, AccountError> {
        let known = Tenants::open(&self.folder)?.list()?;
        let tenant = known.iter().find(|tenant| tenant.name == *name);
        let tenant = tenant.ok_or_else(|| TenantError::Unknown(name.clone()))?;
        Ok(tenant.id)
    }

    /// All accounts, by tenant and login.
    pub fn list(&mut self) -> Result<Vec<Account>, AccountError> {
        self.look(|transaction| account::list(transaction, None, 0, u64::MAX >> 1))
            .map(|(accounts, _)| accounts)
    }

    /// Adds an account; gives the one-time link's secret by which its password is set.
    pub fn add(
        &mut self,
        login: &Login,
        role: &Role,
        now_ms: i64,
    ) -> Result<(Token, InForce), AccountError> {
        self.command(|transaction| {
            let account = account::add(transaction, login, role, now_ms)?;
            let after = Some(account.shown());
            let deed = told(&account, "account.added", now_ms);
            deed::add(transaction, &Deed { after, ..deed })?;
            account::new_link(transaction, account.id, now_ms)
        })
    }

    /// Removes an account; its sessions end.
    pub fn remove(
        &mut self,
        tenant: Option<TenantId>,
        login: &Login,
        now_ms: i64,
    ) -> Result<InForce, AccountError> {
        let removed = self.command(|transaction| {
            let account = account::known(transaction, tenant, login)?;
            account::remove(transaction, &account)?;
            let before = Some(account.shown());
            let deed = told(&account, "account.removed", now_ms);
            deed::add(transaction, &Deed { before, ..deed })
        })?;
        Ok(removed.1)
    }

    /// Gives an account a new one-time link; its password holds until that is used.
    pub fn new_link(
        &mut self,
        tenant: Option<TenantId>,
        login: &Login,
        now_ms: i64,
    ) -> Result<(Token, InForce), AccountError> {
        self.command(|transaction| {
            let account = account::known(transaction, tenant, login)?;
            deed::add(transaction, &told(&account, "account.link", now_ms))?;
            account::new_link(transaction, account.id, now_ms)
        })
    }

    /// Sets an account's password; its sessions end.
    pub fn set_password(
        &mut self,
        tenant: Option<TenantId>,
        login: &Login,
        new: &str,
        now_ms: i64,
    ) -> Result<InForce, AccountError> {
        let hash = password::hash(password::check(new, login)?)?;
        let set = self.command(|transaction| {
            let account = account::known(transaction, tenant, login)?;
            account::set_password(transaction, account.id, &hash)?;
            super::session::remove_of(transaction, account.id, None)?;
            deed::add(transaction, &told(&account, "account.password", now_ms))
        })?;
        Ok(set.1)
    }

    /// Makes a new one-time link that sets up an administrator of the platform; the one before is void.
    pub fn new_set_up_link(&mut self, now_ms: i64) -> Result<(Token, InForce), AccountError> {
        self.command(|transaction| {
            let deed = Caller::operator().deed(now_ms, None, "set-up.link", "");
            deed::add(transaction, &deed)?;
            account::new_set_up_link(transaction, now_ms)
        })
    }
}

fn told(account: &Account, action: &str, now_ms: i64) -> Deed {
    Caller::operator().deed(now_ms, account.role.tenant(), action, account.login.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_who_can_sign_in_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut register = Register::open(folder.path()).unwrap();
        let [ann, bob] = ["ann", "bob"].map(|login| login.parse::<Login>().unwrap());
        for login in [&ann, &bob] {
            let _no_server_runs = register.add(login, &Role::Platform, 0).unwrap();
        }
        let password = |register: &mut Register, login| {
            let _no_server_runs =
                register.set_password(None, login, "correct horse battery", 0).unwrap();
        };
        password(&mut register, &ann);
        let refused = register.remove(None, &ann, 0).unwrap_err();
        assert!(matches!(refused, AccountError::Last(_)), "bob was only invited: {refused}");
        password(&mut register, &bob);
        let _no_server_runs = register.remove(None, &ann, 0).unwrap();
        assert!(register.remove(None, &bob, 0).is_err());
        let _no_server_runs = register.add(&ann, &Role::Platform, 0).unwrap();
        let _invited = register.remove(None, &ann, 0).unwrap();
    }
}
