//! The audit trail: who did what, when and from where. Rows are added and dropped by age, and never changed.

use rusqlite::{Row, Transaction};
use serde_json::Value;

use super::AccountError;
use crate::{database::trail, tenants::TenantId};

/// What somebody did. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub time_ms: i64,
    /// The login, or what stands for it.
    pub who: String,
    /// From which address; empty for commands.
    pub address: String,
    /// In which tenant; none for the platform.
    pub tenant: Option<TenantId>,
    /// What was done, as `queue.configured` or `account.removed`.
    pub action: String,
    /// To what: a queue's number, an agent's id, a login.
    pub object: String,
    /// How it was before.
    pub before: Option<Value>,
    /// How it is since.
    pub after: Option<Value>,
}

/// A deed as it stands in the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in the trail.
    pub number: i64,
    /// What was done.
    pub deed: Deed,
}

/// A page of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Newest first.
    pub records: Vec<Record>,
    /// How many there are in all.
    pub len: u64,
}

pub(super) fn add(transaction: &Transaction<'_>, deed: &Deed) -> Result<(), AccountError> {
    let text = |value: &Option<Value>| value.as_ref().map_or(String::new(), Value::to_string);
    let entry = trail::Entry {
        time_ms: deed.time_ms,
        who: &deed.who,
        address: &deed.address,
        tenant: deed.tenant.map_or(0, |tenant| tenant.0),
        action: &deed.action,
        object: &deed.object,
        before: &text(&deed.before),
        after: &text(&deed.after),
    };
    Ok(trail::add(transaction, &entry)?)
}

pub(super) fn read(
    transaction: &Transaction<'_>,
    tenant: Option<TenantId>,
    skip: u64,
    len_max: u64,
) -> Result<Trail, AccountError> {
    let which = "(?1 = 0 OR tenant = ?1)";
    let own = tenant.map_or(0, |tenant| tenant.0);
    let count = format!("SELECT count(*) FROM deed WHERE {which}");
    let len: i64 = transaction.query_row(&count, [own], |row| row.get(0))?;
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT id, time_ms, who, address, tenant, action, object, before, after FROM deed
         WHERE {which} ORDER BY id DESC LIMIT ?2 OFFSET ?3"
    ))?;
    let rows = statement.query_map((own, len_max as i64, skip as i64), record)?;
    Ok(Trail { records: rows.collect::<Result<_, _>>()?, len: len as u64 })
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    // What can't be read as JSON is shown as it is: the trail hides nothing.
    let value = |text: String| {
        (!text.is_empty())
            .then(|| serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone())))
    };
    let tenant: u32 = row.get(4)?;
    let deed = Deed {
        time_ms: row.get(1)?,
        who: row.get(2)?,
        address: row.get(3)?,
        tenant: (tenant != 0).then_some(TenantId(tenant)),
        action: row.get(5)?,
        object: row.get(6)?,
        before: value(row.get(7)?),
        after: value(row.get(8)?),
    };
    Ok(Record { number: row.get(0)?, deed })
}

/// Whether something is older than an instant.
pub(super) fn is_any_before(
    transaction: &Transaction<'_>,
    before_ms: i64,
) -> Result<bool, AccountError> {
    let exists = "SELECT EXISTS (SELECT 1 FROM deed WHERE time_ms < ?1)";
    Ok(transaction.query_row(exists, [before_ms], |row| row.get(0))?)
}

/// Drops what is older than an instant.
pub(super) fn forget(transaction: &Transaction<'_>, before_ms: i64) -> Result<(), AccountError> {
    transaction.prepare_cached("DELETE FROM deed WHERE time_ms < ?1")?.execute([before_ms])?;
    Ok(())
}
