//! The real binary over real TLS: what a client, an operator and an attacker see.

mod cli;
mod client;
mod crash;
mod documents;
mod freshness;
mod ingest;
mod limits;
mod refusals;
mod server;
mod tls;
