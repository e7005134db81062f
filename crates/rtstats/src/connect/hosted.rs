//! Connectors inside a server: a thread for each, which a fault of its own restarts and which takes nothing else down.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use super::{
    asterisk::{
        session::{Connector, KINDS, SessionError},
        settings::Connection,
    },
    kept::Kept,
    sink::Sink,
    status::{Connectors, Monitor, Stage},
};
use crate::{api::Api, backoff::Backoff, ingest::Ingest};

/// Waits before a connector that ended by a fault or a refusal begins anew.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The folder of connectors' own files in the data folder.
const FOLDER: &str = "connect";

/// The threads of all connectors.
pub struct Hosted {
    stopping: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Hosted {
    /// Starts a thread for each connection.
    pub fn start(
        connections: &[Connection],
        data: &Path,
        ingest: &Arc<Ingest>,
        api: &Arc<Api>,
        connectors: &Connectors,
    ) -> std::io::Result<Hosted> {
        let (stopping, stopped) = watch::channel(false);
        let mut hosted = Hosted { stopping, threads: Vec::new() };
        for connection in connections {
            let Connection { name, tenant, target, .. } = connection;
            let monitor = connectors.add(name, tenant, &target.address, KINDS);
            let kept = Kept::at(data.join(FOLDER).join(format!("asterisk-{name}.json")));
            let (ingest, api, stopped) = (ingest.clone(), api.clone(), stopped.clone());
            let connection = connection.clone();
            let thread = std::thread::Builder::new().name(format!("asterisk-{name}"));
            let thread = thread.spawn(move || {
                let (monitor, tenant) = (&monitor, &connection.tenant);
                restarted(monitor, stopped.clone(), WAITS, || {
                    let sink =
                        Sink::here(ingest.clone(), api.clone(), tenant.clone(), monitor.clone());
                    let (kept, monitor) = (kept.clone(), monitor.clone());
                    let connection = connection.clone();
                    let mut connector =
                        Connector::new(connection, kept, sink, monitor, stopped.clone());
                    async move { connector.run().await }
                });
            })?;
            hosted.threads.push(thread);
        }
        Ok(hosted)
    }

    /// Ends the threads, once what is on its way has arrived.
    pub fn stop(self) {
        self.stopping.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a connector's thread ended by a panic");
            }
        }
    }
}

/// Runs a connector until it is stopped, whatever becomes of it.
fn restarted<F: Future<Output = Result<(), SessionError>>>(
    monitor: &Monitor,
    mut stopped: watch::Receiver<bool>,
    waits: (Duration, Duration),
    run: impl Fn() -> F,
) {
    let connector_name = monitor.name();
    let mut backoff = Backoff::new(waits);
    loop {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(connector = connector_name, %error, "a connector can't be started");
                return monitor.enter(Stage::Stopped);
            }
        };
        // What a panic leaves half done is dropped with the connector: the next begins with the server's state.
        let run = AssertUnwindSafe(|| runtime.block_on(run()));
        let line = match catch_unwind(run) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "an assertion broke: see the line before".to_owned(),
        };
        let wait = backoff.next_wait();
        let seconds = wait.as_secs_f64();
        tracing::error!(connector = connector_name, "{line}; beginning anew in {seconds:.1} s");
        monitor.trouble(&line);
        monitor.enter(Stage::Cut);
        let stop = async { timeout(wait, stopped.wait_for(|stop| *stop)).await.is_ok() };
        if runtime.block_on(stop) {
            return monitor.enter(Stage::Stopped);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::connect::sink::SinkError;

    #[test]
    fn a_connector_that_panics_or_is_refused_begins_anew_until_it_is_stopped() {
        let monitor = Connectors::default().add("main", "acme", "pbx", &[]);
        let (stop, stopped) = watch::channel(false);
        let runs = Cell::new(0);
        let waits = (Duration::from_millis(1), Duration::from_millis(1));
        restarted(&monitor, stopped, waits, || {
            runs.set(runs.get() + 1);
            let (run, stop) = (runs.get(), stop.clone());
            async move {
                match run {
                    1 => panic!("an assertion of a test"),
                    2 => Err(SinkError::Refused("refused".to_owned()).into()),
                    _ => {
                        stop.send_replace(true);
                        Err(SinkError::Refused("at last".to_owned()).into())
                    }
                }
            }
        });
        assert_eq!(runs.get(), 3);
        let status = monitor.status();
        assert_eq!(status.stage, Stage::Stopped);
        assert_eq!(status.last_error.as_deref(), Some("at last"));
    }
}
