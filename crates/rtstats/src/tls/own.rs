//! The self-signed certificate of a first start: for localhost, the loopback addresses, the host's name and the names
//! that the settings add.
//!
//! It is its own trust anchor (`curl --cacert cert.pem`), and no authority: a client that trusts it trusts this server
//! and nothing else. Files without our mark were put there by somebody else and are never overwritten.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};

use super::{TlsError, pair::Files};

/// Life of the certificate: Apple's clients accept no more than 825 days.
const LIFE: Duration = Duration::from_hours(820 * 24);

/// A certificate with less of its life left is renewed.
const RENEWED_BEFORE_END: Duration = Duration::from_hours(30 * 24);

/// The certificate begins earlier than it is made, for clients whose clock is behind.
const BEGINS_BEFORE: Duration = Duration::from_hours(24);

/// The first line of both files, which PEM readers skip.
const MARK: &str = "Self-signed by rtstats, which renews this file while this line stands here.";

/// Names that every certificate of ours holds.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Our own certificate's place and names.
pub(super) struct Own {
    folder: PathBuf,
    files: Files,
    host_names: Vec<String>,
}

impl Own {
    pub(super) fn new(folder: &Path, host_names: Vec<String>) -> Own {
        let files = Files { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
        Own { folder: folder.to_owned(), files, host_names }
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Whether the files are of our making, or not there at all.
    pub(super) fn is_ours(&self) -> bool {
        [&self.files.certificate, &self.files.key].iter().all(|path| match fs::read(path) {
            Ok(bytes) => bytes.starts_with(MARK.as_bytes()),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        })
    }

    /// Whether a certificate is to be made: it is ours to make, and there is none that fits and lasts for a while.
    pub(super) fn is_due(&self, provider: &Arc<CryptoProvider>, now: i64) -> bool {
        let lasts = || {
            let contents = self.files.read();
            contents.certified_key(&self.files, provider).is_ok() && self.will_last(provider, now)
        };
        self.is_ours() && !lasts()
    }

    /// Asks as a client would, some time ahead and for every name that must be there. The host's name needn't be: where
    /// it changes at each start, as in containers, a new certificate each time would be trusted by nobody.
    fn will_last(&self, provider: &Arc<CryptoProvider>, now: i64) -> bool {
        let Ok(certificate) = CertificateDer::from_pem_file(&self.files.certificate) else {
            return false;
        };
        let mut roots = RootCertStore::empty();
        if roots.add(certificate.clone()).is_err() {
            return false;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let Ok(verifier) = verifier.build() else { return false };
        let then = UnixTime::since_unix_epoch(since_epoch(now) + RENEWED_BEFORE_END);
        let names = LOCAL_NAMES.into_iter().chain(self.host_names.iter().map(String::as_str));
        names.into_iter().all(|name| {
            ServerName::try_from(name).is_ok_and(|name| {
                verifier.verify_server_cert(&certificate, &[], &name, &[], then).is_ok()
            })
        })
    }

    /// Makes a key and a certificate and puts both in place.
    pub(super) fn make(&self, now: i64) -> Result<(), TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(self.names())?;
        let begin = date_time_ymd(1970, 1, 1) + since_epoch(now);
        params.not_before = begin - BEGINS_BEFORE;
        params.not_after = begin - BEGINS_BEFORE + LIFE;
        params.distinguished_name.push(DnType::CommonName, "rtstats self-signed");
        params.is_ca = IsCa::ExplicitNoCa;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.self_signed(&key)?;

        let folder = |source| TlsError::Write { path: self.folder.clone(), source };
        fs::create_dir_all(&self.folder).map_err(folder)?;
        // The key first: if only it gets there, the next start finds no certificate and makes both anew.
        put(&self.files.key, &format!("{MARK}\n{}", key.serialize_pem()), 0o600)?;
        put(&self.files.certificate, &format!("{MARK}\n{}", certificate.pem()), 0o644)?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(folder)
    }

    /// All names for a certificate made now, each once.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = LOCAL_NAMES.map(str::to_owned).to_vec();
        for name in host_name().into_iter().chain(self.host_names.iter().cloned()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    pub(super) fn advice(&self) -> String {
        let Files { certificate, key } = &self.files;
        let (certificate, key) = (certificate.display(), key.display());
        format!(
            "The certificate is self-signed, for {names}.\n\
             To trust it, give clients the file, as in: curl --cacert {certificate} https://localhost:PORT/…\n\
             To put a real one, set tls.certificate and tls.key, or replace {certificate} and {key}; \
             a change is taken within seconds, without a restart.",
            names = self.names().join(", "),
        )
    }
}

fn since_epoch(now: i64) -> Duration {
    Duration::from_millis(now.max(0).unsigned_abs())
}

/// The host's name where the system tells it and a certificate can hold it.
fn host_name() -> Option<String> {
    let told = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = told.or_else(|| std::env::var("HOSTNAME").ok())?.trim().to_ascii_lowercase();
    let usable = ServerName::try_from(name.as_str()).is_ok() && name.parse::<IpAddr>().is_err();
    usable.then_some(name)
}

/// Writes a file whole or not at all.
fn put(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let new = path.with_extension("pem.new");
    let written = || -> io::Result<()> {
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = create(&new, mode)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    written().map_err(|source| TlsError::Write { path: path.to_owned(), source })
}

/// The file is nobody else's from its first byte on.
fn create(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}
