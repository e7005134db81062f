//! A line of Asterisk's queue_log is read without panic, and what is read is written and read again as the same.
#![no_main]

#[path = "../../crates/rtstats/tests/queue_log/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::a_line_reads_as_it_is_written(input));
