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

/// The newest intact snapshots are kept in any case: should one be found damaged later, the other still stands for the log
/// before it.
const NEWEST_KEPT: usize = 2;

/// For so long one from before is kept as well: by it the log is replayed should the clock turn out to have been ahead.
const UNDONE_FOR_MS: Millis = 3_600_000;

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

/// The intact snapshots, newest first, each unpacked as it is its turn; `each` says whether to go on.
pub(super) fn read(
    connection: &Connection,
    tenant: TenantId,
    each: &mut dyn FnMut(Snapshot) -> bool,
) -> Result<(), JournalError> {
    let read = each_intact(connection, tenant, |_, header, bytes| {
        match zstd::stream::decode_all(&bytes[..]) {
            Ok(state) => {
                let Header { position, taken, .. } = header;
                each(Snapshot { position, taken, state })
            }
            Err(error) => {
                tracing::warn!(tenant = tenant.0, %error, "a snapshot can't be unpacked");
                true
            }
        }
    });
    read.map_err(JournalError::failed)
}

/// Which of some snapshots are needed, given when each was taken, newest first: the newest two, the newest that is an hour
/// older than the newest, and the oldest that is not, which comes in its place. None of those in between that a clock
/// dates later than the newest: it was ahead.
fn needed(taken: &[Millis]) -> Vec<usize> {
    let newest = taken.first().copied().unwrap_or_default();
    let age_ms = |at: &Millis| newest.saturating_sub(*at);
    let before = taken.iter().position(|at| age_ms(at) >= UNDONE_FOR_MS);
    let next = taken.iter().rposition(|at| (0..UNDONE_FOR_MS).contains(&age_ms(at)));
    let is_needed = |at: &usize| *at < NEWEST_KEPT || [before, next].contains(&Some(*at));
    (0..taken.len()).filter(is_needed).collect()
}

/// Up to where the log may be dropped: the earliest of the intact snapshots that are needed.
pub(super) fn relied_on(
    connection: &Connection,
    tenant: TenantId,
) -> rusqlite::Result<Option<Position>> {
    let (mut positions, mut taken) = (Vec::new(), Vec::new());
    each_intact(connection, tenant, |_, header, _| {
        positions.push(header.position);
        taken.push(header.taken);
        true
    })?;
    Ok(needed(&taken).last().map(|earliest| positions[*earliest]))
}

/// The snapshots that nothing needs once one more at `position` is there, taken when `taken` says.
pub(super) fn superseded(
    connection: &Connection,
    tenant: TenantId,
    position: Position,
    taken: Millis,
) -> rusqlite::Result<Vec<i64>> {
    let (mut ids, mut taken) = (Vec::new(), vec![taken]);
    each_intact(connection, tenant, |id, header, _| {
        if header.position <= position {
            ids.push(id);
            taken.push(header.taken);
        }
        true
    })?;
    let needed = needed(&taken).into_iter().filter_map(|at| at.checked_sub(1)).map(|at| ids[at]);
    let needed: Vec<i64> = needed.collect();
    let Some(earliest) = needed.last() else { return Ok(Vec::new()) };
    let all = headers(connection, tenant)?.into_iter().map(|(id, _)| id);
    let before = all.skip_while(|id| id != earliest).skip(1);
    // A damaged one goes no sooner than what lies before it.
    let between = ids.iter().take_while(|id| *id != earliest).filter(|id| !needed.contains(id));
    Ok(between.copied().chain(before).collect())
}

/// What a crash left half-written.
pub(super) fn incomplete(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare("SELECT id FROM snapshot WHERE complete <> 1")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60_000;

    /// When the snapshots were taken that are left, in minutes, newest first, after one more at each of these minutes.
    fn left(minutes: impl IntoIterator<Item = Millis>) -> Vec<Millis> {
        minutes.into_iter().fold(Vec::new(), |mut left: Vec<Millis>, minute| {
            left.insert(0, minute);
            let taken: Vec<Millis> = left.iter().map(|minute| minute * MINUTE).collect();
            needed(&taken).into_iter().map(|at| left[at]).collect()
        })
    }

    #[test]
    fn few_are_needed_and_one_of_them_is_an_hour_old() {
        assert!(left([]).is_empty());
        assert_eq!(left([7]), [7]);
        assert_eq!(left((0..=50).step_by(5)), [50, 45, 0]);
        for last in 200..300 {
            let left = left((0..=last).step_by(5));
            let last = last / 5 * 5;
            assert_eq!(left[..2], [last, last - 5]);
            let ages: Vec<Millis> = left[2..].iter().map(|minute| last - minute).collect();
            assert!(
                matches!(ages[..], [next, before] if next < 60 && (60..=125).contains(&before)),
                "{ages:?}"
            );
        }
    }

    #[test]
    fn one_from_before_the_clock_was_ahead_stays_for_an_hour_and_none_from_meanwhile_after_it() {
        let ahead = 50 * 60;
        let steady = || (0..=100).step_by(5);
        for minutes in (5..=60).step_by(5) {
            let meanwhile = (105..=100 + minutes).step_by(5).map(|minute| ahead + minute);
            let left = left(steady().chain(meanwhile));
            assert!(left.iter().any(|minute| *minute <= 100), "{minutes} minutes: {left:?}");
            assert!(left.len() <= 4, "{left:?}");
        }
        let meanwhile = (105..=130).step_by(5).map(|minute| ahead + minute);
        let after = (135..=140).step_by(5);
        assert_eq!(left(steady().chain(meanwhile).chain(after)), [140, 135, 100]);
    }
}
