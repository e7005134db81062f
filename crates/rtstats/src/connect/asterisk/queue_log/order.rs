//! Events in the order of time, and the numbers by which a server knows them again.
//!
//! A line tells of things that began before it: an offer began when the phone did ring. So events are held back until no
//! later line within the look-back can come before them. A number is `second << 20 | place in that second`: the
//! same lines give the same numbers wherever the reading began, and a later event never has a lower one.

use std::{borrow::Cow, cmp::Ordering, collections::BinaryHeap};

use serde::{Deserialize, Serialize};
use stats::event::{Event, Kind, Millis, Origin};

use crate::connect::asterisk::pbx::Told;

/// How far back a line of whole files may reach and still come in order: longer than phones ring.
pub const LOOK_BACK_MS: Millis = 600_000;

/// Events of one second that have numbers of their own; more of them go on into the next second's.
const PLACE_BITS: u32 = 20;

/// Puts events in order and numbers them.
#[derive(Debug)]
pub struct Order {
    source: String,
    reached: Reached,
    held: BinaryHeap<Held>,
    pushed: u64,
    late: u64,
}

/// The last event that went out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Its number.
    pub seq: u64,
    /// The latest time of all.
    pub time: Millis,
}

#[derive(Debug)]
struct Held {
    time: Millis,
    pushed: u64,
    kind: Kind<'static>,
}

impl Order {
    /// Goes on behind what was reached.
    pub fn new(source: String, reached: Reached) -> Order {
        Order { source, reached, held: BinaryHeap::new(), pushed: 0, late: 0 }
    }

    /// Takes an event; those of one time go out as they came.
    pub fn push(&mut self, Told { time, kind, .. }: Told) {
        self.held.push(Held { time, pushed: self.pushed, kind });
        self.pushed += 1;
    }

    /// Writes the next event of this time or before. False: there is none.
    pub fn write_next(&mut self, until: Millis, out: &mut Vec<u8>) -> bool {
        let Some(Held { time, kind, .. }) = self.pop(until) else { return false };
        self.late += u64::from(time < self.reached.time);
        self.reached.time = self.reached.time.max(time);
        let first_of_second = (self.reached.time.unsigned_abs() / 1_000) << PLACE_BITS;
        self.reached.seq = (self.reached.seq + 1).max(first_of_second);
        let source = Cow::Borrowed(&*self.source);
        let origin = Some(Origin { source, seq: self.reached.seq });
        Event { time, origin, kind }.write_line(out);
        true
    }

    fn pop(&mut self, until: Millis) -> Option<Held> {
        if self.held.peek()?.time <= until { self.held.pop() } else { None }
    }

    /// What went out last.
    pub fn reached(&self) -> Reached {
        self.reached
    }

    /// How many events went out behind a later one: they count at that one's time.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// What is still to come, in order.
    pub fn held(&self) -> Vec<Told> {
        let mut held: Vec<_> = self.held.iter().collect();
        held.sort_by(|one, other| other.cmp(one));
        held.into_iter()
            .map(|held| Told { time: held.time, certain: None, kind: held.kind.clone() })
            .collect()
    }
}

impl Ord for Held {
    /// The heap has the greatest first: that is the earliest.
    fn cmp(&self, other: &Held) -> Ordering {
        (other.time, other.pushed).cmp(&(self.time, self.pushed))
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Held) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Held) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Held {}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(time: Millis, queue: u32) -> Told {
        Told { time, certain: None, kind: Kind::QueueRemoved { queue } }
    }

    #[test]
    fn events_come_in_order_with_numbers_that_only_rise() {
        let mut order = Order::new("s".into(), Reached::default());
        for event in [told(5_000, 1), told(2_500, 2), told(5_000, 3), told(2_000, 4)] {
            order.push(event);
        }
        let mut out = Vec::new();
        while order.write_next(4_999, &mut out) {}
        assert_eq!(order.held(), [told(5_000, 1), told(5_000, 3)]);
        order.push(told(1_000, 5));
        while order.write_next(5_000, &mut out) {}
        let lines = stats::parse::parse_batch(&out, None).unwrap();
        let seqs = lines.iter().map(|line| line.event.origin.as_ref().unwrap().seq);
        let (two, five) = (2 << 20, 5 << 20);
        assert_eq!(seqs.collect::<Vec<_>>(), [two, two + 1, two + 2, five, five + 1]);
        let times: Vec<_> = lines.iter().map(|line| line.event.time).collect();
        assert_eq!(times, [2_000, 2_500, 1_000, 5_000, 5_000]);
        assert_eq!((order.late(), order.reached()), (1, Reached { seq: five + 1, time: 5_000 }));
    }

    #[test]
    fn a_full_second_goes_on_into_the_next() {
        let last_of_second = (2 << 20) - 1;
        let mut order = Order::new("s".into(), Reached { seq: last_of_second, time: 1_999 });
        order.push(told(1_999, 1));
        assert!(order.write_next(1_999, &mut Vec::new()));
        order.push(told(2_000, 1));
        assert!(order.write_next(2_000, &mut Vec::new()));
        assert_eq!(order.reached().seq, last_of_second + 2);
    }
}
