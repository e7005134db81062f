//! Asterisk: live over its manager interface (AMI), and its history from queue_log.

pub mod ami;
pub mod check;
pub mod clock_offset;
pub mod mapping;
pub mod pbx;
mod reconnect;
pub mod session;
pub mod settings;
