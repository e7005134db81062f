//! What holds for the reading of any bytes; the property test and the fuzz target ask the same.

use rtstats::connect::asterisk::queue_log::{line::LogLine, time::LogClock};

/// Bytes are read without panic, and a line that is read is written and read again as the same.
pub fn a_line_reads_as_it_is_written(bytes: &[u8]) {
    let mut clock = LogClock::default();
    let Ok(line) = LogLine::read(bytes, &mut clock) else { return };
    let mut written = Vec::new();
    line.write(&mut written);
    assert_eq!(LogLine::read(&written, &mut clock).as_ref(), Ok(&line));
}
