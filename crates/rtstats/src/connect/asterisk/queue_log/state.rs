//! What an import keeps, so that the next one goes on where it broke off, each event exactly once.
//!
//! The file is written *before* the events behind it are sent, and holds them: whatever happens, the next import
//! sends them again with the same numbers, and the server counts them once.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use stats::event::{Kind, Millis};
use xxhash_rust::xxh3::xxh3_64;

use super::{history::Known, line::LogLine, order::Reached};
use crate::connect::{asterisk::pbx::Told, names::Names};

/// Raised when the file's shape or meaning changes.
const VERSION: u32 = 1;

/// Everything between two imports.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// The PBX's name.
    pub pbx: String,
    /// Numbers and ids.
    pub names: Names,
    /// What the lines have told.
    pub known: Known,
    /// The last event that was sent.
    pub reached: Reached,
    /// Wrap-ups that run.
    wrap_ups: Vec<WrapUp>,
    /// The lines that were read.
    pub read: Read,
    /// Where the followed file stands.
    pub place: Option<Place>,
    /// The last batch, which the server may not have.
    pub unsent: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrapUp {
    until: Millis,
    transaction: String,
    agent: String,
}

/// How far lines were read: all before a time, and those of that time that are named by their hash.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Read {
    time: Millis,
    hashes: Vec<u64>,
}

/// A place in a file that may be renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file's number in its file system.
    pub inode: u64,
    /// Bytes read.
    pub offset: u64,
    /// The first of them, by which the file is known again.
    pub head: String,
}

impl State {
    /// Nothing read yet.
    pub fn fresh(pbx: &str) -> State {
        State { pbx: pbx.to_owned(), ..State::default() }
    }

    /// The state in this file; a fresh one if it isn't there yet.
    pub fn load(path: &Path, pbx: &str) -> anyhow::Result<State> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(State::fresh(pbx));
            }
            read => read.with_context(|| format!("can't read {}", path.display()))?,
        };
        let state: State = serde_json::from_slice(&bytes).with_context(|| {
            format!(
                "{} is no state of an import: put a backup in its place, or give another --state",
                path.display()
            )
        })?;
        if state.version != VERSION {
            bail!("{} is of another version of rtstats", path.display());
        }
        if state.pbx != pbx {
            bail!(
                "{} is the state of the PBX {}, not of {pbx}: give another --state or --name",
                path.display(),
                state.pbx
            );
        }
        Ok(state)
    }

    /// Writes the state in the file's place; on disk when this returns.
    pub fn store(&mut self, path: &Path) -> anyhow::Result<()> {
        self.version = VERSION;
        let bytes = serde_json::to_vec(self).context("the state can't be written as JSON")?;
        put(path, &bytes).with_context(|| format!("can't write {}", path.display()))
    }

    /// The events that are still to come.
    pub fn held(&mut self) -> impl Iterator<Item = Told> {
        self.wrap_ups.drain(..).map(|WrapUp { until, transaction, agent }| Told {
            time: until,
            certain: None,
            kind: Kind::TransactionCompleted {
                transaction: transaction.into(),
                agent: agent.into(),
            },
        })
    }

    /// Keeps the events that are still to come.
    pub fn hold(&mut self, held: Vec<Told>) {
        let wrap_up = |Told { time, kind, .. }| match kind {
            Kind::TransactionCompleted { transaction, agent } => WrapUp {
                until: time,
                transaction: transaction.into_owned(),
                agent: agent.into_owned(),
            },
            kind => unreachable!("only wrap-ups reach beyond the line that tells them: {kind:?}"),
        };
        self.wrap_ups = held.into_iter().map(wrap_up).collect();
    }
}

/// Puts a file in its place whole: after a crash the old one or the new one is there.
pub fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(folder)?.sync_all()
}

impl Read {
    /// Whether an import before has read this line: each line of the last second is taken off once.
    pub fn has(&mut self, line: &LogLine<'_>, bytes: &[u8]) -> bool {
        if line.time != self.time {
            return line.time < self.time;
        }
        let hash = xxh3_64(bytes);
        let place = self.hashes.iter().position(|known| *known == hash);
        place.map(|place| self.hashes.swap_remove(place)).is_some()
    }

    /// A line was read.
    pub fn add(&mut self, line: &LogLine<'_>, bytes: &[u8]) {
        if line.time > self.time {
            self.time = line.time;
            self.hashes.clear();
        }
        self.hashes.push(xxh3_64(bytes));
    }

    /// The time of the last line.
    pub fn time(&self) -> Millis {
        self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::asterisk::queue_log::time::LogClock;

    fn has(read: &mut Read, line: &str) -> bool {
        let parsed = LogLine::read(line.as_bytes(), &mut LogClock::default()).unwrap();
        read.has(&parsed, line.as_bytes())
    }

    #[test]
    fn a_line_that_was_read_is_known_once() {
        let mut read = Read::default();
        for line in ["1|a|s|NONE|DID|", "2|a|s|NONE|DID|", "2|b|s|NONE|DID|", "2|b|s|NONE|DID|"] {
            let parsed = LogLine::read(line.as_bytes(), &mut LogClock::default()).unwrap();
            read.add(&parsed, line.as_bytes());
        }
        assert!(has(&mut read, "1|x|s|NONE|DID|"));
        let again = ["2|b|s|NONE|DID|", "2|a|s|NONE|DID|", "2|b|s|NONE|DID|", "2|b|s|NONE|DID|"];
        assert_eq!(again.map(|line| has(&mut read, line)), [true, true, true, false]);
        assert!(!has(&mut read, "3|a|s|NONE|DID|"));
    }

    #[test]
    fn a_state_is_kept_for_its_pbx() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let mut state = State::load(&path, "main").unwrap();
        let (transaction, agent) = ("main:1".into(), "ann".into());
        let told = Told {
            time: 9,
            certain: None,
            kind: Kind::TransactionCompleted { transaction, agent },
        };
        state.hold(vec![told.clone()]);
        state.store(&path).unwrap();
        let mut kept = State::load(&path, "main").unwrap();
        assert_eq!(kept.held().collect::<Vec<_>>(), [told]);
        let told = State::load(&path, "other").unwrap_err().to_string();
        assert!(told.contains("the state of the PBX main, not of other"), "{told}");
        fs::write(&path, "{}").unwrap();
        let told = State::load(&path, "main").unwrap_err().to_string();
        assert!(told.contains("is no state of an import"), "{told}");
    }
}
