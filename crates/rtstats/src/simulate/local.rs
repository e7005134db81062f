//! Local time of day and date of an instant, and back.
//!
//! Asked for at every candidate arrival, mostly in order of time: the offset in force is kept until it changes.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time},
    tz::{TimeZone, TimeZoneDatabase},
};
use stats::{event::Millis, zone::Zone};

const DAY_MS: Millis = 86_400_000;

/// A local date, counted in days from 1 January 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateNumber(pub i64);

impl DateNumber {
    /// The number of a calendar date.
    pub fn of(date: Date) -> DateNumber {
        let since = date.duration_since(Date::constant(1970, 1, 1));
        DateNumber(since.as_hours() / 24)
    }

    /// 0 is Monday.
    pub fn weekday(self) -> usize {
        // 1 January 1970 was a Thursday.
        (self.0 + 3).rem_euclid(7) as usize
    }

    /// Saturday or Sunday.
    pub fn is_weekend(self) -> bool {
        self.weekday() >= 5
    }

    /// The date after.
    pub fn next(self) -> DateNumber {
        DateNumber(self.0 + 1)
    }

    /// The date before.
    pub fn previous(self) -> DateNumber {
        DateNumber(self.0 - 1)
    }

    fn date(self) -> Date {
        Date::constant(1970, 1, 1).saturating_add(self.0.days())
    }
}

/// What the clock on the wall says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// The date.
    pub date: DateNumber,
    /// Time of day.
    pub ms_of_day: Millis,
}

/// A time zone with the offset last in force.
#[derive(Debug, Clone)]
pub struct LocalTime {
    rules: TimeZone,
    offset_ms: Millis,
    from: Millis,
    until: Millis,
}

impl LocalTime {
    /// The local time of a zone.
    pub fn new(zone: &Zone) -> LocalTime {
        let rules = TimeZoneDatabase::bundled()
            .get(zone.name())
            .expect("a zone's name is one of the bundled database");
        LocalTime { rules, offset_ms: 0, from: 0, until: 0 }
    }

    /// The local date and time of day of an instant.
    pub fn at(&mut self, instant: Millis) -> Local {
        if instant < self.from || instant >= self.until {
            self.look_up(instant);
        }
        let local = instant + self.offset_ms;
        Local { date: DateNumber(local.div_euclid(DAY_MS)), ms_of_day: local.rem_euclid(DAY_MS) }
    }

    /// The instant of a local time; one that the clocks skip is moved on as far as they jump.
    pub fn instant(&self, date: DateNumber, ms_of_day: Millis) -> Millis {
        let local =
            date.date().to_datetime(Time::midnight()).saturating_add(ms_of_day.milliseconds());
        let instant = self.rules.to_ambiguous_timestamp(local).compatible();
        instant.unwrap_or(Timestamp::MAX).as_millisecond()
    }

    fn look_up(&mut self, instant: Millis) {
        let at = Timestamp::from_millisecond(instant).unwrap_or(Timestamp::MAX);
        self.offset_ms = Millis::from(self.rules.to_offset(at).seconds()) * 1_000;
        self.from = instant;
        let change = self.rules.following(at).next().map(|change| change.timestamp());
        self.until = change.map_or(Millis::MAX, Timestamp::as_millisecond);
    }
}
