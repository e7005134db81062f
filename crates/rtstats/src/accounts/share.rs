//! Links for wall screens: read-only, named, revocable, kept as digests.

use rusqlite::{OptionalExtension as _, Row, Transaction};

use super::AccountError;
use crate::{
    database::schema::Checksum,
    tenants::{TenantId, Token, TokenDigest},
};

/// A link's number, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareId(pub i64);

/// A link for wall screens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its number.
    pub id: ShareId,
    /// The tenant whose wallboard it shows.
    pub tenant: TenantId,
    /// What it is called.
    pub name: String,
    /// How the wallboard is to be shown, as the wallboard's own query; may be empty.
    pub view: String,
    /// When it was made.
    pub created_ms: i64,
    /// By whom.
    pub created_by: String,
    /// When it was used last; 0 if never.
    pub used_ms: i64,
    /// Screens that are signed in by it.
    pub viewers: usize,
}

const SELECT: &str =
    "SELECT id, tenant, name, view, created_ms, created_by, used_ms, digest, checksum FROM share";

fn checksum(share: &Share, digest: &TokenDigest) -> i64 {
    Checksum::default()
        .number(share.id.0)
        .number(i64::from(share.tenant.0))
        .bytes(share.name.as_bytes())
        .bytes(share.view.as_bytes())
        .bytes(digest.bytes())
        .value()
}

fn read(row: &Row<'_>) -> Result<Share, AccountError> {
    let id: i64 = row.get(0)?;
    let wrong = || AccountError::Damaged(format!("the row of link {id} is not as it was written"));
    let digest: [u8; 32] = row.get(7).map_err(|_| wrong())?;
    let share = Share {
        id: ShareId(id),
        tenant: TenantId(row.get(1)?),
        name: row.get(2)?,
        view: row.get(3)?,
        created_ms: row.get(4)?,
        created_by: row.get(5)?,
        used_ms: row.get(6)?,
        viewers: 0,
    };
    let sum = checksum(&share, &TokenDigest::from_bytes(digest));
    if sum == row.get::<_, i64>(8)? { Ok(share) } else { Err(wrong()) }
}

pub(super) fn list(
    transaction: &Transaction<'_>,
    tenant: TenantId,
) -> Result<Vec<Share>, AccountError> {
    let mut statement =
        transaction.prepare_cached(&format!("{SELECT} WHERE tenant = ?1 ORDER BY name, id"))?;
    let mut rows = statement.query([tenant.0])?;
    let mut shares = Vec::new();
    while let Some(row) = rows.next()? {
        shares.push(read(row)?);
    }
    Ok(shares)
}

pub(super) fn by_id(
    transaction: &Transaction<'_>,
    id: ShareId,
) -> Result<Option<Share>, AccountError> {
    let mut statement = transaction.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    statement.query_row([id.0], |row| Ok(read(row))).optional()?.transpose()
}

pub(super) fn by_secret(
    transaction: &Transaction<'_>,
    claim: &str,
) -> Result<Option<Share>, AccountError> {
    let digest = TokenDigest::of_claim(claim);
    let mut statement = transaction.prepare_cached(&format!("{SELECT} WHERE digest = ?1"))?;
    statement.query_row([&digest.bytes()[..]], |row| Ok(read(row))).optional()?.transpose()
}

pub(super) fn add(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    name: &str,
    view: &str,
    created_by: &str,
    now_ms: i64,
) -> Result<Token, AccountError> {
    let token = Token::random()?;
    let digest = token.digest();
    transaction.execute(
        "INSERT INTO share (tenant, name, digest, view, created_ms, created_by, used_ms, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0)",
        (tenant.0, name, &digest.bytes()[..], view, now_ms, created_by),
    )?;
    let share = Share {
        id: ShareId(transaction.last_insert_rowid()),
        tenant,
        name: name.to_owned(),
        view: view.to_owned(),
        created_ms: now_ms,
        created_by: created_by.to_owned(),
        used_ms: 0,
        viewers: 0,
    };
    let sum = checksum(&share, &digest);
    transaction.execute("UPDATE share SET checksum = ?2 WHERE id = ?1", (share.id.0, sum))?;
    Ok(token)
}

/// Removes a link with its sessions; gives its name, none if the tenant has no such link.
pub(super) fn remove(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    id: ShareId,
) -> Result<Option<String>, AccountError> {
    let remove = "DELETE FROM share WHERE id = ?1 AND tenant = ?2 RETURNING name";
    let name = transaction
        .query_row(remove, (id.0, tenant.0), |row| row.get::<_, String>(0))
        .optional()?;
    if name.is_some() {
        transaction.execute("DELETE FROM session WHERE share = ?1", [id.0])?;
    }
    Ok(name)
}
