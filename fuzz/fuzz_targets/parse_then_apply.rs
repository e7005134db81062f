//! Well-formed events go through the engine, snapshots and documents without breaking an assertion.
#![no_main]

#[path = "../../crates/stats/tests/parse/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::parse_then_apply(input));
