//! A line is read without panic, and what is read is written and read again as the same event.
#![no_main]

#[path = "../../crates/stats/tests/parse/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::parse_line(input));
