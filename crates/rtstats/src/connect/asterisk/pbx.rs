//! One PBX as its manager interface tells it, and the events that follow.

use stats::event::{Kind, Millis};

/// An event that is to be told, still without its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When it happened, by the server's clock.
    pub time: Millis,
    /// What happened.
    pub kind: Kind<'static>,
}
