//! Clients that are up to no good, all at once: silent ones, heads that never end, answers that nobody takes, heads that
//! are too large, garbage instead of a handshake.

use std::fmt;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};

use crate::load::connection::{Connection, Failure};
use crate::load::process;
use crate::load::target::{Address, Target};

const TRICKLING: usize = 500;
const DEAF: usize = 200;
const LARGE: usize = 8;
const GARBAGE: usize = 8;

/// Between two bytes of a head that never ends.
const TRICKLE_EVERY: Duration = Duration::from_millis(500);

/// Between two tries of who was refused.
const REST: Duration = Duration::from_millis(50);

/// Handshakes of idle connections at a time.
const OPENING: usize = 64;

const THREAD: &str = "hostile";

/// All of them at work, until they are told to end.
pub struct Hostile {
    end: watch::Sender<bool>,
    thread: JoinHandle<()>,
    idle: usize,
}

impl Hostile {
    /// Begins, and returns once all idle connections are open.
    pub fn begin(lists: &Address, idle: usize) -> Result<Hostile> {
        let target = Target::new(lists)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = watch::channel(false);
        let (opened, is_open) = oneshot::channel();
        let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
            runtime.block_on(attack(target, idle, ended, opened));
        })?;
        is_open.blocking_recv().context("the hostile clients could not begin")?;
        Ok(Hostile { end, thread, idle })
    }

    /// Processor time that they have taken themselves so far.
    pub fn cpu(&self) -> Result<Duration> {
        process::cpu_of_thread(std::process::id(), THREAD)
    }

    /// All go at once.
    pub fn end(self) {
        self.end.send_replace(true);
        // It panics for nothing; whatever it did, it is over.
        let _ = self.thread.join();
    }
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} idle, {TRICKLING} trickling heads, {DEAF} that take no answer, {LARGE} with heads too large, {GARBAGE} with garbage",
            self.idle
        )
    }
}

async fn attack(
    target: Target,
    idle: usize,
    mut ended: watch::Receiver<bool>,
    opened: oneshot::Sender<()>,
) {
    let mut held = Vec::new();
    while held.len() < idle {
        let opening = (0..OPENING.min(idle - held.len())).map(|_| {
            let target = target.clone();
            tokio::spawn(async move { Connection::open(&target).await })
        });
        for connection in opening.collect::<Vec<_>>() {
            if let Ok(Ok(connection)) = connection.await {
                held.push(connection);
            }
        }
    }
    for _ in 0..TRICKLING {
        tokio::spawn(again(target.clone(), |target| async move { trickle(&target).await }));
    }
    for _ in 0..DEAF {
        tokio::spawn(again(target.clone(), |target| async move { deafen(&target).await }));
    }
    for _ in 0..LARGE {
        tokio::spawn(again(target.clone(), |target| async move { swell(&target).await }));
    }
    for _ in 0..GARBAGE {
        tokio::spawn(again(target.clone(), |target| async move { babble(&target).await }));
    }
    // Whoever waits for it may have gone.
    let _ = opened.send(());
    let _ = ended.wait_for(|ended| *ended).await;
    held.into_iter().for_each(Connection::reset);
}

/// Over and over, whatever the server says to it.
async fn again<F: Future<Output = Result<(), Failure>>>(
    target: Target,
    attack: impl Fn(Target) -> F,
) {
    loop {
        // Being refused is what is expected.
        let _ = attack(target.clone()).await;
        tokio::time::sleep(REST).await;
    }
}

async fn trickle(target: &Target) -> Result<(), Failure> {
    let mut connection = Connection::open(target).await?;
    connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ").await?;
    loop {
        connection.send(b"x").await?;
        tokio::time::sleep(TRICKLE_EVERY).await;
    }
}

async fn deafen(target: &Target) -> Result<(), Failure> {
    let mut connection = Connection::open(target).await?;
    let head = target.head("GET", &[]);
    for _ in 0..8 {
        connection.send(&head).await?;
    }
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    Ok(())
}

async fn swell(target: &Target) -> Result<(), Failure> {
    let large = "x".repeat(64 << 10);
    let mut connection = Connection::open(target).await?;
    connection.exchange(&target.head("GET", &[("X-Large", &large)]), false).await?;
    Ok(())
}

async fn babble(target: &Target) -> Result<(), Failure> {
    let tcp = TcpStream::connect(target.address).await;
    let mut tcp = tcp.map_err(|error| Failure(error.to_string()))?;
    let garbage = [&[0x16, 3, 1, 0x3f, 0xff][..], &[0xa5; 16 << 10]].concat();
    tcp.write_all(&garbage).await.map_err(|error| Failure(error.to_string()))
}
