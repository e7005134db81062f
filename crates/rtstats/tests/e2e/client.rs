//! A small HTTP/1.1 client that shows answers as they come over the wire.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use crate::server::PATIENCE;

/// Opens a connection for each request, unless asked for one that stays.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    authorization: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Both kinds of stream.
pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Client {
    pub fn plain(address: SocketAddr) -> Client {
        Client { address, tls: None, authorization: None }
    }

    pub fn tls(address: SocketAddr, certificate: &Path) -> Client {
        Client::tls_with(address, certificate, &[&rustls::version::TLS13, &rustls::version::TLS12])
    }

    pub fn tls_with(
        address: SocketAddr,
        certificate: &Path,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Client {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(certificate).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Client { address, tls: Some(Arc::new(config)), authorization: None }
    }

    /// The same client with credentials.
    pub fn signed_in(&self, user: &str, password: &str) -> Client {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        Client { authorization: Some(format!("Basic {pair}")), ..self.clone() }
    }

    /// The same client of a server at another address.
    pub fn at(&self, address: SocketAddr) -> Client {
        Client { address, ..self.clone() }
    }

    /// What the header Authorization holds.
    pub fn authorization(&self) -> String {
        self.authorization.clone().unwrap()
    }

    /// The TLS settings, with one application protocol offered.
    pub fn tls_config_with_alpn(&self, protocol: &[u8]) -> ClientConfig {
        let mut config = ClientConfig::clone(self.tls.as_ref().unwrap());
        config.alpn_protocols = vec![protocol.to_vec()];
        config
    }

    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.request("POST", path, &[], body.as_ref())
    }

    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let mut stream = self.connect();
        self.send(&mut *stream, method, path, headers, body).expect("the request goes out");
        receive(&mut *stream, method == "HEAD").expect("an answer comes")
    }

    /// Like `post`, where the server may be gone or go at any moment.
    pub fn try_post(&self, path: &str, body: &[u8]) -> std::io::Result<Response> {
        let mut stream = self.try_connect()?;
        self.send(&mut *stream, "POST", path, &[], body)?;
        receive(&mut *stream, false)
    }

    /// Like `get`, where the certificate may not be trusted.
    pub fn try_get(&self, path: &str) -> std::io::Result<Response> {
        let mut stream = self.try_connect()?;
        self.send(&mut *stream, "GET", path, &[], b"")?;
        receive(&mut *stream, false)
    }

    pub fn send(
        &self,
        stream: &mut dyn Stream,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<()> {
        let len = (!body.is_empty() || method == "POST").then_some(body.len());
        self.send_head(stream, method, path, headers, len)?;
        stream.write_all(body)?;
        stream.flush()
    }

    /// A head alone, which may announce a body.
    pub fn send_head(
        &self,
        stream: &mut dyn Stream,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        len: Option<usize>,
    ) -> std::io::Result<()> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        if let Some(authorization) = &self.authorization {
            head += &format!("Authorization: {authorization}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(len) = len {
            head += &format!("Content-Length: {len}\r\n");
        }
        head += "\r\n";
        stream.write_all(head.as_bytes())?;
        stream.flush()
    }

    pub fn connect(&self) -> Box<dyn Stream> {
        self.try_connect().expect("the server accepts")
    }

    pub fn tcp(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn try_connect(&self) -> std::io::Result<Box<dyn Stream>> {
        let stream = self.tcp()?;
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(config.clone(), name).unwrap();
        Ok(Box::new(StreamOwned::new(session, stream)))
    }
}

/// Reads one answer.
pub fn receive(stream: &mut dyn Stream, head_only: bool) -> std::io::Result<Response> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        read_some(stream, &mut bytes)?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut body = bytes.split_off(end);
    let response = Response { status, headers, body: Vec::new() };
    let len = response.header("content-length").map_or(0, |len| len.parse().unwrap());
    while !head_only && body.len() < len {
        read_some(stream, &mut body)?;
    }
    Ok(Response { body, ..response })
}

fn read_some(stream: &mut dyn Stream, into: &mut Vec<u8>) -> std::io::Result<()> {
    let mut buffer = [0; 16_384];
    match stream.read(&mut buffer)? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        read => {
            into.extend_from_slice(&buffer[..read]);
            Ok(())
        }
    }
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error} in a {} answer: {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }
}
