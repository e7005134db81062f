//! Listening and serving: one thread with its own runtime per core, all bound to the same port, one TLS
//! configuration shared by all.
//!
//! Every connection is bounded: in number, in the time for handshake, head, body and writing, in idle time, in the size
//! of heads. Beyond the number a connection is told 503 or closed, and the rest is served as before.

mod accepting;
mod chunked;
mod connection;
mod door;
mod guard;
pub mod http2;
mod lasting;
mod listen;
pub(crate) mod open_files;
pub mod repeat;
mod whole;
mod worded;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{net::TcpListener, sync::watch};
use tokio_rustls::TlsAcceptor;

use crate::{routes::Routes, telemetry::Metrics};
use door::Door;

pub(crate) use accepting::Accepting;
pub(crate) use guard::{Guard, Patience, UnderWay};
pub use listen::{ListenError, bind};

/// How connections are bounded.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections.
    pub connections_max: usize,
    /// Connections beside them that are told at a time that there are too many.
    pub told_max: usize,
    /// For the TLS handshake.
    pub handshake_timeout: Duration,
    /// From a head's first byte to its last.
    pub header_timeout: Duration,
    /// Without anything asked.
    pub idle_timeout: Duration,
    /// For a client to take a part of an answer.
    pub write_timeout: Duration,
    /// Bytes of a head.
    pub header_bytes_max: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub streams_max: u32,
}

/// What all connections share.
struct Shared {
    routes: Arc<Routes>,
    /// None behind a proxy.
    tls: Option<TlsAcceptor>,
    limits: Limits,
    /// Connections that are served.
    open: AtomicUsize,
    /// Connections beside them that are being told that there are too many.
    refused: AtomicUsize,
    metrics: Metrics,
    /// The instant by which everything must have ended, once the server stops.
    stopping: watch::Receiver<Option<Instant>>,
}

/// The threads that serve.
pub struct Server {
    stop: watch::Sender<Option<Instant>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Server {
    /// Serves on bound listeners: one thread for each entry, which may hold several.
    pub fn start(
        listeners: Vec<Vec<std::net::TcpListener>>,
        routes: Arc<Routes>,
        tls: Option<TlsAcceptor>,
        limits: Limits,
        metrics: Metrics,
    ) -> std::io::Result<Server> {
        let (stop, stopping) = watch::channel(None);
        let (open, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Arc::new(Shared { routes, tls, limits, open, refused, metrics, stopping });
        let mut threads = Vec::new();
        for (number, listeners) in listeners.into_iter().enumerate() {
            let shared = shared.clone();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(BLOCKING_THREADS_MAX)
                .build()?;
            let thread = std::thread::Builder::new()
                .name(format!("server-{number}"))
                .spawn(move || runtime.block_on(serve(listeners, shared)))?;
            threads.push(thread);
        }
        Ok(Server { stop, threads: Mutex::new(threads) })
    }

    /// Stops accepting, lets requests under way end within `grace`, and closes what is left.
    pub fn stop(&self, grace: Duration) {
        self.stop.send_replace(Some(Instant::now() + grace));
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a server thread ended by a panic");
            }
        }
    }
}

/// Threads of one runtime that render, compress and parse what is large.
const BLOCKING_THREADS_MAX: usize = 8;

/// How long accepting pauses after an error such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

async fn serve(listeners: Vec<std::net::TcpListener>, shared: Arc<Shared>) {
    let own = Arc::new(AtomicUsize::new(0));
    let mut accepting = Vec::new();
    for listener in listeners {
        match TcpListener::from_std(listener) {
            Ok(listener) => {
                let accept = accept(listener, shared.clone(), own.clone());
                accepting.push(tokio::spawn(accept));
            }
            Err(error) => tracing::error!(%error, "a listener can't be used"),
        }
    }
    let mut stopping = shared.stopping.clone();
    let stopped = stopping.wait_for(Option::is_some).await;
    let deadline = stopped.ok().and_then(|deadline| *deadline).unwrap_or_else(Instant::now);
    for accept in accepting {
        accept.abort();
    }
    while own.load(Ordering::Acquire) > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let left = own.load(Ordering::Acquire);
    if left > 0 {
        tracing::warn!(connections = left, "closing connections that did not end in time");
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, own: Arc<AtomicUsize>) {
    let trouble = "connections can't be accepted";
    let mut accepting = Accepting::new(listener, trouble, ACCEPT_PAUSE);
    let mut door = Door::new(shared, own);
    loop {
        let stream = accepting.next().await;
        if !door.admit(stream) {
            door.pause(accepting.listener()).await;
        }
    }
}
