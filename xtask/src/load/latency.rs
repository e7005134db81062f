//! How long things took: every single time is kept, so percentiles are exact.

use std::time::Duration;

/// Times of one kind of thing, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Latency {
    nanos: Vec<u64>,
}

impl Latency {
    pub fn add(&mut self, time: Duration) {
        self.nanos.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub fn append(&mut self, mut other: Latency) {
        self.nanos.append(&mut other.nanos);
    }

    pub fn count(&self) -> usize {
        self.nanos.len()
    }

    /// The smallest time that `percent` of all times don't exceed; zero where there are none.
    pub fn percentile(&mut self, percent: f64) -> Duration {
        let count = self.nanos.len();
        if count == 0 {
            return Duration::ZERO;
        }
        let rank = (percent / 100.0 * count as f64).ceil() as usize;
        let (_, nanos, _) = self.nanos.select_nth_unstable(rank.clamp(1, count) - 1);
        Duration::from_nanos(*nanos)
    }

    /// The usual percentiles in one line.
    pub fn line(&mut self) -> String {
        let shown = [50.0, 90.0, 99.0, 99.9]
            .map(|percent| format!("p{percent} {}", millis(self.percentile(percent))));
        shown.join("  ")
    }
}

/// A time in milliseconds, to the microsecond.
pub fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact() {
        let mut latency = Latency::default();
        for ms in (1..=100).rev() {
            latency.add(Duration::from_millis(ms));
        }
        assert_eq!(latency.percentile(50.0), Duration::from_millis(50));
        assert_eq!(latency.percentile(99.0), Duration::from_millis(99));
        assert_eq!(latency.percentile(99.9), Duration::from_millis(100));
        assert_eq!(latency.percentile(0.0), Duration::from_millis(1));
    }

    #[test]
    fn no_times_have_no_percentile() {
        assert_eq!(Latency::default().percentile(99.0), Duration::ZERO);
    }
}
