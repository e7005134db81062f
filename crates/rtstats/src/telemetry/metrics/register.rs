//! The declaration of all metrics: field, name, meaning. Counters get `_total` when they are written.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, info::Info},
    registry::Registry,
};
use stats::engine::Reason;

use super::{
    super::{
        instrument::{ByLabels, COUNTS, DURATIONS, Histogram},
        process::Process,
    },
    Encoding, Kind, SignIn,
};

/// A gauge of fractions.
type Decimal = Gauge<f64, AtomicU64>;

/// The status codes that we answer; the last word stands for all others.
pub(super) const CODES: &[(u16, &str)] = &[
    (200, "200"),
    (303, "303"),
    (304, "304"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (408, "408"),
    (413, "413"),
    (415, "415"),
    (422, "422"),
    (429, "429"),
    (431, "431"),
    (500, "500"),
    (503, "503"),
    (0, "other"),
];

/// The pages of documents, as labels.
pub(super) const PAGES: &[&str] = &["agents", "queues", "agent", "queue"];

/// The formats of documents, as labels.
pub(super) const FORMATS: &[&str] = &["xml", "json", "csv"];

macro_rules! instruments {
    ($($field:ident: $type:ty = $new:expr, $name:literal, $about:literal;)*) => {
        /// Handles on all metrics.
        pub(super) struct Instruments { $(pub(super) $field: $type,)* }

        /// Makes them all, registered in the order of the declaration.
        pub(super) fn register() -> (Registry, Instruments) {
            let instruments = Instruments { $($field: $new,)* };
            let mut registry = Registry::default();
            $(registry.register($name, $about, instruments.$field.clone());)*
            let version = vec![("version", env!("CARGO_PKG_VERSION"))];
            registry.register("rtstats_build", "What is running", Info::new(version));
            registry.register_collector(Box::new(Process::new()));
            (registry, instruments)
        }
    };
}

instruments! {
    requests: ByLabels<Counter> = ByLabels::new(requests(), Counter::default),
        "rtstats_requests", "Answered requests by what they asked for and by status code";
    request_duration: ByLabels<Histogram> = ByLabels::new(kinds(), || Histogram::new(&DURATIONS)),
        "rtstats_request_duration_seconds", "Time from a request's head to its answer";
    bytes_sent: Counter = Counter::default(),
        "rtstats_sent_bytes", "Bytes of bodies sent";
    connections_open: Gauge = Gauge::default(),
        "rtstats_connections_open", "Open connections";
    connections_accepted: Counter = Counter::default(),
        "rtstats_connections_accepted", "Accepted connections";
    connections_refused: Counter = Counter::default(),
        "rtstats_connections_refused", "Connections refused because too many are open";
    handshake_failures: Counter = Counter::default(),
        "rtstats_tls_handshake_failures", "TLS handshakes that failed or took too long";
    certificate_reloads: ByLabels<Counter> = ByLabels::new(
            ["taken", "kept-old"].map(|result| vec![("result", result)]), Counter::default),
        "rtstats_certificate_reloads", "Changes of the certificate files, and whether they were taken";
    events_applied: Counter = Counter::default(),
        "rtstats_events_applied", "Live events that counted";
    events_duplicate: Counter = Counter::default(),
        "rtstats_events_duplicate", "Live events whose number in their source had been seen";
    events_ignored: ByLabels<Counter> = ByLabels::new(reasons(), Counter::default),
        "rtstats_events_ignored", "Live events without sense in the present state, by reason";
    lines_malformed: Counter = Counter::default(),
        "rtstats_lines_malformed", "Malformed lines in refused batches";
    last_event: Decimal = Decimal::default(),
        "rtstats_last_event_timestamp_seconds", "Time of the latest event";
    ingest_queue_bytes: Gauge = Gauge::default(),
        "rtstats_ingest_queue_bytes", "Bytes of events waiting for the journal";
    ingest_queue_batches: Gauge = Gauge::default(),
        "rtstats_ingest_queue_batches", "Batches waiting for the journal";
    commit_duration: Histogram = Histogram::new(&DURATIONS),
        "rtstats_journal_commit_duration_seconds", "Time of a commit of the journal to the disk";
    commit_batches: Histogram = Histogram::new(&COUNTS),
        "rtstats_journal_commit_batches", "Batches in a commit of the journal";
    commit_events: Histogram = Histogram::new(&COUNTS),
        "rtstats_journal_commit_events", "Events in a commit of the journal";
    commit_failures: Counter = Counter::default(),
        "rtstats_journal_commit_failures", "Commits of the journal that failed";
    refresh_duration: Histogram = Histogram::new(&DURATIONS),
        "rtstats_refresh_duration_seconds", "Time to evaluate all fields of a tenant at a refresh";
    last_refresh: Decimal = Decimal::default(),
        "rtstats_last_refresh_timestamp_seconds", "The instant that the latest refresh describes";
    render_duration: ByLabels<Histogram> = ByLabels::new(documents(), || Histogram::new(&DURATIONS)),
        "rtstats_render_duration_seconds", "Time to render a document; its count is the documents rendered";
    compress_duration: ByLabels<Histogram> = ByLabels::new(encodings(), || Histogram::new(&DURATIONS)),
        "rtstats_compress_duration_seconds", "Time to compress a document";
    compress_bytes_in: ByLabels<Counter> = ByLabels::new(encodings(), Counter::default),
        "rtstats_compress_input_bytes", "Bytes of documents before compression";
    compress_bytes_out: ByLabels<Counter> = ByLabels::new(encodings(), Counter::default),
        "rtstats_compress_output_bytes", "Bytes of documents after compression";
    live_subscribers: Gauge = Gauge::default(),
        "rtstats_live_subscribers", "Open live streams";
    live_frames: Counter = Counter::default(),
        "rtstats_live_frames", "Frames of live feeds rendered, however many take them";
    live_frame_bytes: Counter = Counter::default(),
        "rtstats_live_frame_bytes", "Bytes of frames of live feeds rendered";
    live_wholes: Counter = Counter::default(),
        "rtstats_live_whole_tables", "Whole tables of live feeds rendered, however many take them";
    live_whole_bytes: Counter = Counter::default(),
        "rtstats_live_whole_table_bytes", "Bytes of whole tables of live feeds rendered";
    live_sent_bytes: Counter = Counter::default(),
        "rtstats_live_sent_bytes", "Bytes handed to live streams";
    live_view_duration: Histogram = Histogram::new(&DURATIONS),
        "rtstats_live_view_duration_seconds", "Time to evaluate all fields of a tenant for its live feed";
    live_render_duration: Histogram = Histogram::new(&DURATIONS),
        "rtstats_live_render_duration_seconds", "Time to compare and render a frame of a live feed";
    live_lag: Histogram = Histogram::new(&DURATIONS),
        "rtstats_live_lag_seconds", "Time from the notice of a change to the frame that shows it";
    trend_writes: Counter = Counter::default(),
        "rtstats_trend_points", "Points of trends kept, one for each tenant and minute with events";
    trend_failures: Counter = Counter::default(),
        "rtstats_trend_failures", "Minutes whose points of trends could not be kept";
    tenants: Gauge = Gauge::default(),
        "rtstats_tenants", "Tenants";
    agents: Gauge = Gauge::default(),
        "rtstats_agents", "Configured agents of all tenants";
    queues: Gauge = Gauge::default(),
        "rtstats_queues", "Configured queues of all tenants";
    snapshot_duration: Histogram = Histogram::new(&DURATIONS),
        "rtstats_snapshot_duration_seconds", "Time to take and keep a snapshot";
    snapshot_bytes: Counter = Counter::default(),
        "rtstats_snapshot_bytes", "Bytes of snapshots kept";
    snapshot_failures: Counter = Counter::default(),
        "rtstats_snapshot_failures", "Snapshots that couldn't be kept";
    replay_events: Counter = Counter::default(),
        "rtstats_replay_events", "Events of the log replayed since the start";
    sign_ins: ByLabels<Counter> = ByLabels::new(
            SignIn::ALL.iter().map(|ended| vec![("result", ended.word())]), Counter::default),
        "rtstats_sign_ins", "Attempts to sign in, by how they ended";
    lock_outs: Counter = Counter::default(),
        "rtstats_lock_outs", "Wrong sign-ins that brought a delay for further ones";
    sessions: Gauge = Gauge::default(),
        "rtstats_sessions", "Sessions of browsers in force";
    recovering: Gauge = Gauge::default(),
        "rtstats_recovering_tenants", "Tenants whose log is still being replayed";
}

fn requests() -> impl Iterator<Item = Vec<(&'static str, &'static str)>> {
    Kind::ALL
        .iter()
        .flat_map(|kind| CODES.iter().map(|(_, code)| vec![("kind", kind.word()), ("code", *code)]))
}

fn kinds() -> impl Iterator<Item = Vec<(&'static str, &'static str)>> {
    Kind::ALL.iter().map(|kind| vec![("kind", kind.word())])
}

fn reasons() -> impl Iterator<Item = Vec<(&'static str, &'static str)>> {
    Reason::ALL.iter().map(|reason| vec![("reason", reason.word())])
}

fn documents() -> impl Iterator<Item = Vec<(&'static str, &'static str)>> {
    PAGES
        .iter()
        .flat_map(|page| FORMATS.iter().map(|format| vec![("page", *page), ("format", *format)]))
}

fn encodings() -> impl Iterator<Item = Vec<(&'static str, &'static str)>> {
    Encoding::ALL.iter().map(|encoding| vec![("encoding", encoding.word())])
}
