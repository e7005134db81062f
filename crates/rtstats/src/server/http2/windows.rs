//! A connection's window for bodies (RFC 9113 §5.2), shared by two who send: hyper, and the answers that pass it by.
//!
//! Neither knows of the other's bodies, so that each has a part of its own. What the client adds is split when it comes,
//! and hyper is told its part only. Where hyper comes to an end of it, it gets the other as well.

use super::frame::NUMBER;

/// What a connection's window is before the client adds to it.
const FIRST: usize = 65_535;

/// Hyper's part, if there is as much,
const HYPERS_MIN: usize = FIRST / 2;

/// or one of so many parts of a larger window.
const HYPERS_SHARE: usize = 8;

/// What hyper has left when it gets all.
const HYPERS_LAST: usize = 16_384;

/// Bytes of bodies that each may still send.
#[derive(Debug)]
pub struct Windows {
    hypers: usize,
    ours: usize,
}

impl Default for Windows {
    fn default() -> Windows {
        Windows { hypers: FIRST, ours: 0 }
    }
}

impl Windows {
    /// The client adds so much; what hyper is to be told of it.
    pub fn add(&mut self, more: u32) -> u32 {
        let all = self.hypers + self.ours + more as usize;
        let ours = match all.checked_sub((all / HYPERS_SHARE).max(HYPERS_MIN)) {
            // A window that is too large is hyper's to refuse, and so to see whole.
            _ if all > NUMBER as usize => 0,
            ours => ours.unwrap_or(0).clamp(self.ours, self.ours + more as usize),
        };
        let told = (all - ours - self.hypers).min(NUMBER as usize);
        self.ours = ours;
        self.hypers += told;
        u32::try_from(told).unwrap_or(NUMBER)
    }

    /// Hyper sent a body's bytes; whether it should have more of the window.
    pub fn hyper_sent(&mut self, bytes: usize) -> bool {
        self.hypers = self.hypers.saturating_sub(bytes);
        self.hypers < HYPERS_LAST && self.ours > 0
    }

    /// Gives hyper all that is there; what it is to be told.
    pub fn lend(&mut self) -> u32 {
        let lent = u32::try_from(self.ours).unwrap_or(NUMBER);
        self.hypers += self.ours;
        self.ours = 0;
        lent
    }

    /// Whether an answer past hyper may have so many bytes.
    pub fn fits(&self, bytes: usize) -> bool {
        bytes <= self.ours
    }

    /// An answer past hyper has them.
    pub fn sent(&mut self, bytes: usize) {
        self.ours = self.ours.saturating_sub(bytes);
    }

    /// An answer past hyper had so many and sends none of them.
    pub fn unsent(&mut self, bytes: usize) {
        self.ours += bytes;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_large_window_is_mostly_ours_until_hyper_wants_it() {
        let mut windows = Windows::default();
        let told = windows.add((16 << 20) - 65_535);
        assert_eq!(windows.hypers, 65_535 + told as usize);
        assert_eq!((windows.hypers, windows.ours), (2 << 20, 14 << 20));
        assert!(windows.fits(14 << 20) && !windows.fits((14 << 20) + 1));
        assert!(!windows.hyper_sent(1 << 20));
        assert!(windows.hyper_sent(1 << 20));
        assert_eq!(windows.lend(), 14 << 20);
        assert!(!windows.fits(1));
    }

    #[test]
    fn a_small_one_is_split_as_it_is_used() {
        let mut windows = Windows::default();
        assert!(!windows.fits(1));
        windows.hyper_sent(30_000);
        assert_eq!(windows.add(30_000), 0);
        assert!(windows.fits(30_000));
        windows.sent(30_000);
        windows.hyper_sent(10_000);
        assert_eq!(windows.add(40_000), 40_000 - 32_768);
    }

    #[test]
    fn what_is_too_large_hyper_sees_whole() {
        let mut windows = Windows::default();
        assert_eq!(windows.add(NUMBER), NUMBER);
        let mut windows = Windows::default();
        windows.add(1 << 30);
        let told = windows.add((1 << 30) - 65_535);
        assert!(windows.hypers > NUMBER as usize, "{told}");
        // At the very edge it is not too large.
        let mut windows = Windows::default();
        windows.add(NUMBER - 65_535);
        assert_eq!(windows.hypers + windows.ours, NUMBER as usize);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_counted_twice(
            steps in prop::collection::vec((0..4_u8, 0..200_000_u32), 0..200),
        ) {
            let mut windows = Windows::default();
            let (mut open, mut told) = (65_535_usize, 65_535_usize);
            for (step, bytes) in steps {
                let bytes = bytes as usize;
                match step {
                    0 | 1 => {
                        open += bytes;
                        told += windows.add(bytes as u32) as usize;
                    }
                    2 => {
                        let bytes = bytes.min(told);
                        (open, told) = (open - bytes, told - bytes);
                        if windows.hyper_sent(bytes) {
                            told += windows.lend() as usize;
                        }
                        prop_assert!(told >= HYPERS_LAST.min(open), "hyper starves");
                    }
                    _ if windows.fits(bytes) => {
                        windows.sent(bytes);
                        windows.unsent(bytes / 2);
                        open -= bytes - bytes / 2;
                    }
                    _ => {}
                }
                prop_assert_eq!((windows.hypers, windows.hypers + windows.ours), (told, open));
            }
        }
    }
}
