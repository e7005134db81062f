//! What may go wrong between Asterisk and us, each with one line for the operator.

use std::{io, path::PathBuf, time::Duration};

use super::{
    BANNER_TIMEOUT, CONNECT_TIMEOUT, LOGIN_TIMEOUT, PING_AFTER, PONG_TIMEOUT, decoder::Malformed,
};

/// Why there is no session with an Asterisk, or no longer. No text shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum AmiError {
    /// The configured address can't be read.
    #[error("{address:?} is no address: expected host or host:port, such as pbx.example:5038")]
    Address {
        /// As configured.
        address: String,
    },
    /// No such host.
    #[error(
        "the host of {address} is not known ({source}): check the address and the name service"
    )]
    UnknownHost {
        /// As configured.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody listens there.
    #[error(
        "{address} refuses the connection: check that Asterisk runs, that manager.conf has `enabled = yes`, and its \
         `bindaddr` and `port`"
    )]
    Refused {
        /// As configured.
        address: String,
    },
    /// No answer to the connection.
    #[error(
        "{address} doesn't answer within {} s: check the address, the network and the firewall",
        CONNECT_TIMEOUT.as_secs()
    )]
    ConnectTimeout {
        /// As configured.
        address: String,
    },
    /// Any other trouble on the way there.
    #[error("{address} can't be reached: {source}")]
    Unreachable {
        /// As configured.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file of certificates.
    #[error("the certificates of {} can't be used: {reason}", file.display())]
    CaFile {
        /// As configured.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The TLS handshake.
    #[error("no TLS with {address}: {reason}")]
    Tls {
        /// As configured.
        address: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Something else listens there.
    #[error(
        "{address} is no Asterisk manager interface: {reason}; check the port (5038, or 5039 over TLS)"
    )]
    NotAmi {
        /// As configured.
        address: String,
        /// What came instead.
        reason: String,
    },
    /// Cut off before the first line.
    #[error(
        "{address} closed the connection at once: too many sessions that didn't log in (`authlimit` in manager.conf), \
         or an address that it doesn't permit"
    )]
    TurnedAway {
        /// As configured.
        address: String,
    },
    /// The login is refused.
    #[error(
        "{address} refuses the user {username:?} ({message}): check the section [{username}] of manager.conf, its \
         `secret`, its `permit` and `deny` lines, and that `manager reload` was done"
    )]
    Login {
        /// As configured.
        address: String,
        /// As configured.
        username: String,
        /// What Asterisk says.
        message: String,
    },
    /// The challenge is refused, and the secret must not be sent in the clear.
    #[error(
        "{address} refuses login by challenge ({message}), and the secret isn't sent without TLS: use TLS, or allow \
         plain login"
    )]
    NoChallenge {
        /// As configured.
        address: String,
        /// What Asterisk says.
        message: String,
    },
    /// No answer while logging in.
    #[error("{address} doesn't answer the login within {} s", LOGIN_TIMEOUT.as_secs())]
    LoginTimeout {
        /// As configured.
        address: String,
    },
    /// The connection ended.
    #[error("{address} closed the connection")]
    Closed {
        /// As configured.
        address: String,
    },
    /// The connection broke.
    #[error("the connection to {address} broke: {source}")]
    Broken {
        /// As configured.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The other side is gone without a word.
    #[error("{address} has been silent for {} s and doesn't answer a ping", silence().as_secs())]
    Silent {
        /// As configured.
        address: String,
    },
    /// Bytes that are no messages.
    #[error("{address} sends what can't be read: {malformed}")]
    Malformed {
        /// As configured.
        address: String,
        /// Why not.
        malformed: Malformed,
    },
}

/// No sign for so long ends a session.
fn silence() -> Duration {
    PING_AFTER + PONG_TIMEOUT
}

impl AmiError {
    /// What came instead of Asterisk's first line.
    pub(super) fn no_banner(address: String, malformed: Option<&Malformed>) -> AmiError {
        let reason = match malformed {
            Some(malformed) => malformed.to_string(),
            None => format!("it says nothing for {} s", BANNER_TIMEOUT.as_secs()),
        };
        AmiError::NotAmi { address, reason }
    }

    /// Whether nobody but the operator can mend it: a wrong setting, here or in Asterisk. It may be mended there at any
    /// time, so trying again is still right.
    pub fn is_for_the_operator(&self) -> bool {
        matches!(
            self,
            AmiError::Address { .. }
                | AmiError::UnknownHost { .. }
                | AmiError::CaFile { .. }
                | AmiError::Tls { .. }
                | AmiError::NotAmi { .. }
                | AmiError::Login { .. }
                | AmiError::NoChallenge { .. }
        )
    }
}
