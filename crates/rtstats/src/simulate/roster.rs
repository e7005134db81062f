//! Shifts and days off, and how much work the staff of them can do.
//!
//! Shifts are laid so that the cover has the shape of the curve of arrivals; the volume of arrivals then follows from
//! the cover and an aim for the occupancy, which is higher the larger the site (the square-root rule: the spare
//! capacity that a service level needs grows with the root of the load).

use stats::event::Millis;

use super::{curve::OFFICE_HOURS, local::DateNumber, world::Role};

/// Length of a shift, its breaks included.
pub const SHIFT_MS: Millis = 30_600_000;

const HOUR_MS: Millis = 3_600_000;
const HOURS_PER_DAY: usize = 24;
/// A shift of 8½ hours: eight whole hours and half of the ninth.
const SHIFT_HOURS: [f64; 9] = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5];

/// Starts of the shifts of those who do everything: of three agents a shift two are there at least.
const ALL_ROUND_HOURS: [usize; 3] = [22, 6, 14];

/// The part of a shift that goes to breaks, paperwork, training, and calls of the agent's own.
const SHRINKAGE: f64 = 0.22;

/// Agents at work by hour of day, as far as shifts are laid.
#[derive(Debug, Clone, Default)]
pub struct Cover([f64; HOURS_PER_DAY]);

impl Cover {
    fn add(&mut self, start_hour: usize, weight: f64) {
        for (hour, part) in SHIFT_HOURS.iter().enumerate() {
            self.0[(start_hour + hour) % HOURS_PER_DAY] += part * weight;
        }
    }

    /// What a shift adds where demand outweighs the cover.
    fn gain(&self, start_hour: usize) -> f64 {
        let gain = SHIFT_HOURS.iter().enumerate().map(|(hour, part)| {
            let hour = (start_hour + hour) % HOURS_PER_DAY;
            let demand = OFFICE_HOURS.at(hour as Millis * HOUR_MS + HOUR_MS / 2);
            part * demand * demand / (0.5 + self.0[hour])
        });
        gain.sum()
    }

    fn best_start(&self) -> usize {
        let better = |best: usize, hour: usize| {
            if self.gain(hour) > self.gain(best) { hour } else { best }
        };
        (1..HOURS_PER_DAY).fold(0, better)
    }
}

/// Local times at which the shifts of a role's agents start, earliest first. `cover` is that of the all-round agents:
/// each role is laid upon it.
pub fn shift_starts(role: Role, count: usize, cover: &mut Cover) -> Vec<Millis> {
    let mut hours: Vec<usize> = match role {
        Role::AllRound => (0..count).map(|index| ALL_ROUND_HOURS[index % 3]).collect(),
        Role::Supervisor => (0..count).map(|index| [8, 22, 12, 15][index % 4]).collect(),
        Role::Sales | Role::Support | Role::Digital => {
            let mut own = cover.clone();
            let lay = |_| {
                let hour = own.best_start();
                own.add(hour, 1.0);
                hour
            };
            (0..count).map(lay).collect()
        }
    };
    if role == Role::AllRound {
        // Each of the three other roles can count on a third of the time of those who do everything.
        hours.iter().for_each(|hour| cover.add(*hour, 1.0 / 3.0));
    }
    hours.sort_unstable();
    hours.into_iter().map(|hour| hour as Millis * HOUR_MS).collect()
}

/// Whether an agent works the shift that starts on a date. Days off are spread evenly over those of one role, so that
/// a shift never stays empty.
pub fn works(role: Role, place: usize, date: DateNumber) -> bool {
    let day = date.0.rem_euclid(420) as usize;
    match role {
        Role::AllRound | Role::Supervisor if date.is_weekend() => !(place + day).is_multiple_of(3),
        Role::AllRound | Role::Supervisor => !(place + day).is_multiple_of(4),
        _ if date.is_weekend() => (place * 7 + day * 3) % 20 >= 10,
        _ => (place * 4 + day * 2) % 11 >= 2,
    }
}

/// The part of its agents that works on a weekday in the mean.
fn presence(role: Role) -> f64 {
    if role == Role::AllRound { 3.0 / 4.0 } else { 9.0 / 11.0 }
}

/// Time for transactions that an agent brings to a weekday in the mean.
pub fn working_seconds_per_weekday(role: Role) -> f64 {
    presence(role) * (SHIFT_MS / 1_000) as f64 * (1.0 - SHRINKAGE)
}

/// The part of the staff's time for which arrivals are set. It is above the occupancy that comes of it: some customers
/// give up, and cover never fits demand hour by hour.
pub fn load_aim(agents: usize) -> f64 {
    let at_once = agents as f64 * SHIFT_MS as f64 / (HOURS_PER_DAY as Millis * HOUR_MS) as f64;
    (0.99 - 0.45 / at_once.max(1.0).sqrt()).clamp(0.6, 0.92)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_cover_every_hour_and_the_day_more_than_the_night() {
        let mut cover = Cover::default();
        shift_starts(Role::AllRound, 9, &mut cover);
        let mut support = cover.clone();
        for start in shift_starts(Role::Support, 20, &mut cover) {
            support.add((start / HOUR_MS) as usize, 1.0);
        }
        assert!(support.0.iter().all(|agents| *agents >= 1.0), "{support:?}");
        assert!(support.0[10] > 2.0 * support.0[3], "{support:?}");
    }

    #[test]
    fn agents_work_about_five_days_in_seven() {
        for role in [Role::AllRound, Role::Sales, Role::Support, Role::Digital] {
            let days: usize = (0..60)
                .map(|place| {
                    (20_000..20_420).filter(|day| works(role, place, DateNumber(*day))).count()
                })
                .sum();
            let per_week = days as f64 / 60.0 / 60.0;
            assert!((4.7..5.3).contains(&per_week), "{role:?}: {per_week} days a week");
        }
    }
}
