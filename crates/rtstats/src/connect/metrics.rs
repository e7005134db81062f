//! The connectors' own metrics in the Prometheus text format: series come and go with the configuration.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use stats::event::Type;

use super::status::{Cause, Connectors, Counters, Figures, LAG_ENDS_MS, Monitor};

/// A gauge or counter of a connector's figures.
type FigureFamily = (&'static str, &'static str, &'static str, fn(&Figures) -> u64);

/// Families that come straight from the figures: name, type, meaning, value.
const FIGURES: &[FigureFamily] = &[
    ("rtstats_connector_queues", "gauge", "Queues that the connector serves.", |it| it.queues),
    ("rtstats_connector_members", "gauge", "Memberships of agents in queues.", |it| it.members),
    ("rtstats_connector_callers", "gauge", "Callers in the queues.", |it| it.visits),
    ("rtstats_connector_calls", "gauge", "Agents' calls.", |it| it.legs),
    ("rtstats_connector_resyncs_total", "counter", "States that were compared.", |it| it.resyncs),
    (
        "rtstats_connector_corrections_total",
        "counter",
        "Differences that a comparison set right.",
        |it| it.corrections,
    ),
    (
        "rtstats_connector_missed_calls_total",
        "counter",
        "Calls that happened while the connector heard nothing.",
        |it| it.missed,
    ),
];

impl Connectors {
    /// Appends all series of all connectors; nothing where there are none.
    pub fn write_metrics(&self, out: &mut String) {
        let all = self.all();
        if all.is_empty() {
            return;
        }
        // Writing to a string can't fail: here and below the results say nothing.
        head(out, "rtstats_connector_connected", "gauge", "Whether the connector is logged in.");
        for monitor in &all {
            let connected = u8::from(monitor.status().stage.is_connected());
            let _ = writeln!(out, "rtstats_connector_connected{} {connected}", label(monitor));
        }
        plain(out, &all, "rtstats_connector_logins_total", "Logins that succeeded.", |monitor| {
            &monitor.counters.logins
        });
        plain(out, &all, "rtstats_connector_batches_total", "Batches the server has.", |monitor| {
            &monitor.counters.batches
        });
        plain(out, &all, "rtstats_connector_retries_total", "Batches sent again.", |monitor| {
            &monitor.counters.retries
        });
        let about = "Events the server found without sense in its state.";
        plain(out, &all, "rtstats_connector_ignored_total", about, |monitor| {
            &monitor.counters.ignored
        });
        let about = "Sessions that ended or did not begin, by cause.";
        let causes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.word()).collect();
        by_word(out, &all, "rtstats_connector_cuts_total", about, "cause", |monitor| {
            (causes.clone(), &monitor.counters.cut)
        });
        let about = "Messages of the other system, by kind.";
        by_word(out, &all, "rtstats_connector_messages_total", about, "kind", |monitor| {
            let kinds = monitor.kinds.iter().copied().chain(["other"]).collect();
            (kinds, &monitor.counters.messages)
        });
        let about = "Events told to the server, by type.";
        by_word(out, &all, "rtstats_connector_events_total", about, "type", |monitor| {
            (Type::WORDS.to_vec(), &monitor.counters.events)
        });
        lag(out, &all);
        settling(out, &all);
        for (name, kind, about, value) in FIGURES {
            head(out, name, kind, about);
            for monitor in &all {
                let value = value(&monitor.status().figures);
                let _ = writeln!(out, "{name}{} {value}", label(monitor));
            }
        }
    }
}

fn head(out: &mut String, name: &str, kind: &str, about: &str) {
    let _ = write!(out, "# HELP {name} {about}\n# TYPE {name} {kind}\n");
}

/// A connector's name holds nothing that a label must escape.
fn label(monitor: &Monitor) -> String {
    format!("{{connector=\"{}\"}}", monitor.name)
}

fn plain(
    out: &mut String,
    all: &[Arc<Monitor>],
    name: &str,
    about: &str,
    counter: impl Fn(&Monitor) -> &AtomicU64,
) {
    head(out, name, "counter", about);
    for monitor in all {
        let _ = writeln!(out, "{name}{} {}", label(monitor), counter(monitor).load(Relaxed));
    }
}

fn by_word(
    out: &mut String,
    all: &[Arc<Monitor>],
    name: &str,
    about: &str,
    key: &str,
    counters: impl Fn(&Monitor) -> (Vec<&'static str>, &[AtomicU64]),
) {
    head(out, name, "counter", about);
    for monitor in all {
        let (words, counters) = counters(monitor);
        for (word, counter) in words.iter().zip(counters) {
            let (connector, count) = (&monitor.name, counter.load(Relaxed));
            let _ = writeln!(out, "{name}{{connector=\"{connector}\",{key}=\"{word}\"}} {count}");
        }
    }
}

fn lag(out: &mut String, all: &[Arc<Monitor>]) {
    let name = "rtstats_connector_lag_seconds";
    let about = "Time from when an event was certain to its being on disk and counted.";
    head(out, name, "histogram", about);
    for monitor in all {
        let connector = &monitor.name;
        let mut count = 0;
        for (index, bucket) in monitor.counters.lags.iter().enumerate() {
            count += bucket.load(Relaxed);
            let end = LAG_ENDS_MS.get(index).map_or("+Inf".to_owned(), |ms| seconds(*ms));
            let _ =
                writeln!(out, "{name}_bucket{{connector=\"{connector}\",le=\"{end}\"}} {count}");
        }
        let sum = seconds(monitor.counters.lag_ms_sum.load(Relaxed));
        let _ = writeln!(out, "{name}_sum{} {sum}", label(monitor));
        let _ = writeln!(out, "{name}_count{} {count}", label(monitor));
    }
}

/// What the model waits for, apart from the lag: that is not the server's or the line's.
fn settling(out: &mut String, all: &[Arc<Monitor>]) {
    let name = "rtstats_connector_settling_seconds";
    let about = "Time from events that are certain only after a while to when they were.";
    head(out, name, "summary", about);
    for monitor in all {
        let Counters { settled, settled_ms_sum, .. } = &monitor.counters;
        let (sum, count) = (seconds(settled_ms_sum.load(Relaxed)), settled.load(Relaxed));
        let _ = writeln!(out, "{name}_sum{} {sum}", label(monitor));
        let _ = writeln!(out, "{name}_count{} {count}", label(monitor));
    }
}

fn seconds(ms: u64) -> String {
    (ms as f64 / 1_000.0).to_string()
}

#[cfg(test)]
mod tests {
    use stats::event::Kind;

    use super::*;

    #[test]
    fn every_series_is_told_and_without_connectors_none() {
        let connectors = Connectors::default();
        let mut text = String::new();
        connectors.write_metrics(&mut text);
        assert_eq!(text, "");

        let monitor = connectors.add("main", "acme", "pbx", &["Hangup", "Newstate"]);
        monitor.logged_in();
        monitor.message(Some("Newstate"), 1);
        monitor.message(Some("x\"y"), 1);
        monitor.message(None, 1);
        monitor.told(&Kind::QueueRemoved { queue: 1 });
        monitor.taken(2);
        monitor.lag(20);
        monitor.lag(21);
        monitor.lag(-3);
        monitor.lag(99_000);
        monitor.settled(250);
        monitor.retried();
        monitor.cut(Cause::Silent, "");
        monitor.logged_in();
        monitor.holds(Figures { queues: 3, corrections: 4, ..Figures::default() });
        connectors.write_metrics(&mut text);
        for line in [
            "rtstats_connector_connected{connector=\"main\"} 1",
            "rtstats_connector_logins_total{connector=\"main\"} 2",
            "rtstats_connector_cuts_total{connector=\"main\",cause=\"silent\"} 1",
            "rtstats_connector_cuts_total{connector=\"main\",cause=\"login\"} 0",
            "rtstats_connector_messages_total{connector=\"main\",kind=\"Newstate\"} 1",
            "rtstats_connector_messages_total{connector=\"main\",kind=\"other\"} 2",
            "rtstats_connector_events_total{connector=\"main\",type=\"queue.removed\"} 1",
            "rtstats_connector_batches_total{connector=\"main\"} 1",
            "rtstats_connector_retries_total{connector=\"main\"} 1",
            "rtstats_connector_ignored_total{connector=\"main\"} 2",
            "rtstats_connector_lag_seconds_bucket{connector=\"main\",le=\"0.001\"} 1",
            "rtstats_connector_lag_seconds_bucket{connector=\"main\",le=\"0.02\"} 2",
            "rtstats_connector_lag_seconds_bucket{connector=\"main\",le=\"0.03\"} 3",
            "rtstats_connector_lag_seconds_bucket{connector=\"main\",le=\"+Inf\"} 4",
            "rtstats_connector_lag_seconds_sum{connector=\"main\"} 99.041",
            "rtstats_connector_lag_seconds_count{connector=\"main\"} 4",
            "rtstats_connector_settling_seconds_sum{connector=\"main\"} 0.25",
            "rtstats_connector_settling_seconds_count{connector=\"main\"} 1",
            "rtstats_connector_queues{connector=\"main\"} 3",
            "rtstats_connector_corrections_total{connector=\"main\"} 4",
        ] {
            assert!(text.lines().any(|told| told == line), "no {line} in\n{text}");
        }
    }

    #[test]
    fn the_docs_list_every_family() {
        let connectors = Connectors::default();
        let _monitor = connectors.add("main", "acme", "pbx", &[]);
        let mut text = String::new();
        connectors.write_metrics(&mut text);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
        let docs = std::fs::read_to_string(path).unwrap();
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        for family in families.map(|line| line.split(' ').next().unwrap()) {
            assert!(docs.contains(&format!("`{family}")), "docs/operations.md lacks {family}");
        }
    }
}
