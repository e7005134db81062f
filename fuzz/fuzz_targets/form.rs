//! A form in either encoding is read within bounds: nothing is there that was not sent.
#![no_main]

#[path = "../../crates/rtstats/tests/reading/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::form(input));
