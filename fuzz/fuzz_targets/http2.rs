//! What comes over HTTP/2 goes to the machinery as it came, but for what is answered before it: and then as it would be.
#![no_main]

#[path = "../../crates/rtstats/tests/reading/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::http2(input));
