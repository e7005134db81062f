//! A real Asterisk: what it tells about calls that this test makes, and what rtstats makes of it.
//!
//! Starting Asterisk needs root and the chroots of `testbed/asterisk/build`; without them each test says so in one line.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod ami;
mod check;
mod chroot;
mod day;
mod dice;
mod ours;
mod pbx;
mod phone;
mod proxy;
mod recording;
mod scenarios;
mod sip;
mod stage;
mod stories;
mod tally;
mod traffic;
mod view;
mod watch;

#[allow(dead_code, reason = "the end-to-end tests use more of it")]
#[path = "../e2e/client.rs"]
mod client;
#[allow(dead_code, reason = "the end-to-end tests use more of it")]
#[path = "../e2e/server.rs"]
mod server;
