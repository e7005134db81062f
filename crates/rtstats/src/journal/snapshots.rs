//! Snapshots in the database: compressed, in pieces, each snapshot under one checksum.
//!
//! Reading and checking is done here, on the asker's thread; writing is a chore of the writer.

use rusqlite::Connection;
use stats::event::Millis;

use super::{JournalError, Position, Snapshot};
use crate::{database::schema::Checksum, tenants::TenantId};

/// Bytes of a piece: short enough for a slice of a chore to hold several.
pub(super) const PIECE_BYTES: usize = 128 << 10;

/// As fast as it goes: a snapshot is written often and read at a start.
const LEVEL: i32 = 1;

/// Intact snapshots that are kept: should one be found damaged later, the other still stands for the log before it.
const KEPT: usize = 2;

/// A snapshot's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tenant: TenantId,
    pub(super) position: Position,
    pub(super) taken: Millis,
    pub(super) checksum: i64,
}

/// A snapshot ready to be written.
pub(super) struct Packed {
    pub(super) header: Header,
    pub(super) bytes: Vec<u8>,
}

fn checksum(tenant: TenantId, position: Position, taken: Millis, bytes: &[u8]) -> i64 {
    Checksum::default()
        .number(i64::from(tenant.0))
        .number(position.0 as i64)
        .number(taken)
        .bytes(bytes)
        .value()
}

pub(super) fn pack(tenant: TenantId, snapshot: &Snapshot) -> Result<Packed, JournalError> {
    let bytes = zstd::bulk::compress(&snapshot.state, LEVEL).map_err(JournalError::failed)?;
    let Snapshot { position, taken, .. } = *snapshot;
    let checksum = checksum(tenant, position, taken, &bytes);
    Ok(Packed { header: Header { tenant, position, taken, checksum }, bytes })
}

/// The rows of a tenant's complete snapshots, newest first.
fn headers(connection: &Connection, tenant: TenantId) -> rusqlite::Result<Vec<(i64, Header)>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, position, taken_ms, checksum FROM snapshot WHERE tenant = ?1 AND complete = 1
         ORDER BY position DESC, id DESC",
    )?;
    let rows = statement.query_map([tenant.0], |row| {
        let position = Position(row.get::<_, i64>(1)? as u64);
        let header = Header { tenant, position, taken: row.get(2)?, checksum: row.get(3)? };
        Ok((row.get(0)?, header))
    })?;
    rows.collect()
}

/// A snapshot's bytes, if they are as they were written.
fn intact(connection: &Connection, id: i64, header: Header) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement =
        connection.prepare_cached("SELECT bytes FROM piece WHERE snapshot = ?1 ORDER BY number")?;
    let mut rows = statement.query([id])?;
    let mut bytes = Vec::new();
    while let Some(row) = rows.next()? {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob()?);
    }
    let Header { tenant, position, taken, .. } = header;
    Ok((checksum(tenant, position, taken, &bytes) == header.checksum).then_some(bytes))
}

/// A tenant's intact snapshots, newest first, with their ids; `each` says whether to go on.
fn each_intact(
    connection: &Connection,
    tenant: TenantId,
    mut each: impl FnMut(i64, Header, Vec<u8>) -> bool,
) -> rusqlite::Result<()> {
    // One instant for all rows: what the writer drops meanwhile must not look damaged.
    let transaction = connection.unchecked_transaction()?;
    for (id, header) in headers(&transaction, tenant)? {
        match intact(&transaction, id, header)? {
            Some(bytes) => {
                if !each(id, header, bytes) {
                    break;
                }
            }
            None => tracing::warn!(
                tenant = tenant.0,
                position = header.position.0,
                "a snapshot in the database is damaged and left out"
            ),
        }
    }
    Ok(())
}

/// The intact snapshots, newest first.
pub(super) fn read(
    connection: &Connection,
    tenant: TenantId,
) -> Result<Vec<Snapshot>, JournalError> {
    let mut snapshots = Vec::new();
    each_intact(connection, tenant, |_, header, bytes| {
        match zstd::stream::decode_all(&bytes[..]) {
            Ok(state) => {
                let Header { position, taken, .. } = header;
                snapshots.push(Snapshot { position, taken, state });
            }
            Err(error) => tracing::warn!(tenant = tenant.0, %error, "a snapshot can't be unpacked"),
        }
        true
    })
    .map_err(JournalError::failed)?;
    Ok(snapshots)
}

/// Up to where the log may be dropped: the earliest of the intact snapshots that are kept.
pub(super) fn relied_on(
    connection: &Connection,
    tenant: TenantId,
) -> rusqlite::Result<Option<Position>> {
    let mut earliest = None;
    let mut seen = 0;
    each_intact(connection, tenant, |_, header, _| {
        earliest = Some(header.position);
        seen += 1;
        seen < KEPT
    })?;
    Ok(earliest)
}

/// The snapshots that nothing needs once one more at `position` is there.
pub(super) fn superseded(
    connection: &Connection,
    tenant: TenantId,
    position: Position,
) -> rusqlite::Result<Vec<i64>> {
    let mut kept_down_to = None;
    let mut seen = 1;
    each_intact(connection, tenant, |id, header, _| {
        if header.position <= position {
            kept_down_to = Some(id);
            seen += 1;
        }
        seen < KEPT
    })?;
    let Some(last) = kept_down_to.filter(|_| seen >= KEPT) else { return Ok(Vec::new()) };
    let ids = headers(connection, tenant)?.into_iter().map(|(id, _)| id);
    Ok(ids.skip_while(|id| *id != last).skip(1).collect())
}

/// What a crash left half-written.
pub(super) fn incomplete(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare("SELECT id FROM snapshot WHERE complete <> 1")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}
