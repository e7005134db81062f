//! The tenant's own view of how fresh its figures are: `GET /api/rtstats/status`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stats::event::Millis;

use crate::shard::Ledger;

/// The document.
pub fn body(ledger: &Ledger) -> Vec<u8> {
    let account = &ledger.account;
    let sources: Vec<Value> = account
        .sources()
        .map(|(name, source)| {
            json!({
                "source": &**name,
                "last-event": rfc3339(source.last_event),
                "behind-seconds": behind_seconds(ledger.instant, source.last_event),
                "last-seq": source.seq,
                "missing": source.missing,
                "duplicates": source.duplicates,
            })
        })
        .collect();
    let ignored: Map<String, Value> = account
        .ignored()
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| (reason.word().to_owned(), count.into()))
        .collect();
    let body = json!({
        "tenant": &*ledger.tenant,
        "instant": rfc3339(ledger.instant),
        "last-event": ledger.counted.map(rfc3339),
        "behind-seconds": ledger.counted.map(|counted| behind_seconds(ledger.instant, counted)),
        "events": {
            "applied": account.applied,
            "duplicates": account.duplicates,
            "ignored": ignored,
        },
        "sources": sources,
    });
    body.to_string().into_bytes()
}

fn rfc3339(instant: Millis) -> String {
    let instant = Timestamp::from_millisecond(instant).unwrap_or_default();
    format!("{instant:.3}")
}

fn behind_seconds(now: Millis, last: Millis) -> f64 {
    (now - last) as f64 / 1_000.0
}
