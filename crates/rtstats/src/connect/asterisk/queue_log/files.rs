//! The files of a queue_log.

/// The longest line that is read: far more than Asterisk writes, so that a file of something else costs no memory.
pub const LINE_BYTES_MAX: usize = 64 << 10;
