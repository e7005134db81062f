//! SPEC §3 and §4 as claims: each scenario shows one settled point, with figures worked out by hand.

#![allow(clippy::unwrap_used, reason = "a test ends where its own assumption does not hold")]

mod agents;
mod days;
mod directory;
mod lines;
mod log;
mod queues;
mod service_level;
mod stage;
