//! queue_log as history: any bytes, recordings of a real Asterisk, files that grow and rotate.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod checks;
mod follow;
mod import;
mod lines;
mod pieces;
mod recordings;
