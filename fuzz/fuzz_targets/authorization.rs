//! A header's value is a claim or none; a claim's tenant ends at the first colon.
#![no_main]

#[path = "../../crates/rtstats/tests/reading/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::authorization(input));
