//! The id by which a 500 answer and its log lines are found together.

use std::fmt;

use crate::clock;

/// A short random id, shown as twelve hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IncidentId(u64);

impl IncidentId {
    /// A new one.
    pub fn new() -> IncidentId {
        // It only tells incidents apart: where the system gives no random bytes, the time does.
        let random = getrandom::u64().unwrap_or_else(|_| clock::now().unsigned_abs());
        IncidentId(random & 0xffff_ffff_ffff)
    }
}

impl Default for IncidentId {
    fn default() -> IncidentId {
        IncidentId::new()
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:012x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_differ() {
        let (one, other) = (IncidentId::new().to_string(), IncidentId::new().to_string());
        assert_eq!(one.len(), 12);
        assert!(one.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, other);
    }
}
