//! The server's own metrics, in the Prometheus text format.
//!
//! Callers hold a cheap handle and tell what happened by typed methods; every label set is laid out beforehand, so that
//! nothing on the request path locks or allocates.

mod register;

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{encoding::prometheus_text, registry::Registry};
use stats::{
    document::{Format, Page},
    engine::Reason,
    event::Millis,
};

use register::{CODES, FORMATS, Instruments};

/// The media type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

macro_rules! words {
    ($(#[doc = $about:literal])* $name:ident { $($variant:ident $word:literal $each:literal)* }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $(#[doc = $each] $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The word that labels use.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// What a request asks for.
    Kind {
        Agents "agents" "The list of agents."
        Queues "queues" "The list of queues."
        Agent "agent" "One agent."
        Queue "queue" "One queue."
        Events "events" "Ingest."
        Status "status" "A tenant's own status."
        State "state" "A tenant's present state, for its senders."
        Live "live" "A live stream; its time is that to its head."
        Trends "trends" "The trends of the last hours."
        Page "page" "A page for the browser."
        Asset "asset" "What pages load."
        Other "other" "Anything else."
    }
}

words! {
    /// How a sign-in ended.
    SignIn {
        Accepted "accepted" "Somebody got in."
        Wrong "wrong" "Unknown or wrong."
        Delayed "delayed" "Not looked at, after too many wrong ones."
        Busy "busy" "Too many at once."
    }
}

words! {
    /// A compression of documents.
    Encoding {
        Gzip "gzip" "RFC 1952."
        Brotli "br" "RFC 7932."
        Zstd "zstd" "RFC 8878."
    }
}

/// A handle on the metrics; clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Shared>);

struct Shared {
    registry: Registry,
    instruments: Instruments,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

/// An open connection; it counts as open until this is dropped.
#[derive(Debug)]
pub struct OpenConnection(Metrics);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.all().connections_open.dec();
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Metrics {
        let (registry, instruments) = register::register();
        Metrics(Arc::new(Shared { registry, instruments }))
    }

    /// The text that Prometheus reads; see [`CONTENT_TYPE`].
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(64 << 10);
        // Writing to a string can't fail, and our instruments have no errors of their own.
        let _ = prometheus_text::encode(&mut text, &self.0.registry);
        text
    }

    fn all(&self) -> &Instruments {
        &self.0.instruments
    }

    /// A request was answered, `took` after its head was read.
    pub fn request(&self, kind: Kind, status: u16, took: Duration) {
        let code = CODES.iter().position(|(code, _)| *code == status).unwrap_or(CODES.len() - 1);
        self.all().requests.at(kind as usize * CODES.len() + code).inc();
        self.all().request_duration.at(kind as usize).observe_duration(took);
    }

    /// Bytes of bodies were sent.
    pub fn bytes_sent(&self, bytes: u64) {
        self.all().bytes_sent.inc_by(bytes);
    }

    /// A connection was accepted.
    pub fn connection_opened(&self) -> OpenConnection {
        self.all().connections_accepted.inc();
        self.all().connections_open.inc();
        OpenConnection(self.clone())
    }

    /// A connection was refused: too many are open.
    pub fn connection_refused(&self) {
        self.all().connections_refused.inc();
    }

    /// A TLS handshake failed or took too long.
    pub fn handshake_failed(&self) {
        self.all().handshake_failures.inc();
    }

    /// Events counted. Replayed ones are told by [`Metrics::replayed`] instead.
    pub fn events_applied(&self, events: u64) {
        self.all().events_applied.inc_by(events);
    }

    /// Events had been seen before.
    pub fn events_duplicate(&self, events: u64) {
        self.all().events_duplicate.inc_by(events);
    }

    /// Events made no sense.
    pub fn events_ignored(&self, reason: Reason, events: u64) {
        self.all().events_ignored.at(reason as usize).inc_by(events);
    }

    /// Lines of refused batches were malformed.
    pub fn lines_malformed(&self, lines: u64) {
        self.all().lines_malformed.inc_by(lines);
    }

    /// The time of the latest event.
    pub fn last_event(&self, at: Millis) {
        self.all().last_event.set(at as f64 / 1_000.0);
    }

    /// What waits for the journal now.
    pub fn ingest_queue(&self, batches: usize, bytes: usize) {
        self.all().ingest_queue_batches.set(signed(batches));
        self.all().ingest_queue_bytes.set(signed(bytes));
    }

    /// The journal made batches durable.
    pub fn commit(&self, batches: u64, events: u64, took: Duration) {
        self.all().commit_duration.observe_duration(took);
        self.all().commit_batches.observe(batches);
        self.all().commit_events.observe(events);
    }

    /// The journal couldn't make batches durable.
    pub fn commit_failed(&self) {
        self.all().commit_failures.inc();
    }

    /// A tenant's engine was frozen.
    pub fn refresh(&self, at: Millis, took: Duration) {
        self.all().refresh_duration.observe_duration(took);
        self.all().last_refresh.set(at as f64 / 1_000.0);
    }

    /// A document was rendered.
    pub fn render(&self, page: Page<'_>, format: Format, took: Duration) {
        let page = match page {
            Page::Agents => 0,
            Page::Queues => 1,
            Page::Agent(_) => 2,
            Page::Queue(_) => 3,
        };
        let format = match format {
            Format::Xml => 0,
            Format::Json => 1,
            Format::Csv => 2,
        };
        self.all().render_duration.at(page * FORMATS.len() + format).observe_duration(took);
    }

    /// A document was compressed.
    pub fn compress(&self, encoding: Encoding, bytes_in: usize, bytes_out: usize, took: Duration) {
        let index = encoding as usize;
        self.all().compress_duration.at(index).observe_duration(took);
        self.all().compress_bytes_in.at(index).inc_by(bytes_in as u64);
        self.all().compress_bytes_out.at(index).inc_by(bytes_out as u64);
    }

    /// One more live stream is open.
    pub fn live_subscribed(&self) {
        self.all().live_subscribers.inc();
    }

    /// One less live stream is open.
    pub fn live_unsubscribed(&self) {
        self.all().live_subscribers.dec();
    }

    /// A frame of a live feed was rendered.
    pub fn live_frame(&self, bytes: usize) {
        self.all().live_frames.inc();
        self.all().live_frame_bytes.inc_by(bytes as u64);
    }

    /// A whole table of a live feed was rendered.
    pub fn live_whole(&self, bytes: usize) {
        self.all().live_wholes.inc();
        self.all().live_whole_bytes.inc_by(bytes as u64);
    }

    /// Bytes were handed to a live stream.
    pub fn live_sent(&self, bytes: usize) {
        self.all().live_sent_bytes.inc_by(bytes as u64);
        self.all().bytes_sent.inc_by(bytes as u64);
    }

    /// A tenant's engine was frozen for its live feed.
    pub fn live_view(&self, took: Duration) {
        self.all().live_view_duration.observe_duration(took);
    }

    /// A frame was compared and rendered.
    pub fn live_rendered(&self, took: Duration) {
        self.all().live_render_duration.observe_duration(took);
    }

    /// A change was noticed so long before its frame went out.
    pub fn live_lag(&self, lag: Duration) {
        self.all().live_lag.observe_duration(lag);
    }

    /// Points of trends were kept.
    pub fn trends_kept(&self, points: u64) {
        self.all().trend_writes.inc_by(points);
    }

    /// A minute's points of trends could not be kept.
    pub fn trends_failed(&self) {
        self.all().trend_failures.inc();
    }

    /// How many tenants there are.
    pub fn tenants(&self, tenants: usize) {
        self.all().tenants.set(signed(tenants));
    }

    /// How many agents and queues there are, in all tenants together.
    pub fn configured(&self, agents: usize, queues: usize) {
        self.all().agents.set(signed(agents));
        self.all().queues.set(signed(queues));
    }

    /// A tenant's state was snapshotted.
    pub fn snapshot(&self, bytes: usize, took: Duration) {
        self.all().snapshot_duration.observe_duration(took);
        self.all().snapshot_bytes.inc_by(bytes as u64);
    }

    /// A snapshot couldn't be kept.
    pub fn snapshot_failed(&self) {
        self.all().snapshot_failures.inc();
    }

    /// Events of the log were replayed at the start.
    pub fn replayed(&self, events: u64) {
        self.all().replay_events.inc_by(events);
    }

    /// How many tenants still recover.
    pub fn recovering(&self, tenants: usize) {
        self.all().recovering.set(signed(tenants));
    }

    /// Somebody tried to sign in.
    pub fn sign_in(&self, ended: SignIn) {
        self.all().sign_ins.at(ended as usize).inc();
    }

    /// Wrong sign-ins brought a delay.
    pub fn locked_out(&self) {
        self.all().lock_outs.inc();
    }

    /// How many sessions are in force.
    pub fn sessions(&self, sessions: usize) {
        self.all().sessions.set(signed(sessions));
    }

    /// The certificate files changed, and were taken or not.
    pub fn certificate_reload(&self, taken: bool) {
        self.all().certificate_reloads.at(usize::from(!taken)).inc();
    }
}

/// Gauges are signed.
fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
