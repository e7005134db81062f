//! Batches of events to a server's ingest (SPEC §4.1), again and again until it has them.
//!
//! A batch that may not have arrived is sent again with the same numbers: the server knows what it has. This module
//! knows the server's address and whom to trust; what the events say is its callers' matter.

use std::{fmt, fs, path::Path, str::FromStr, thread, time::Duration};

use anyhow::{Context, anyhow, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::CertificateError;
use serde::Deserialize;
use ureq::{
    Agent,
    http::{HeaderMap, Response, StatusCode, Uri},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use crate::{
    backoff::Backoff,
    tenants::{TenantName, Token},
};

const PATH: &str = "/api/rtstats/events";

/// No answer within this time is a failure of the connection.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits between attempts: from the first to the longest.
pub const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// The longest wait that a server's `Retry-After` is believed.
const ASKED_SECONDS_MAX: u64 = 300;

/// The largest answer that is read: a tenant's present state.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// Whose certificates are trusted.
pub struct Trust(TlsConfig);

impl Trust {
    /// Those of a PEM file; any at all; else those of the web.
    pub fn new(cacert: Option<&Path>, insecure: bool) -> anyhow::Result<Trust> {
        let builder = TlsConfig::builder().disable_verification(insecure);
        let Some(file) = cacert else { return Ok(Trust(builder.build())) };
        let pem = fs::read(file).with_context(|| format!("can't read {}", file.display()))?;
        let mut certificates = Vec::new();
        for item in parse_pem(&pem) {
            if let PemItem::Certificate(certificate) =
                item.with_context(|| format!("{} is no PEM file", file.display()))?
            {
                certificates.push(certificate);
            }
        }
        if certificates.is_empty() {
            bail!("{} holds no certificate", file.display());
        }
        Ok(Trust(builder.root_certs(RootCerts::from(certificates)).build()))
    }
}

/// A server's address: what comes before the paths of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for Address {
    type Err = String;

    /// With the path of the API or of the ingest it is the same address.
    fn from_str(text: &str) -> Result<Address, String> {
        let base = text.trim_end_matches('/');
        let base =
            [PATH, "/api/rtstats"].iter().find_map(|path| base.strip_suffix(path)).unwrap_or(base);
        let base = base.trim_end_matches('/');
        let expected = || "expected one such as https://localhost:8443".to_owned();
        let uri: Uri = base.parse().map_err(|_| expected())?;
        let is_web = matches!(uri.scheme_str(), Some("https" | "http"));
        if is_web && uri.host().is_some_and(|host| !host.is_empty()) {
            Ok(Address(base.to_owned()))
        } else {
            Err(expected())
        }
    }
}

/// Talks to one server as one tenant.
pub struct Poster {
    agent: Agent,
    address: Address,
    authorization: String,
    backoff: Backoff,
    sleep: fn(Duration),
    account: Receipt,
}

/// What the server says to a batch that it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Events taken up, the ignored ones among them.
    pub accepted: u64,
    /// Events whose numbers had been seen.
    pub duplicates: u64,
    /// Events without sense in the present state.
    pub ignored: u64,
}

/// The same as the server writes it.
#[derive(Deserialize)]
struct Answer {
    accepted: u64,
    duplicates: u64,
    ignored: Vec<serde_json::Value>,
}

/// How one attempt went.
#[derive(Debug)]
pub enum Attempt<T> {
    /// The server did it.
    Done(T),
    /// It may go better later.
    Later {
        /// What happened.
        trouble: String,
        /// How long the server asks to wait, if it does.
        asked: Duration,
    },
    /// Trying again can't help.
    Never(anyhow::Error),
}

/// An answer of 200.
#[derive(Debug)]
pub struct Body {
    /// Its head.
    pub headers: HeaderMap,
    /// Its body.
    pub bytes: Vec<u8>,
}

impl Poster {
    /// Sends to the server's ingest as the tenant with its Action Request Token.
    pub fn new(address: Address, tenant: &TenantName, token: &Token, trust: Trust) -> Poster {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_TIMEOUT))
            .max_redirects(0)
            .tls_config(trust.0)
            .build();
        let credentials = format!("{tenant}:{}", token.reveal());
        Poster {
            agent: config.into(),
            address,
            authorization: format!("Basic {}", BASE64_STANDARD.encode(credentials)),
            backoff: Backoff::new(WAITS),
            sleep: thread::sleep,
            account: Receipt::default(),
        }
    }

    /// What became of the events so far, in words.
    pub fn account(&self) -> String {
        let Receipt { accepted, duplicates, ignored } = self.account;
        format!("{accepted} events accepted, {duplicates} duplicates, {ignored} ignored")
    }

    /// Sends a batch until the server has it, or refuses it for good; every trouble is told on standard error.
    pub fn post(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        self.until_done(|poster| poster.try_post(lines)).map(drop)
    }

    /// The head of what lies at a path of the API; asks as often as [`Poster::post`] sends.
    pub fn head(&mut self, path: &str) -> anyhow::Result<HeaderMap> {
        let body = self.until_done(|poster| {
            let request = poster.agent.head(format!("{}{path}", poster.address.0));
            poster.read(request.header("Authorization", &poster.authorization).call())
        })?;
        Ok(body.headers)
    }

    fn until_done<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Poster) -> Attempt<T>,
    ) -> anyhow::Result<T> {
        self.backoff.reset();
        loop {
            match attempt(self) {
                Attempt::Done(done) => return Ok(done),
                Attempt::Never(error) => return Err(error),
                Attempt::Later { trouble, asked } => {
                    let wait = self.backoff.next_wait().max(asked);
                    eprintln!("rtstats: {trouble}; trying again in {:.1} s", wait.as_secs_f64());
                    (self.sleep)(wait);
                }
            }
        }
    }

    /// Sends a batch once.
    pub fn try_post(&mut self, lines: &[u8]) -> Attempt<Receipt> {
        let request = self.agent.post(format!("{}{PATH}", self.address.0));
        let request = request.header("Authorization", &self.authorization);
        let body = match self.read(request.content_type("application/x-ndjson").send(lines)) {
            Attempt::Done(body) => body,
            Attempt::Later { trouble, asked } => return Attempt::Later { trouble, asked },
            Attempt::Never(error) => return Attempt::Never(error),
        };
        let answer: Answer = match serde_json::from_slice(&body.bytes) {
            Ok(answer) => answer,
            Err(error) => return Attempt::Never(anyhow!(error).context(self.no_server())),
        };
        let ignored = answer.ignored.len() as u64;
        let receipt = Receipt { accepted: answer.accepted, duplicates: answer.duplicates, ignored };
        self.account.accepted += receipt.accepted;
        self.account.duplicates += receipt.duplicates;
        self.account.ignored += receipt.ignored;
        Attempt::Done(receipt)
    }

    /// Asks once for what lies at a path of the API, which may have a query.
    pub fn try_get(&self, path: &str) -> Attempt<Body> {
        let request = self.agent.get(format!("{}{path}", self.address.0));
        self.read(request.header("Authorization", &self.authorization).call())
    }

    fn read(&self, sent: Result<Response<ureq::Body>, ureq::Error>) -> Attempt<Body> {
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return self.unsent(error),
        };
        let status = response.status();
        if status == StatusCode::OK {
            let headers = std::mem::take(response.headers_mut());
            let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
            return match body {
                Ok(bytes) => Attempt::Done(Body { headers, bytes }),
                Err(error) => self.unsent(error),
            };
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let asked = response.headers().get("Retry-After").and_then(|value| value.to_str().ok());
            let asked_seconds: u64 = asked.and_then(|value| value.parse().ok()).unwrap_or(0);
            let asked = Duration::from_secs(asked_seconds.min(ASKED_SECONDS_MAX));
            return Attempt::Later { trouble: format!("the server answers {status}"), asked };
        }
        let told = response.body_mut().read_to_string().unwrap_or_default();
        Attempt::Never(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => anyhow!(
                "{} refuses the tenant's name or token ({status}): is it the Action Request Token?",
                self.address.0
            ),
            StatusCode::NOT_FOUND => anyhow!("{} ({status})", self.no_server()),
            _ => anyhow!("{} refuses the events ({status}): {}", self.address.0, told.trim()),
        })
    }

    fn unsent<T>(&self, error: ureq::Error) -> Attempt<T> {
        match lasting(&error) {
            Some(advice) => Attempt::Never(
                anyhow!(error).context(format!("can't send to {}: {advice}", self.address.0)),
            ),
            None => Attempt::Later {
                trouble: format!("can't reach {}: {error}", self.address.0),
                asked: Duration::ZERO,
            },
        }
    }

    fn no_server(&self) -> String {
        format!("{} is not the server's address: give https://HOST:PORT alone", self.address.0)
    }
}

/// What to do about an error that trying again can't help; none if it may pass.
fn lasting(error: &ureq::Error) -> Option<&'static str> {
    match error {
        ureq::Error::Rustls(fault) => Some(advice_on_tls(fault)),
        // The handshake's faults come through the stream's I/O.
        ureq::Error::Io(io) => {
            let fault = io.get_ref()?.downcast_ref::<rustls::Error>()?;
            Some(advice_on_tls(fault))
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::HostNotFound => {
            Some("is it the server's address?")
        }
        ureq::Error::Tls(_) => Some("is TLS set up there?"),
        _ => None,
    }
}

fn advice_on_tls(fault: &rustls::Error) -> &'static str {
    match fault {
        rustls::Error::InvalidCertificate(CertificateError::NotValidForName)
        | rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }) => {
            "the server's certificate is for another name: give a host name that it holds"
        }
        rustls::Error::InvalidCertificate(_) => {
            "the server's certificate isn't trusted: give --cacert DATA/tls/cert.pem"
        }
        rustls::Error::InvalidMessage(_) => {
            "this port doesn't speak TLS: is it the server's, or is http:// meant?"
        }
        _ => "TLS isn't agreed on with the server",
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
    };

    use super::*;

    /// Posts one batch to a server that gives these answers, one a connection; returns what it was sent.
    fn check(answers: &'static [&'static str]) -> (anyhow::Result<()>, Poster, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let mut requests = Vec::new();
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(&stream);
                let (mut head, mut length) = (String::new(), 0);
                while !head.ends_with("\r\n\r\n") {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                requests.push(head + &String::from_utf8(body).unwrap());
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
            requests
        });
        let mut poster = poster(&url);
        poster.sleep = |_| {};
        let posted = poster.post(b"{}\n");
        (posted, poster, server.join().unwrap())
    }

    fn poster(url: &str) -> Poster {
        let (tenant, token) = ("acme".parse().unwrap(), "0f".repeat(32).parse().unwrap());
        let trust = Trust::new(None, false).unwrap();
        Poster::new(url.parse().unwrap(), &tenant, &token, trust)
    }

    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\
        Content-Length: 0\r\n\r\n";
    const CUT_OFF: &str = "";
    const TAKEN: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 44\r\n\r\n\
        {\"accepted\":1,\"duplicates\":2,\"ignored\":[{}]}";
    const FORBIDDEN: &str =
        "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const NOWHERE: &str =
        "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const MALFORMED: &str =
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 9\r\n\r\nline 1: x";

    #[test]
    fn a_batch_is_sent_again_until_the_server_has_it() {
        let (posted, poster, requests) = check(&[BUSY, CUT_OFF, TAKEN]);
        posted.unwrap();
        assert_eq!(poster.account(), "1 events accepted, 2 duplicates, 1 ignored");
        assert_eq!(requests.len(), 3);
        for request in &requests {
            assert!(request.starts_with("POST /api/rtstats/events HTTP/1.1\r\n"), "{request}");
            let credentials = BASE64_STANDARD.encode(format!("acme:{}", "0f".repeat(32)));
            assert!(request.contains(&format!("Basic {credentials}\r\n")), "{request}");
            assert!(request.ends_with("\r\n\r\n{}\n"), "{request}");
        }
    }

    #[test]
    fn a_refusal_for_good_ends_it() {
        let (posted, _, _) = check(&[FORBIDDEN]);
        assert!(posted.unwrap_err().to_string().contains("Action Request Token"));
        let (posted, _, _) = check(&[MALFORMED]);
        assert!(posted.unwrap_err().to_string().ends_with("line 1: x"));
        let (posted, _, _) = check(&[NOWHERE]);
        assert!(posted.unwrap_err().to_string().contains("give https://HOST:PORT alone"));
    }

    #[test]
    fn a_port_without_tls_ends_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut hello = [0; 16];
            stream.read_exact(&mut hello).unwrap();
            stream.write_all(MALFORMED.as_bytes()).unwrap();
        });
        let mut poster = poster(&url);
        poster.sleep = |_| panic!("it is tried again");
        let told = format!("{:#}", poster.post(b"{}\n").unwrap_err());
        assert!(told.contains(&url) && told.contains("doesn't speak TLS"), "{told}");
        server.join().unwrap();
    }

    #[test]
    fn an_address_may_have_the_api_s_path_and_nothing_else() {
        for text in [
            "https://h:1",
            "https://h:1/",
            "https://h:1/api/rtstats",
            "https://h:1/api/rtstats/",
            "https://h:1/api/rtstats/events",
        ] {
            assert_eq!(text.parse(), Ok(Address("https://h:1".to_owned())), "{text}");
        }
        for text in ["", "h:1", "localhost", "ftp://h", "https://", "https:///api/rtstats"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
