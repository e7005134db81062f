//! When a PBX's message happened, by the server's clock.
//!
//! With `timestampevents = yes` a message carries the PBX's own instant. The clocks of two machines differ, but the
//! difference stands still compared with what a line or a busy reader adds: the least delay seen lately is taken for
//! the difference of the clocks, whatever is above it for the message's lag. So a message that waits is counted when
//! it happened, and a clock that is wrong counts nothing wrong.

use stats::{event::Millis, limit};

/// How long the least delay holds before it is measured anew: clocks drift.
const HOLDS_MS: Millis = 60_000;

/// No line and no reader holds messages up for longer than this: the PBX's clock was set back.
const LAG_MS_MAX: Millis = 10_000;

/// Follows the difference between the PBX's clock and the server's.
#[derive(Debug, Default)]
pub struct ClockOffset {
    /// The least delay of this span and of the one before.
    least_ms: [Option<Millis>; 2],
    span_began: Millis,
}

impl ClockOffset {
    /// When a message with the PBX's stamp happened, which was received at this instant: never later than that.
    pub fn happened(&mut self, stamp: Option<Millis>, received: Millis) -> Millis {
        // Far from anything that a clock shows, it is no instant.
        let Some(stamp) = stamp.filter(|stamp| (0..=limit::TIME_MS_MAX).contains(stamp)) else {
            return received;
        };
        let delay_ms = received.saturating_sub(stamp);
        if received - self.span_began >= HOLDS_MS || received < self.span_began {
            self.least_ms = [None, self.least_ms[0]];
            self.span_began = received;
        }
        let least_ms = self.least_ms[0].map_or(delay_ms, |least_ms| least_ms.min(delay_ms));
        self.least_ms[0] = Some(least_ms);
        let mut offset_ms = self.least_ms[1].map_or(least_ms, |before_ms| before_ms.min(least_ms));
        if delay_ms - offset_ms > LAG_MS_MAX {
            self.least_ms = [Some(delay_ms), None];
            offset_ms = delay_ms;
        }
        stamp.saturating_add(offset_ms).min(received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_waited_counts_when_it_happened() {
        let mut offset = ClockOffset::default();
        assert_eq!(offset.happened(Some(1_000), 1_002), 1_002);
        assert_eq!(offset.happened(Some(2_000), 2_001), 2_001);
        assert_eq!(offset.happened(Some(3_000), 3_500), 3_001);
        assert_eq!(offset.happened(None, 4_000), 4_000);
    }

    #[test]
    fn a_clock_that_is_wrong_counts_nothing_wrong() {
        let mut offset = ClockOffset::default();
        assert_eq!(offset.happened(Some(901_000), 1_000), 1_000);
        assert_eq!(offset.happened(Some(902_000), 2_700), 2_000);
    }

    #[test]
    fn a_clock_that_is_set_is_followed() {
        let mut offset = ClockOffset::default();
        assert_eq!(offset.happened(Some(1_000), 1_000), 1_000);
        // Set forward: at once.
        assert_eq!(offset.happened(Some(62_000), 2_000), 2_000);
        // Set back by a minute: at once, too.
        assert_eq!(offset.happened(Some(3_000), 3_100), 3_100);
        assert_eq!(offset.happened(Some(4_000), 4_050), 4_050);
        // Set back by less than a message may lag: once the least delay of before has aged out.
        assert_eq!(offset.happened(Some(4_000), 9_000), 4_050);
        assert_eq!(offset.happened(Some(65_000), 70_000), 65_050);
        assert_eq!(offset.happened(Some(135_000), 140_000), 140_000);
    }
}
