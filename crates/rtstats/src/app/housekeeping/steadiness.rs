//! Whether the wall clock can be trusted for what is dropped by age: it is compared with the one that never jumps.

use std::time::{Duration, Instant};

use stats::event::Millis;

/// Between two looks the clocks may drift apart by so much: more is a jump, as is a machine's sleep.
const DRIFT_MS_MAX: Millis = 60_000;

/// How long after a jump the clock is not trusted: time to put it right again.
const DOUBT: Duration = Duration::from_secs(3_600);

/// What was seen of the clocks.
#[derive(Debug, Default)]
pub struct Steadiness {
    last: Option<(Millis, Instant)>,
    jumped: Option<Instant>,
}

impl Steadiness {
    /// Looks at both clocks; whether the wall clock has not jumped for a while.
    pub fn look(&mut self, wall: Millis, steady: Instant) -> bool {
        if let Some((wall_before, steady_before)) = self.last {
            let passed = steady.saturating_duration_since(steady_before).as_millis() as Millis;
            let jump_ms = wall - wall_before - passed;
            if jump_ms.abs() > DRIFT_MS_MAX {
                tracing::warn!(
                    jump_ms,
                    "the server's clock has jumped: for an hour nothing is dropped by age"
                );
                self.jumped = Some(steady);
            }
        }
        self.last = Some((wall, steady));
        self.jumped.is_none_or(|jumped| steady.saturating_duration_since(jumped) >= DOUBT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_old_for_an_hour_after_a_jump_in_either_direction() {
        let begun = Instant::now();
        let after = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut steadiness = Steadiness::default();
        assert!(steadiness.look(1_000_000, begun));
        assert!(steadiness.look(1_061_000, after(1)), "that much is drift");
        assert!(!steadiness.look(90_000_000_000, after(2)));
        assert!(!steadiness.look(90_000_001_000, after(3)), "the doubt lasts");
        assert!(!steadiness.look(1_064_000, after(4)), "it jumped back");
        assert!(!steadiness.look(1_064_000 + 3_599_000, after(3_603)));
        assert!(steadiness.look(1_064_000 + 3_600_000, after(3_604)));
    }
}
