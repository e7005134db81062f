//! The parser through its public interface: what it accepts, what it refuses with which words, and that it agrees
//! with a plain checker over `serde_json` on whatever it is given.

#![allow(clippy::unwrap_used, reason = "a test ends where its own assumption does not hold")]

mod arbitrary;
mod checks;
mod malformed;
mod properties;
mod reference;
mod seeds;
mod well_formed;
