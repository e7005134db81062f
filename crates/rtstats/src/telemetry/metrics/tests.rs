//! What Prometheus reads.

use std::collections::BTreeMap;

use super::*;

/// The series and their values.
fn series(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series, value.parse().unwrap()))
        .collect()
}

fn value(metrics: &Metrics, name: &str) -> f64 {
    let text = metrics.encode();
    *series(&text).get(name).unwrap_or_else(|| panic!("no {name} in\n{text}"))
}

#[test]
fn requests_are_counted_by_kind_and_code() {
    let metrics = Metrics::new();
    metrics.request(Kind::Agents, 200, Duration::from_micros(300));
    metrics.request(Kind::Agents, 200, Duration::from_millis(30));
    metrics.request(Kind::Queue, 404, Duration::from_secs(60));
    metrics.request(Kind::Other, 299, Duration::ZERO);
    let of = |name: &str| value(&metrics, name);
    assert_eq!(of(r#"rtstats_requests_total{kind="agents",code="200"}"#), 2.0);
    assert_eq!(of(r#"rtstats_requests_total{kind="queue",code="404"}"#), 1.0);
    assert_eq!(of(r#"rtstats_requests_total{kind="other",code="other"}"#), 1.0);
    assert_eq!(of(r#"rtstats_requests_total{kind="events",code="200"}"#), 0.0);
    let bucket = |kind: &str, end: &str| {
        of(&format!(r#"rtstats_request_duration_seconds_bucket{{kind="{kind}",le="{end}"}}"#))
    };
    assert_eq!(bucket("agents", "0.00025"), 0.0);
    assert_eq!(bucket("agents", "0.0005"), 1.0);
    assert_eq!(bucket("agents", "0.05"), 2.0);
    assert_eq!(bucket("queue", "10"), 0.0);
    assert_eq!(bucket("queue", "+Inf"), 1.0);
    assert_eq!(of(r#"rtstats_request_duration_seconds_sum{kind="agents"}"#), 0.0303);
    assert_eq!(of(r#"rtstats_request_duration_seconds_count{kind="agents"}"#), 2.0);
}

#[test]
fn a_connection_is_open_until_it_is_dropped() {
    let metrics = Metrics::new();
    let handle = metrics.clone();
    let (one, other) = (metrics.connection_opened(), handle.connection_opened());
    assert_eq!(value(&metrics, "rtstats_connections_open"), 2.0);
    drop((one, other));
    assert_eq!(value(&metrics, "rtstats_connections_open"), 0.0);
    assert_eq!(value(&metrics, "rtstats_connections_accepted_total"), 2.0);
}

#[test]
fn every_method_reaches_its_own_series() {
    let metrics = Metrics::new();
    let took = Duration::from_millis(2);
    metrics.bytes_sent(11);
    metrics.connection_refused();
    metrics.handshake_failed();
    metrics.events_applied(5);
    metrics.events_duplicate(1);
    metrics.events_ignored(Reason::NoLeg, 1);
    metrics.lines_malformed(6);
    metrics.last_event(1_500);
    metrics.ingest_queue(2, 7);
    metrics.commit(3, 3_000, took);
    metrics.commit_failed();
    metrics.refresh(2_500, took);
    metrics.render(Page::Queue(1), Format::Json, took);
    metrics.compress(Encoding::Brotli, 100, 10, took);
    metrics.tenants(1);
    metrics.configured(30, 5);
    metrics.snapshot(8, took);
    metrics.snapshot_failed();
    metrics.replayed(9);
    metrics.recovering(12);
    metrics.certificate_reload(false);
    let text = metrics.encode();
    let series = series(&text);
    for (name, expected) in [
        ("rtstats_sent_bytes_total", 11.0),
        ("rtstats_connections_refused_total", 1.0),
        ("rtstats_tls_handshake_failures_total", 1.0),
        ("rtstats_events_applied_total", 5.0),
        ("rtstats_events_duplicate_total", 1.0),
        (r#"rtstats_events_ignored_total{reason="no-leg"}"#, 1.0),
        ("rtstats_lines_malformed_total", 6.0),
        ("rtstats_last_event_timestamp_seconds", 1.5),
        ("rtstats_ingest_queue_batches", 2.0),
        ("rtstats_ingest_queue_bytes", 7.0),
        ("rtstats_journal_commit_duration_seconds_count", 1.0),
        ("rtstats_journal_commit_batches_sum", 3.0),
        (r#"rtstats_journal_commit_events_bucket{le="4096"}"#, 1.0),
        ("rtstats_journal_commit_failures_total", 1.0),
        ("rtstats_refresh_duration_seconds_sum", 0.002),
        ("rtstats_last_refresh_timestamp_seconds", 2.5),
        (r#"rtstats_render_duration_seconds_count{page="queue",format="json"}"#, 1.0),
        (r#"rtstats_compress_duration_seconds_count{encoding="br"}"#, 1.0),
        (r#"rtstats_compress_input_bytes_total{encoding="br"}"#, 100.0),
        (r#"rtstats_compress_output_bytes_total{encoding="br"}"#, 10.0),
        ("rtstats_tenants", 1.0),
        ("rtstats_agents", 30.0),
        ("rtstats_queues", 5.0),
        ("rtstats_snapshot_duration_seconds_count", 1.0),
        ("rtstats_snapshot_bytes_total", 8.0),
        ("rtstats_snapshot_failures_total", 1.0),
        ("rtstats_replay_events_total", 9.0),
        ("rtstats_recovering_tenants", 12.0),
        (r#"rtstats_certificate_reloads_total{result="kept-old"}"#, 1.0),
    ] {
        assert_eq!(series.get(name), Some(&expected), "{name} in\n{text}");
    }
}

#[test]
fn every_series_is_declared_once_and_named_by_convention() {
    let text = Metrics::new().encode();
    let mut names = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert_eq!(names.insert(name, kind), None, "{name} twice");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name} {kind}");
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
    }
    for series in series(&text).keys() {
        let name = series.split('{').next().unwrap();
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix).filter(|base| names.contains_key(base)));
        assert!(names.contains_key(base.unwrap_or(name)), "{series} isn't declared");
    }
    assert!(text.contains(concat!(r#"version=""#, env!("CARGO_PKG_VERSION"), '"')), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_tells_its_memory_and_files() {
    let metrics = Metrics::new();
    let resident = value(&metrics, "process_resident_memory_bytes");
    assert!((1e6..1e11).contains(&resident), "{resident}");
    assert!(value(&metrics, "process_open_fds") >= 3.0);
    assert!(value(&metrics, "process_start_time_seconds") > 1.6e9);
}

#[test]
fn observations_of_several_threads_add_up() {
    let metrics = Metrics::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    metrics.request(Kind::Agent, 304, Duration::from_micros(10));
                }
            });
        }
    });
    assert_eq!(value(&metrics, r#"rtstats_requests_total{kind="agent",code="304"}"#), 4_000.0);
    let count = r#"rtstats_request_duration_seconds_bucket{kind="agent",le="1e-05"}"#;
    assert_eq!(value(&metrics, count), 4_000.0);
}
