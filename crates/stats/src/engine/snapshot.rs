//! An engine's state as bytes: a snapshot plus the rest of the log equals the whole log.
//!
//! Magic, version and checksum come first, so that damage and other versions are refused before anything is read.

use serde::{Deserialize, Serialize};

use super::{Account, Engine, SlaTarget, fold::Fold};
use crate::{event::Millis, zone::Zone};

const MAGIC: [u8; 4] = *b"RTSE";
/// Raised whenever the state's shape or meaning changes: an older snapshot is then replaced by a replay.
const VERSION: u16 = 4;
const HEADER_LEN: usize = 10;

/// Why bytes are no snapshot that can be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// Not the beginning of a snapshot.
    #[error("these bytes are no engine snapshot")]
    Foreign,
    /// Made by another version.
    #[error(
        "the snapshot has version {0}, this program reads version {VERSION}: replay the log instead"
    )]
    Version(u16),
    /// The checksum or the shape does not hold.
    #[error("the snapshot is damaged: {0}")]
    Damaged(String),
}

#[derive(Serialize)]
struct Written<'a> {
    zone: &'a str,
    counted: Option<Millis>,
    horizon: Option<Millis>,
    account: &'a Account,
    fold: &'a Fold,
    parked: &'a Option<Box<Fold>>,
}

#[derive(Deserialize)]
struct Read {
    zone: String,
    counted: Option<Millis>,
    horizon: Option<Millis>,
    account: Account,
    fold: Fold,
    parked: Option<Box<Fold>>,
}

impl Engine {
    /// The state as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let written = Written {
            zone: self.zone.name(),
            counted: self.counted,
            horizon: self.horizon,
            account: &self.account,
            fold: &self.fold,
            parked: &self.parked,
        };
        let mut bytes = Vec::with_capacity(4_096);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        let mut bytes = postcard::to_extend(&written, bytes)
            .expect("writing to memory fails for no state that the engine can have");
        let checksum = crc32fast::hash(&bytes[HEADER_LEN..]);
        bytes[6..HEADER_LEN].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The engine whose snapshot this is.
    pub fn restore(bytes: &[u8]) -> Result<Engine, SnapshotError> {
        let damaged = |why: &dyn ToString| SnapshotError::Damaged(why.to_string());
        let Some((header, state)) = bytes.split_first_chunk::<HEADER_LEN>() else {
            return Err(SnapshotError::Foreign);
        };
        if header[..4] != MAGIC {
            return Err(SnapshotError::Foreign);
        }
        let version = u16::from_le_bytes([header[4], header[5]]);
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let checksum = u32::from_le_bytes([header[6], header[7], header[8], header[9]]);
        if crc32fast::hash(state) != checksum {
            return Err(damaged(&"its checksum does not hold"));
        }
        let read: Read = postcard::from_bytes(state).map_err(|error| damaged(&error))?;
        let mut fold = read.fold;
        fold.reindex();
        let parked = read.parked.map(|mut parked| {
            parked.reindex();
            parked
        });
        Ok(Engine {
            zone: Zone::named(&read.zone).map_err(|error| damaged(&error))?,
            sla_target: SlaTarget::Hours,
            counted: read.counted,
            horizon: read.horizon,
            account: read.account,
            fold,
            parked,
        })
    }
}
