//! Everything of rtstats that touches the world; the pure core is the crate `stats`.
//!
//! Modules stand on floors, a module naming only lower ones; ARCHITECTURE.md is the map.

// Floor 1: the only reader of wall time; logs and our own metrics; waits between attempts.
pub mod backoff;
pub mod clock;
pub mod telemetry;
// Floor 2: the durable order of events, the tenants and their tokens, and who uses the pages.
pub mod accounts;
pub mod database;
pub mod journal;
pub mod tenants;
// Floor 3: the engines at work, and the documents they froze.
pub mod board;
pub mod live;
pub mod shard;
// Floor 4: the edges that feed or show.
pub mod admin;
pub mod api;
pub mod connect;
pub mod ingest;
pub mod openapi;
pub mod pages;
pub mod post;
pub mod replay;
pub mod routes;
pub mod server;
pub mod simulate;
pub mod tls;
pub mod wallboard;
// Floor 5: what binds everything.
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
