//! `cargo xtask load api`: one document, asked for over and over.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::connection::{Connection, Failure};
use super::measure::{Done, Events, Measured, Plan, Work, measure};
use super::target::{Address, Target};

/// The flags of `load api`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub address: Address,
    /// Connections that each ask, wait for the answer and ask again.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// The measured time.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// The time before, which is not measured.
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// Threads of the generator; one per core unless given.
    #[arg(long)]
    pub threads: Option<usize>,
    /// The server's processes, separated by commas: their processor time per request is told.
    #[arg(long, value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// The encodings that answers may have.
    #[arg(long)]
    pub accept_encoding: Option<String>,
    /// A new connection, with a full handshake, for every request.
    #[arg(long)]
    pub new_connections: bool,
}

/// Asks and measures.
pub fn run(options: &Options) -> Result<Measured> {
    let target = Target::new(&options.address)?;
    let mut further = Vec::new();
    if let Some(encodings) = &options.accept_encoding {
        further.push(("Accept-Encoding", encodings.as_str()));
    }
    let request = target.head("GET", &further);
    let plan = Plan {
        connections: options.connections,
        threads: super::threads(options.threads, options.connections),
        warm_up: Duration::from_secs_f64(options.warm_up),
        time: Duration::from_secs_f64(options.seconds),
        pids: options.pid.clone(),
    };
    measure(&plan, |_| {
        Ok(Asking {
            target: target.clone(),
            request: request.clone(),
            connection: None,
            new_connections: options.new_connections,
        })
    })
}

/// One document, once and whole, as the server sends it.
pub fn fetch(address: &Address) -> Result<Vec<u8>> {
    let target = Target::new(address)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        Connection::open(&target).await?.exchange(&target.head("GET", &[]), true).await
    });
    let answer = answer.map_err(|failure| anyhow::anyhow!("{}: {}", address.url, failure.0))?;
    anyhow::ensure!(answer.status == 200, "{}: status {}", address.url, answer.status);
    Ok(answer.body)
}

struct Asking {
    target: Target,
    request: Vec<u8>,
    connection: Option<Connection>,
    new_connections: bool,
}

impl Work for Asking {
    async fn open(&mut self) -> Result<(), Failure> {
        self.connection = None;
        if !self.new_connections {
            self.connection = Some(Connection::open(&self.target).await?);
        }
        Ok(())
    }

    async fn once(&mut self) -> Result<Option<Done>, Failure> {
        let begin = Instant::now();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.target).await?,
        };
        let answer = connection.exchange(&self.request, false).await?;
        let time = begin.elapsed();
        if self.new_connections {
            connection.reset();
        } else if !connection.closes() {
            self.connection = Some(connection);
        }
        let events = Events::default();
        Ok(Some(Done { time, status: answer.status, bytes: answer.bytes, events }))
    }
}
