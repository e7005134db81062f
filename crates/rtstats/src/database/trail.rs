//! The audit trail's rows: added with the change that they tell of, in its transaction.

use rusqlite::Transaction;

/// Characters of an object that are kept.
const OBJECT_CHARS_MAX: usize = 256;

/// What somebody did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry<'e> {
    /// When.
    pub(crate) time_ms: i64,
    /// The login, or what stands for it.
    pub(crate) who: &'e str,
    /// From which address; empty for commands.
    pub(crate) address: &'e str,
    /// The number of the tenant; 0 for the platform.
    pub(crate) tenant: u32,
    /// What was done.
    pub(crate) action: &'e str,
    /// To what.
    pub(crate) object: &'e str,
    /// How it was before, as JSON; may be empty.
    pub(crate) before: &'e str,
    /// How it is since, as JSON; may be empty.
    pub(crate) after: &'e str,
}

/// Adds an entry.
pub(crate) fn add(transaction: &Transaction<'_>, entry: &Entry<'_>) -> rusqlite::Result<()> {
    let object: String = entry.object.chars().take(OBJECT_CHARS_MAX).collect();
    transaction
        .prepare_cached(
            "INSERT INTO deed (time_ms, who, address, tenant, action, object, before, after)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            entry.time_ms,
            entry.who,
            entry.address,
            entry.tenant,
            entry.action,
            object,
            entry.before,
            entry.after,
        ))?;
    Ok(())
}
