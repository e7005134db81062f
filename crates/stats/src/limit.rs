//! Every limit of the system, in one place, with the reason beside it.
//!
//! A limit that follows from another is checked against it when the crate compiles.

/// Length of the sliding window, in milliseconds (SPEC §3: `w = now − 1 800 000`).
pub const WINDOW_MS: i64 = 1_800_000;

/// The latest instant that an event may carry: the start of the year 9999, so that every day has a next one.
pub const TIME_MS_MAX: i64 = 253_370_764_800_000;

/// How far ahead of the server's clock a live event may be, in milliseconds (SPEC §4).
pub const AHEAD_MS_MAX: i64 = 5_000;

/// Characters of an agent-id or a transaction id (SPEC §4).
pub const ID_CHARS_MAX: usize = 128;

/// Characters of a source's name (SPEC §4).
pub const SOURCE_CHARS_MAX: usize = 64;

/// Characters of a display name, a short code: far more than a screen shows, far less than a memory holds.
pub const NAME_CHARS_MAX: usize = 1_024;

/// Items of one status code list.
pub const CODE_ITEMS_MAX: usize = 10_000;

/// The highest queue number (SPEC §4: 1…2³¹−1).
pub const QUEUE_ID_MAX: u32 = i32::MAX as u32;

/// The highest number of a group.
pub const GROUP_ID_MAX: u32 = i32::MAX as u32;

/// The longest limit and evaluation period of a service level, in seconds: 68 years.
pub const SLA_SECONDS_MAX: u32 = i32::MAX as u32;

/// Objects and arrays within each other in one line, the event's own included.
pub const NESTING_MAX: u32 = 127;

/// Agents, queues and open legs of one tenant: a slot's number shares 32 bits with a kind of 4 bits.
pub const SLOTS_MAX: usize = 1 << 27;

/// Sources of one tenant whose sequence numbers are remembered.
pub const SOURCES_MAX: usize = 100_000;

/// Abandons within this time are left out of the service level, in milliseconds (SPEC §3.2).
pub const SHORT_ABANDON_MS: i64 = 5_000;

/// Evaluation period of the service level where the configuration names none, in seconds (SPEC §4).
pub const EVALUATE_EVERY_SECONDS: u32 = 900;

/// The body of one ingest request, decoded (SPEC §4.1).
pub const BATCH_BYTES_MAX: usize = 16 << 20;

/// Errors listed in one refusal of a batch (SPEC §4.1).
pub const ERRORS_LISTED_MAX: usize = 100;

const _: () =
    assert!(WINDOW_MS < u32::MAX as i64, "window entries keep times and durations in 32 bits");
const _: () = assert!(SLOTS_MAX < 1 << 28, "a slot shares 32 bits with a kind of 4 bits");
const _: () = assert!(BATCH_BYTES_MAX < u32::MAX as usize, "positions in a batch fit in 32 bits");
const _: () = assert!(NESTING_MAX < u128::BITS, "the parser keeps one bit for each level");
