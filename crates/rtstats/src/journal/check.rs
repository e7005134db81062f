//! What is looked at before a database is used.
//!
//! Reading all of a week's log at each start would take longer than anybody waits, and every row is checked anyway
//! when it is read. So a start looks at what it needs at once: that the extents, the index and the rows agree on
//! where each tenant's log ends, and that those last rows, the ones that a failing disk would have hurt, are whole.
//! A small file is also walked through by SQLite; after a stop that wasn't clean, a larger one too.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use super::{Position, row};
use crate::{
    database::{OpenError, removal, run},
    tenants::TenantId,
};

/// A larger file isn't walked through: this much takes about a quarter of a second from a cold disk of 500 MB/s.
const WALKED_BYTES_MAX: i64 = 128 << 20;

/// A larger one isn't after a clean stop: this much takes some 50 ms.
const WALKED_CLEAN_BYTES_MAX: i64 = 32 << 20;

/// Refuses a database that isn't whole.
pub(super) fn whole(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let damaged = |what: String| OpenError::Damaged { path: path.to_owned(), what };
    let clean = run::was_clean(connection).map_err(OpenError::sqlite(path))?;
    let bytes_max = if clean { WALKED_CLEAN_BYTES_MAX } else { WALKED_BYTES_MAX };
    walk(connection, bytes_max).map_err(OpenError::sqlite(path))?.map_err(damaged)?;
    extents(connection).map_err(OpenError::sqlite(path))?.map_err(damaged)
}

fn walk(connection: &Connection, bytes_max: i64) -> rusqlite::Result<Result<(), String>> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get(0));
    let (pages, page_bytes): (i64, i64) = (number("page_count")?, number("page_size")?);
    if pages.saturating_mul(page_bytes) > bytes_max {
        return Ok(Ok(()));
    }
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(if answer == "ok" { Ok(()) } else { Err(answer) })
}

/// Every tenant has an extent and every extent a tenant, unless it was removed; each log ends where its extent does.
fn extents(connection: &Connection) -> rusqlite::Result<Result<(), String>> {
    let removed = removal::pending(connection)?;
    let mut statement = connection.prepare(
        "SELECT tenant.id, extent.tenant FROM tenant FULL JOIN extent ON extent.tenant = tenant.id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(pair) = rows.next()? {
        let problem = match (pair.get(0)?, pair.get(1)?) {
            (Some(tenant), Some(_)) => log_end(connection, TenantId(tenant))?.err(),
            (Some(tenant), None) => Some(format!("the extent of tenant {tenant} is missing")),
            (None, Some(orphan)) if !removed.contains(&orphan) => {
                Some(format!("tenant {orphan} is missing, but its log is there"))
            }
            (None, _) => None,
        };
        if let Some(problem) = problem {
            return Ok(Err(problem));
        }
    }
    Ok(Ok(()))
}

fn log_end(connection: &Connection, tenant: TenantId) -> rusqlite::Result<Result<(), String>> {
    let Some(extent) = row::extent(connection, tenant)? else {
        return Ok(Err(format!("the extent of tenant {} is missing", tenant.0)));
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM log WHERE tenant = ?1 ORDER BY first DESC LIMIT 1",
        row::COLUMNS
    ))?;
    let last = statement
        .query_row([tenant.0], |last| Ok(row::checked(last).map(|checked| checked.place)))
        .optional()?;
    let end: Position = match last {
        Some(Ok(place)) => place.after(),
        Some(Err(problem)) => return Ok(Err(problem)),
        None => extent.first,
    };
    if end != extent.after {
        return Ok(Err(format!(
            "the log of tenant {} should end at position {}, but its last row ends at {}",
            tenant.0, extent.after.0, end.0
        )));
    }
    Ok(Ok(()))
}
