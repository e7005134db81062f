//! Every setting of `rtstats serve`, and where each value comes from.
//!
//! Sources from low to high precedence: built-in default, TOML file, environment variable, flag. One table
//! ([`SETTINGS`]) declares key, form, default and meaning of each setting; the file's keys, the variables' names, the
//! flags, the print-out of `rtstats config` and the table of docs/configuration.md all come from it. The sections
//! `[connect.asterisk.NAME]`, of which there may be any number, have tables of their own ([`CONNECTION_KEYS`] and those
//! after it).
//! Nothing is bound or opened here: all mistakes of all sources are told at once, before anything starts.

mod args;
mod connect_args;
mod connections;
mod environment;
mod file;
mod form;
mod judge;
mod mistake;
mod print;
mod resolve;
mod section;
mod settings;

pub use args::ServeArgs;
pub use connect_args::ConnectArgs;
pub use form::Form;
pub use judge::ReadFile;
pub use mistake::{Mistake, Mistakes, Origin};
pub use print::{connection_tables, settings_table};
pub use resolve::{Effective, Sources, load, resolve};
pub use section::{CONNECTION_KEYS, Key, PAUSE_KEYS, QUEUE_KEYS, SLA_KEYS};
pub use settings::{Config, Limits, SETTINGS, Setting};

#[cfg(test)]
mod connection_tests;
#[cfg(test)]
mod tests;
