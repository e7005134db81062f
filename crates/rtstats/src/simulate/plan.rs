//! What to simulate.

use jiff::{Timestamp, tz::TimeZone};
use stats::{event::Millis, zone::Zone};

/// The plan of a simulation: equal plans give equal events.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Seed of all chance.
    pub seed: u64,
    /// Number of agents, at least 1.
    pub agents: u32,
    /// Number of queues, at least 1.
    pub queues: u32,
    /// The instant at which it begins, best the start of a local day.
    pub start: Millis,
    /// The contact centre's time zone.
    pub zone: Zone,
    /// Source of the events, 1–64 characters; their `seq` counts from 1.
    pub source: String,
}

impl Plan {
    /// A plan whose source names the seed, the size and the start, so that only equal plans share a numbering.
    pub fn new(seed: u64, agents: u32, queues: u32, start: Millis, zone: Zone) -> Plan {
        let at = Timestamp::from_millisecond(start).unwrap_or(Timestamp::MAX);
        let at = TimeZone::UTC.to_datetime(at).strftime("%Y%m%dT%H%M%S").to_string();
        let source = format!("sim-{seed:x}-{agents}x{queues}-{at}");
        Plan { seed, agents, queues, start, zone, source }
    }

    /// The demo's contact centre: five queues, thirty agents.
    pub fn demo(seed: u64, day_start: Millis, zone: Zone) -> Plan {
        Plan::new(seed, 30, 5, day_start, zone)
    }
}
