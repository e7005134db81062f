//! One HTTP/1.1 connection over TLS, made for measuring: one request after the other, answers counted.
//!
//! Not a general client: an answer must say its length. TLS records are decrypted where they arrived, and one read
//! takes many of them, so that the generator leaves the processor to the server.

use std::net::SocketAddr;

use memchr::memmem;
use rustls::client::UnbufferedClientConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::target::Target;

/// Room for what one read brings.
const INCOMING_BYTES: usize = 64 << 10;

/// The most that TLS adds to a record, and the most that a record carries.
const RECORD_OVERHEAD_BYTES: usize = 64;
const RECORD_BYTES: usize = 16 << 10;

/// Longer heads are no answer of a server that we measure.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Why a request got no answer, in few words: errors are counted by them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure(pub String);

impl Failure {
    pub(super) fn io(what: &str, error: &std::io::Error) -> Failure {
        Failure(format!("{what}: {}", error.kind()))
    }

    pub(super) fn tls(error: impl std::fmt::Display) -> Failure {
        Failure(format!("TLS: {error}"))
    }
}

/// The answer to a request.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// Bytes of head and body.
    pub bytes: usize,
    /// The body, if it was asked for.
    pub body: Vec<u8>,
    /// What the body goes by, if the server names it.
    pub etag: Option<String>,
    head: Vec<u8>,
    expected: Option<usize>,
    keep_body: bool,
    closes: bool,
}

/// What takes the bytes of an answer.
pub trait Takes {
    /// Takes the next ones.
    fn take(&mut self, plain: &[u8]) -> Result<(), Failure>;

    /// Whether nothing is missing.
    fn is_whole(&self) -> bool;

    /// What is to be said to them at once.
    fn reply(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

/// An open connection.
pub struct Connection {
    tcp: TcpStream,
    tls: UnbufferedClientConnection,
    incoming: Vec<u8>,
    /// The part of `incoming` that holds bytes not yet processed.
    start: usize,
    end: usize,
    outgoing: Vec<u8>,
    closes: bool,
}

/// What TLS wants next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// More bytes from the server, in the midst of the handshake.
    Handshake,
    /// The handshake is over and all received bytes are used up.
    Idle,
    /// The server is gone.
    Closed,
}

impl Connection {
    /// Connects and shakes hands.
    pub async fn open(target: &Target) -> Result<Connection, Failure> {
        let tcp = connect(target).await.map_err(|error| Failure::io("connect", &error))?;
        tcp.set_nodelay(true).map_err(|error| Failure::io("connect", &error))?;
        let tls = UnbufferedClientConnection::new(target.tls.clone(), target.name.clone());
        let mut connection = Connection {
            tcp,
            tls: tls.map_err(Failure::tls)?,
            incoming: vec![0; INCOMING_BYTES],
            start: 0,
            end: 0,
            outgoing: Vec::new(),
            closes: false,
        };
        loop {
            let next = connection.process(None, &mut |_| {})?;
            connection.flush().await?;
            match next {
                Next::Handshake => connection.receive().await?,
                Next::Idle => return Ok(connection),
                Next::Closed => return Err(Failure("closed in the handshake".into())),
            }
        }
    }

    /// Sends a request and takes the whole answer.
    pub async fn exchange(&mut self, request: &[u8], keep_body: bool) -> Result<Answer, Failure> {
        let mut answer = Answer { keep_body, ..Answer::default() };
        self.converse(request, &mut answer).await?;
        self.closes = answer.closes;
        Ok(answer)
    }

    /// Sends bytes and takes those that answer them.
    pub async fn converse(
        &mut self,
        request: &[u8],
        answer: &mut impl Takes,
    ) -> Result<(), Failure> {
        // Messages that came since the last answer (session tickets, HTTP/2's own) are taken on the way.
        self.say(request, answer)?;
        self.flush().await?;
        while !answer.is_whole() {
            self.receive().await?;
            let next = self.say(&[], answer)?;
            let reply = answer.reply();
            if !reply.is_empty() {
                self.say(&reply, answer)?;
            }
            self.flush().await?;
            if next == Next::Closed && !answer.is_whole() {
                return Err(Failure("closed before the answer".into()));
            }
        }
        Ok(())
    }

    /// Encrypts what is to be said, if anything, and has what was received taken.
    fn say(&mut self, bytes: &[u8], answer: &mut impl Takes) -> Result<Next, Failure> {
        let mut outcome = Ok(());
        let bytes = (!bytes.is_empty()).then_some(bytes);
        let next = self.process(bytes, &mut |plain| {
            if outcome.is_ok() {
                outcome = answer.take(plain);
            }
        })?;
        outcome.map(|()| next)
    }

    /// The protocol that was agreed on in the handshake.
    pub fn protocol(&self) -> Option<&[u8]> {
        self.tls.alpn_protocol()
    }

    /// Sends a request whose answer has no end.
    pub async fn send(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.process(Some(request), &mut |_| {})?;
        self.flush().await
    }

    /// Takes what comes next of such an answer. Dropped before it has ended, it has lost nothing.
    pub async fn hear(&mut self, plain: &mut impl FnMut(&[u8])) -> Result<(), Failure> {
        self.receive().await?;
        match self.process(None, plain)? {
            Next::Closed => Err(Failure("the stream has ended".into())),
            Next::Handshake | Next::Idle => Ok(()),
        }
    }

    /// Whether the server said that it closes after the last answer.
    pub fn closes(&self) -> bool {
        self.closes
    }

    /// Ends the connection at once, so that no port of ours stays taken.
    pub fn reset(self) {
        // A failure here means that the connection is gone already.
        let _ = self.tcp.set_zero_linger();
    }

    /// Processes what was received; `plain` gets what the server said, `request` is encrypted as soon as it may.
    fn process(
        &mut self,
        request: Option<&[u8]>,
        plain: &mut impl FnMut(&[u8]),
    ) -> Result<Next, Failure> {
        loop {
            let received = &mut self.incoming[self.start..self.end];
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(received);
            let next = match state.map_err(Failure::tls)? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(Failure::tls)?;
                        discard += record.discard;
                        plain(record.payload);
                    }
                    None
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    let old = self.outgoing.len();
                    let mut room = RECORD_BYTES;
                    let written = loop {
                        self.outgoing.resize(old + room, 0);
                        match data.encode(&mut self.outgoing[old..]) {
                            Err(EncodeError::InsufficientSize(wanted)) => {
                                room = wanted.required_size;
                            }
                            encoded => break encoded.map_err(Failure::tls)?,
                        }
                    };
                    self.outgoing.truncate(old + written);
                    None
                }
                ConnectionState::TransmitTlsData(data) => {
                    // `flush` follows every call.
                    data.done();
                    None
                }
                ConnectionState::WriteTraffic(mut traffic) => {
                    if let Some(request) = request {
                        let old = self.outgoing.len();
                        let records = request.len() / RECORD_BYTES + 1;
                        let room = request.len() + records * RECORD_OVERHEAD_BYTES;
                        self.outgoing.resize(old + room, 0);
                        let written = traffic.encrypt(request, &mut self.outgoing[old..]);
                        self.outgoing.truncate(old + written.map_err(Failure::tls)?);
                    }
                    Some(Next::Idle)
                }
                ConnectionState::BlockedHandshake => Some(Next::Handshake),
                _ => Some(Next::Closed),
            };
            self.start += discard;
            if self.start == self.end {
                (self.start, self.end) = (0, 0);
            }
            if let Some(next) = next {
                return Ok(next);
            }
        }
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        if !self.outgoing.is_empty() {
            let sent = self.tcp.write_all(&self.outgoing).await;
            sent.map_err(|error| Failure::io("send", &error))?;
            self.outgoing.clear();
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        if self.end == self.incoming.len() {
            // A record in part: to the front with it. Records are far shorter than the room.
            self.incoming.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let read = self.tcp.read(&mut self.incoming[self.end..]).await;
        match read.map_err(|error| Failure::io("receive", &error))? {
            0 => Err(Failure("closed before the answer".into())),
            bytes => {
                self.end += bytes;
                Ok(())
            }
        }
    }
}

pub(super) async fn connect(target: &Target) -> std::io::Result<TcpStream> {
    let Some(source) = target.source else { return TcpStream::connect(target.address).await };
    let socket = if source.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(target.address).await
}

impl Takes for Answer {
    fn is_whole(&self) -> bool {
        self.expected == Some(self.bytes)
    }

    fn take(&mut self, plain: &[u8]) -> Result<(), Failure> {
        self.bytes += plain.len();
        if self.expected.is_some() {
            if self.keep_body {
                self.body.extend_from_slice(plain);
            }
        } else {
            self.head.extend_from_slice(plain);
            if let Some(end) = memmem::find(&self.head, b"\r\n\r\n") {
                self.read_head(end + 4)?;
            } else if self.head.len() > HEAD_BYTES_MAX {
                return Err(Failure("the answer's head does not end".into()));
            }
        }
        if self.expected.is_some_and(|expected| self.bytes > expected) {
            return Err(Failure("more bytes than the answer's length".into()));
        }
        Ok(())
    }
}

impl Answer {
    fn read_head(&mut self, end: usize) -> Result<(), Failure> {
        let strange = || Failure("no HTTP answer".into());
        let head = std::str::from_utf8(&self.head[..end]).map_err(|_| strange())?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = status.and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        self.status = status.ok_or_else(strange)?;
        let mut length = matches!(self.status, 204 | 304).then_some(0);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") && length.is_none() {
                length = value.trim().parse().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                self.closes = value.trim().eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("etag") {
                self.etag = Some(value.trim().to_owned());
            }
        }
        let length: usize = length.ok_or_else(|| Failure("an answer without a length".into()))?;
        self.expected = Some(end + length);
        if self.keep_body {
            self.body.extend_from_slice(&self.head[end..]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_answer_may_come_in_parts() {
        let mut answer = Answer { keep_body: true, ..Answer::default() };
        for part in ["HTTP/1.1 200 OK\r\ncontent-le", "ngth: 5\r\n\r\nab", "c", "de"] {
            assert!(!answer.is_whole());
            answer.take(part.as_bytes()).unwrap();
        }
        assert!(answer.is_whole());
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"abcde".as_slice()));
    }

    #[test]
    fn an_answer_without_a_body_needs_no_length() {
        let mut answer = Answer::default();
        let head = b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\nEtag: \"a\"\r\n\r\n";
        answer.take(head).unwrap();
        assert!(answer.is_whole() && answer.closes);
        assert_eq!(answer.etag.as_deref(), Some("\"a\""));
    }

    #[test]
    fn strange_answers_are_failures() {
        let take = |bytes: &[u8]| Answer::default().take(bytes);
        assert!(take(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(take(b"SSH-2.0\r\n\r\n").is_err());
        assert!(take(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab").is_err());
        assert!(take(&[b'a'; HEAD_BYTES_MAX + 1]).is_err());
    }

    /// Answers so many requests over real TLS with a body of so many bytes each, then closes.
    fn serve(requests: usize, body: usize) -> (Target, std::thread::JoinHandle<()>) {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        let thread = std::thread::spawn(move || {
            let (tcp, _) = listener.accept().unwrap();
            let tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, tcp);
            for _ in 0..requests {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut part = [0; 4096];
                    let length = stream.read(&mut part).unwrap();
                    request.extend_from_slice(&part[..length]);
                }
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {body}\r\n\r\n");
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&vec![b'x'; body]).unwrap();
            }
        });
        let flags = crate::load::target::Address {
            url: format!("https://{address}/a"),
            user: Some("acme:token".to_owned()),
            cacert: None,
            insecure: true,
        };
        (Target::new(&flags).unwrap(), thread)
    }

    #[tokio::test]
    async fn long_answers_come_whole_over_one_connection() {
        let (target, server) = serve(2, 300_000);
        let mut connection = Connection::open(&target).await.unwrap();
        for _ in 0..2 {
            let answer = connection.exchange(&target.head("GET", &[]), true).await.unwrap();
            assert_eq!((answer.status, answer.body.len()), (200, 300_000));
            assert!(answer.body.iter().all(|byte| *byte == b'x'));
        }
        server.join().unwrap();
        assert!(connection.exchange(&target.head("GET", &[]), false).await.is_err());
    }
}
