//! A certificate chain and its private key in two PEM files (or both in one), and what can be wrong with them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustls::{Error, InconsistentKeys, crypto::CryptoProvider, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sha2::{Digest, Sha256};

/// What is wrong with a pair of files, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A file can't be read.
    #[error("can't read {path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file isn't PEM, or cut off.
    #[error("{path} isn't whole PEM: {reason}", path = path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// No certificate in the file.
    #[error("{path} holds no certificate: expected PEM with a line -----BEGIN CERTIFICATE-----", path = path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate that can't be understood.
    #[error("the first certificate in {path} can't be used: {reason}", path = path.display())]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
    /// No private key in the file.
    #[error("{path} holds no private key: expected PEM with a line -----BEGIN PRIVATE KEY-----", path = path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A private key under a password.
    #[error(
        "the private key in {path} is encrypted: decrypt it first, as by `openssl pkey -in {path} -out key.pem`",
        path = path.display()
    )]
    EncryptedKey {
        /// The file.
        path: PathBuf,
    },
    /// A private key of a kind that can't be used.
    #[error("the private key in {path} can't be used: {reason}", path = path.display())]
    BadKey {
        /// The file.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
    /// A key of another certificate.
    #[error(
        "the private key in {key} doesn't belong to the first certificate in {certificate}",
        key = key.display(),
        certificate = certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

/// The two files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Files {
    pub(super) fn read(&self) -> Contents {
        Contents { certificate: read(&self.certificate), key: read(&self.key) }
    }
}

/// What the two files hold, or why they can't be read.
pub(super) struct Contents {
    certificate: Result<Vec<u8>, String>,
    key: Result<Vec<u8>, String>,
}

/// Tells contents apart without keeping a key about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint([[u8; 32]; 2]);

fn fingerprint(content: &Result<Vec<u8>, String>) -> [u8; 32] {
    let digest = match content {
        Ok(bytes) => Sha256::new_with_prefix(b"read").chain_update(bytes),
        Err(reason) => Sha256::new_with_prefix(b"not").chain_update(reason),
    };
    digest.finalize().into()
}

fn bytes<'a>(content: &'a Result<Vec<u8>, String>, path: &Path) -> Result<&'a [u8], PairError> {
    content
        .as_deref()
        .map_err(|reason| PairError::Unreadable { path: path.to_owned(), reason: reason.clone() })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    })
}

impl Contents {
    /// Equal where both files held the same, or couldn't be read for the same reason.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint([fingerprint(&self.certificate), fingerprint(&self.key)])
    }

    /// Why a file can't be read.
    pub(super) fn unreadable(&self, files: &Files) -> Option<PairError> {
        let certificate = bytes(&self.certificate, &files.certificate).err();
        certificate.or_else(|| bytes(&self.key, &files.key).err())
    }

    /// The certificate with its key, checked to fit.
    pub(super) fn certified_key(
        &self,
        files: &Files,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, PairError> {
        let chain = chain(bytes(&self.certificate, &files.certificate)?, &files.certificate)?;
        let key = private_key(bytes(&self.key, &files.key)?, &files.key)?;
        let key = provider.key_provider.load_private_key(key).map_err(|error| {
            PairError::BadKey { path: files.key.clone(), reason: error.to_string() }
        })?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            // Unknown: the key's public half can't be told, and a handshake would show it.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
            Err(Error::InconsistentKeys(_)) => Err(PairError::Mismatch {
                certificate: files.certificate.clone(),
                key: files.key.clone(),
            }),
            Err(error) => Err(PairError::BadCertificate {
                path: files.certificate.clone(),
                reason: error.to_string(),
            }),
        }
    }
}

fn chain(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, PairError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| not_pem(path, &error))?;
    if chain.is_empty() {
        return Err(PairError::NoCertificate { path: path.to_owned() });
    }
    Ok(chain)
}

fn private_key(pem: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, PairError> {
    let holds = |words: &[u8]| memchr::memmem::find(pem, words).is_some();
    if holds(b"BEGIN ENCRYPTED PRIVATE KEY") || holds(b"Proc-Type: 4,ENCRYPTED") {
        return Err(PairError::EncryptedKey { path: path.to_owned() });
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        rustls_pki_types::pem::Error::NoItemsFound => PairError::NoKey { path: path.to_owned() },
        error => not_pem(path, &error),
    })
}

fn not_pem(path: &Path, error: &rustls_pki_types::pem::Error) -> PairError {
    PairError::NotPem { path: path.to_owned(), reason: error.to_string() }
}
