//! Handshakes in memory, against certificates on disk.

use std::{error::Error as StdError, fs, path::Path, sync::Arc};

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConnection,
    SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tempfile::TempDir;

use super::*;

const DAY_MS: i64 = 86_400_000;

fn own(folder: &TempDir, host_names: &[&str]) -> Source {
    let host_names = host_names.iter().map(|name| (*name).to_owned()).collect();
    Source::Own { folder: folder.path().join("tls"), host_names }
}

/// A pair for `localhost`, as somebody else's tool would write it.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn files(folder: &TempDir, certificate: &str, key: &str) -> Source {
    let source = Source::Files {
        certificate: folder.path().join("chain.pem"),
        key: folder.path().join("key.pem"),
    };
    write(folder, certificate, key);
    source
}

fn write(folder: &TempDir, certificate: &str, key: &str) {
    fs::write(folder.path().join("chain.pem"), certificate).unwrap();
    fs::write(folder.path().join("key.pem"), key).unwrap();
}

/// A client that trusts the certificates in a file and nothing else.
fn client(anchor: &Path, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(anchor).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// Shakes hands, and passes the tickets on too.
fn shake(
    client: &Arc<ClientConfig>,
    server: &Certificates,
    name: &str,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name)?;
    let mut server = ServerConnection::new(server.server_config())?;
    while client.wants_write() || server.wants_write() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        let mut rest = &wire[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        let mut rest = &wire[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok((client, server))
}

fn served(certificates: &Certificates) -> Vec<u8> {
    certificates.current.0.load().end_entity_cert().unwrap().to_vec()
}

fn refusal(folder: &TempDir, certificate: &str, key: &str) -> String {
    let error = Certificates::open(files(folder, certificate, key)).err();
    error.expect("a refusal").to_string()
}

#[test]
fn a_first_start_makes_a_certificate_that_its_own_file_vouches_for() {
    let folder = TempDir::new().unwrap();
    let certificates =
        Certificates::open(own(&folder, &["stats.example.com", "192.0.2.7"])).unwrap();
    for version in [&TLS12, &TLS13] {
        let client = client(&certificates.files.certificate, &[version]);
        for name in ["localhost", "127.0.0.1", "::1", "stats.example.com", "192.0.2.7"] {
            let (client, server) = shake(&client, &certificates, name).unwrap();
            assert_eq!(client.alpn_protocol(), Some(&b"h2"[..]));
            assert_eq!(server.protocol_version(), Some(version.version));
        }
        shake(&client, &certificates, "elsewhere.example.com").expect_err("another's name");
    }
    let advice = certificates.advice().expect("ours needs to be trusted");
    assert!(advice.contains("curl --cacert") && advice.contains("stats.example.com"), "{advice}");
    let again = Certificates::open(own(&folder, &["stats.example.com"])).unwrap();
    assert_eq!(again.advice(), None, "told once, at the start that made it");
}

#[cfg(unix)]
#[test]
fn the_key_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    Certificates::open(own(&folder, &[])).unwrap();
    let mode = fs::metadata(folder.path().join("tls/key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let left: Vec<_> = fs::read_dir(folder.path().join("tls")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_second_start_keeps_the_certificate() {
    let folder = TempDir::new().unwrap();
    let first = Certificates::open(own(&folder, &[])).unwrap();
    let second = Certificates::open(own(&folder, &[])).unwrap();
    assert_eq!(served(&first), served(&second));
}

#[test]
fn a_further_name_or_a_lost_file_makes_a_new_one() {
    let folder = TempDir::new().unwrap();
    let first = served(&Certificates::open(own(&folder, &[])).unwrap());
    let named = served(&Certificates::open(own(&folder, &["stats.example.com"])).unwrap());
    assert_ne!(first, named);
    fs::remove_file(folder.path().join("tls/cert.pem")).unwrap();
    let third = served(&Certificates::open(own(&folder, &["stats.example.com"])).unwrap());
    assert_ne!(named, third);
}

#[test]
fn our_own_is_renewed_while_running_before_it_ends() {
    let folder = TempDir::new().unwrap();
    let certificates = Certificates::open(own(&folder, &[])).unwrap();
    let (first, now) = (served(&certificates), clock::now());
    assert_eq!(certificates.reload_at(now + 700 * DAY_MS), Reload::Unchanged);
    assert_eq!(certificates.reload_at(now + 800 * DAY_MS), Reload::Taken);
    assert_ne!(served(&certificates), first);
    assert_eq!(certificates.reload_at(now + 801 * DAY_MS), Reload::Unchanged);
}

#[test]
fn files_that_somebody_else_put_there_are_never_overwritten() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = pair();
    let tls = folder.path().join("tls");
    fs::create_dir(&tls).unwrap();
    fs::write(tls.join("cert.pem"), &certificate).unwrap();
    fs::write(tls.join("key.pem"), &key).unwrap();
    let certificates = Certificates::open(own(&folder, &["not.in.it.example.com"])).unwrap();
    assert_eq!(certificates.reload_at(clock::now() + 9_000 * DAY_MS), Reload::Unchanged);
    assert_eq!(fs::read_to_string(tls.join("cert.pem")).unwrap(), certificate);
    assert_eq!(certificates.advice(), None);

    fs::remove_file(tls.join("key.pem")).unwrap();
    let error = Certificates::open(own(&folder, &[])).err().expect("half of theirs").to_string();
    assert!(error.contains("key.pem: there is no such file"), "{error}");
    assert_eq!(fs::read_to_string(tls.join("cert.pem")).unwrap(), certificate);
}

#[test]
fn changed_files_are_taken_for_new_connections_only() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = pair();
    let certificates = Certificates::open(files(&folder, &certificate, &key)).unwrap();
    let anchor = certificates.files.certificate.clone();
    let (mut open, _server) =
        shake(&client(&anchor, &[&TLS13]), &certificates, "localhost").unwrap();
    assert_eq!(certificates.reload_if_changed(), Reload::Unchanged);

    let (certificate, key) = pair();
    write(&folder, &certificate, &key);
    assert_eq!(certificates.reload_if_changed(), Reload::Taken);
    assert_eq!(certificates.reload_if_changed(), Reload::Unchanged);
    shake(&client(&anchor, &[&TLS13]), &certificates, "localhost").unwrap();
    std::io::Write::write_all(&mut open.writer(), b"still here").unwrap();
    assert!(open.wants_write());
}

#[test]
fn a_half_written_pair_keeps_the_old_one_and_is_told_once() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = pair();
    let certificates = Certificates::open(files(&folder, &certificate, &key)).unwrap();
    let first = served(&certificates);
    let (new_certificate, new_key) = pair();
    for (certificate, key) in [
        (new_certificate.as_str(), key.as_str()),
        (&new_certificate[..new_certificate.len() / 2], &new_key),
        (&new_certificate, ""),
        ("", &new_key),
    ] {
        write(&folder, certificate, key);
        assert_eq!(certificates.reload_if_changed(), Reload::KeptOld);
        assert_eq!(certificates.reload_if_changed(), Reload::Unchanged);
        assert_eq!(served(&certificates), first);
    }
    write(&folder, &new_certificate, &new_key);
    assert_eq!(certificates.reload_if_changed(), Reload::Taken);
    assert_ne!(served(&certificates), first);
}

#[test]
fn a_file_that_cannot_be_read_is_no_change() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = pair();
    let certificates = Certificates::open(files(&folder, &certificate, &key)).unwrap();
    let first = served(&certificates);
    for file in ["key.pem", "chain.pem"] {
        fs::remove_file(folder.path().join(file)).unwrap();
        // Neither missing nor readable.
        fs::create_dir(folder.path().join(file)).unwrap();
        assert_eq!(certificates.reload_if_changed(), Reload::Unchanged);
        fs::remove_dir(folder.path().join(file)).unwrap();
        assert_eq!(certificates.reload_if_changed(), Reload::Unchanged);
        write(&folder, &certificate, &key);
        assert_eq!(certificates.reload_if_changed(), Reload::Unchanged, "it holds what it held");
    }
    assert_eq!(served(&certificates), first);
    let (certificate, key) = pair();
    write(&folder, &certificate, &key);
    assert_eq!(certificates.reload_if_changed(), Reload::Taken);
}

#[test]
fn the_suite_is_the_cheapest_whatever_comes_first_in_the_hello() {
    let folder = TempDir::new().unwrap();
    let server = Certificates::open(own(&folder, &[])).unwrap();
    let anchor = folder.path().join("tls/cert.pem");
    for (version, picked) in [
        (&TLS13, CipherSuite::TLS13_AES_128_GCM_SHA256),
        (&TLS12, CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ] {
        let (client, _) = shake(&client(&anchor, &[version]), &server, "localhost").unwrap();
        assert_eq!(client.negotiated_cipher_suite().unwrap().suite(), picked);
    }
}

#[test]
fn a_second_connection_resumes_the_session() {
    let folder = TempDir::new().unwrap();
    let certificates = Certificates::open(own(&folder, &[])).unwrap();
    for version in [&TLS12, &TLS13] {
        let client = client(&certificates.files.certificate, &[version]);
        let (_, first) = shake(&client, &certificates, "localhost").unwrap();
        let (_, second) = shake(&client, &certificates, "localhost").unwrap();
        assert_eq!(first.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(second.handshake_kind(), Some(HandshakeKind::Resumed));
    }
}

#[test]
fn what_is_wrong_with_the_files_is_told() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = pair();
    let (_, other_key) = pair();
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let old_encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                         DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let nonsense_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (certificate, key, told) in [
        (certificate.as_str(), other_key.as_str(), "doesn't belong to the first certificate"),
        (&certificate, &encrypted, "is encrypted"),
        (&certificate, old_encrypted, "is encrypted"),
        (&certificate, &certificate, "holds no private key"),
        (&certificate, nonsense_key, "the private key in"),
        (&key, &key, "holds no certificate"),
        ("", &key, "holds no certificate"),
        (nonsense, &key, "the first certificate in"),
        (&certificate[..200], &key, "isn't whole PEM"),
    ] {
        let message = refusal(&folder, certificate, key);
        assert!(message.contains(told) && message.contains(".pem"), "{message:?} lacks {told:?}");
    }
    fs::remove_file(folder.path().join("chain.pem")).unwrap();
    let source = Source::Files {
        certificate: folder.path().join("chain.pem"),
        key: folder.path().join("key.pem"),
    };
    let error = Certificates::open(source).err().expect("a refusal");
    assert!(error.source().is_none_or(|inner| inner.to_string() != error.to_string()));
    assert!(error.to_string().contains("chain.pem: there is no such file"), "{error}");
}

#[test]
fn one_file_may_hold_both() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = pair();
    let both = format!("{key}{certificate}");
    Certificates::open(files(&folder, &both, &both)).unwrap();
}
