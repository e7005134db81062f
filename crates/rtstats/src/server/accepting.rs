//! Taking connections up from a listener, whatever stands in the way for a while.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// A listener, and whether its trouble has been told.
pub struct Accepting {
    listener: TcpListener,
    trouble: &'static str,
    pause: Duration,
    failing: bool,
}

impl Accepting {
    /// Trouble, such as too many open files, is told once in these words, and after a pause it tries on.
    pub fn new(listener: TcpListener, trouble: &'static str, pause: Duration) -> Accepting {
        Accepting { listener, trouble, pause, failing: false }
    }

    /// The listener itself.
    pub fn listener(&self) -> &TcpListener {
        &self.listener
    }

    /// The next connection.
    pub async fn next(&mut self) -> TcpStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    self.failing = false;
                    return stream;
                }
                Err(error) => {
                    if !self.failing {
                        tracing::warn!(%error, "{}; trying on", self.trouble);
                    }
                    self.failing = true;
                    tokio::time::sleep(self.pause).await;
                }
            }
        }
    }
}
