//! What was read, told to whoever started the import.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use stats::event::Millis;

use super::line::LineFault;

/// Skipped lines that are told one by one.
const FAULTS_LISTED_MAX: usize = 20;

/// Words of unknown kinds, interfaces and overlaps that are told.
const NAMES_LISTED_MAX: usize = 20;

/// Counts and remarks of an import.
#[derive(Debug, Default)]
pub struct Account {
    /// Lines read, the skipped ones too.
    pub lines: u64,
    /// Lines that an earlier import had read.
    pub known: u64,
    /// Lines of queues that the mapping leaves out.
    pub unlisted: u64,
    /// Lines whose time lies before that of the line above.
    pub backwards: u64,
    /// Lines of calls whose beginning lies before the log's.
    pub without_beginning: u64,
    /// Lines by their kind's word; what is unknown by `unknown`.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Lines of kinds that no Asterisk writes, by their word.
    pub unknown: BTreeMap<String, u64>,
    /// Interfaces of which nobody said which member they are.
    pub loose: BTreeMap<String, u64>,
    /// Events written.
    pub events: u64,
    /// Events before the earliest that was wanted, or behind the latest.
    pub unwanted: u64,
    faults: Vec<String>,
    skipped: u64,
    remarks: Vec<String>,
    span: Option<(Millis, Millis)>,
}

impl Account {
    /// A line was skipped.
    pub fn skip(&mut self, file: &str, number: u64, fault: &LineFault) {
        self.skipped += 1;
        if self.faults.len() < FAULTS_LISTED_MAX {
            self.faults.push(format!("{file}, line {number}: {fault}; skipped"));
        }
    }

    /// Lines skipped so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Something of a whole file.
    pub fn remark(&mut self, remark: String) {
        if self.remarks.len() < NAMES_LISTED_MAX {
            self.remarks.push(remark);
        }
    }

    /// A line of this time was read.
    pub fn see(&mut self, time: Millis) {
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
    }

    /// A line is of a kind that nobody knows.
    pub fn see_unknown(&mut self, word: &str) {
        count(&mut self.unknown, word);
    }

    /// An interface came up that may be any member.
    pub fn see_loose(&mut self, interface: &str) {
        count(&mut self.loose, interface);
    }

    /// The faults and remarks since this was last asked.
    pub fn take_told(&mut self) -> Vec<String> {
        let mut told = std::mem::take(&mut self.remarks);
        told.append(&mut self.faults);
        told
    }
}

/// Counts by name; once there are too many names, the rest as one.
fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    let known = counts.contains_key(name) || counts.len() < NAMES_LISTED_MAX;
    let shown = if known { name.chars().take(80).collect() } else { "others".to_owned() };
    *counts.entry(shown).or_default() += 1;
}

impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for told in self.remarks.iter().chain(&self.faults) {
            writeln!(out, "{told}")?;
        }
        if self.skipped > self.faults.len() as u64 {
            writeln!(out, "{} lines were skipped in all", self.skipped)?;
        }
        for (word, lines) in &self.unknown {
            writeln!(out, "{lines} lines of the unknown kind {word:?} tell nothing")?;
        }
        for (interface, lines) in &self.loose {
            writeln!(
                out,
                "{interface} ({lines} lines) may be any member: say which with \
                 --agent '{interface}=MEMBER NAME', else its lines tell nothing"
            )?;
        }
        let kinds = self.kinds.iter().map(|(kind, lines)| format!("{kind} {lines}"));
        writeln!(out, "{} lines: {}", self.lines, kinds.collect::<Vec<_>>().join(", "))?;
        for (lines, what) in [
            (self.known, "read by an earlier import already, left out"),
            (self.unlisted, "of queues that aren't listed, left out"),
            (self.backwards, "with a time before the line above, counted at that one's time"),
            (self.without_beginning, "of calls that began before the log does"),
        ] {
            if lines > 0 {
                writeln!(out, "{lines} lines {what}")?;
            }
        }
        let unwanted = match self.unwanted {
            0 => String::new(),
            events => format!("; {events} outside of the wanted time left out"),
        };
        writeln!(out, "{} events written{unwanted}", self.events)?;
        if let Some((first, last)) = self.span {
            writeln!(out, "from {} to {}", shown(first), shown(last))?;
        }
        Ok(())
    }
}

fn shown(time: Millis) -> String {
    Timestamp::from_millisecond(time).map_or_else(|_| time.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_faults_are_told_and_all_counted() {
        let mut account = Account::default();
        for number in 1..=30 {
            account.skip("queue_log", number, &LineFault::Torn);
        }
        let told = account.to_string();
        assert!(
            told.starts_with("queue_log, line 1: the file ends in the middle of it; skipped\n")
        );
        assert!(told.contains("line 20:") && !told.contains("line 21:"), "{told}");
        assert!(told.contains("30 lines were skipped in all"), "{told}");
    }

    #[test]
    fn many_unknown_kinds_are_told_as_one() {
        let mut account = Account::default();
        for number in 0..30 {
            account.see_unknown(&format!("KIND{number}"));
        }
        assert_eq!(account.unknown.len(), NAMES_LISTED_MAX + 1);
        assert_eq!(account.unknown["others"], 10);
    }
}
