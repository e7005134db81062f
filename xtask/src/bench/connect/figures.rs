//! What the connector tells of itself in /metrics: read every second, compared from instant to instant.

use std::net::SocketAddr;

use anyhow::Result;

use crate::bench::body_of;

/// The connector's counters at an instant.
#[derive(Clone, Default)]
pub struct Figures {
    pub messages: f64,
    pub events: f64,
    pub ignored: f64,
    pub corrections: f64,
    pub resyncs: f64,
    pub members: f64,
    pub calls: f64,
    pub callers: f64,
    pub logins: f64,
    pub settled: f64,
    lag_seconds: f64,
    /// Upper ends in milliseconds, and how many lags lie below.
    lags: Vec<(f64, f64)>,
}

impl Figures {
    pub fn read(admin: SocketAddr) -> Result<Figures> {
        Ok(Figures::of(&body_of(admin, "/metrics")?))
    }

    fn of(text: &str) -> Figures {
        let mut figures = Figures::default();
        for line in text.lines() {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            let name = series.split('{').next().unwrap_or_default();
            match name.strip_prefix("rtstats_connector_").unwrap_or_default() {
                "messages_total" => figures.messages += value,
                "events_total" => figures.events += value,
                "ignored_total" => figures.ignored += value,
                "corrections_total" => figures.corrections += value,
                "resyncs_total" => figures.resyncs += value,
                "logins_total" => figures.logins += value,
                "members" => figures.members += value,
                "calls" => figures.calls += value,
                "callers" => figures.callers += value,
                "settling_seconds_count" => figures.settled += value,
                "lag_seconds_sum" => figures.lag_seconds += value,
                "lag_seconds_bucket" => {
                    let (_, end) = series.split_once("le=\"").unwrap_or_default();
                    let end = end.split('"').next().unwrap_or_default();
                    let end = end.parse::<f64>().map_or(f64::INFINITY, |seconds| seconds * 1e3);
                    figures.lags.push((end, value));
                }
                _ => {}
            }
        }
        figures
    }

    /// Counts of all buckets since an earlier reading.
    fn since(&self, before: &Figures) -> Vec<(f64, f64)> {
        let earlier = |at: usize| before.lags.get(at).map_or(0.0, |(_, count)| *count);
        let all = self.lags.iter().enumerate();
        all.map(|(at, (end, count))| (*end, count - earlier(at))).collect()
    }

    /// The end of the bucket within which `percent` of the lags since an earlier reading lie, in milliseconds; for 100
    /// the bucket of the longest.
    pub fn lag_ms(&self, before: &Figures, percent: f64) -> f64 {
        let since = self.since(before);
        let all = since.last().map_or(0.0, |(_, count)| *count);
        let found = since.iter().find(|(_, count)| *count >= all * percent / 100.0);
        found.map_or(f64::NAN, |(end, _)| *end)
    }

    /// The part of the lags since an earlier reading that are at most so long.
    pub fn within(&self, before: &Figures, ms: f64) -> f64 {
        let since = self.since(before);
        let all = since.last().map_or(0.0, |(_, count)| *count);
        since.iter().find(|(end, _)| *end >= ms).map_or(f64::NAN, |(_, count)| count / all)
    }

    /// The mean lag since an earlier reading.
    pub fn lag_ms_mean(&self, before: &Figures) -> f64 {
        let all = self.since(before).last().map_or(0.0, |(_, count)| *count);
        (self.lag_seconds - before.lag_seconds) * 1e3 / all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_are_those_between_two_readings() {
        let text = |counts: [u32; 3]| {
            let [a, b, c] = counts;
            format!(
                "# TYPE x y\nrtstats_connector_lag_seconds_bucket{{connector=\"b\",le=\"0.001\"}} {a}\n\
                 rtstats_connector_lag_seconds_bucket{{connector=\"b\",le=\"0.02\"}} {b}\n\
                 rtstats_connector_lag_seconds_bucket{{connector=\"b\",le=\"+Inf\"}} {c}\n\
                 rtstats_connector_lag_seconds_sum{{connector=\"b\"}} {}\nrtstats_connector_logins_total 1\n",
                f64::from(c) / 100.0
            )
        };
        let (before, now) = (Figures::of(&text([5, 5, 9])), Figures::of(&text([105, 204, 209])));
        assert!((now.lag_ms(&before, 50.0) - 1.0).abs() < 1e-9);
        assert!((now.lag_ms(&before, 99.0) - 20.0).abs() < 1e-9);
        assert!(now.lag_ms(&before, 100.0).is_infinite());
        assert!((now.within(&before, 20.0) - 0.995).abs() < 1e-9);
        assert!((now.lag_ms_mean(&before) - 10.0).abs() < 1e-6);
        assert!((now.logins - 1.0).abs() < 1e-9);
    }
}
