//! How Asterisk's bytes are cut makes no difference, and a message that was read is written and read again as the same.
#![no_main]

#[path = "../../crates/rtstats/tests/ami/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::messages(input));
