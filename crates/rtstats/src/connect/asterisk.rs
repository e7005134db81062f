//! Asterisk: live over its manager interface (AMI), and its history from queue_log.

pub mod ami;
pub mod check;
pub mod clock_offset;
pub mod mapping;
pub mod pbx;
pub mod queue_log;
mod reconnect;
pub mod session;
pub mod settings;
