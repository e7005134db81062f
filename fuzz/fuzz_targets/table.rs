//! Rows that were read are written and read again as the same, and no cell that is written is a formula.
#![no_main]

#[path = "../../crates/rtstats/tests/reading/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::table(input));
