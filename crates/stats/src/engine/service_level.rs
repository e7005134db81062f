//! Service level: day-sla-activity, thirty-min-sla-activity, sla-activity (SPEC §3.2).
//!
//! A visit that entered under an SLA counts in every window that holds its entry, by a [`Verdict`] that may change
//! while it is open: nothing yet, then *counted* once it waits beyond the limit, at last what its outcome says.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::{Millis, Sla};

/// What a visit adds to a percentage: whether it is in the whole, and in the part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// In the whole.
    pub counted: bool,
    /// Accepted within the limit.
    pub met: bool,
}

impl Verdict {
    /// As two bits.
    pub fn bits(self) -> u32 {
        u32::from(self.counted) | u32::from(self.met) << 1
    }

    /// From two bits.
    pub fn from_bits(bits: u32) -> Verdict {
        Verdict { counted: bits & 1 != 0, met: bits & 2 != 0 }
    }
}

/// Visits in the whole and in the part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    counted: i64,
    met: i64,
}

impl Share {
    /// A visit's verdict changes.
    pub fn change(&mut self, old: Verdict, new: Verdict) {
        self.counted += i64::from(new.counted) - i64::from(old.counted);
        self.met += i64::from(new.met) - i64::from(old.met);
    }

    /// `floor(100 × met / counted)`, −1 if nothing is counted.
    pub fn percent(&self) -> i64 {
        if self.counted == 0 { -1 } else { 100 * self.met / self.counted }
    }

    fn add(&mut self, second: Second) {
        self.counted += i64::from(second.counted);
        self.met += i64::from(second.met);
    }
}

/// The visits that entered in one second of the day, in half the space of a share with its key.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Second {
    /// Whole seconds from the start of the day.
    number: u32,
    counted: u32,
    met: u32,
}

impl Second {
    fn change(&mut self, old: Verdict, new: Verdict) {
        self.counted = self.counted + u32::from(new.counted) - u32::from(old.counted);
        self.met = self.met + u32::from(new.met) - u32::from(old.met);
    }
}

/// One queue's service level in the day and in its current evaluation period.
///
/// The period starts at a whole number of seconds from the start of the day, but at which one is configuration that
/// may change at any time. So the day is kept by the second of entry: at most one short record for each second
/// in which a visit entered, however many did.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ServiceLevel {
    day: Share,
    by_second: Vec<Second>,
    period_start: Millis,
    period: Share,
    /// Open visits that still wait within the limit, by the last instant of it.
    pending: BTreeSet<(Millis, u32)>,
}

impl ServiceLevel {
    /// A visit enters under a limit.
    pub fn enter(&mut self, at: Millis, limit_ms: i64, transaction: u32, day_start: Millis) {
        self.pending.insert((at + limit_ms, transaction));
        if at >= day_start {
            let number = second_of_day(at, day_start);
            if self.by_second.last().is_none_or(|last| last.number != number) {
                self.by_second.push(Second { number, counted: 0, met: 0 });
            }
        }
    }

    /// Takes the next open visit that waits beyond its limit at `now`.
    pub fn next_overdue(&mut self, now: Millis) -> Option<u32> {
        let &(deadline, transaction) = self.pending.first()?;
        if deadline >= now {
            return None;
        }
        self.pending.pop_first();
        Some(transaction)
    }

    /// A visit that entered under a limit has its outcome.
    pub fn leave(&mut self, entered: Millis, limit_ms: i64, transaction: u32) {
        self.pending.remove(&(entered + limit_ms, transaction));
    }

    /// The verdict of a visit that entered at `entered` changes.
    pub fn change(&mut self, entered: Millis, day_start: Millis, old: Verdict, new: Verdict) {
        if entered >= self.period_start {
            self.period.change(old, new);
        }
        if entered < day_start {
            return;
        }
        self.day.change(old, new);
        let number = second_of_day(entered, day_start);
        let at = self.place_of(number);
        self.by_second[at].change(old, new);
    }

    /// The record of a second. Most visits entered lately, so that the search goes from the end, in strides that
    /// double, and stays where memory is still near.
    fn place_of(&self, number: u32) -> usize {
        let len = self.by_second.len();
        let mut stride = 1;
        while stride < len && self.by_second[len - stride].number > number {
            stride *= 2;
        }
        let first = len.saturating_sub(stride);
        let found = self.by_second[first..].binary_search_by_key(&number, |second| second.number);
        first + found.expect("a visit of this day has its second's record from its entry on")
    }

    /// A new day begins.
    pub fn roll(&mut self) {
        self.day = Share::default();
        self.by_second = Vec::new();
        self.period_start = Millis::MAX;
        self.period = Share::default();
    }

    /// day-sla-activity under an SLA.
    pub fn day_percent(&self) -> i64 {
        self.day.percent()
    }

    /// sla-activity: the visits that entered in `[period start, now]`.
    pub fn period_percent(&mut self, sla: Sla, now: Millis, day_start: Millis) -> i64 {
        let every_ms = i64::from(sla.evaluate_every_seconds) * 1_000;
        let start = now - (now - day_start) % every_ms;
        if start != self.period_start {
            self.period_start = start;
            self.period = Share::default();
            let first_second = second_of_day(start, day_start);
            let first = self.by_second.partition_point(|second| second.number < first_second);
            for second in &self.by_second[first..] {
                self.period.add(*second);
            }
        }
        self.period.percent()
    }
}

fn second_of_day(at: Millis, day_start: Millis) -> u32 {
    ((at - day_start) / 1_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTED: Verdict = Verdict { counted: true, met: false };
    const MET: Verdict = Verdict { counted: true, met: true };

    fn sla(evaluate_every_seconds: u32) -> Sla {
        Sla { percent: 80, within_seconds: 20, evaluate_every_seconds }
    }

    #[test]
    fn a_longer_period_set_later_sees_what_entered_before() {
        let mut level = ServiceLevel::default();
        level.roll();
        for (entered, verdict) in [(100_000, MET), (950_000, COUNTED), (1_000_000, MET)] {
            level.enter(entered, 20_000, 7, 0);
            level.change(entered, 0, Verdict::default(), verdict);
        }
        assert_eq!(level.period_percent(sla(900), 1_000_000, 0), 50);
        assert_eq!(level.period_percent(sla(3_600), 1_000_000, 0), 66);
        assert_eq!(level.period_percent(sla(60), 1_000_000, 0), 100);
        assert_eq!(level.period_percent(sla(60), 1_020_000, 0), -1);
    }

    #[test]
    fn a_visit_is_overdue_only_beyond_its_limit() {
        let mut level = ServiceLevel::default();
        level.enter(1_000, 20_000, 7, 0);
        assert_eq!(level.next_overdue(21_000), None);
        assert_eq!(level.next_overdue(21_001), Some(7));
        assert_eq!(level.next_overdue(21_001), None);
    }
}
