//! Bytes that are no snapshot are refused without panic.
#![no_main]

#[path = "../../crates/stats/tests/parse/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::snapshot_restore(input));
