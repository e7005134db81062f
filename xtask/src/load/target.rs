//! Where the load goes: address, name, path, credentials, and which certificates are believed.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// The flags that say where the load goes.
#[derive(clap::Args, Clone)]
pub struct Address {
    /// What to ask for, as https://HOST:PORT/PATH.
    #[arg(long)]
    pub url: String,
    /// Tenant and token, as NAME:TOKEN.
    #[arg(long)]
    pub user: Option<String>,
    /// A PEM file with the certificates to believe.
    #[arg(long, conflicts_with = "insecure")]
    pub cacert: Option<PathBuf>,
    /// Believe any certificate and signature.
    #[arg(long)]
    pub insecure: bool,
}

/// An address made ready for connecting.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// The address to connect from; any unless given.
    pub source: Option<IpAddr>,
    pub name: ServerName<'static>,
    pub tls: Arc<ClientConfig>,
    authority: String,
    path: String,
    authorization: Option<String>,
}

impl Target {
    /// Resolves the address and reads the certificates.
    pub fn new(flags: &Address) -> Result<Target> {
        let uri: http::Uri =
            flags.url.parse().with_context(|| format!("`{}` is no URL", flags.url))?;
        if uri.scheme_str() != Some("https") {
            bail!("`{}`: only https:// is measured", flags.url);
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(443);
        let found = (host, port).to_socket_addrs().with_context(|| format!("no such host: {host}"));
        let Some(address) = found?.next() else { bail!("{host} has no address") };
        Ok(Target {
            address,
            source: None,
            name: ServerName::try_from(host.to_owned()).context("the host's name")?,
            tls: Arc::new(tls(flags)?),
            authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            authorization: flags.user.as_ref().map(|user| BASE64_STANDARD.encode(user)),
        })
    }

    /// The same for HTTP/2.
    pub fn http2(mut self) -> Target {
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        self.tls = Arc::new(tls);
        self
    }

    /// The host that is asked, with its port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path that is asked for, with its query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of `Authorization`.
    pub fn credentials(&self) -> Option<String> {
        self.authorization.as_ref().map(|credentials| format!("Basic {credentials}"))
    }

    /// The head of a request, with the blank line that ends it.
    pub fn head(&self, method: &str, further: &[(&str, &str)]) -> Vec<u8> {
        let mut head = format!("{method} {} HTTP/1.1\r\nHost: {}\r\n", self.path, self.authority);
        if let Some(credentials) = self.credentials() {
            head += &format!("Authorization: {credentials}\r\n");
        }
        for (name, value) in further {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        head.into_bytes()
    }
}

fn tls(flags: &Address) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .context("TLS versions")?;
    let mut config = if let Some(path) = &flags.cacert {
        let mut roots = RootCertStore::empty();
        let read = || format!("cannot read certificates from {}", path.display());
        for certificate in CertificateDer::pem_file_iter(path).with_context(read)? {
            roots.add(certificate.with_context(read)?).with_context(read)?;
        }
        builder.with_root_certificates(roots).with_no_client_auth()
    } else if flags.insecure {
        let verifier = Arc::new(Believing(provider));
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    } else {
        bail!("say which certificates to believe: --cacert FILE, or --insecure");
    };
    // Every new connection pays the whole handshake: the dearer case, and the same for every server.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Believes every certificate and signature: a check would cost as much as a server's whole part of the handshake, which is
/// what is measured.
#[derive(Debug)]
struct Believing(Arc<CryptoProvider>);

impl ServerCertVerifier for Believing {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address { url: url.into(), user: Some("acme:t".into()), cacert: None, insecure: true }
    }

    #[test]
    fn a_head_carries_host_and_credentials() {
        let target = Target::new(&address("https://127.0.0.1:8443/a/b.json?c=d")).unwrap();
        let head = String::from_utf8(target.head("GET", &[("Accept-Encoding", "gzip")])).unwrap();
        assert_eq!(
            head,
            "GET /a/b.json?c=d HTTP/1.1\r\nHost: 127.0.0.1:8443\r\nAuthorization: Basic YWNtZTp0\r\n\
             Accept-Encoding: gzip\r\n\r\n"
        );
    }

    #[test]
    fn plain_http_and_silent_trust_are_refused() {
        assert!(Target::new(&address("http://127.0.0.1/")).is_err());
        let unsaid = Address { insecure: false, ..address("https://127.0.0.1/") };
        assert!(Target::new(&unsaid).is_err());
    }
}
