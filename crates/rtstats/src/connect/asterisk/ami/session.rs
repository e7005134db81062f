//! One connection to one Asterisk, logged in: actions out, messages in, in the order in which they came.

use std::{collections::VecDeque, fmt, io, time::Duration};

use md5::{Digest as _, Md5};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf},
    time::{self, Instant},
};

use super::{
    BANNER_TIMEOUT, LOGIN_TIMEOUT, PING_AFTER, PONG_TIMEOUT,
    action::{Action, ActionId},
    decoder::{Banner, Decoder, Malformed},
    error::AmiError,
    link::{self, Link},
    message::Message,
    target::Target,
};

/// How much is read at once: about two hundred messages.
const READ_BYTES: usize = 64 << 10;

/// How long a farewell may take.
const LOGOFF_TIMEOUT: Duration = Duration::from_secs(2);

/// Messages that come before the answer to a login: a PBX sends none of its events to whom it doesn't know.
const BACKLOG_MAX: usize = 10_000;

/// A session. It is driven by [`next`](Session::next) or [`next_batch`](Session::next_batch) alone: actions leave, pings
/// are sent and a dead peer is noticed while one of them is awaited. Both may be dropped at any time without loss.
pub struct Session {
    address: String,
    reader: ReadHalf<Box<dyn Link>>,
    writer: WriteHalf<Box<dyn Link>>,
    decoder: Decoder,
    banner: Banner,
    /// Bytes of actions that have not left yet.
    outgoing: VecDeque<u8>,
    /// Bytes may still lie in TLS's own buffer.
    is_unflushed: bool,
    /// What came while we logged in.
    backlog: VecDeque<Message>,
    mark: u32,
    actions: u64,
    /// When the last byte came.
    heard: Instant,
    /// The ping that is under way, and when it was sent.
    ping: Option<(ActionId, Instant)>,
}

impl Session {
    /// Connects and logs in, with all events that the user may see.
    pub async fn connect(target: &Target) -> Result<Session, AmiError> {
        let link = link::open(target).await?;
        Session::open(link, target).await
    }

    /// Logs in over a connection that stands.
    pub(super) async fn open(link: Box<dyn Link>, target: &Target) -> Result<Session, AmiError> {
        let address = target.address.clone();
        let (reader, writer) = tokio::io::split(link);
        let mark = getrandom::u32().map_err(|error| AmiError::Broken {
            address: address.clone(),
            source: io::Error::other(error),
        })?;
        let mut session = Session {
            address: address.clone(),
            reader,
            writer,
            decoder: Decoder::new(),
            banner: Banner { version: String::new() },
            outgoing: VecDeque::new(),
            is_unflushed: false,
            backlog: VecDeque::new(),
            mark,
            actions: 0,
            heard: Instant::now(),
            ping: None,
        };
        session.banner = match time::timeout(BANNER_TIMEOUT, session.read_banner()).await {
            Ok(banner) => banner?,
            Err(_) => return Err(AmiError::no_banner(address, None)),
        };
        match time::timeout(LOGIN_TIMEOUT, session.log_in(target)).await {
            Ok(logged_in) => logged_in?,
            Err(_) => return Err(AmiError::LoginTimeout { address }),
        }
        Ok(session)
    }

    /// What the server said first.
    pub fn banner(&self) -> &Banner {
        &self.banner
    }

    /// Queues an action. It leaves while [`next`](Session::next) is awaited; answers carry the id.
    pub fn send(&mut self, action: &Action) -> ActionId {
        self.actions += 1;
        let id = ActionId::new(self.mark, self.actions);
        let mut bytes = Vec::new();
        action.write(id, &mut bytes);
        self.outgoing.extend(bytes);
        id
    }

    /// The next message. Answers to pings are not shown.
    pub async fn next(&mut self) -> Result<Message, AmiError> {
        loop {
            if let Some(message) = self.arrived()? {
                return Ok(message);
            }
            self.turn().await?;
        }
    }

    /// Appends all messages that are there, at least one: as many as came with one read, or since the last one.
    pub async fn next_batch(&mut self, batch: &mut Vec<Message>) -> Result<(), AmiError> {
        let message = self.next().await?;
        batch.push(message);
        // Trouble behind these messages is told when the next is asked for: the decoder meets it again.
        while let Ok(Some(message)) = self.arrived() {
            batch.push(message);
        }
        Ok(())
    }

    /// Says farewell and closes. What came meanwhile is dropped.
    pub async fn logoff(mut self) {
        let id = self.send(&Action::new("Logoff"));
        // The connection ends in any case; the server may have closed it already.
        let farewell = async {
            while let Ok(message) = self.next().await {
                if message.action_id() == Some(id) {
                    break;
                }
            }
            self.writer.shutdown().await
        };
        let _ended = time::timeout(LOGOFF_TIMEOUT, farewell).await;
    }

    /// A message that needs no reading.
    fn arrived(&mut self) -> Result<Option<Message>, AmiError> {
        if let Some(message) = self.backlog.pop_front() {
            return Ok(Some(message));
        }
        loop {
            let message = self.decoder.message().map_err(|malformed| self.malformed(malformed))?;
            match (&message, self.ping) {
                (Some(answer), Some((ping, _)))
                    if answer.is_response() && answer.action_id() == Some(ping) =>
                {
                    self.ping = None;
                }
                _ => return Ok(message),
            }
        }
    }

    /// Waits until bytes came or left, or it is time to ask whether anybody is there.
    async fn turn(&mut self) -> Result<(), AmiError> {
        let deadline = match self.ping {
            // Whatever comes is a sign of life.
            Some((_, sent)) => sent.max(self.heard) + PONG_TIMEOUT,
            None => self.heard + PING_AFTER,
        };
        let buffer = self.decoder.buffer();
        buffer.reserve(READ_BYTES);
        let pending = self.outgoing.as_slices().0;
        let may_write = !pending.is_empty() || self.is_unflushed;
        let writer = &mut self.writer;
        let writing = async {
            match pending {
                [] => writer.flush().await.map(|()| 0),
                _ => writer.write(pending).await,
            }
        };
        tokio::select! {
            biased;
            read = self.reader.read_buf(buffer) => match read {
                Ok(0) => return Err(AmiError::Closed { address: self.address.clone() }),
                Ok(_) => self.heard = Instant::now(),
                Err(source) => return Err(self.broken(source)),
            },
            written = writing, if may_write => match written {
                Ok(count) => {
                    self.is_unflushed = count > 0;
                    self.outgoing.drain(..count);
                }
                Err(source) => return Err(self.broken(source)),
            },
            () = time::sleep_until(deadline) => {
                if self.ping.is_some() {
                    return Err(AmiError::Silent { address: self.address.clone() });
                }
                let id = self.send(&Action::new("Ping"));
                self.ping = Some((id, Instant::now()));
            },
        }
        Ok(())
    }

    async fn read_banner(&mut self) -> Result<Banner, AmiError> {
        loop {
            let banner = self.decoder.banner();
            let address = || self.address.clone();
            match banner {
                Ok(Some(banner)) => return Ok(banner),
                Ok(None) => {}
                Err(malformed) => return Err(AmiError::no_banner(address(), Some(&malformed))),
            }
            let read = self.reader.read_buf(self.decoder.buffer()).await;
            match read {
                Ok(0) => return Err(AmiError::TurnedAway { address: address() }),
                Ok(_) => self.heard = Instant::now(),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(AmiError::TurnedAway { address: address() });
                }
                Err(source) => return Err(self.broken(source)),
            }
        }
    }

    /// By challenge, so that the secret itself is not sent; else plainly, where that is allowed.
    async fn log_in(&mut self, target: &Target) -> Result<(), AmiError> {
        let login = Action::new("Login").with("Username", &*target.username).with("Events", "on");
        let answer = self.ask(&Action::new("Challenge").with("AuthType", "MD5")).await?;
        let challenge = answer.get("Challenge").filter(|_| !answer.is_refusal());
        let login = match challenge {
            Some(challenge) => {
                let key = key(challenge, target.secret.reveal());
                login.with("AuthType", "MD5").with("Key", key)
            }
            None if target.tls.is_some() || target.allow_plain_login => {
                login.with("Secret", target.secret.reveal())
            }
            None => {
                let (address, message) = (self.address.clone(), told(&answer));
                return Err(AmiError::NoChallenge { address, message });
            }
        };
        let answer = self.ask(&login).await?;
        if answer.is_refusal() {
            return Err(AmiError::Login {
                address: self.address.clone(),
                username: target.username.clone(),
                message: told(&answer),
            });
        }
        Ok(())
    }

    /// Sends an action and waits for the response to it; what else comes meanwhile is kept in its order.
    async fn ask(&mut self, action: &Action) -> Result<Message, AmiError> {
        let id = self.send(action);
        loop {
            let message = self.decoder.message().map_err(|malformed| self.malformed(malformed))?;
            match message {
                // Versions that refuse an action before they read its id answer without one.
                Some(message)
                    if message.is_response()
                        && message.action_id().is_none_or(|answered| answered == id) =>
                {
                    return Ok(message);
                }
                Some(_) if self.backlog.len() >= BACKLOG_MAX => {
                    return Err(self.malformed(Malformed::NoAnswer(BACKLOG_MAX)));
                }
                Some(message) => self.backlog.push_back(message),
                None => self.turn().await?,
            }
        }
    }

    fn malformed(&self, malformed: Malformed) -> AmiError {
        AmiError::Malformed { address: self.address.clone(), malformed }
    }

    fn broken(&self, source: io::Error) -> AmiError {
        let address = self.address.clone();
        match source.kind() {
            // How a killed server's connection ends.
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => AmiError::Closed { address },
            _ => AmiError::Broken { address, source },
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is to be sent may hold a secret.
        f.debug_struct("Session")
            .field("address", &self.address)
            .field("banner", &self.banner)
            .finish_non_exhaustive()
    }
}

/// The answer to a challenge: MD5 of challenge and secret, in hexadecimal.
fn key(challenge: &str, secret: &str) -> String {
    let hash = Md5::new().chain_update(challenge).chain_update(secret).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn told(answer: &Message) -> String {
    answer.get("Message").unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests;
