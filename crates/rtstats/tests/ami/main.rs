//! The manager interface's decoder through its public interface, over recordings and over whatever comes.

#![allow(clippy::unwrap_used, reason = "a test ends where its own assumption does not hold")]

mod checks;
mod messages;
mod properties;
