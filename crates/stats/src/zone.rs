//! Local calendar days of an IANA time zone, as pairs of instants.
//!
//! The zone data is compiled in, so that the same log gives the same answer on every machine.

use jiff::{
    Timestamp, ToSpan,
    civil::Date,
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};

use crate::event::Millis;

/// A time zone by its IANA name.
#[derive(Debug, Clone)]
pub struct Zone {
    rules: TimeZone,
    name: String,
}

/// The stretch of one local date around an instant.
///
/// A date may stop and begin again where clocks are set back over midnight: then several stretches
/// share one `start`, the first instant of their date (SPEC §3: D).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Day {
    /// The first instant of the date.
    pub start: Millis,
    /// The first instant after the asked one that belongs to another date.
    pub end: Millis,
}

/// The name is not one of the IANA time zone database.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no time zone: expected an IANA name such as Europe/Berlin or UTC")]
pub struct ZoneError(pub String);

impl Zone {
    /// Looks a zone up by its IANA name.
    pub fn named(name: &str) -> Result<Zone, ZoneError> {
        let rules =
            TimeZoneDatabase::bundled().get(name).map_err(|_| ZoneError(name.to_owned()))?;
        let name = rules.iana_name().unwrap_or(name).to_owned();
        Ok(Zone { rules, name })
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The day of `now`: SPEC §3.
    pub fn day_of(&self, now: Millis) -> Day {
        let date = self.date_of(instant(now));
        Day { start: self.first_instant(date), end: self.date_end(now, date) }
    }

    fn date_of(&self, at: Timestamp) -> Date {
        self.rules.to_datetime(at).date()
    }

    fn first_instant(&self, date: Date) -> Millis {
        let midnight = self.rules.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
        match midnight.offset() {
            // Midnight does not exist: the date begins where the clocks jump over it.
            AmbiguousOffset::Gap { after, .. } => {
                let before_jump = after.to_timestamp(date.at(0, 0, 0, 0)).ok();
                before_jump
                    .and_then(|at| self.rules.following(at).next())
                    .map_or(Timestamp::MIN, |jump| jump.timestamp())
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
                midnight.earlier().unwrap_or(Timestamp::MIN)
            }
        }
        .as_millisecond()
    }

    /// Walks from clock change to clock change, between which local time runs evenly.
    fn date_end(&self, now: Millis, date: Date) -> Millis {
        let midnight = date.saturating_add(1.day()).at(0, 0, 0, 0);
        let mut at = instant(now);
        loop {
            let offset = self.rules.to_offset(at);
            let even_end = offset.to_timestamp(midnight).unwrap_or(Timestamp::MAX);
            match self.rules.following(at).next().map(|change| change.timestamp()) {
                Some(change) if change <= even_end => {
                    if self.date_of(change) != date {
                        return change.as_millisecond();
                    }
                    at = change;
                }
                _ => return even_end.as_millisecond(),
            }
        }
    }
}

/// Events keep to 1970–9998 (`limit::TIME_MS_MAX`); an instant beyond what the calendar holds is its edge.
fn instant(now: Millis) -> Timestamp {
    Timestamp::from_millisecond(now).unwrap_or(if now < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Day of the RFC 3339 instant, as RFC 3339 in UTC.
    fn check(zone: &str, now: &str, start: &str, end: &str) {
        let now: Timestamp = now.parse().unwrap();
        let day = Zone::named(zone).unwrap().day_of(now.as_millisecond());
        assert_eq!(instant(day.start).to_string(), start);
        assert_eq!(instant(day.end).to_string(), end);
    }

    #[test]
    fn days_of_23_and_25_hours() {
        check(
            "Europe/Berlin",
            "2026-03-29T12:00:00Z",
            "2026-03-28T23:00:00Z",
            "2026-03-29T22:00:00Z",
        );
        check(
            "Europe/Berlin",
            "2026-10-25T12:00:00Z",
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
        );
    }

    #[test]
    fn days_with_half_an_hour_more_or_less() {
        check(
            "Australia/Lord_Howe",
            "2026-04-05T00:00:00Z",
            "2026-04-04T13:00:00Z",
            "2026-04-05T13:30:00Z",
        );
        check(
            "Australia/Lord_Howe",
            "2026-10-04T00:00:00Z",
            "2026-10-03T13:30:00Z",
            "2026-10-04T13:00:00Z",
        );
    }

    #[test]
    fn a_day_without_midnight_begins_where_the_clocks_jump() {
        check(
            "America/Sao_Paulo",
            "2018-11-04T12:00:00Z",
            "2018-11-04T03:00:00Z",
            "2018-11-05T02:00:00Z",
        );
        check(
            "America/Toronto",
            "1919-03-31T12:00:00Z",
            "1919-03-31T04:30:00Z",
            "1919-04-01T04:00:00Z",
        );
    }

    #[test]
    fn a_date_that_is_skipped_is_never_a_day() {
        check(
            "Pacific/Apia",
            "2011-12-30T09:59:59Z",
            "2011-12-29T10:00:00Z",
            "2011-12-30T10:00:00Z",
        );
        check(
            "Pacific/Apia",
            "2011-12-30T10:00:00Z",
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z",
        );
    }

    #[test]
    fn a_date_that_stops_and_begins_again_keeps_its_first_instant() {
        // 00:01 on 7 November 2010 was set back to 23:01 on the 6th.
        let (zone, sixth, seventh) =
            ("America/St_Johns", "2010-11-06T02:30:00Z", "2010-11-07T02:30:00Z");
        check(zone, "2010-11-07T02:29:59Z", sixth, seventh);
        check(zone, "2010-11-07T02:30:30Z", seventh, "2010-11-07T02:31:00Z");
        check(zone, "2010-11-07T02:31:00Z", sixth, "2010-11-07T03:30:00Z");
        check(zone, "2010-11-07T03:30:00Z", seventh, "2010-11-08T03:30:00Z");
    }

    #[test]
    fn a_name_outside_the_database_is_refused() {
        assert_eq!(Zone::named("Mars/Olympus").unwrap_err(), ZoneError("Mars/Olympus".into()));
    }
}
