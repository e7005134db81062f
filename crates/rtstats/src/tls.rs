//! TLS for the server: one shared configuration, whose certificate is exchanged when its files change.
//!
//! The certificate is either the one that the settings name or one of our own making (see `own`). A changed pair of
//! files is taken for new connections only once it is whole and fits; until then the old one stays in use. Connections
//! that are open keep what they began with.

mod own;
mod pair;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use rustls::{
    CipherSuite, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use crate::clock;
use own::Own;
pub use pair::PairError;
use pair::{Files, Fingerprint};

/// Where the certificate and its key come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Files that somebody else keeps.
    Files {
        /// The chain, the server's own certificate first.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// A self-signed certificate in this folder, made when there is none.
    Own {
        /// Holds `cert.pem` and `key.pem`.
        folder: PathBuf,
        /// Further names and addresses for it.
        host_names: Vec<String>,
    },
}

/// Why TLS can't be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The files are missing, broken, or don't fit each other.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// Our own certificate can't be made.
    #[error("can't make a self-signed certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// Our own certificate can't be written.
    #[error("can't write {path}: {source}", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The cryptography library refuses.
    #[error("TLS can't be set up: {0}")]
    Library(#[from] rustls::Error),
}

/// What [`Certificates::reload_if_changed`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The files are as they were.
    Unchanged,
    /// New connections get the new certificate.
    Taken,
    /// The files changed but can't be used, as the log tells; the old certificate stays.
    KeptOld,
}

/// The certificate in use, and the configuration that hands it out.
pub struct Certificates {
    files: Files,
    /// Only where the certificate is ours to make.
    own: Option<Own>,
    /// Whether [`Certificates::open`] made it.
    made: bool,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
    server: Arc<ServerConfig>,
    watch: Mutex<Watch>,
}

/// What was last seen of the files.
struct Watch {
    seen: Fingerprint,
    /// A file couldn't be read at the last look, as was told.
    unreadable: bool,
    renewal_checked: i64,
}

/// How often our own certificate is looked at for its end, in milliseconds.
const RENEWAL_CHECKED_EVERY_MS: i64 = 3_600_000;

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificates {
    /// Loads the certificate, or makes our own where the source says so and there is none (or it ends soon).
    pub fn open(source: Source) -> Result<Certificates, TlsError> {
        let now = clock::now();
        let provider = Arc::new(provider());
        let mut made = false;
        let (files, own) = match source {
            Source::Files { certificate, key } => (Files { certificate, key }, None),
            Source::Own { folder, host_names } => {
                let own = Own::new(&folder, host_names);
                if own.is_due(&provider, now) {
                    own.make(now)?;
                    made = true;
                }
                (own.files().clone(), Some(own))
            }
        };
        let contents = files.read();
        let key = contents.certified_key(&files, &provider)?;
        let current = Arc::new(Current(ArcSwap::from_pointee(key)));
        let server = Arc::new(server_config(&provider, Arc::clone(&current))?);
        let watch = Mutex::new(Watch {
            seen: contents.fingerprint(),
            unreadable: false,
            renewal_checked: now,
        });
        Ok(Certificates { files, own, made, provider, current, server, watch })
    }

    /// The configuration for all connections: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, resumption by tickets.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }

    /// How to trust our own certificate or to put a real one, for people; only from the start that made it.
    pub fn advice(&self) -> Option<String> {
        let own = self.own.as_ref().filter(|_| self.made)?;
        Some(own.advice())
    }

    /// Takes the files where they changed and fit. Reads two small files; to be called every second or so.
    pub fn reload_if_changed(&self) -> Reload {
        self.reload_at(clock::now())
    }

    fn reload_at(&self, now: i64) -> Reload {
        let mut watch = self.watch();
        if now - watch.renewal_checked >= RENEWAL_CHECKED_EVERY_MS {
            watch.renewal_checked = now;
            self.renew_if_due(now);
        }
        let contents = self.files.read();
        // No change: the system may lack open files just now, or somebody is about to replace it.
        let unreadable = contents.unreadable(&self.files);
        let told = std::mem::replace(&mut watch.unreadable, unreadable.is_some());
        if let Some(error) = unreadable {
            if !told {
                tracing::warn!(%error, "the certificate files can't be looked at; the certificate stays");
            }
            return Reload::Unchanged;
        }
        let seen = contents.fingerprint();
        if seen == watch.seen {
            return Reload::Unchanged;
        }
        watch.seen = seen;
        let loaded = contents.certified_key(&self.files, &self.provider);
        let certificate = self.files.certificate.display();
        match loaded {
            Ok(key) => {
                self.current.0.store(Arc::new(key));
                tracing::info!(%certificate, "the certificate changed; new connections get the new one");
                Reload::Taken
            }
            Err(error) => {
                tracing::warn!(%error, "the certificate files changed but can't be used; the old certificate stays");
                Reload::KeptOld
            }
        }
    }

    fn renew_if_due(&self, now: i64) {
        let Some(own) = self.own.as_ref().filter(|own| own.is_due(&self.provider, now)) else {
            return;
        };
        match own.make(now) {
            Ok(()) => tracing::warn!(
                certificate = %self.files.certificate.display(),
                "the self-signed certificate was renewed: clients must trust the new file"
            ),
            Err(error) => tracing::warn!(%error, "the self-signed certificate can't be renewed"),
        }
    }

    /// What a panicking caller left is whole: each field is assigned at once.
    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The library's cryptography, AES with keys of 128 bits first: as safe as any for as long as a connection's secrets count,
/// browsers want it first too, and both its cipher and its hash (SHA-256) cost processors less. Clients built on OpenSSL
/// would begin with 256 bits and SHA-384, which few processors have instructions for.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| {
        !matches!(
            suite.suite(),
            CipherSuite::TLS13_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        )
    });
    provider
}

fn server_config(
    provider: &Arc<CryptoProvider>,
    current: Arc<Current>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(current);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ignore_client_order = true;
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

#[cfg(test)]
mod tests;
