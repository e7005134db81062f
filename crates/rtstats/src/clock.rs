//! The only reader of wall time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stats::event::Millis;

/// The present instant, in milliseconds since the Unix epoch.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(Millis::MAX))
}

/// An instant as HTTP writes dates; one before the Unix epoch as the epoch.
pub fn http_date(instant: Millis) -> String {
    let since = Duration::from_millis(u64::try_from(instant).unwrap_or_default());
    httpdate::fmt_http_date(UNIX_EPOCH + since)
}
