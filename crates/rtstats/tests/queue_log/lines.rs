//! Any line at all is read or refused, and a good one is what was written.

use proptest::prelude::*;
use rtstats::connect::asterisk::queue_log::{
    kind::LogKind,
    line::{LineFault, LogLine},
    time::LogClock,
};

use crate::checks;

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        checks::a_line_reads_as_it_is_written(&bytes);
    }

    #[test]
    fn a_good_line_round_trips(
        seconds in 0_i64..200_000_000_000,
        ms in 0_i64..1_000,
        texts in prop::collection::vec("[^|\r\n]{0,20}", 3),
        kind in prop::sample::select(LogKind::ALL),
        data in "([0-9]{1,5}\\|){0,4}[^\r\n]{0,10}",
    ) {
        let time = (seconds * 1_000 + ms).min(stats::limit::TIME_MS_MAX);
        let line = LogLine {
            time,
            call: none_is_empty(&texts[0]),
            queue: none_is_empty(&texts[1]),
            agent: none_is_empty(&texts[2]),
            kind: Some(kind),
            word: kind.word(),
            data: &data,
            ring_ms: None,
        };
        let mut written = Vec::new();
        line.write(&mut written);
        match LogLine::read(&written, &mut LogClock::default()) {
            Ok(read) => prop_assert_eq!(LogLine { ring_ms: None, ..read }, line),
            Err(fault) => prop_assert!(
                matches!(fault, LineFault::Lacks { .. } | LineFault::Ring { .. }),
                "{fault}"
            ),
        }
        checks::a_line_reads_as_it_is_written(&written);
    }
}

fn none_is_empty(text: &str) -> &str {
    if text == "NONE" { "" } else { text }
}
