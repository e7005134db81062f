//! A cookie's value is a part of what was sent, without what would end it.
#![no_main]

#[path = "../../crates/rtstats/tests/reading/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::cookies(input));
