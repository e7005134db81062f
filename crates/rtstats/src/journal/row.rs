//! A row of the log: the lines of one tenant in one commit, compressed, with a checksum over all of it.

use std::io;

use bytes::Bytes;
use rusqlite::{Connection, Row as SqlRow};
use stats::event::Millis;

use super::Position;
use crate::{database::schema::Checksum, tenants::TenantId};

/// Shorter lines are kept as they are: a frame's own bytes would eat the gain.
const RAW_BYTES_MAX: usize = 512;

/// The fastest level: it writes a fifth of the bytes at several hundred MB/s.
const LEVEL: i32 = 1;

const RAW: i64 = 0;
const ZSTD: i64 = 1;

/// Lines as they lie in the database.
pub(super) struct Packed {
    codec: i64,
    bytes: Bytes,
}

impl Packed {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Packs lines; it lives as long as the writer, for its buffers.
pub(super) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(super) fn new() -> io::Result<Packer> {
        zstd::bulk::Compressor::new(LEVEL).map(Packer)
    }

    pub(super) fn pack(&mut self, lines: Bytes) -> io::Result<Packed> {
        if lines.len() <= RAW_BYTES_MAX {
            return Ok(Packed { codec: RAW, bytes: lines });
        }
        let bytes = Bytes::from(self.0.compress(&lines)?);
        Ok(Packed { codec: ZSTD, bytes })
    }
}

/// Unpacks what a [`Packer`] packed.
pub(super) struct Unpacker {
    zstd: zstd::bulk::Decompressor<'static>,
    lines: Vec<u8>,
}

impl Unpacker {
    pub(super) fn new() -> io::Result<Unpacker> {
        Ok(Unpacker { zstd: zstd::bulk::Decompressor::new()?, lines: Vec::new() })
    }

    /// `bytes` have passed their checksum: their own word for their length can be trusted.
    pub(super) fn unpack<'a>(&'a mut self, codec: i64, bytes: &'a [u8]) -> io::Result<&'a [u8]> {
        match codec {
            RAW => Ok(bytes),
            ZSTD => {
                let length = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
                let length = length.ok_or_else(|| io::Error::other("no zstd frame"))?;
                self.lines.clear();
                self.lines.reserve(length as usize);
                self.zstd.decompress_to_buffer(bytes, &mut self.lines)?;
                Ok(&self.lines)
            }
            _ => Err(io::Error::other(format!("unknown codec {codec}"))),
        }
    }
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) tenant: TenantId,
    pub(super) first: Position,
    pub(super) events: u64,
    pub(super) received: Millis,
}

impl Place {
    pub(super) fn after(self) -> Position {
        Position(self.first.0 + self.events)
    }

    fn checksum(self, codec: i64, bytes: &[u8]) -> i64 {
        Checksum::default()
            .number(i64::from(self.tenant.0))
            .number(self.first.0 as i64)
            .number(self.events as i64)
            .number(self.received)
            .number(codec)
            .bytes(bytes)
            .value()
    }
}

/// Writes a row.
pub(super) fn insert(
    connection: &Connection,
    place: Place,
    packed: &Packed,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO log (tenant, first, events, received_ms, codec, checksum, lines)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let checksum = place.checksum(packed.codec, &packed.bytes);
    statement.execute((
        place.tenant.0,
        place.first.0 as i64,
        place.events as i64,
        place.received,
        packed.codec,
        checksum,
        &packed.bytes[..],
    ))?;
    Ok(())
}

/// The columns that [`checked`] reads, in its order.
pub(super) const COLUMNS: &str = "tenant, first, events, received_ms, codec, checksum, lines";

/// A row that is as it was written.
pub(super) struct Checked<'a> {
    pub(super) place: Place,
    pub(super) codec: i64,
    pub(super) bytes: &'a [u8],
}

/// Reads a row and checks it; the error says what is wrong with it.
pub(super) fn checked<'a>(row: &'a SqlRow<'_>) -> Result<Checked<'a>, String> {
    let read = || -> rusqlite::Result<(Place, i64, i64, &'a [u8])> {
        let first: i64 = row.get(1)?;
        let events: i64 = row.get(2)?;
        let place = Place {
            tenant: TenantId(row.get(0)?),
            first: Position(first as u64),
            events: events as u64,
            received: row.get(3)?,
        };
        let bytes = row.get_ref(6)?.as_blob()?;
        Ok((place, row.get(4)?, row.get(5)?, bytes))
    };
    let (place, codec, checksum, bytes) = read().map_err(|error| error.to_string())?;
    if place.checksum(codec, bytes) != checksum {
        let Place { tenant, first, .. } = place;
        return Err(format!(
            "the row of tenant {} at position {} fails its checksum",
            tenant.0, first.0
        ));
    }
    Ok(Checked { place, codec, bytes })
}

/// Where a tenant's log begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first position that retention has left.
    pub(super) first: Position,
    /// The position after the last event.
    pub(super) after: Position,
}

/// The extent of a tenant that is there.
pub(super) fn extent(
    connection: &Connection,
    tenant: TenantId,
) -> rusqlite::Result<Option<Extent>> {
    use rusqlite::OptionalExtension as _;
    let mut statement = connection.prepare_cached(
        "SELECT first, after FROM extent JOIN tenant ON tenant.id = extent.tenant WHERE extent.tenant = ?1",
    )?;
    let position = |row: &SqlRow<'_>, column| -> rusqlite::Result<Position> {
        row.get::<_, i64>(column).map(|value| Position(value as u64))
    };
    statement
        .query_row([tenant.0], |row| {
            Ok(Extent { first: position(row, 0)?, after: position(row, 1)? })
        })
        .optional()
}

/// Moves the end of a log on.
pub(super) fn set_after(
    connection: &Connection,
    tenant: TenantId,
    after: Position,
) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE extent SET after = ?2 WHERE tenant = ?1")?;
    statement.execute((tenant.0, after.0 as i64))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_stay_raw_and_long_ones_shrink() {
        let mut packer = Packer::new().unwrap();
        let mut unpacker = Unpacker::new().unwrap();
        for length in [0, 1, RAW_BYTES_MAX, RAW_BYTES_MAX + 1, 100_000] {
            let lines = Bytes::from(vec![b'e'; length]);
            let packed = packer.pack(lines.clone()).unwrap();
            assert_eq!(packed.codec == RAW, length <= RAW_BYTES_MAX);
            assert!(packed.len() <= length);
            assert_eq!(unpacker.unpack(packed.codec, &packed.bytes).unwrap(), &lines[..]);
        }
    }

    #[test]
    fn a_checksum_covers_the_place_of_a_row() {
        let place = Place {
            tenant: TenantId(1),
            first: Position(2),
            events: 3,
            received: 1_700_000_000_000,
        };
        let checksum = place.checksum(RAW, b"lines");
        assert_ne!(checksum, Place { tenant: TenantId(2), ..place }.checksum(RAW, b"lines"));
        assert_ne!(checksum, Place { first: Position(3), ..place }.checksum(RAW, b"lines"));
        assert_ne!(checksum, Place { events: 4, ..place }.checksum(RAW, b"lines"));
        assert_ne!(checksum, Place { received: 0, ..place }.checksum(RAW, b"lines"));
        assert_ne!(checksum, place.checksum(ZSTD, b"lines"));
        assert_ne!(checksum, place.checksum(RAW, b"linez"));
    }
}
