//! The line to a PBX, which comes back by itself.
//!
//! Each change of its state is told once: to the log in a line, to the [`Monitor`], and to whoever follows.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use tokio::time::sleep_until;

use super::ami::{AmiError, Message, Session, Target};
use crate::{
    backoff::Backoff,
    connect::status::{Cause, Monitor, Stage},
};

/// Waits before the next attempt.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A session that lasted so long was no failed attempt: the next wait is the first again.
const HELD: Duration = Duration::from_secs(60);

/// The line to the PBX, which comes back by itself.
pub(super) struct Link<'a> {
    target: &'a Target,
    monitor: &'a Monitor,
    backoff: Backoff,
    state: State<'a>,
    /// The present state was compared since the login.
    pub(super) is_compared: bool,
    /// The last trouble, which isn't told again and again.
    trouble: String,
}

enum State<'a> {
    Down { until: Instant },
    Connecting(Pin<Box<dyn Future<Output = Result<Session, AmiError>> + Send + 'a>>),
    Up { session: Box<Session>, since: Instant },
}

/// What became of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    LoggedIn,
    Messages,
    Cut,
}

impl<'a> Link<'a> {
    pub(super) fn new(target: &'a Target, monitor: &'a Monitor) -> Link<'a> {
        let backoff = Backoff::new(WAITS);
        let state = State::Down { until: Instant::now() };
        let trouble = String::new();
        Link { target, monitor, backoff, state, is_compared: false, trouble }
    }

    /// The next that happens. May be dropped at any time without loss.
    pub(super) async fn next(&mut self, messages: &mut Vec<Message>) -> Change {
        loop {
            match &mut self.state {
                State::Down { until } => {
                    sleep_until((*until).into()).await;
                    self.monitor.enter(Stage::Connecting);
                    self.state = State::Connecting(Box::pin(Session::connect(self.target)));
                }
                State::Connecting(connecting) => match connecting.await {
                    Ok(session) => return self.logged_in(session),
                    Err(error) => self.cut(&error, Duration::ZERO),
                },
                State::Up { session, since } => match session.next_batch(messages).await {
                    Ok(()) => return Change::Messages,
                    Err(error) => {
                        let held = since.elapsed();
                        self.cut(&error, held);
                        return Change::Cut;
                    }
                },
            }
        }
    }

    /// The session, while there is one.
    pub(super) fn session(&mut self) -> Option<&mut Session> {
        match &mut self.state {
            State::Up { session, .. } => Some(session),
            _ => None,
        }
    }

    /// Says farewell, if there is anybody to say it to.
    pub(super) async fn end(self) {
        if let State::Up { session, .. } = self.state {
            session.logoff().await;
        }
    }

    fn logged_in(&mut self, session: Session) -> Change {
        let (address, version) = (&self.target.address, &session.banner().version);
        tracing::info!(connector = self.monitor.name(), version, "logged in to {address}");
        self.trouble.clear();
        self.is_compared = false;
        self.monitor.logged_in();
        self.state = State::Up { session: Box::new(session), since: Instant::now() };
        Change::LoggedIn
    }

    fn cut(&mut self, error: &AmiError, held: Duration) {
        if held >= HELD {
            self.backoff.reset();
        }
        let wait = self.backoff.next_wait();
        let (connector, line) = (self.monitor.name(), error.to_string());
        if line == self.trouble {
            tracing::debug!(connector, "{line}; trying again in {:.1} s", wait.as_secs_f64());
        } else {
            tracing::warn!(connector, "{line}; trying again in {:.1} s", wait.as_secs_f64());
        }
        self.monitor.cut(cause(error), &line);
        self.trouble = line;
        self.state = State::Down { until: Instant::now() + wait };
    }
}

fn cause(error: &AmiError) -> Cause {
    match error {
        AmiError::Address { .. }
        | AmiError::UnknownHost { .. }
        | AmiError::Refused { .. }
        | AmiError::ConnectTimeout { .. }
        | AmiError::Unreachable { .. }
        | AmiError::TurnedAway { .. } => Cause::Unreachable,
        AmiError::CaFile { .. } | AmiError::Tls { .. } => Cause::Tls,
        AmiError::Login { .. } | AmiError::NoChallenge { .. } | AmiError::LoginTimeout { .. } => {
            Cause::Login
        }
        AmiError::Closed { .. } | AmiError::Broken { .. } => Cause::Closed,
        AmiError::Silent { .. } => Cause::Silent,
        AmiError::NotAmi { .. } | AmiError::Malformed { .. } => Cause::Malformed,
    }
}
