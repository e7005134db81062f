//! Whether a write-ahead log ends where SQLite says that it does.
//!
//! SQLite takes the first page of the log that is not as it was written for the torn end of what a crash cut off, and that is
//! nearly always what it is. But whole commits behind it mean that it is not: then the disk has damaged the log, and commits
//! that were acknowledged can't be read any more. Nothing can bring them back; it is to be told.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use rusqlite::Connection;

/// Bytes of the log's own header, and of the one before each page.
const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// A crash leaves the remains of one commit at most, unless the power went while snapshots were being written.
const REMAINS_MAX: usize = 1;

/// Tells of a log that was damaged. To be called after SQLite has found the log's end and before anything is written.
pub(crate) fn tell_damage(connection: &Connection, database: &Path) {
    let path = super::log_of(database);
    let commits = frames(connection).map_err(io::Error::other);
    match commits.and_then(|frames| commits_behind(&mut File::open(&path)?, frames)) {
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
fn frames(connection: &Connection) -> rusqlite::Result<u64> {
    let frames: i64 = connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1))?;
    Ok(u64::try_from(frames).unwrap_or(0))
}

/// Commits of the log's present turn that lie behind so many pages. Pages themselves are not read: a log that could not be
/// carried over for a while may be larger than memory.
fn commits_behind(log: &mut (impl Read + Seek), frames: u64) -> io::Result<usize> {
    let bytes = log.seek(SeekFrom::End(0))?;
    if bytes < HEADER_BYTES as u64 {
        return Ok(0);
    }
    log.seek(SeekFrom::Start(0))?;
    let mut header = [0; HEADER_BYTES];
    log.read_exact(&mut header)?;
    let page_bytes = u64::from(number(&header[8..]));
    if page_bytes == 0 {
        return Ok(0);
    }
    let frame_bytes = FRAME_HEADER_BYTES as u64 + page_bytes;
    let whole = (bytes - HEADER_BYTES as u64) / frame_bytes;
    let mut commits = 0;
    for at in frames..whole {
        log.seek(SeekFrom::Start(HEADER_BYTES as u64 + at * frame_bytes))?;
        let mut frame = [0; FRAME_HEADER_BYTES];
        log.read_exact(&mut frame)?;
        // Each page says which turn it is of, and the last one of a commit says so.
        commits += usize::from(frame[8..16] == header[16..24] && number(&frame[4..]) != 0);
    }
    Ok(commits)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A log that counts what is read of it.
    struct Counted(Cursor<Vec<u8>>, usize);

    impl Read for Counted {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(bytes)?;
            self.1 += read;
            Ok(read)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    fn log(commits: &[(u32, &[u8; 8])]) -> Counted {
        let mut log = vec![0; HEADER_BYTES];
        log[8..12].copy_from_slice(&512_u32.to_be_bytes());
        log[16..24].copy_from_slice(b"thisturn");
        for (commit, turn) in commits {
            let mut frame = [0; FRAME_HEADER_BYTES + 512];
            frame[4..8].copy_from_slice(&commit.to_be_bytes());
            frame[8..16].copy_from_slice(*turn);
            log.extend(frame);
        }
        Counted(Cursor::new(log), 0)
    }

    #[test]
    fn commits_count_that_are_of_the_present_turn_and_behind_the_end() {
        let mut log =
            log(&[(9, b"thisturn"), (0, b"thisturn"), (9, b"thisturn"), (9, b"lastturn")]);
        let behind = [0, 1, 2, 3, 4, 5].map(|frames| commits_behind(&mut log, frames).unwrap());
        assert_eq!(behind, [2, 1, 1, 0, 0, 0]);
        let bytes = log.0.into_inner();
        let of = |bytes: &[u8]| commits_behind(&mut Cursor::new(bytes), 0).unwrap();
        assert_eq!(
            of(&bytes[..bytes.len() - 536 - 1]),
            1,
            "a page that is cut off counts for nothing"
        );
        assert_eq!(of(&bytes[..20]), 0);
        assert_eq!(of(&[0; 100]), 0);
    }

    #[test]
    fn little_is_read_of_a_large_log() {
        let mut log = log(&[(9, b"thisturn"); 1_000]);
        assert_eq!(commits_behind(&mut log, 990).unwrap(), 10);
        assert_eq!(log.1, HEADER_BYTES + 10 * FRAME_HEADER_BYTES);
    }
}
