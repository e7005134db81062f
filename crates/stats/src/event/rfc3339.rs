//! RFC 3339 times, read with their offset and written in UTC, both to the millisecond.
//!
//! A time without an offset is refused: it could be any of several instants. A leap second counts as the last
//! millisecond before the next minute, since the epoch's scale has no room for it.

use super::Millis;

const MS_PER_DAY: i64 = 86_400_000;
const DAYS_PER_ERA: i64 = 146_097;
/// Days from the first of March of the year 0 to the epoch.
const EPOCH_DAYS: i64 = 719_468;

/// Why a text is no RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not of the form.
    #[error(
        "an RFC 3339 time such as 2026-03-01T09:00:00+01:00, or epoch milliseconds as a number"
    )]
    Form,
    /// A time of day somewhere.
    #[error(
        "an offset such as Z or +01:00 at the end of the time: without one it could be any of several instants"
    )]
    NoOffset,
    /// The calendar has no such date.
    #[error("a date that the calendar has")]
    NoSuchDate,
    /// The clock has no such time.
    #[error("a time from 00:00:00 to 23:59:59")]
    NoSuchTime,
    /// Not at the end of a UTC day.
    #[error("second 60 only as a leap second, in the last minute of a UTC day")]
    NoLeapSecond,
    /// The offset is too large.
    #[error("an offset of at most 23:59")]
    NoSuchOffset,
}

/// Reads a time; digits beyond the millisecond are cut off, toward the past.
pub fn read(text: &str) -> Result<Millis, TimeError> {
    let (date_time, rest) = text.as_bytes().split_first_chunk::<19>().ok_or(TimeError::Form)?;
    let (year, month, day) = date(date_time)?;
    let (hour, minute, second) = time_of_day(date_time)?;
    let (ms, rest) = fraction(rest)?;
    let offset_ms = offset(rest)?;
    let minute_ms =
        days_of(year, month, day) * MS_PER_DAY + (hour * 60 + minute) * 60_000 - offset_ms;
    if second == 60 {
        let leaps = minute_ms.rem_euclid(MS_PER_DAY) == MS_PER_DAY - 60_000;
        return if leaps { Ok(minute_ms + 59_999) } else { Err(TimeError::NoLeapSecond) };
    }
    Ok(minute_ms + second * 1_000 + ms)
}

#[inline]
fn date(text: &[u8; 19]) -> Result<(i64, i64, i64), TimeError> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', ..] = *text else {
        return Err(TimeError::Form);
    };
    let (century, year) = (two_digits(y1, y2)?, two_digits(y3, y4)?);
    let (year, month, day) = (century * 100 + year, two_digits(m1, m2)?, two_digits(d1, d2)?);
    let leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap_year),
        _ => return Err(TimeError::NoSuchDate),
    };
    if (1..=days).contains(&day) { Ok((year, month, day)) } else { Err(TimeError::NoSuchDate) }
}

#[inline]
fn time_of_day(text: &[u8; 19]) -> Result<(i64, i64, i64), TimeError> {
    let [.., h1, h2, b':', m1, m2, b':', s1, s2] = *text else { return Err(TimeError::Form) };
    let (hour, minute, second) = (two_digits(h1, h2)?, two_digits(m1, m2)?, two_digits(s1, s2)?);
    if hour > 23 || minute > 59 || second > 60 {
        return Err(TimeError::NoSuchTime);
    }
    Ok((hour, minute, second))
}

/// The milliseconds of `.digits`, if there is a fraction, and what follows it.
#[inline]
fn fraction(text: &[u8]) -> Result<(i64, &[u8]), TimeError> {
    let [b'.', digits @ ..] = text else { return Ok((0, text)) };
    let len = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    if len == 0 {
        return Err(TimeError::Form);
    }
    let (digits, rest) = digits.split_at(len);
    let digit = |at: usize| i64::from(digits.get(at).map_or(0, |byte| byte - b'0'));
    Ok((digit(0) * 100 + digit(1) * 10 + digit(2), rest))
}

#[inline]
fn offset(text: &[u8]) -> Result<i64, TimeError> {
    let (sign, digits) = match text {
        [b'Z' | b'z'] => return Ok(0),
        [] => return Err(TimeError::NoOffset),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return Err(TimeError::Form),
    };
    let &[h1, h2, b':', m1, m2] = digits else { return Err(TimeError::Form) };
    let (hours, minutes) = (two_digits(h1, h2)?, two_digits(m1, m2)?);
    if hours > 23 || minutes > 59 {
        return Err(TimeError::NoSuchOffset);
    }
    Ok(sign * (hours * 60 + minutes) * 60_000)
}

#[inline]
fn two_digits(tens: u8, ones: u8) -> Result<i64, TimeError> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens > 9 || ones > 9 {
        return Err(TimeError::Form);
    }
    Ok(i64::from(tens) * 10 + i64::from(ones))
}

/// Days since the epoch of a date of the Gregorian calendar. Years begin in March here, so that a leap day ends one.
#[inline]
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month < 3);
    let months_since_march = (month + 9) % 12;
    let day_of_year = (153 * months_since_march + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - EPOCH_DAYS
}

/// The date of a day since the epoch.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month =
        if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 };
    (era * 400 + year_of_era + i64::from(month < 3), month, day)
}

/// Writes a time of the years 0 to 9999 in UTC, always with three digits of the second's fraction.
pub fn write(out: &mut Vec<u8>, time: Millis) {
    let (year, month, day) = date_of(time.div_euclid(MS_PER_DAY));
    let ms = time.rem_euclid(MS_PER_DAY);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let parts = [(0, year / 100), (2, year % 100), (5, month), (8, day)];
    for (at, value) in parts.into_iter().chain([(11, hour), (14, minute), (17, second)]) {
        text[at] = b'0' + (value / 10) as u8;
        text[at + 1] = b'0' + (value % 10) as u8;
    }
    text[20] = b'0' + (ms / 100 % 10) as u8;
    text[21] = b'0' + (ms / 10 % 10) as u8;
    text[22] = b'0' + (ms % 10) as u8;
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit;
    use proptest::prelude::*;

    fn written(time: Millis) -> String {
        let mut out = Vec::new();
        write(&mut out, time);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn offsets_fractions_and_separators_are_read() {
        for (text, time) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-03-01T09:00:00+01:00", 1_772_352_000_000),
            ("2026-03-01t08:00:00z", 1_772_352_000_000),
            ("2026-03-01 08:00:00.25Z", 1_772_352_000_250),
            ("2026-03-01T02:30:00-05:30", 1_772_352_000_000),
            ("2026-03-01T08:00:00.1239999999999999Z", 1_772_352_000_123),
            ("2026-03-01T08:00:00-00:00", 1_772_352_000_000),
            ("1969-12-31T23:59:59.9999Z", -1),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ] {
            assert_eq!(read(text), Ok(time), "{text}");
        }
    }

    #[test]
    fn a_leap_second_is_the_last_millisecond_of_its_utc_day() {
        let before_midnight = read("2016-12-31T23:59:59.999Z");
        assert_eq!(read("2016-12-31T23:59:60Z"), before_midnight);
        assert_eq!(read("2017-01-01T00:59:60.5+01:00"), before_midnight);
        assert_eq!(read("2016-12-31T22:59:60Z"), Err(TimeError::NoLeapSecond));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for (text, error) in [
            ("", TimeError::Form),
            ("yesterday", TimeError::Form),
            ("2026-03-01T09:00:00", TimeError::NoOffset),
            ("2026-03-01T09:00:00.123", TimeError::NoOffset),
            ("2026-03-01T09:00:00.Z", TimeError::Form),
            ("2026-03-01T09:00:00Zz", TimeError::Form),
            ("2026-03-01T09:00Z", TimeError::Form),
            ("2026-3-01T09:00:00Z", TimeError::Form),
            ("2026-03-01T09:00:00+0100", TimeError::Form),
            ("2026-03-01T09:00:00+24:00", TimeError::NoSuchOffset),
            ("2026-03-01T09:00:00+01:60", TimeError::NoSuchOffset),
            ("2026-13-01T09:00:00Z", TimeError::NoSuchDate),
            ("2026-02-29T09:00:00Z", TimeError::NoSuchDate),
            ("2026-04-31T09:00:00Z", TimeError::NoSuchDate),
            ("2026-04-00T09:00:00Z", TimeError::NoSuchDate),
            ("1900-02-29T09:00:00Z", TimeError::NoSuchDate),
            ("2026-03-01T24:00:00Z", TimeError::NoSuchTime),
            ("2026-03-01T09:60:00Z", TimeError::NoSuchTime),
            ("2026-03-01T09:00:61Z", TimeError::NoSuchTime),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(time in 0..=limit::TIME_MS_MAX) {
            prop_assert_eq!(read(&written(time)), Ok(time));
        }

        #[test]
        fn jiff_agrees(time in 0..limit::TIME_MS_MAX, hours in -12i8..=14) {
            let at = jiff::Timestamp::from_millisecond(time).unwrap();
            prop_assert_eq!(written(time), format!("{at:.3}"));
            let local = at.display_with_offset(jiff::tz::offset(hours)).to_string();
            prop_assert_eq!(read(&local), Ok(time));
        }
    }
}
