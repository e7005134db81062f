//! The two windows, day and last 30 minutes, kept incrementally and exactly.
//!
//! Nothing is bucketed and nothing rescanned. What entered the 30-minute window stands in a [`Trail`], in
//! order of time, and is taken back when the trailing edge `w` passes it: each entry is pushed once and popped
//! once. A sum of overlaps is linear in time between two events, so that two numbers hold it ([`SlidingTime`]).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::event::Millis;

/// Time within the last 30 minutes, summed over any number of intervals: Σ |[a, b) ∩ [w, now)|.
///
/// With T(x) the time summed up to x, the total is T(now) − T(w). Each T is linear: so many intervals open,
/// minus what they had not yet lived. The leading edge learns of a change as it happens, the trailing edge
/// learns of the same change 30 minutes later.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct SlidingTime {
    leading: i32,
    trailing: i32,
    offset_ms: i64,
}

impl SlidingTime {
    /// An interval begins at `at`.
    pub fn enter(&mut self, at: Millis) {
        self.leading += 1;
        self.offset_ms += at;
    }

    /// An interval ends at `at`.
    pub fn leave(&mut self, at: Millis) {
        self.leading -= 1;
        self.offset_ms -= at;
    }

    /// The trailing edge passes the beginning of an interval at `at`.
    pub fn trail_enter(&mut self, at: Millis) {
        self.trailing += 1;
        self.offset_ms -= at;
    }

    /// The trailing edge passes the end of an interval at `at`.
    pub fn trail_leave(&mut self, at: Millis) {
        self.trailing -= 1;
        self.offset_ms += at;
    }

    /// The total between the edges.
    pub fn total_ms(&self, now: Millis, w: Millis) -> i64 {
        i64::from(self.leading) * now - i64::from(self.trailing) * w - self.offset_ms
    }
}

/// Time within the day, summed over any number of intervals: Σ |[a, b) ∩ [D, now)|.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct DayTime {
    open: i32,
    offset_ms: i64,
}

impl DayTime {
    /// An interval begins at `at`; before `day_start` nothing counts.
    pub fn enter(&mut self, at: Millis, day_start: Millis) {
        self.open += 1;
        self.offset_ms += at.max(day_start);
    }

    /// An interval ends at `at`.
    pub fn leave(&mut self, at: Millis, day_start: Millis) {
        self.open -= 1;
        self.offset_ms -= at.max(day_start);
    }

    /// A new day: what is open counts from its start.
    pub fn roll(&mut self, day_start: Millis) {
        self.offset_ms = i64::from(self.open) * day_start;
    }

    /// The total up to `now`.
    pub fn total_ms(&self, now: Millis) -> i64 {
        i64::from(self.open) * now - self.offset_ms
    }
}

/// A sum and its count, for an average.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Average {
    count: i64,
    sum_ms: i64,
}

impl Average {
    /// One more.
    pub fn add(&mut self, ms: i64) {
        self.count += 1;
        self.sum_ms += ms;
    }

    /// One less.
    pub fn take(&mut self, ms: i64) {
        self.count -= 1;
        self.sum_ms -= ms;
    }

    /// `floor(sum_ms / (count × 1000))`, 0 when the count is 0 (SPEC §3).
    pub fn seconds(&self) -> i64 {
        if self.count == 0 { 0 } else { self.sum_ms / (self.count * 1_000) }
    }
}

/// The longest of durations that belong to starts within the window, which may end in any order.
///
/// Kept is the staircase of those that can still become the longest: later starts with shorter durations.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Longest {
    stairs: VecDeque<(Millis, i64)>,
}

impl Longest {
    /// Adds a duration whose start is within the window.
    pub fn add(&mut self, start: Millis, ms: i64) {
        let after = self.stairs.partition_point(|stair| stair.0 <= start);
        let outlived = self.stairs.get(after).is_some_and(|later| later.1 >= ms);
        let doubled =
            after > 0 && self.stairs[after - 1].0 == start && self.stairs[after - 1].1 >= ms;
        if outlived || doubled {
            return;
        }
        let mut first = after;
        while first > 0 && self.stairs[first - 1].1 <= ms {
            first -= 1;
        }
        if first == after {
            self.stairs.insert(after, (start, ms));
        } else {
            self.stairs[first] = (start, ms);
            self.stairs.drain(first + 1..after);
        }
    }

    /// Forgets what started at or before `w`.
    pub fn expire(&mut self, w: Millis) {
        while self.stairs.front().is_some_and(|stair| stair.0 <= w) {
            self.stairs.pop_front();
        }
        if self.stairs.is_empty() {
            self.stairs.shrink_to(16);
        }
    }

    /// The longest, if there is any.
    pub fn max_ms(&self) -> Option<i64> {
        self.stairs.front().map(|stair| stair.1)
    }
}

/// What entered the window, oldest first; an entry's number finds it again while it is within.
///
/// Entries live in chunks that are given back as they empty: a busy half hour takes what it holds, and growing
/// copies nothing but the first chunk.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Packed<T>", into = "Packed<T>")]
#[serde(bound(serialize = "T: Copy + Serialize", deserialize = "T: Copy + Deserialize<'de>"))]
pub struct Trail<T: Copy> {
    chunks: VecDeque<Vec<T>>,
    /// Number of the first entry of the first chunk.
    base: u64,
    /// Number of the oldest entry within.
    head: u64,
    /// Number that the next entry gets.
    next: u64,
}

const CHUNK_LEN: u64 = 1_024;

impl<T: Copy> Default for Trail<T> {
    fn default() -> Self {
        Trail { chunks: VecDeque::new(), base: 1, head: 1, next: 1 }
    }
}

impl<T: Copy> Trail<T> {
    /// Number of an entry that is never within.
    pub const NONE: u64 = 0;

    /// Adds the newest entry and tells its number.
    pub fn push(&mut self, entry: T) -> u64 {
        if self.chunks.back().is_none_or(|chunk| chunk.len() as u64 == CHUNK_LEN) {
            let full = if self.chunks.is_empty() { 0 } else { CHUNK_LEN as usize };
            self.chunks.push_back(Vec::with_capacity(full));
        }
        self.chunks.back_mut().expect("a chunk was pushed above").push(entry);
        self.next += 1;
        self.next - 1
    }

    /// The oldest entry.
    pub fn front(&self) -> Option<T> {
        let at = (self.head - self.base) as usize;
        (self.head < self.next).then(|| self.chunks[0][at])
    }

    /// Drops the oldest entry.
    pub fn pop(&mut self) {
        self.head += 1;
        if self.head - self.base == CHUNK_LEN {
            self.chunks.pop_front();
            self.base = self.head;
        } else if self.head == self.next {
            self.chunks.clear();
            self.base = self.head;
        }
    }

    /// The entry of that number, while it is within.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        if number < self.head {
            return None;
        }
        let at = number - self.base;
        Some(&mut self.chunks[(at / CHUNK_LEN) as usize][(at % CHUNK_LEN) as usize])
    }
}

#[derive(Serialize, Deserialize)]
struct Packed<T> {
    head: u64,
    entries: Vec<T>,
}

impl<T: Copy> From<Packed<T>> for Trail<T> {
    fn from(packed: Packed<T>) -> Self {
        let mut trail = Trail {
            chunks: VecDeque::new(),
            base: packed.head,
            head: packed.head,
            next: packed.head,
        };
        for entry in packed.entries {
            trail.push(entry);
        }
        trail
    }
}

impl<T: Copy> From<Trail<T>> for Packed<T> {
    fn from(trail: Trail<T>) -> Self {
        let skipped = (trail.head - trail.base) as usize;
        Packed {
            head: trail.head,
            entries: trail.chunks.into_iter().flatten().skip(skipped).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sliding_time_is_the_overlap_with_the_window() {
        let mut time = SlidingTime::default();
        time.enter(100);
        assert_eq!(time.total_ms(150, -850), 50);
        time.leave(200);
        assert_eq!(time.total_ms(700, -300), 100);
        time.trail_enter(100);
        assert_eq!(time.total_ms(1_150, 150), 50);
        time.trail_leave(200);
        assert_eq!(time.total_ms(1_300, 300), 0);
    }

    #[test]
    fn an_interval_open_over_midnight_counts_from_the_start_of_the_day() {
        let mut time = DayTime::default();
        time.enter(100, 0);
        time.roll(1_000);
        assert_eq!(time.total_ms(1_500), 500);
        time.leave(900, 1_000);
        assert_eq!(time.total_ms(1_500), 0);
    }

    #[test]
    fn the_longest_survives_as_long_as_its_start() {
        let mut longest = Longest::default();
        longest.add(10, 5);
        longest.add(20, 3);
        longest.add(15, 9);
        assert_eq!(longest.max_ms(), Some(9));
        longest.expire(15);
        assert_eq!(longest.max_ms(), Some(3));
        longest.expire(20);
        assert_eq!(longest.max_ms(), None);
    }

    #[test]
    fn a_trail_finds_entries_by_number_until_they_leave() {
        let mut trail = Trail::default();
        let numbers: Vec<u64> = (0..5_000u32).map(|entry| trail.push(entry)).collect();
        for expected in 0..3_000u32 {
            assert_eq!(trail.front(), Some(expected));
            trail.pop();
        }
        assert_eq!(trail.get_mut(numbers[2_999]), None);
        assert_eq!(trail.get_mut(numbers[3_000]).copied(), Some(3_000));
        let bytes = postcard::to_stdvec(&trail).unwrap();
        let mut again: Trail<u32> = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(again.get_mut(numbers[4_999]).copied(), Some(4_999));
        assert_eq!(again.push(7), 5_001);
    }
}
