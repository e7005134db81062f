//! The tenant's own view of how fresh its figures are: `GET /api/rtstats/status`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use stats::{engine::Source as Numbering, event::Millis};

use crate::shard::{HISTORY, Ledger};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Status<'a> {
    tenant: &'a str,
    instant: String,
    last_event: Option<String>,
    behind_seconds: Option<f64>,
    events: Events,
    sources: Vec<Source<'a>>,
    connectors: Vec<Connector>,
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
    /// None where numbers skip by their nature.
    missing: Option<u64>,
    duplicates: u64,
}

/// What feeds a tenant from within this server: how it stands.
pub struct Standing {
    /// Its name in the configuration.
    pub name: String,
    /// What it does, in a word.
    pub state: &'static str,
    /// Since when.
    pub since: Millis,
    /// When the other system last told something.
    pub last_message: Option<Millis>,
    /// What last went wrong, and when; it may be over.
    pub last_trouble: Option<(Millis, String)>,
}

/// Tells how the connectors of a tenant stand, by its name.
pub type Standings = Box<dyn Fn(&str) -> Vec<Standing> + Send + Sync>;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Connector {
    name: String,
    state: &'static str,
    since: String,
    last_message: Option<String>,
    last_trouble: Option<Trouble>,
}

#[derive(Serialize)]
struct Trouble {
    instant: String,
    text: String,
}

impl From<Standing> for Connector {
    fn from(standing: Standing) -> Connector {
        Connector {
            name: standing.name,
            state: standing.state,
            since: rfc3339(standing.since),
            last_message: standing.last_message.map(rfc3339),
            last_trouble: standing
                .last_trouble
                .map(|(instant, text)| Trouble { instant: rfc3339(instant), text }),
        }
    }
}

/// The document.
pub fn body(ledger: &Ledger, standings: Vec<Standing>) -> Vec<u8> {
    let account = &ledger.account;
    let behind_seconds = |last: Millis| (ledger.instant - last) as f64 / 1_000.0;
    let sources = account.sources().map(|(name, source)| Source {
        source: name,
        last_event: rfc3339(source.last_event),
        behind_seconds: behind_seconds(source.last_event),
        last_seq: source.seq,
        missing: missing(name, source),
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
        connectors: standings.into_iter().map(Connector::from).collect(),
    };
    serde_json::to_vec(&status).expect("text and numbers are JSON")
}

/// Numbers of a source that never came; none where they skip by their nature, so that nothing is known to be missing.
pub fn missing(name: &str, source: &Numbering) -> Option<u64> {
    (!name.starts_with(HISTORY)).then_some(source.missing)
}

fn rfc3339(instant: Millis) -> String {
    let instant = Timestamp::from_millisecond(instant).unwrap_or_default();
    format!("{instant:.3}")
}
