//! The time at the head of a line: epoch seconds as app_queue writes them, finer ones, or local text of a database.

use jiff::{
    civil,
    tz::{AmbiguousOffset, TimeZone},
};
use stats::{event::Millis, limit};

use crate::clock;

/// How far a PBX's clock may be ahead of ours.
const AHEAD_MS_MAX: Millis = 600_000;

/// Why a line's time can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeFault {
    /// Not of any form that Asterisk writes.
    #[error("its time is neither epoch seconds nor like 2026-11-24 09:30:00")]
    Form,
    /// Outside of what events can carry.
    #[error("its time lies outside of 1970 to 9998")]
    Range,
    /// It has not come yet, by this machine's clock.
    #[error("its time is still to come: is a digit too many in it, or the PBX's clock ahead?")]
    Ahead,
    /// Local text, and nobody said where.
    #[error("its time is local text: give the PBX's zone with --timezone")]
    NoZone,
}

/// Reads times, in the PBX's zone where they are local text.
#[derive(Debug, Clone, Default)]
pub struct LogClock {
    zone: Option<TimeZone>,
    /// This machine's clock, where lines of the time to come are faults; and what it showed last.
    now: Option<fn() -> Millis>,
    seen: Millis,
    /// The last local time that was read: where clocks are set back, it tells which of two instants is meant.
    last: Millis,
}

impl LogClock {
    /// Reads local times as those of this zone; without one they are faults.
    pub fn new(zone: Option<TimeZone>) -> LogClock {
        LogClock { zone, now: Some(clock::now), seen: 0, last: 0 }
    }

    /// Goes on behind lines that were read before.
    pub fn behind(zone: Option<TimeZone>, last: Millis) -> LogClock {
        LogClock { last, ..LogClock::new(zone) }
    }

    /// Reads a line's time.
    pub fn read(&mut self, text: &str) -> Result<Millis, TimeFault> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let time = match text.as_bytes().get(digits) {
            None if digits > 0 => epoch(text)?,
            Some(b'.') if digits > 0 => {
                let ms = fraction(&text[digits + 1..]).ok_or(TimeFault::Form)?;
                let seconds: i64 = text[..digits].parse().map_err(|_| TimeFault::Range)?;
                let whole_ms = seconds.checked_mul(1_000).ok_or(TimeFault::Range)?;
                whole_ms.checked_add(ms).ok_or(TimeFault::Range)?
            }
            Some(b'-') => self.local(text)?,
            _ => return Err(TimeFault::Form),
        };
        if !(0..=limit::TIME_MS_MAX).contains(&time) {
            return Err(TimeFault::Range);
        }
        self.come(time)
    }

    /// The time of a line that can have been written by now. A PBX's clock may be a little ahead: its lines are of now.
    fn come(&mut self, time: Millis) -> Result<Millis, TimeFault> {
        let Some(now) = self.now.filter(|_| time > self.seen) else { return Ok(time) };
        self.seen = now();
        match time - self.seen {
            ..=0 => Ok(time),
            1..=AHEAD_MS_MAX => Ok(self.seen),
            _ => Err(TimeFault::Ahead),
        }
    }

    fn local(&mut self, text: &str) -> Result<Millis, TimeFault> {
        // As the manual of jiff has it, a civil time with an offset or a zone is none.
        let local: civil::DateTime = text.parse().map_err(|_| TimeFault::Form)?;
        let zone = self.zone.as_ref().ok_or(TimeFault::NoZone)?;
        let readings = zone.to_ambiguous_timestamp(local);
        let is_fold = matches!(readings.offset(), AmbiguousOffset::Fold { .. });
        let first = readings.compatible().map_err(|_| TimeFault::Range)?.as_millisecond();
        let time = if is_fold && first < self.last {
            readings.later().map_err(|_| TimeFault::Range)?.as_millisecond()
        } else {
            first
        };
        self.last = self.last.max(time);
        Ok(time)
    }
}

/// Epoch seconds; of more digits than seconds have, milliseconds or microseconds.
fn epoch(digits: &str) -> Result<Millis, TimeFault> {
    let number: i64 = digits.parse().map_err(|_| TimeFault::Range)?;
    Ok(match digits.len() {
        0..=11 => number * 1_000,
        12..=14 => number,
        _ => number / 1_000,
    })
}

/// The milliseconds in what follows the point; finer digits are cut off.
fn fraction(digits: &str) -> Option<Millis> {
    let is_fraction = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let padded = digits.bytes().chain([b'0'; 3]).take(3);
    is_fraction.then(|| padded.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> LogClock {
        LogClock::new(Some(TimeZone::get("Europe/Berlin").unwrap()))
    }

    #[test]
    fn seconds_and_finer_ones_are_read() {
        for (text, ms) in [
            ("1795525401", 1_795_525_401_000),
            ("1795525401123", 1_795_525_401_123),
            ("1795525401123456", 1_795_525_401_123),
            ("1795525401.1", 1_795_525_401_100),
            ("1795525401.123456", 1_795_525_401_123),
            ("0", 0),
            ("2026-11-24 09:30:00", 1_795_509_000_000),
            ("2026-11-24 09:30:00.250000", 1_795_509_000_250),
            ("2026-11-24T09:30:00", 1_795_509_000_000),
        ] {
            assert_eq!(berlin().read(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told() {
        for text in
            ["", "NONE", "-1", "17955254o1", "1795525401.", "1795525401.x", "2026-13-01 00:00:00"]
        {
            assert_eq!(berlin().read(text), Err(TimeFault::Form), "{text}");
        }
        let far = "9".repeat(30);
        assert_eq!(berlin().read(&far), Err(TimeFault::Range));
        assert_eq!(LogClock::default().read("2026-11-24 09:30:00"), Err(TimeFault::NoZone));
    }

    #[test]
    fn a_line_of_the_time_to_come_is_none() {
        let mut clock = LogClock { now: Some(|| 1_795_525_401_000), ..LogClock::default() };
        for (text, read) in [
            ("1795525400", Ok(1_795_525_400_000)),
            ("1795525460", Ok(1_795_525_401_000)),
            ("17955254010", Err(TimeFault::Ahead)),
            ("1795529001", Err(TimeFault::Ahead)),
            ("1795525401", Ok(1_795_525_401_000)),
        ] {
            assert_eq!(clock.read(text), read, "{text}");
        }
    }

    #[test]
    fn the_hour_that_comes_twice_goes_on() {
        let mut clock = berlin();
        let first = clock.read("2026-10-25 02:59:59").unwrap();
        let second = clock.read("2026-10-25 02:00:01").unwrap();
        assert_eq!(second - first, 2_000);
    }
}
