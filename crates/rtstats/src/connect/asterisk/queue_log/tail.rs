//! A queue_log that is written while it is read: new lines as they come, over rotation by renaming and by truncating.

use std::{
    fs::{self, File},
    io::{self, BufReader, Seek, SeekFrom},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use anyhow::Context;
use jiff::tz::TimeZone;
use stats::event::Millis;

use super::{
    account::Account,
    files::{End, read_line},
    line::{LineFault, LogLine},
    state::Place,
    time::LogClock,
};

/// So many of a file's first bytes tell whether it is still the same: its first line's time and call.
const HEAD_BYTES: usize = 64;

/// The followed file.
pub struct Tail {
    path: PathBuf,
    input: BufReader<File>,
    inode: u64,
    head: Vec<u8>,
    /// The line that is being read: without its end as long as that isn't written.
    line: Vec<u8>,
    is_whole: bool,
    clock: LogClock,
    time: Millis,
    /// It goes on at a place: whatever it reads is new, also if the PBX's clock was set back.
    pub is_resumed: bool,
    number: u64,
    /// The path names another file: this one is read to its end once more, then the other one.
    turning: bool,
}

impl Tail {
    /// Opens the file at its place, also if it was renamed since; else at its beginning. `last` is the time of the last line
    /// that was read before.
    pub fn open(
        path: &Path,
        zone: Option<&TimeZone>,
        place: Option<&Place>,
        last: Millis,
        account: &mut Account,
    ) -> anyhow::Result<Tail> {
        let found = place.map(|place| (place, find(path, place)));
        let is_resumed = matches!(found, Some((_, Some(_))));
        let last = if is_resumed { last } else { 0 };
        let (file, offset) = match found {
            Some((place, Some(file))) => (file, place.offset),
            found => {
                if found.is_some() {
                    account.remark(format!(
                        "the file that was followed is neither {} nor beside it: lines between its \
                         end and this one may be missing",
                        path.display()
                    ));
                }
                (File::open(path).with_context(|| format!("can't read {}", path.display()))?, 0)
            }
        };
        let mut tail = Tail {
            path: path.to_owned(),
            inode: file.metadata().with_context(|| format!("can't read {}", path.display()))?.ino(),
            input: BufReader::new(file),
            head: Vec::new(),
            line: Vec::new(),
            is_whole: false,
            clock: LogClock::behind(zone.cloned(), last),
            time: last,
            is_resumed,
            number: 0,
            turning: false,
        };
        tail.input.seek(SeekFrom::Start(offset))?;
        Ok(tail)
    }

    /// Goes to the next good line. False: there is none yet.
    pub fn advance(&mut self, account: &mut Account) -> anyhow::Result<bool> {
        loop {
            if std::mem::take(&mut self.is_whole) {
                self.line.clear();
            }
            let end = read_line(&mut self.input, &mut self.line);
            let end = end.with_context(|| format!("can't read {}", self.path.display()))?;
            let read = match end {
                End::None => {
                    if self.turn(account)? {
                        continue;
                    }
                    return Ok(false);
                }
                End::Long => Err(LineFault::Long),
                End::Line => LogLine::read(&self.line, &mut self.clock).map(|line| line.time),
            };
            self.is_whole = true;
            self.number += 1;
            account.lines += 1;
            match read {
                Ok(time) => {
                    account.backwards += u64::from(time < self.time);
                    self.time = self.time.max(time);
                    return Ok(true);
                }
                Err(fault) => account.skip(&self.name(), self.number, &fault),
            }
        }
    }

    /// The line that `advance` went to, and its bytes.
    pub fn line(&self) -> Option<(LogLine<'_>, &[u8])> {
        Some((LogLine::read_at(&self.line, self.time).ok()?, &self.line))
    }

    /// Where reading stands, behind the last whole line.
    pub fn place(&mut self) -> io::Result<Place> {
        let torn = if self.is_whole { 0 } else { self.line.len() as u64 };
        let offset = self.input.stream_position()? - torn;
        let mut head = self.head()?;
        head.truncate(offset.min(HEAD_BYTES as u64) as usize);
        let head = String::from_utf8_lossy(&head).into_owned();
        Ok(Place { inode: self.inode, offset, head })
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn head(&self) -> io::Result<Vec<u8>> {
        head_of(self.input.get_ref())
    }

    /// At the end of what is written: goes to the file's successor, if there is one. True: there may be more.
    fn turn(&mut self, account: &mut Account) -> anyhow::Result<bool> {
        let now = match fs::metadata(&self.path) {
            // Between renaming and making the new file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            now => now.with_context(|| format!("can't read {}", self.path.display()))?,
        };
        if now.ino() == self.inode {
            let head = self.head()?;
            let is_same =
                head.starts_with(&self.head) && now.len() >= self.input.stream_position()?;
            if is_same {
                self.head = head;
                return Ok(false);
            }
        } else if !std::mem::replace(&mut self.turning, true) {
            // What was written to it until it was renamed.
            return Ok(true);
        }
        if !self.line.is_empty() {
            account.skip(&self.name(), self.number + 1, &LineFault::Torn);
        }
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file.with_context(|| format!("can't read {}", self.path.display()))?,
        };
        self.inode = file.metadata()?.ino();
        self.input = BufReader::new(file);
        (self.number, self.turning, self.head) = (0, false, Vec::new());
        self.line.clear();
        Ok(true)
    }
}

fn head_of(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD_BYTES];
    let mut len = 0;
    while len < HEAD_BYTES {
        match file.read_at(&mut head[len..], len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(len);
    Ok(head)
}

/// The file of a place: under its path, or beside it under another name.
fn find(path: &Path, place: &Place) -> Option<File> {
    let name = path.file_name()?.as_encoded_bytes();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let beside = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?.filter_map(Result::ok);
    let renamed = beside
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(name))
        .map(|entry| entry.path());
    let mut candidates = std::iter::once(path.to_owned()).chain(renamed);
    candidates.find_map(|candidate| {
        let file = File::open(candidate).ok()?;
        let about = file.metadata().ok()?;
        let is_it = about.ino() == place.inode && about.len() >= place.offset;
        let head = head_of(&file).ok()?;
        (is_it && String::from_utf8_lossy(&head).starts_with(&place.head)).then_some(file)
    })
}
