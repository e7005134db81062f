//! Trends in the database: one row for each tenant and minute, each under a checksum.
//!
//! They are a convenience of the last hours and no part of the log: a damaged row is left out with a warning.

use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};
use stats::event::Millis;

use super::{JournalError, chore::Trouble, row};
use crate::{
    database::{removal::SLICE, schema::Checksum},
    tenants::TenantId,
};

/// What a tenant's queues were like as a minute ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trend {
    /// Whose.
    pub tenant: TenantId,
    /// The end of the minute.
    pub minute: Millis,
    /// The queues' points, packed.
    pub points: Vec<u8>,
}

impl Trend {
    fn checksum(&self) -> i64 {
        Checksum::default()
            .number(i64::from(self.tenant.0))
            .number(self.minute)
            .bytes(&self.points)
            .value()
    }
}

/// Trends being kept; then what is older than `from` is dropped.
pub(super) struct KeepTrends {
    pub(super) trends: Vec<Trend>,
    pub(super) from: Millis,
}

impl KeepTrends {
    /// Writes all of them in one transaction, then drops a slice of the old ones at a time; true once none is left.
    pub(super) fn step(&mut self, connection: &mut Connection) -> Result<bool, Trouble> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = if self.trends.is_empty() {
            drop_old(&transaction, self.from)?
        } else {
            for trend in &self.trends {
                // Removed meanwhile: its rows would stay forever.
                if row::extent(&transaction, trend.tenant)?.is_some() {
                    insert(&transaction, trend)?;
                }
            }
            false
        };
        transaction.commit()?;
        self.trends.clear();
        Ok(done)
    }
}

fn insert(connection: &Connection, trend: &Trend) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO trend (tenant, minute_ms, points, checksum) VALUES (?1, ?2, ?3, ?4)",
    )?;
    statement.execute((trend.tenant.0, trend.minute, &trend.points, trend.checksum()))?;
    Ok(())
}

fn drop_old(connection: &Connection, from: Millis) -> rusqlite::Result<bool> {
    let until = Instant::now() + SLICE;
    let mut statement = connection.prepare_cached(
        "DELETE FROM trend WHERE (tenant, minute_ms) IN
         (SELECT tenant, minute_ms FROM trend WHERE minute_ms < ?1 ORDER BY minute_ms LIMIT 64)",
    )?;
    while Instant::now() < until {
        if statement.execute([from])? == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A tenant's trends after an instant, oldest first.
pub(super) fn read(
    connection: &Connection,
    tenant: TenantId,
    after: Millis,
) -> Result<Vec<Trend>, JournalError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT minute_ms, points, checksum FROM trend WHERE tenant = ?1 AND minute_ms > ?2
             ORDER BY minute_ms",
        )
        .map_err(JournalError::failed)?;
    let rows = statement.query_map((tenant.0, after), |row| {
        let trend = Trend { tenant, minute: row.get(0)?, points: row.get(1)? };
        Ok((trend, row.get::<_, i64>(2)?))
    });
    let mut trends = Vec::new();
    for row in rows.map_err(JournalError::failed)? {
        let (trend, checksum) = row.map_err(JournalError::failed)?;
        if trend.checksum() == checksum {
            trends.push(trend);
        } else {
            let (tenant, minute) = (tenant.0, trend.minute);
            tracing::warn!(tenant, minute, "a trend in the database is damaged and left out");
        }
    }
    Ok(trends)
}
