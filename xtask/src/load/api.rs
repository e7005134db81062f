//! `cargo xtask load api`: one document, asked for over and over.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::connection::{Answer, Connection, Failure};
use super::http2::{self, Http2};
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
    /// Requests per second of all connections together; as many as there are answers, unless given.
    #[arg(long)]
    pub rate: Option<f64>,
    /// The server's processes, separated by commas: their processor time per request is told.
    #[arg(long, value_delimiter = ',')]
    pub pid: Vec<u32>,
    #[command(flatten)]
    pub manner: Manner,
}

/// How a document is asked for.
#[derive(clap::Args, Clone, Default)]
pub struct Manner {
    /// The encodings that answers may have.
    #[arg(long)]
    pub accept_encoding: Option<String>,
    /// A new connection, with a full handshake, for every request.
    #[arg(long)]
    pub new_connections: bool,
    /// Ask whether what came last is still so (`If-None-Match`).
    #[arg(long)]
    pub unchanged: bool,
    /// HTTP/2 in place of HTTP/1.1.
    #[arg(long, conflicts_with = "unchanged")]
    pub http2: bool,
}

/// Asks and measures.
pub fn run(options: &Options) -> Result<Measured> {
    let target = Target::new(&options.address)?;
    let target = if options.manner.http2 { target.http2() } else { target };
    let plan = Plan {
        connections: options.connections,
        threads: super::threads(options.threads, options.connections),
        warm_up: Duration::from_secs_f64(options.warm_up),
        time: Duration::from_secs_f64(options.seconds),
        rate: options.rate,
        pids: options.pid.clone(),
    };
    measure(&plan, |_| {
        let mut asking = Asking {
            target: target.clone(),
            manner: options.manner.clone(),
            etag: None,
            request: Request::Http1(Vec::new()),
            line: None,
        };
        asking.prepare()?;
        Ok(asking)
    })
}

/// One document, once and whole, as the server sends it.
pub fn fetch(address: &Address, further: &[(&str, &str)]) -> Result<Vec<u8>> {
    let target = Target::new(address)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        Connection::open(&target).await?.exchange(&target.head("GET", further), true).await
    });
    let answer = answer.map_err(|failure| anyhow::anyhow!("{}: {}", address.url, failure.0))?;
    anyhow::ensure!(answer.status == 200, "{}: status {}", address.url, answer.status);
    Ok(answer.body)
}

struct Asking {
    target: Target,
    manner: Manner,
    /// What came last, if it is asked whether that is still so.
    etag: Option<String>,
    request: Request,
    line: Option<Line>,
}

/// A request made ready.
enum Request {
    Http1(Vec<u8>),
    Http2(http2::Request),
}

enum Line {
    Http1(Box<Connection>),
    Http2(Box<Http2>),
}

impl Asking {
    /// Makes the request from what is known.
    fn prepare(&mut self) -> Result<()> {
        let mut further = Vec::new();
        further.extend(self.manner.accept_encoding.as_deref().map(|all| ("accept-encoding", all)));
        further.extend(self.etag.as_deref().map(|etag| ("If-None-Match", etag)));
        self.request = if self.manner.http2 {
            Request::Http2(http2::Request::new(&self.target, &further))
        } else {
            Request::Http1(self.target.head("GET", &further))
        };
        Ok(())
    }

    async fn connect(&self) -> Result<Line, Failure> {
        Ok(match self.request {
            Request::Http1(_) => Line::Http1(Box::new(Connection::open(&self.target).await?)),
            Request::Http2(_) => Line::Http2(Box::new(Http2::open(&self.target).await?)),
        })
    }

    /// Asks on this connection, and keeps it if it may be asked again.
    async fn ask(&mut self, mut line: Line) -> Result<Answer, Failure> {
        let (answer, closes) = match (&mut line, &self.request) {
            (Line::Http1(line), Request::Http1(request)) => {
                let answer = line.exchange(request, false).await?;
                (answer, line.closes())
            }
            (Line::Http2(line), Request::Http2(request)) => {
                let answer = line.exchange(request).await?;
                (answer, line.closes())
            }
            _ => return Err(Failure("a request of another protocol".into())),
        };
        match line {
            Line::Http1(line) if self.manner.new_connections => line.reset(),
            Line::Http2(line) if self.manner.new_connections => line.reset(),
            line if !self.manner.new_connections && !closes => self.line = Some(line),
            _ => {}
        }
        Ok(answer)
    }
}

impl Work for Asking {
    async fn open(&mut self) -> Result<(), Failure> {
        self.line = None;
        if !self.manner.new_connections {
            self.line = Some(self.connect().await?);
        }
        Ok(())
    }

    async fn once(&mut self) -> Result<Option<Done>, Failure> {
        let begin = Instant::now();
        let line = match self.line.take() {
            Some(line) => line,
            None => self.connect().await?,
        };
        let mut answer = self.ask(line).await?;
        let time = begin.elapsed();
        if self.manner.unchanged && answer.etag.is_some() && answer.etag != self.etag {
            self.etag = answer.etag.take();
            self.prepare().map_err(|error| Failure(error.to_string()))?;
        }
        let events = Events::default();
        Ok(Some(Done { time, status: answer.status, bytes: answer.bytes, events }))
    }
}
