//! A file of settings is in force or has mistakes; and what is printed reads back as the same.
#![no_main]

#[path = "../../crates/rtstats/tests/reading/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::settings(input));
