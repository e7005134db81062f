//! The only reader of wall time.

use std::time::{SystemTime, UNIX_EPOCH};

use stats::event::Millis;

/// The present instant, in milliseconds since the Unix epoch.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(Millis::MAX))
}
