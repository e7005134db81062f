//! How arrivals vary over the day and the week, and the non-homogeneous Poisson process that follows it.
//!
//! Arrivals are drawn by thinning (P. A. W. Lewis, G. S. Shedler: Simulation of nonhomogeneous Poisson processes by
//! thinning, Naval Research Logistics Quarterly 26, 1979): candidates of a homogeneous process at the highest
//! rate, each kept with the share that the rate of its instant has of it.

use stats::event::Millis;

use super::{
    dice::Dice,
    local::{Local, LocalTime},
};

const HOUR_MS: f64 = 3_600_000.0;

/// Relative rates at the full hours of a weekday, straight lines between them.
#[derive(Debug)]
pub struct Curve {
    hours: [f64; 24],
}

/// A double hump, in the late morning and the afternoon; low at night but never none.
pub const OFFICE_HOURS: Curve = Curve {
    hours: [
        0.08, 0.07, 0.07, 0.07, 0.07, 0.08, 0.12, 0.22, 0.50, 0.95, 1.00, 0.98, 0.92, 0.90, 0.95,
        0.97, 0.94, 0.80, 0.46, 0.36, 0.28, 0.22, 0.17, 0.14,
    ],
};

/// What people write or leave as a message: flatter, with more in the evening and at night.
pub const ANY_TIME: Curve = Curve {
    hours: [
        0.45, 0.40, 0.35, 0.33, 0.33, 0.38, 0.48, 0.60, 0.78, 0.92, 1.00, 0.97, 0.90, 0.88, 0.90,
        0.90, 0.86, 0.80, 0.76, 0.74, 0.70, 0.64, 0.56, 0.50,
    ],
};

/// Relative rates of Monday to Sunday.
const WEEKDAYS: [f64; 7] = [1.06, 1.02, 1.00, 0.98, 0.94, 0.62, 0.58];
const WEEKDAY_MAX: f64 = 1.06;

impl Curve {
    /// The relative rate at a local time, without the weekday.
    pub fn at(&self, ms_of_day: Millis) -> f64 {
        let hours = ms_of_day as f64 / HOUR_MS;
        let hour = hours as usize % 24;
        let (from, to) = (self.hours[hour], self.hours[(hour + 1) % 24]);
        from + (to - from) * hours.fract()
    }

    /// The relative rate at a local time of its weekday.
    pub fn on(&self, local: Local) -> f64 {
        self.at(local.ms_of_day) * WEEKDAYS[local.date.weekday()]
    }

    /// Hours at the highest hourly rate that bring as much as a whole weekday.
    pub fn hours_per_day(&self) -> f64 {
        self.hours.iter().sum()
    }

    fn highest(&self) -> f64 {
        self.hours.iter().copied().fold(0.0, f64::max) * WEEKDAY_MAX
    }
}

/// The arrivals at one queue.
#[derive(Debug, Clone)]
pub struct Arrivals {
    curve: &'static Curve,
    /// Mean gap between candidates; none if nothing ever arrives.
    candidate_gap_ms: Option<f64>,
}

impl Arrivals {
    /// Arrivals along a curve that come to `per_weekday` on an ordinary weekday.
    pub fn new(curve: &'static Curve, per_weekday: f64) -> Arrivals {
        let per_hour_max = per_weekday / curve.hours_per_day() * curve.highest();
        let candidate_gap_ms = (per_hour_max > 0.0).then(|| HOUR_MS / per_hour_max);
        Arrivals { curve, candidate_gap_ms }
    }

    /// The first arrival after an instant.
    pub fn next(&self, after: Millis, local: &mut LocalTime, dice: &mut Dice) -> Option<Millis> {
        let gap_ms = self.candidate_gap_ms?;
        let mut at = after;
        loop {
            at += dice.gap(gap_ms);
            if dice.chance(self.curve.on(local.at(at)) / self.curve.highest()) {
                return Some(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use stats::zone::Zone;

    use super::*;
    use crate::simulate::local::DateNumber;

    /// Pearson's statistic over the 24 hours of many weekdays against the curve's integral. With 23 degrees of
    /// freedom 49.7 is exceeded once in a thousand.
    #[test]
    fn arrivals_follow_the_curve() {
        let mut local = LocalTime::new(&Zone::named("UTC").unwrap());
        let mut dice = Dice::new(1);
        let arrivals = Arrivals::new(&OFFICE_HOURS, 2_000.0);
        // Wednesdays only: their factor is 1.
        let (mut counts, mut days) = ([0_u32; 24], 0);
        for week in 0..50 {
            let start = local.instant(DateNumber(20_000 - 20_000 % 7 + 6 + 7 * week), 0);
            assert_eq!(local.at(start).date.weekday(), 2);
            days += 1;
            let mut at = start;
            while let Some(next) = arrivals.next(at, &mut local, &mut dice) {
                at = next;
                if at >= start + 86_400_000 {
                    break;
                }
                counts[((at - start) / 3_600_000) as usize] += 1;
            }
        }
        let mut chi_square = 0.0;
        for (hour, count) in counts.iter().enumerate() {
            let both = OFFICE_HOURS.hours[hour] + OFFICE_HOURS.hours[(hour + 1) % 24];
            let expected = f64::from(days) * 2_000.0 * (both / 2.0) / OFFICE_HOURS.hours_per_day();
            chi_square += (f64::from(*count) - expected).powi(2) / expected;
        }
        assert!(chi_square < 49.7, "chi-square of {chi_square} over {counts:?}");
    }

    #[test]
    fn a_weekend_brings_less_than_a_weekday() {
        let mut local = LocalTime::new(&Zone::named("Europe/Berlin").unwrap());
        let mut dice = Dice::new(2);
        let arrivals = Arrivals::new(&OFFICE_HOURS, 5_000.0);
        let mut counts = [0_u32; 7];
        let monday = DateNumber(20_000 - 20_000 % 7 + 4);
        let mut at = local.instant(monday, 0);
        let end = local.instant(DateNumber(monday.0 + 7), 0);
        while let Some(next) = arrivals.next(at, &mut local, &mut dice).filter(|next| *next < end) {
            at = next;
            counts[local.at(at).date.weekday()] += 1;
        }
        assert!((4_700..5_300).contains(&counts[2]), "Wednesday: {counts:?}");
        assert!((2_800..3_400).contains(&counts[5]), "Saturday: {counts:?}");
    }

    #[test]
    fn nothing_arrives_at_a_rate_of_none() {
        let mut local = LocalTime::new(&Zone::named("UTC").unwrap());
        assert_eq!(Arrivals::new(&ANY_TIME, 0.0).next(0, &mut local, &mut Dice::new(1)), None);
    }
}
