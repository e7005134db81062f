//! The connection's bytes: TCP, or TLS over it.

use std::{fs, io, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time,
};
use tokio_rustls::TlsConnector;

use super::{
    CONNECT_TIMEOUT,
    error::AmiError,
    target::{Target, Tls},
};

/// Bytes in both directions.
pub(super) trait Link: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Link for T {}

/// Connects, within [`CONNECT_TIMEOUT`].
pub(super) async fn open(target: &Target) -> Result<Box<dyn Link>, AmiError> {
    let address = || target.address.clone();
    let (host, port) =
        target.host_and_port().ok_or_else(|| AmiError::Address { address: address() })?;
    let tls = target.tls.as_ref().map(|tls| Ok((config(tls)?, server_name(tls, host)?)));
    let tls = tls.transpose()?;
    time::timeout(CONNECT_TIMEOUT, connect(target, host, port, tls))
        .await
        .map_err(|_| AmiError::ConnectTimeout { address: address() })?
}

async fn connect(
    target: &Target,
    host: &str,
    port: u16,
    tls: Option<(ClientConfig, ServerName<'static>)>,
) -> Result<Box<dyn Link>, AmiError> {
    let address = || target.address.clone();
    // Asked for by itself, so that an unknown name is told apart from a host that can't be reached.
    let places: Vec<_> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|source| AmiError::UnknownHost { address: address(), source })?
        .collect();
    let stream = TcpStream::connect(&*places).await.map_err(|source| match source.kind() {
        io::ErrorKind::ConnectionRefused => AmiError::Refused { address: address() },
        io::ErrorKind::TimedOut => AmiError::ConnectTimeout { address: address() },
        _ => AmiError::Unreachable { address: address(), source },
    })?;
    // Actions are small and each is waited for.
    stream.set_nodelay(true).map_err(|source| AmiError::Broken { address: address(), source })?;
    let Some((config, name)) = tls else { return Ok(Box::new(stream)) };
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| AmiError::Tls { address: address(), reason: tls_reason(&error) })?;
    Ok(Box::new(stream))
}

fn server_name(tls: &Tls, host: &str) -> Result<ServerName<'static>, AmiError> {
    let name = tls.server_name.as_deref().unwrap_or(host);
    ServerName::try_from(name.to_owned()).map_err(|_| AmiError::Tls {
        address: host.to_owned(),
        reason: format!("{name:?} can't be a certificate's name: check tls_server_name"),
    })
}

fn config(tls: &Tls) -> Result<ClientConfig, AmiError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match &tls.ca_file {
        Some(file) => Arc::new(Given::read(file, &provider)?),
        None => {
            let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .expect("the authorities of the web are no empty list")
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the suites of TLS 1.2 and 1.3")
        .dangerous() // Its documented way to a verifier of one's own; `Given` only adds to the usual one.
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// Trusts the certificates of a file: as authorities, or as the server's own. The latter matters since what people make
/// with `openssl req -x509` calls itself an authority, which no server's certificate may, and names no host.
#[derive(Debug)]
struct Given {
    certificates: Vec<CertificateDer<'static>>,
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl Given {
    fn read(file: &Path, provider: &Arc<CryptoProvider>) -> Result<Given, AmiError> {
        let wrong = |reason: String| AmiError::CaFile { file: file.to_owned(), reason };
        let pem = fs::read(file).map_err(|error| wrong(error.to_string()))?;
        let certificates = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong(format!("it is no PEM file ({error})")))?;
        if certificates.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
        let mut roots = RootCertStore::empty();
        // One that can be no authority may still be the server's own.
        roots.add_parsable_certificates(certificates.iter().cloned());
        Ok(Given { certificates, roots, provider: Arc::clone(provider) })
    }
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.certificates.iter().any(|given| given == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let certificate = rustls::server::ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            algorithms,
        )?;
        rustls::client::verify_server_name(&certificate, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What is wrong with a handshake and what to do.
fn tls_reason(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let advice = match inner {
        Some(rustls::Error::InvalidCertificate(fault)) => match fault {
            // The second: another authority of the same name has signed it.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "the certificate isn't trusted: give it or its authority as tls_ca"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another name: set tls_server_name, or give the certificate itself as tls_ca"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired: renew it on the PBX"
            }
            // Among others: it calls itself an authority.
            _ => "the certificate isn't accepted: give the certificate itself as tls_ca",
        },
        Some(rustls::Error::InvalidMessage(_)) => {
            "the port speaks no TLS: give the port of `tlsbindaddr` in manager.conf"
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the port closed the connection: check `tlsenable` and `tlsbindaddr` in manager.conf"
        }
        _ => "the handshake failed",
    };
    format!("{advice} ({error})")
}

#[cfg(test)]
mod tests;
