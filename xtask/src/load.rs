//! `cargo xtask load`: load on a running server, and what it measured.
//!
//! The generator shares the machine with the server that it measures, so it is cheap: one plain thread per core,
//! each with its own single-threaded runtime; requests are bytes prepared in advance; answers are decrypted
//! where they arrived and counted, not kept.

pub mod api;
pub mod connection;
pub mod events;
pub mod fsync;
pub mod http2;
pub mod ingest;
pub mod latency;
pub mod live;
pub mod measure;
pub mod process;
pub mod target;

use anyhow::Result;

/// What to put load on.
#[derive(clap::Subcommand)]
pub enum Load {
    /// Ask for one document, over and over.
    Api(api::Options),
    /// Post events that make sense, over and over.
    Ingest(ingest::Options),
    /// Open many live streams and read them.
    Live(live::Options),
}

/// Runs a load and prints what it measured.
pub fn run(load: &Load) -> Result<()> {
    match load {
        Load::Api(options) => println!("{}", api::run(options)?),
        Load::Ingest(options) => println!("{}", ingest::run(options)?),
        Load::Live(options) => print!("{}", live::run(options)?),
    }
    Ok(())
}

/// The threads to share the connections: one per core, but none without a connection.
fn threads(wanted: Option<usize>, connections: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    wanted.unwrap_or(cores).clamp(1, connections.max(1))
}

/// How many of `connections` the thread `index` of `threads` has.
fn share(connections: usize, threads: usize, index: usize) -> usize {
    connections / threads + usize::from(index < connections % threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_is_on_one_thread() {
        let shares: Vec<_> = (0..3).map(|index| share(8, 3, index)).collect();
        assert_eq!(shares, [3, 3, 2]);
        assert_eq!(threads(Some(4), 2), 2);
        assert_eq!(threads(Some(0), 2), 1);
    }
}
