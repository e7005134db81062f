//! Deleting all that a removed tenant leaves, in slices short enough for commits to pass between.

use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// How long one slice may hold the write lock.
pub(crate) const SLICE: Duration = Duration::from_millis(2);

/// The statements that each delete at most one row of a tenant, in the order in which they are worked off.
const STEPS: [&str; 4] = [
    "DELETE FROM log WHERE id = (SELECT id FROM log WHERE tenant = ?1 ORDER BY first LIMIT 1)",
    "DELETE FROM piece WHERE id = (SELECT piece.id FROM piece JOIN snapshot ON snapshot.id = piece.snapshot
     WHERE snapshot.tenant = ?1 LIMIT 1)",
    "DELETE FROM snapshot WHERE id = (SELECT id FROM snapshot WHERE tenant = ?1 LIMIT 1)",
    "DELETE FROM trend WHERE tenant = ?1
     AND minute_ms = (SELECT min(minute_ms) FROM trend WHERE tenant = ?1)",
];

/// Removes a tenant and whoever may sign in to it, and has its log wait to be deleted.
pub(crate) fn begin(transaction: &Transaction<'_>, tenant: u32) -> rusqlite::Result<()> {
    for statement in [
        "DELETE FROM tenant WHERE id = ?1",
        "DELETE FROM account WHERE tenant = ?1",
        "DELETE FROM session WHERE tenant = ?1",
        "DELETE FROM share WHERE tenant = ?1",
        "DELETE FROM token_use WHERE tenant = ?1",
        "INSERT INTO removed VALUES (?1)",
    ] {
        transaction.execute(statement, [tenant])?;
    }
    Ok(())
}

/// The tenants whose log waits to be deleted.
pub(crate) fn pending(connection: &Connection) -> rusqlite::Result<Vec<u32>> {
    let mut statement = connection.prepare_cached("SELECT tenant FROM removed")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

/// Deletes a slice of what a removed tenant left; true once nothing is left.
pub(crate) fn slice(connection: &mut Connection, tenant: u32) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let until = Instant::now() + SLICE;
    for step in STEPS {
        let mut statement = transaction.prepare_cached(step)?;
        while statement.execute([tenant])? > 0 {
            if Instant::now() >= until {
                drop(statement);
                transaction.commit()?;
                return Ok(false);
            }
        }
    }
    transaction.execute("DELETE FROM extent WHERE tenant = ?1", [tenant])?;
    transaction.execute("DELETE FROM removed WHERE tenant = ?1", [tenant])?;
    transaction.commit()?;
    Ok(true)
}
