//! Accounts and the one-time links by which passwords are set, as rows.

use std::{collections::BTreeSet, fmt, str::FromStr};

use rusqlite::{OptionalExtension as _, Row, Transaction};

use super::{AccountError, Role, session};
use crate::{
    database::schema::Checksum,
    tenants::{TenantId, Token, TokenDigest},
};

/// How long a one-time link holds.
pub const LINK_LIFE_MS: i64 = 24 * 3_600_000;

/// Characters of a login at most.
const LOGIN_CHARS_MAX: usize = 128;

/// An account's number, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// What an account signs in with, unique in its tenant. Its case makes no difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Login(String);

/// The text is no login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a login has 1 to 128 characters, none of them a space or a control character")]
pub struct LoginError;

impl Login {
    /// Its text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Login {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Login, LoginError> {
        let text = text.trim().to_lowercase();
        let chars = text.chars().count();
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if chars == 0 || chars > LOGIN_CHARS_MAX || text.chars().any(odd) {
            return Err(LoginError);
        }
        Ok(Login(text))
    }
}

impl fmt::Display for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// An account. Its role is never that of a viewer.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// What it signs in with.
    pub login: Login,
    /// What it may do.
    pub role: Role,
    /// When it was added.
    pub created_ms: i64,
    /// The password's hash as a PHC string, once one was set.
    pub(super) password: Option<String>,
    link: Option<TokenDigest>,
    link_until_ms: i64,
}

impl Account {
    /// Whether a password was set.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Until when its one-time link holds, if it has one.
    pub fn link_until_ms(&self) -> Option<i64> {
        self.link.map(|_| self.link_until_ms)
    }

    /// What the audit trail says of it.
    pub(super) fn shown(&self) -> serde_json::Value {
        let agent = match &self.role {
            Role::Agent { agent, .. } => Some(&**agent),
            _ => None,
        };
        serde_json::json!({ "role": self.role.word(), "agent": agent })
    }

    fn checksum(&self) -> i64 {
        let (tenant, kind, agent) = columns(&self.role);
        Checksum::default()
            .number(self.id.0)
            .number(i64::from(tenant))
            .bytes(self.login.0.as_bytes())
            .number(kind)
            .bytes(agent.as_bytes())
            .bytes(self.password.as_deref().unwrap_or_default().as_bytes())
            .bytes(self.link.as_ref().map_or(&[][..], |digest| &digest.bytes()[..]))
            .number(self.link_until_ms)
            .number(self.created_ms)
            .value()
    }
}

/// The columns of a role: tenant, kind, agent.
fn columns(role: &Role) -> (u32, i64, &str) {
    match role {
        Role::Platform => (0, 1, ""),
        Role::Tenant(tenant) => (tenant.0, 2, ""),
        Role::Agent { tenant, agent } => (tenant.0, 3, agent),
        Role::Viewer { .. } => unreachable!("a viewer has no account"),
    }
}

/// The number of a tenant in a row; the platform's is 0.
fn tenant_column(tenant: Option<TenantId>) -> u32 {
    tenant.map_or(0, |tenant| tenant.0)
}

const SELECT: &str = "SELECT id, tenant, login, kind, agent, password, link_digest, link_until_ms, created_ms, \
                      checksum FROM account";

fn read(row: &Row<'_>) -> Result<Account, AccountError> {
    let id: i64 = row.get(0)?;
    let wrong =
        || AccountError::Damaged(format!("the row of account {id} is not as it was written"));
    let (tenant, kind): (u32, i64) = (row.get(1)?, row.get(3)?);
    let (login, agent): (String, String) = (row.get(2)?, row.get(4)?);
    let role = match kind {
        1 => Role::Platform,
        2 => Role::Tenant(TenantId(tenant)),
        3 => Role::Agent { tenant: TenantId(tenant), agent: agent.into() },
        _ => return Err(wrong()),
    };
    let link: Option<[u8; 32]> = row.get(6).map_err(|_| wrong())?;
    let account = Account {
        id: AccountId(id),
        login: Login(login),
        role,
        password: row.get(5)?,
        link: link.map(TokenDigest::from_bytes),
        link_until_ms: row.get(7)?,
        created_ms: row.get(8)?,
    };
    if account.checksum() == row.get::<_, i64>(9)? { Ok(account) } else { Err(wrong()) }
}

fn one(
    transaction: &Transaction<'_>,
    which: &str,
    parameters: impl rusqlite::Params,
) -> Result<Option<Account>, AccountError> {
    let mut statement = transaction.prepare_cached(&format!("{SELECT} WHERE {which}"))?;
    statement.query_row(parameters, |row| Ok(read(row))).optional()?.transpose()
}

fn write(transaction: &Transaction<'_>, account: &Account) -> Result<(), AccountError> {
    let link = account.link.map(|digest| digest.bytes().to_vec());
    let sum = account.checksum();
    transaction.execute(
        "UPDATE account SET password = ?2, link_digest = ?3, link_until_ms = ?4, checksum = ?5 WHERE id = ?1",
        (account.id.0, &account.password, link, account.link_until_ms, sum),
    )?;
    Ok(())
}

pub(super) fn by_id(
    transaction: &Transaction<'_>,
    id: AccountId,
) -> Result<Option<Account>, AccountError> {
    one(transaction, "id = ?1", [id.0])
}

/// Those of one agent of a tenant.
pub(super) fn of_agent(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    agent: &str,
) -> Result<Vec<Account>, AccountError> {
    let which = format!("{SELECT} WHERE tenant = ?1 AND kind = 3 AND agent = ?2 ORDER BY login");
    let mut statement = transaction.prepare_cached(&which)?;
    let rows = statement.query_map((tenant.0, agent), |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

/// The agents of a tenant who have accounts.
pub(super) fn agents(
    transaction: &Transaction<'_>,
    tenant: TenantId,
) -> Result<BTreeSet<String>, AccountError> {
    let which = "SELECT agent FROM account WHERE tenant = ?1 AND kind = 3";
    let mut statement = transaction.prepare_cached(which)?;
    let agents = statement.query_map([tenant.0], |row| row.get(0))?;
    Ok(agents.collect::<Result<_, _>>()?)
}

pub(super) fn find(
    transaction: &Transaction<'_>,
    tenant: Option<TenantId>,
    login: &Login,
) -> Result<Option<Account>, AccountError> {
    one(transaction, "tenant = ?1 AND login = ?2", (tenant_column(tenant), login.as_str()))
}

pub(super) fn known(
    transaction: &Transaction<'_>,
    tenant: Option<TenantId>,
    login: &Login,
) -> Result<Account, AccountError> {
    find(transaction, tenant, login)?.ok_or_else(|| AccountError::Unknown(login.clone()))
}

/// The accounts of one tenant or all, and how many there are.
pub(super) fn list(
    transaction: &Transaction<'_>,
    tenant: Option<TenantId>,
    skip: u64,
    len_max: u64,
) -> Result<(Vec<Account>, u64), AccountError> {
    let which = "(?1 = 0 OR tenant = ?1)";
    let own = tenant_column(tenant);
    let count = format!("SELECT count(*) FROM account WHERE {which}");
    let count: i64 = transaction.query_row(&count, [own], |row| row.get(0))?;
    let select = format!("{SELECT} WHERE {which} ORDER BY tenant, login LIMIT ?2 OFFSET ?3");
    let mut statement = transaction.prepare_cached(&select)?;
    let mut rows = statement.query((own, len_max as i64, skip as i64))?;
    let mut accounts = Vec::new();
    while let Some(row) = rows.next()? {
        accounts.push(read(row)?);
    }
    Ok((accounts, count as u64))
}

pub(super) fn add(
    transaction: &Transaction<'_>,
    login: &Login,
    role: &Role,
    now_ms: i64,
) -> Result<Account, AccountError> {
    if find(transaction, role.tenant(), login)?.is_some() {
        return Err(AccountError::Exists(login.clone()));
    }
    let (tenant, kind, agent) = columns(role);
    transaction.execute(
        "INSERT INTO account (tenant, login, kind, agent, link_until_ms, created_ms, checksum)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, 0)",
        (tenant, login.as_str(), kind, agent, now_ms),
    )?;
    let account = Account {
        id: AccountId(transaction.last_insert_rowid()),
        login: login.clone(),
        role: role.clone(),
        created_ms: now_ms,
        password: None,
        link: None,
        link_until_ms: 0,
    };
    write(transaction, &account)?;
    Ok(account)
}

pub(super) fn remove(transaction: &Transaction<'_>, account: &Account) -> Result<(), AccountError> {
    if account.role == Role::Platform && is_last(transaction, account)? {
        return Err(AccountError::Last(account.login.clone()));
    }
    session::remove_of(transaction, account.id, None)?;
    transaction.execute("DELETE FROM account WHERE id = ?1", [account.id.0])?;
    Ok(())
}

pub(super) fn set_password(
    transaction: &Transaction<'_>,
    id: AccountId,
    hash: &str,
) -> Result<(), AccountError> {
    let Some(account) = by_id(transaction, id)? else { return Ok(()) };
    let password = Some(hash.to_owned());
    write(transaction, &Account { password, link: None, link_until_ms: 0, ..account })
}

pub(super) fn new_link(
    transaction: &Transaction<'_>,
    id: AccountId,
    now_ms: i64,
) -> Result<Token, AccountError> {
    let token = Token::random()?;
    if let Some(account) = by_id(transaction, id)? {
        let link = Some(token.digest());
        let link_until_ms = now_ms + LINK_LIFE_MS;
        write(transaction, &Account { link, link_until_ms, ..account })?;
    }
    Ok(token)
}

/// The account whose one-time link has this secret, if it still holds.
pub(super) fn by_link(
    transaction: &Transaction<'_>,
    claim: &str,
    now_ms: i64,
) -> Result<Option<Account>, AccountError> {
    let digest = TokenDigest::of_claim(claim);
    let account = one(transaction, "link_digest = ?1", [&digest.bytes()[..]])?;
    Ok(account.filter(|account| account.link_until_ms > now_ms))
}

/// Whether nobody else administers the platform. Whoever never set a password can't sign in yet, and perhaps never will.
fn is_last(transaction: &Transaction<'_>, account: &Account) -> Result<bool, AccountError> {
    let exists = "SELECT EXISTS (SELECT 1 FROM account WHERE kind = 1 AND id <> ?1 AND (password IS NOT NULL OR ?2))";
    let there: bool =
        transaction.query_row(exists, (account.id.0, !account.has_password()), |row| row.get(0))?;
    Ok(!there)
}

/// How many administrators the platform has.
pub(super) fn platform_len(transaction: &Transaction<'_>) -> Result<i64, AccountError> {
    let count = "SELECT count(*) FROM account WHERE kind = 1";
    Ok(transaction.query_row(count, [], |row| row.get(0))?)
}

/// Makes the one-time link that sets up an administrator of the platform; the one before is void.
pub(super) fn new_set_up_link(
    transaction: &Transaction<'_>,
    now_ms: i64,
) -> Result<Token, AccountError> {
    let token = Token::random()?;
    transaction.execute(
        "INSERT OR REPLACE INTO set_up VALUES (1, ?1, ?2)",
        (&token.digest().bytes()[..], now_ms + LINK_LIFE_MS),
    )?;
    Ok(token)
}

/// Whether this is the set-up link's secret and it still holds.
pub(super) fn set_up_link_holds(
    transaction: &Transaction<'_>,
    claim: &str,
    now_ms: i64,
) -> Result<bool, AccountError> {
    let digest = TokenDigest::of_claim(claim);
    let mut found =
        transaction.prepare_cached("SELECT 1 FROM set_up WHERE digest = ?1 AND until_ms > ?2")?;
    Ok(found.exists((&digest.bytes()[..], now_ms))?)
}

/// Whether this is the set-up link's secret and it still holds; it is void from now on.
pub(super) fn take_set_up_link(
    transaction: &Transaction<'_>,
    claim: &str,
    now_ms: i64,
) -> Result<bool, AccountError> {
    let digest = TokenDigest::of_claim(claim);
    let taken = transaction.execute(
        "DELETE FROM set_up WHERE digest = ?1 AND until_ms > ?2",
        (&digest.bytes()[..], now_ms),
    )?;
    Ok(taken == 1)
}
