//! The tenant's own view of how fresh its figures are: `GET /api/rtstats/status`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use stats::event::Millis;

use crate::shard::Ledger;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Status<'a> {
    tenant: &'a str,
    instant: String,
    last_event: Option<String>,
    behind_seconds: Option<f64>,
    events: Events,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct Events {
    applied: u64,
    duplicates: u64,
    /// Reasons that occurred.
    ignored: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Source<'a> {
    source: &'a str,
    last_event: String,
    behind_seconds: f64,
    last_seq: u64,
    missing: u64,
    duplicates: u64,
}

/// The document.
pub fn body(ledger: &Ledger) -> Vec<u8> {
    let account = &ledger.account;
    let behind_seconds = |last: Millis| (ledger.instant - last) as f64 / 1_000.0;
    let sources = account.sources().map(|(name, source)| Source {
        source: name,
        last_event: rfc3339(source.last_event),
        behind_seconds: behind_seconds(source.last_event),
        last_seq: source.seq,
        missing: source.missing,
        duplicates: source.duplicates,
    });
    let ignored = account.ignored().filter(|(_, count)| *count > 0);
    let status = Status {
        tenant: &ledger.tenant,
        instant: rfc3339(ledger.instant),
        last_event: ledger.counted.map(rfc3339),
        behind_seconds: ledger.counted.map(behind_seconds),
        events: Events {
            applied: account.applied,
            duplicates: account.duplicates,
            ignored: ignored.map(|(reason, count)| (reason.word(), count)).collect(),
        },
        sources: sources.collect(),
    };
    serde_json::to_vec(&status).expect("text and numbers are JSON")
}

fn rfc3339(instant: Millis) -> String {
    let instant = Timestamp::from_millisecond(instant).unwrap_or_default();
    format!("{instant:.3}")
}
