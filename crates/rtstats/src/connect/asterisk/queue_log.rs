//! Asterisk's queue_log: the history of app_queue's queues as the events of SPEC §4.
//!
//! Files give lines in the order of their times (`files`, `line`), `history` gives each line's events, `order` puts
//! them in order and gives them the numbers by which the server knows them again. `import` is the command.

pub mod account;
pub mod files;
pub mod history;
pub mod import;
pub mod kind;
pub mod line;
pub mod order;
pub mod reading;
pub mod state;
pub mod tail;
pub mod time;
