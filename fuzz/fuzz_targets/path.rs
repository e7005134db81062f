//! A path is a document or a mistake, and a document's own path leads to it again.
#![no_main]

#[path = "../../crates/rtstats/tests/reading/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::path(input));
