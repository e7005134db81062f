//! Batches of events to a server's ingest (SPEC §4.1), again and again until it has them.
//!
//! A batch that may not have arrived is sent again with the same numbers: the server knows what it has.

use std::{fs, path::Path, thread, time::Duration};

use anyhow::{Context, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use ureq::{
    Agent,
    http::{Response, StatusCode},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::dice::Dice;
use crate::clock;

const PATH: &str = "/api/rtstats/events";

/// No answer within this time is a failure of the connection.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits between attempts double from the first to the longest.
const WAIT_MS_FIRST: i64 = 200;
const WAIT_MS_MAX: i64 = 30_000;

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

/// Sends batches to one tenant of one server.
pub struct Poster {
    agent: Agent,
    url: String,
    authorization: String,
    dice: Dice,
    sleep: fn(Duration),
    accepted: u64,
    duplicates: u64,
    ignored: u64,
}

/// What the server says to a batch that it has.
#[derive(Deserialize)]
struct Receipt {
    accepted: u64,
    duplicates: u64,
    ignored: Vec<serde_json::Value>,
}

impl Poster {
    /// Sends to `URL/api/rtstats/events` as the tenant with its Action Request Token.
    pub fn new(to: &str, tenant: &str, token: &str, trust: Trust) -> anyhow::Result<Poster> {
        if !to.starts_with("https://") && !to.starts_with("http://") {
            bail!("`{to}` is no server's URL: expected one such as https://localhost:8443");
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_TIMEOUT))
            .max_redirects(0)
            .tls_config(trust.0)
            .build();
        Ok(Poster {
            agent: config.into(),
            url: format!("{}{PATH}", to.trim_end_matches('/')),
            authorization: format!("Basic {}", BASE64_STANDARD.encode(format!("{tenant}:{token}"))),
            dice: Dice::new(clock::now() as u64),
            sleep: thread::sleep,
            accepted: 0,
            duplicates: 0,
            ignored: 0,
        })
    }

    /// What became of the events so far, in words.
    pub fn account(&self) -> String {
        let Poster { accepted, duplicates, ignored, .. } = self;
        format!("{accepted} events accepted, {duplicates} duplicates, {ignored} ignored")
    }

    /// Sends a batch until the server has it, or refuses it for good.
    pub fn post(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        let mut wait_ms = WAIT_MS_FIRST;
        loop {
            let sent = self
                .agent
                .post(&self.url)
                .header("Authorization", &self.authorization)
                .content_type("application/x-ndjson")
                .send(lines);
            let (trouble, asked_ms) = match sent {
                Ok(mut response) => match self.read(&mut response)? {
                    None => return Ok(()),
                    Some(asked_ms) => {
                        (format!("the server answers {}", response.status()), asked_ms)
                    }
                },
                Err(error) if is_lasting(&error) => {
                    return Err(error).with_context(|| format!("can't send to {}", self.url));
                }
                Err(error) => (error.to_string(), 0),
            };
            // From half the wait to the whole, so that many clients don't come back all at once.
            let pause_ms = self.dice.between(wait_ms / 2, wait_ms + 1).max(asked_ms);
            eprintln!("rtstats: {trouble}; trying again in {:.1} s", pause_ms as f64 / 1_000.0);
            (self.sleep)(Duration::from_millis(pause_ms as u64));
            wait_ms = (wait_ms * 2).min(WAIT_MS_MAX);
        }
    }

    /// None if the server has the batch; else the time that it asks to wait, in milliseconds.
    fn read(&mut self, response: &mut Response<ureq::Body>) -> anyhow::Result<Option<i64>> {
        let status = response.status();
        if status == StatusCode::OK {
            let body = response.body_mut().read_to_string()?;
            let receipt: Receipt = serde_json::from_str(&body)
                .with_context(|| format!("{} is no rtstats ingest", self.url))?;
            self.accepted += receipt.accepted;
            self.duplicates += receipt.duplicates;
            self.ignored += receipt.ignored.len() as u64;
            return Ok(None);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let asked = response.headers().get("Retry-After").and_then(|value| value.to_str().ok());
            let asked_seconds: i64 = asked.and_then(|value| value.parse().ok()).unwrap_or(0);
            return Ok(Some(asked_seconds.clamp(0, 300) * 1_000));
        }
        let told = response.body_mut().read_to_string().unwrap_or_default();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bail!(
                "{} refuses the tenant's name or token ({status}): is it the Action Request Token?",
                self.url
            ),
            _ => bail!("{} refuses the events ({status}): {}", self.url, told.trim()),
        }
    }
}

/// Whether trying again can't help.
fn is_lasting(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::BadUri(_)
            | ureq::Error::Http(_)
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)
    )
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
        let mut poster =
            Poster::new(&url, "acme", "00ff", Trust::new(None, false).unwrap()).unwrap();
        poster.sleep = |_| {};
        let posted = poster.post(b"{}\n");
        (posted, poster, server.join().unwrap())
    }

    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\
        Content-Length: 0\r\n\r\n";
    const CUT_OFF: &str = "";
    const TAKEN: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 44\r\n\r\n\
        {\"accepted\":1,\"duplicates\":2,\"ignored\":[{}]}";
    const FORBIDDEN: &str =
        "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
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
            let credentials = BASE64_STANDARD.encode("acme:00ff");
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
    }
}
