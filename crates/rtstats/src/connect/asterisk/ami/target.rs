//! Which Asterisk, as whom.

use std::{fmt, path::PathBuf};

/// The port of the manager interface where an address names none; over TLS [`TLS_PORT`].
pub const PORT: u16 = 5038;

/// The port of the manager interface over TLS where an address names none.
pub const TLS_PORT: u16 = 5039;

/// Where an Asterisk's manager interface is, and who logs in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `host`, `host:port`, `192.0.2.7:5038`, `[2001:db8::7]:5038`.
    pub address: String,
    /// TLS, or not.
    pub tls: Option<Tls>,
    /// The section of manager.conf.
    pub username: String,
    /// Its `secret`.
    pub secret: Secret,
    /// Send the secret itself over an unencrypted connection where the server refuses the challenge (MD5).
    pub allow_plain_login: bool,
}

/// How the server's certificate is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file: authorities to trust, or the server's own certificate, which is then taken as it is, whatever names
    /// it holds. Without it: the authorities of the web.
    pub ca_file: Option<PathBuf>,
    /// The name that the certificate must hold, where it isn't the address's host.
    pub server_name: Option<String>,
}

/// A secret that no log and no debug print shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the secret.
    pub fn new(secret: impl Into<String>) -> Secret {
        Secret(secret.into())
    }

    /// The secret itself, for those who must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Target {
    /// Host and port. The port is [`PORT`] or [`TLS_PORT`] where the address names none.
    pub(super) fn host_and_port(&self) -> Option<(&str, u16)> {
        let default = if self.tls.is_some() { TLS_PORT } else { PORT };
        let address = self.address.trim();
        let (host, port) = if let Some(rest) = address.strip_prefix('[') {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
        } else if address.matches(':').count() > 1 {
            (address, "")
        } else {
            match address.split_once(':') {
                Some((_, "")) => return None,
                Some(parts) => parts,
                None => (address, ""),
            }
        };
        let port =
            if port.is_empty() { default } else { port.parse().ok().filter(|port| *port > 0)? };
        (!host.is_empty()).then_some((host, port))
    }
}
