//! Asterisk's queue_log: the history of app_queue's queues as the events of SPEC §4.
//!
//! Files give lines in the order of their times (`files`, `line`), `history` gives each line's events, `number` puts
//! them in order and gives them the numbers by which the server knows them again. Nothing here knows the network.

pub mod files;
pub mod kind;
pub mod line;
pub mod time;
