//! The files of a queue_log, in any order, packed or not: their lines in the order of time.
//!
//! A file is opened when its first line's turn comes, and one line of each open file is held. So memory doesn't grow
//! with the files, and rotated ones are open one at a time.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::Context;
use flate2::bufread::MultiGzDecoder;
use jiff::tz::TimeZone;
use stats::event::Millis;

use super::{
    account::Account,
    line::{LineFault, LogLine},
    time::LogClock,
};

/// The longest line that is read: far more than Asterisk writes, so that a file of something else costs no memory.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// Bytes read from a file at a time.
const BUFFER_BYTES: usize = 128 << 10;

/// The lines of several files.
pub struct Merge {
    zone: Option<TimeZone>,
    /// Files that aren't open yet, the next one last.
    later: Vec<(Millis, PathBuf)>,
    open: Vec<Cursor>,
    /// Which of the open files has the line.
    current: Option<usize>,
}

/// One open file, at one of its good lines.
struct Cursor {
    name: String,
    input: Box<dyn BufRead>,
    clock: LogClock,
    line: Vec<u8>,
    number: u64,
    time: Millis,
}

impl Merge {
    /// Looks into each file; `-` is standard input.
    pub fn open(
        paths: &[PathBuf],
        zone: Option<&TimeZone>,
        account: &mut Account,
    ) -> anyhow::Result<Merge> {
        let mut merge =
            Merge { zone: zone.cloned(), later: Vec::new(), open: Vec::new(), current: None };
        for path in paths {
            let mut cursor = Cursor::open(path, zone)?;
            if path.as_os_str() == "-" {
                if cursor.advance(account) {
                    merge.open.push(cursor);
                }
            } else if cursor.advance(&mut Account::default()) {
                merge.later.push((cursor.time, path.clone()));
            } else {
                // Nothing but faults, which are told in their place.
                merge.later.push((Millis::MIN, path.clone()));
            }
        }
        // At equal times the one given first comes first.
        merge.later.sort_by_key(|(time, _)| *time);
        merge.later.reverse();
        Ok(merge)
    }

    /// Goes to the next line. False: there is none.
    pub fn advance(&mut self, account: &mut Account) -> anyhow::Result<bool> {
        if let Some(current) = self.current.take()
            && !self.open[current].advance(account)
        {
            self.open.remove(current);
        }
        loop {
            let earliest = self.open.iter().enumerate().min_by_key(|(_, cursor)| cursor.time);
            let earliest = earliest.map(|(index, cursor)| (index, cursor.time));
            match (earliest, self.later.last()) {
                (Some((index, time)), later) if later.is_none_or(|(first, _)| time <= *first) => {
                    self.current = Some(index);
                    return Ok(true);
                }
                (_, None) => return Ok(false),
                (_, Some(_)) => self.open_next(account)?,
            }
        }
    }

    fn open_next(&mut self, account: &mut Account) -> anyhow::Result<()> {
        let Some((first, path)) = self.later.pop() else { return Ok(()) };
        let mut cursor = Cursor::open(&path, self.zone.as_ref())?;
        if cursor.advance(account) {
            if first > Millis::MIN
                && let Some(other) = self.open.first()
            {
                account.remark(format!(
                    "{} begins before {} ends: lines that both hold count twice",
                    cursor.name, other.name
                ));
            }
            self.open.push(cursor);
        }
        Ok(())
    }

    /// The line that `advance` went to, and its bytes.
    pub fn line(&self) -> Option<(LogLine<'_>, &[u8])> {
        let cursor = self.open.get(self.current?)?;
        // It was read when the cursor came to it.
        Some((LogLine::read_at(&cursor.line, cursor.time).ok()?, &cursor.line))
    }
}

impl Cursor {
    fn open(path: &Path, zone: Option<&TimeZone>) -> anyhow::Result<Cursor> {
        let name = path.display().to_string();
        let input: Box<dyn Read> = if name == "-" {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path).with_context(|| format!("can't read {name}"))?)
        };
        let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
        let head = input.fill_buf().with_context(|| format!("can't read {name}"))?;
        let input: Box<dyn BufRead> = if head.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(input)))
        } else {
            Box::new(input)
        };
        let (clock, time) = (LogClock::new(zone.cloned()), Millis::MIN);
        Ok(Cursor { name, input, clock, line: Vec::new(), number: 0, time })
    }

    /// Goes to the next good line; tells the faults before it. False: there is none.
    fn advance(&mut self, account: &mut Account) -> bool {
        loop {
            self.line.clear();
            let end = match read_line(&mut self.input, &mut self.line) {
                Ok(end) => end,
                Err(error) => {
                    account.remark(format!(
                        "{}: can't be read beyond line {}: {error}",
                        self.name, self.number
                    ));
                    return false;
                }
            };
            let read = match end {
                End::None if self.line.is_empty() => return false,
                End::None => Err(LineFault::Torn),
                End::Long => Err(LineFault::Long),
                End::Line => LogLine::read(&self.line, &mut self.clock).map(|line| line.time),
            };
            self.number += 1;
            account.lines += 1;
            match read {
                Ok(time) => {
                    account.backwards += u64::from(time < self.time);
                    self.time = self.time.max(time);
                    return true;
                }
                Err(fault) => account.skip(&self.name, self.number, &fault),
            }
        }
    }
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With its line feed.
    Line,
    /// The input ended first.
    None,
    /// It has more than `LINE_BYTES_MAX`: the rest was passed over.
    Long,
}

/// Appends the rest of a line.
pub fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<End> {
    let mut long = false;
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            return Ok(if long { End::Long } else { End::None });
        }
        let end = memchr::memchr(b'\n', chunk);
        let used = end.map_or(chunk.len(), |end| end + 1);
        long |= line.len() + used > LINE_BYTES_MAX;
        if !long {
            line.extend_from_slice(&chunk[..used]);
        }
        input.consume(used);
        if end.is_some() {
            return Ok(if long { End::Long } else { End::Line });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The call ids of all lines, in order.
    fn merged(files: &[(&str, &[u8])]) -> (Vec<String>, Account) {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = files.iter().map(|(name, _)| folder.path().join(name)).collect();
        for (path, (_, bytes)) in paths.iter().zip(files) {
            std::fs::write(path, bytes).unwrap();
        }
        let mut account = Account::default();
        let mut merge = Merge::open(&paths, None, &mut account).unwrap();
        let mut calls = Vec::new();
        while merge.advance(&mut account).unwrap() {
            calls.push(merge.line().unwrap().0.call.to_owned());
        }
        (calls, account)
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    const NEW: &[u8] = b"20|c|sales|NONE|ENTERQUEUE||\n30|d|sales|NONE|ENTERQUEUE||\n";
    const OLD: &[u8] = b"10|a|sales|NONE|ENTERQUEUE||\n20|b|sales|NONE|ENTERQUEUE||\n";

    #[test]
    fn files_in_any_order_and_packed_give_lines_in_order() {
        let (calls, account) = merged(&[("queue_log", NEW), ("queue_log.1", &packed(OLD))]);
        assert_eq!(calls, ["a", "b", "c", "d"]);
        assert_eq!((account.lines, account.skipped()), (4, 0));
    }

    #[test]
    fn files_that_overlap_are_told() {
        let (calls, mut account) =
            merged(&[("one", OLD), ("two", b"15|x|sales|NONE|ENTERQUEUE||\n")]);
        assert_eq!(calls, ["a", "x", "b"]);
        let told = account.take_told().join("\n");
        assert!(told.contains("two begins before") && told.contains("one ends"), "{told}");
    }

    #[test]
    fn damage_is_told_by_file_and_line() {
        let long = vec![b'x'; 3 * LINE_BYTES_MAX];
        let bytes = [b"junk\n", OLD, &long, b"\n", NEW, b"30|torn|sal"].concat();
        let (calls, mut account) = merged(&[("queue_log", &bytes)]);
        assert_eq!(calls, ["a", "b", "c", "d"]);
        let told = account.take_told();
        let ends = [
            "queue_log, line 1: it has 1 of at least 5 fields; skipped",
            "queue_log, line 4: it is longer than 64 KiB; skipped",
            "queue_log, line 7: the file ends in the middle of it; skipped",
        ];
        assert_eq!(told.len(), ends.len(), "{told:?}");
        assert!(told.iter().zip(ends).all(|(told, end)| told.ends_with(end)), "{told:?}");
    }

    #[test]
    fn a_cut_off_packed_file_gives_what_it_holds() {
        let whole = packed(&OLD.repeat(10_000));
        let (calls, mut account) = merged(&[("q.gz", &whole[..whole.len() - 30])]);
        assert!(calls.len() > 1_000 && calls.len() <= 20_000, "{}", calls.len());
        assert!(account.take_told().join("\n").contains("can't be read beyond line"));
    }

    #[test]
    fn time_that_steps_back_stands_still() {
        let (calls, account) =
            merged(&[("q", b"20|a|s|NONE|DID|\n19|b|s|NONE|DID|\n21|c|s|NONE|DID|\n")]);
        assert_eq!((calls.len(), account.backwards), (3, 1));
    }
}
