//! A batch tells its lines in order, whatever is in it.
#![no_main]

#[path = "../../crates/stats/tests/parse/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::parse_batch(input));
