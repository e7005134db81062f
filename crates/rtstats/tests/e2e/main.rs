//! The real binary over real TLS: what a client, an operator and an attacker see.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod accounts;
mod asterisk;
mod browser;
mod cli;
mod client;
mod console;
mod crash;
#[path = "../asterisk/dice.rs"]
#[allow(dead_code, reason = "here only some of it is needed")]
mod dice;
mod documents;
#[cfg(target_os = "linux")]
mod faults;
mod faulty;
mod freshness;
mod half_closed;
mod hostile;
mod hostile_h2;
mod import;
mod ingest;
mod isolation;
mod kills;
mod limits;
mod live;
mod live_http1;
mod live_limits;
mod operator;
mod overload;
mod pages;
mod pbx;
mod refusals;
mod repeated;
mod secrets;
mod server;
#[cfg(target_os = "linux")]
mod soak;
mod state;
mod tls;
mod tls_probes;
mod trail;
