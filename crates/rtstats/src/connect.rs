//! Connectors: they take what a contact centre's own systems tell and turn it into the events of SPEC §4.
//!
//! A connector holds no truth of its own. What it has told stands in the server's log; when it starts, or when its line
//! to the other system was cut, it asks the server for the present state, compares, and tells the differences.

pub mod asterisk;
pub mod hosted;
pub mod kept;
mod metrics;
pub mod names;
mod outlet;
pub mod sink;
pub mod status;
