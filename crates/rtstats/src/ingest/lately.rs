//! What senders got wrong lately: the last ignored events and malformed lines of each tenant, for people who look for
//! the reason. It lives in memory, is bounded, and costs nothing while nothing is wrong.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use stats::{event::Millis, parse::LineError};

use crate::{clock, shard::Applied, tenants::TenantId};

/// Troubles of one tenant that are kept, and those of one batch that are looked at.
const LEN_MAX: usize = 50;
const OF_BATCH_MAX: usize = 10;

/// Characters of a line that are kept.
const LINE_CHARS_MAX: usize = 300;

/// One line that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// When it came.
    pub time_ms: Millis,
    /// Why: a word for an ignored event, a sentence for a malformed line.
    pub why: String,
    /// Whether its whole batch was refused for it.
    pub refused: bool,
    /// The line, cut short.
    pub line: String,
}

/// The last troubles of each tenant.
#[derive(Debug, Default)]
pub struct Lately(Mutex<HashMap<TenantId, VecDeque<Trouble>>>);

impl Lately {
    /// A tenant's, latest first.
    pub fn of(&self, tenant: TenantId) -> Vec<Trouble> {
        let rings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rings.get(&tenant).map(|ring| ring.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// Forgets tenants that are not among these: their numbers never come again.
    pub fn keep(&self, tenants: &HashSet<TenantId>) {
        let mut rings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rings.retain(|tenant, _| tenants.contains(tenant));
    }

    pub(super) fn ignored(&self, tenant: TenantId, lines: &Bytes, applied: &Applied) {
        let first = applied.ignored.len().saturating_sub(OF_BATCH_MAX);
        let troubles = applied.ignored[first..].iter();
        self.add(
            tenant,
            lines,
            false,
            troubles.map(|(number, reason)| (*number, reason.word().to_owned())),
        );
    }

    pub(super) fn malformed(&self, tenant: TenantId, lines: &Bytes, errors: &[LineError]) {
        let errors = errors.iter().take(OF_BATCH_MAX).map(|of_line| {
            let (field, message) = (&of_line.error.field, &of_line.error.message);
            let why =
                if field.is_empty() { message.clone() } else { format!("{field}: {message}") };
            (of_line.line, why)
        });
        self.add(tenant, lines, true, errors);
    }

    /// The numbers of lines begin at 1 and rise.
    fn add(
        &self,
        tenant: TenantId,
        lines: &Bytes,
        refused: bool,
        troubles: impl Iterator<Item = (u32, String)>,
    ) {
        let time_ms = clock::now();
        let mut rest = lines.split(|byte| *byte == b'\n').zip(1_u32..);
        let troubles: Vec<Trouble> = troubles
            .map(|(wanted, why)| {
                let line = rest.find(|(_, number)| *number == wanted);
                let line = line.map(|(line, _)| excerpt(line)).unwrap_or_default();
                Trouble { time_ms, why, refused, line }
            })
            .collect();
        if troubles.is_empty() {
            return;
        }
        let mut rings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings.entry(tenant).or_default();
        ring.extend(troubles);
        let over = ring.len().saturating_sub(LEN_MAX);
        ring.drain(..over);
    }
}

fn excerpt(line: &[u8]) -> String {
    let head = &line[..line.len().min(4 * LINE_CHARS_MAX)];
    let text = String::from_utf8_lossy(head);
    let mut short: String = text.trim().chars().take(LINE_CHARS_MAX).collect();
    if short.len() < line.trim_ascii().len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use stats::engine::Reason;

    use super::*;

    #[test]
    fn the_last_troubles_are_kept_with_their_lines() {
        let lately = Lately::default();
        let lines = Bytes::from_static(b"first\n\nthird \r\nfourth");
        let ignored = vec![(1, Reason::UnknownAgent), (4, Reason::UnknownQueue)];
        let applied = Applied { accepted: 3, duplicates: 0, ignored };
        lately.ignored(TenantId(1), &lines, &applied);
        let told = lately.of(TenantId(1));
        let told: Vec<_> = told.iter().map(|one| (&*one.why, &*one.line)).collect();
        assert_eq!(told, [("unknown-queue", "fourth"), ("unknown-agent", "first")]);
        assert_eq!(lately.of(TenantId(2)), []);
        for _ in 0..LEN_MAX {
            lately.ignored(TenantId(1), &lines, &applied);
        }
        assert_eq!(lately.of(TenantId(1)).len(), LEN_MAX);
    }

    #[test]
    fn tenants_that_were_removed_are_forgotten() {
        let lately = Lately::default();
        let ignored = vec![(1, Reason::UnknownAgent)];
        let applied = Applied { accepted: 0, duplicates: 0, ignored };
        for tenant in [1, 2] {
            lately.ignored(TenantId(tenant), &Bytes::from_static(b"line"), &applied);
        }
        lately.keep(&HashSet::from([TenantId(2), TenantId(3)]));
        assert_eq!(lately.of(TenantId(1)), []);
        assert_eq!(lately.of(TenantId(2)).len(), 1);
        assert_eq!(lately.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn long_lines_are_cut() {
        let told = excerpt("ä".repeat(1_000).as_bytes());
        assert_eq!(told.chars().count(), LINE_CHARS_MAX + 1);
        assert_eq!(excerpt(b" short\r"), "short");
    }
}
