//! Whether a write-ahead log ends where SQLite says that it does.
//!
//! SQLite takes the first page of the log that is not as it was written for the torn end of what a crash cut off, and that is
//! nearly always what it is. But whole commits behind it mean that it is not: then the disk has damaged the log, and commits
//! that were acknowledged can't be read any more. Nothing can bring them back; it is to be told.

use std::{fs, io, path::Path};

use rusqlite::Connection;

/// Bytes of the log's own header, and of the one before each page.
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A crash leaves the remains of one commit at most, unless the power went while snapshots were being written.
const REMAINS_MAX: usize = 1;

/// Tells of a log that was damaged. To be called after SQLite has found the log's end and before anything is written.
pub(crate) fn tell_damage(connection: &Connection, database: &Path) {
    let path = super::log_of(database);
    let commits = frames(connection).map_err(io::Error::other);
    match commits.and_then(|frames| Ok(commits_behind(&fs::read(&path)?, frames))) {
        Ok(commits) if commits > REMAINS_MAX => tracing::error!(
            path = %path.display(),
            commits,
            "the write-ahead log is damaged: commits behind the damage can't be read, and events that were acknowledged \
             may be gone. Check the disk; senders that ask for their last number (GET /api/rtstats/state) send them again"
        ),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the log's end can't be looked at");
        }
    }
}

/// Pages in the log, as SQLite has found them.
fn frames(connection: &Connection) -> rusqlite::Result<usize> {
    let frames: i64 = connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1))?;
    Ok(usize::try_from(frames).unwrap_or(0))
}

/// Commits of the log's present turn that lie behind so many pages.
fn commits_behind(log: &[u8], frames: usize) -> usize {
    let Some(header) = log.get(..HEADER) else { return 0 };
    let page = number(&header[8..]) as usize;
    if page == 0 {
        return 0;
    }
    let frame_bytes = FRAME_HEADER + page;
    let behind = log.get(HEADER + frames * frame_bytes..).unwrap_or_default();
    // Each page says which turn it is of, and the last one of a commit says so.
    let of_this_turn = |frame: &&[u8]| frame[8..16] == header[16..24] && number(&frame[4..]) != 0;
    behind.chunks_exact(frame_bytes).filter(of_this_turn).count()
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_count_that_are_of_the_present_turn_and_behind_the_end() {
        let mut log = vec![0; HEADER];
        log[8..12].copy_from_slice(&512_u32.to_be_bytes());
        log[16..24].copy_from_slice(b"thisturn");
        for (commit, turn) in
            [(9, b"thisturn"), (0, b"thisturn"), (9, b"thisturn"), (9, b"lastturn")]
        {
            let mut frame = [0; FRAME_HEADER + 512];
            frame[4..8].copy_from_slice(&u32::to_be_bytes(commit));
            frame[8..16].copy_from_slice(turn);
            log.extend(frame);
        }
        let behind = [0, 1, 2, 3, 4, 5].map(|frames| commits_behind(&log, frames));
        assert_eq!(behind, [2, 1, 1, 0, 0, 0]);
        assert_eq!(commits_behind(&log[..20], 0), 0);
        assert_eq!(commits_behind(&[0; 100], 0), 0);
    }
}
