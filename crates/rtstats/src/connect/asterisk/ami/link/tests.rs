//! Connections over TCP and TLS on loopback, against certificates of every kind that people have.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::connect::asterisk::ami::Secret;

/// A certificate and its key, both PEM.
struct Pair {
    certificate: String,
    key: String,
}

/// What `openssl req -x509` makes: it calls itself an authority.
fn self_made(name: &str) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

/// An authority's certificate, and one that it has signed.
fn signed(name: &str) -> (String, Pair) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap().pem();
    (authority.pem(), Pair { certificate, key: key.serialize_pem() })
}

/// Accepts one connection and says hello. Ends with it.
async fn serve(pair: &Pair) -> (String, JoinHandle<()>) {
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that refuses the certificate is what some tests are about.
        if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (address, task)
}

fn target(address: String, tls: Option<Tls>) -> Target {
    let (username, secret) = ("rtstats".to_owned(), Secret::new("mellon"));
    Target { address, tls, username, secret, allow_plain_login: false }
}

/// What the server says, or why there is no connection.
async fn heard(pair: &Pair, trusted: &str, server_name: Option<&str>) -> Result<String, String> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, trusted).unwrap();
    let (address, server) = serve(pair).await;
    let tls = Tls { ca_file: Some(file), server_name: server_name.map(str::to_owned) };
    let link = open(&target(address, Some(tls))).await;
    let heard = match link {
        Ok(mut link) => {
            let mut text = String::new();
            link.read_to_string(&mut text).await.unwrap();
            Ok(text)
        }
        Err(error) => Err(error.to_string()),
    };
    server.await.unwrap();
    heard
}

#[tokio::test]
async fn a_certificate_that_is_given_itself_is_taken_whatever_it_says() {
    let pair = self_made("some-pbx");
    assert_eq!(heard(&pair, &pair.certificate, None).await.unwrap(), "hello");
}

#[tokio::test]
async fn an_authority_vouches_for_names_only() {
    let (authority, pair) = signed("pbx.example");
    assert_eq!(heard(&pair, &authority, Some("pbx.example")).await.unwrap(), "hello");
    let text = heard(&pair, &authority, None).await.unwrap_err();
    assert!(text.contains("tls_server_name"), "{text}");
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let (authority, _) = signed("pbx.example");
    let (_, stranger) = signed("pbx.example");
    let text = heard(&stranger, &authority, Some("pbx.example")).await.unwrap_err();
    assert!(text.contains("isn't trusted"), "{text}");
    // The same names, another key.
    let text =
        heard(&self_made("pbx"), &self_made("pbx").certificate, Some("pbx")).await.unwrap_err();
    assert!(text.starts_with("no TLS with 127.0.0.1:"), "{text}");
}

#[tokio::test]
async fn a_port_without_tls_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"Asterisk Call Manager/5.0.4\r\n").await.unwrap();
        stream
    };
    let target = target(address, Some(Tls::default()));
    let (link, _stream) = tokio::join!(open(&target), server);
    let text = link.err().unwrap().to_string();
    assert!(text.contains("speaks no TLS"), "{text}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = open(&target(address.clone(), None)).await.err().unwrap();
    assert!(matches!(error, AmiError::Refused { .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("{address} refuses the connection")), "{error}");
}

#[tokio::test]
async fn settings_that_can_not_work_are_told_before_anybody_is_called() {
    for address in ["", ":5038", "pbx:", "pbx:0", "pbx:99999", "[::1", "[::1]5038", "[]:5038"] {
        let error = open(&target(address.to_owned(), None)).await.err().unwrap();
        assert!(matches!(error, AmiError::Address { .. }), "{address}: {error}");
    }
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "no certificate here").unwrap();
    for file in [folder.path().join("missing.pem"), empty] {
        let tls = Tls { ca_file: Some(file.clone()), server_name: None };
        let text = open(&target("127.0.0.1:1".to_owned(), Some(tls))).await.err().unwrap();
        let text = text.to_string();
        assert!(text.contains(&file.display().to_string()), "{text}");
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_told_as_such() {
    // Too long for any name service to be asked.
    let error = open(&target("x".repeat(300), None)).await.err().unwrap();
    assert!(matches!(error, AmiError::UnknownHost { .. }), "{error}");
}

#[test]
fn an_address_may_leave_its_port_to_us() {
    for (address, tls, host, port) in [
        ("pbx.example", false, "pbx.example", 5038),
        ("pbx.example", true, "pbx.example", 5039),
        (" 192.0.2.7:6000 ", true, "192.0.2.7", 6000),
        ("2001:db8::7", false, "2001:db8::7", 5038),
        ("[2001:db8::7]", false, "2001:db8::7", 5038),
        ("[2001:db8::7]:6000", false, "2001:db8::7", 6000),
    ] {
        let target = target(address.to_owned(), tls.then(Tls::default));
        assert_eq!(target.host_and_port(), Some((host, port)), "{address}");
    }
}
