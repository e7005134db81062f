//! One connection to an Asterisk, as its settings say: which PBX, for which tenant, by which mapping.

use std::{fmt, str::FromStr};

use super::{ami::Target, mapping::Mapping};
use crate::tenants::TenantName;

/// Characters of a connection's name at most: as a source it gets a prefix, and is bounded too.
const NAME_CHARS_MAX: usize = 32;

/// What stands before a connection's name in the source of its events.
const SOURCE_PREFIX: &str = "asterisk/";

const _: () = assert!(
    SOURCE_PREFIX.len() + NAME_CHARS_MAX <= stats::limit::SOURCE_CHARS_MAX,
    "sources are bounded"
);

/// One connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// Its name.
    pub name: ConnectionName,
    /// Whose contact centre it is.
    pub tenant: TenantName,
    /// The PBX.
    pub target: Target,
    /// How its world becomes ours.
    pub mapping: Mapping,
}

impl Connection {
    /// The source that its events name.
    pub fn source(&self) -> String {
        format!("{SOURCE_PREFIX}{}", self.name)
    }
}

/// A connection's name: 1 to 32 of `[A-Za-z0-9_-]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionName(String);

impl ConnectionName {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConnectionName {
    type Err = String;

    fn from_str(text: &str) -> Result<ConnectionName, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !text.is_empty() && text.len() <= NAME_CHARS_MAX && text.bytes().all(allowed) {
            return Ok(ConnectionName(text.to_owned()));
        }
        Err(format!(
            "expected a connection's name of 1 to {NAME_CHARS_MAX} letters, digits, `_` and `-` of ASCII"
        ))
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// `HOST` or `HOST:PORT`; an IPv6 address with a port stands in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// None: the usual one.
    pub port: Option<u16>,
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<HostPort, String> {
        let expected = || "expected HOST or HOST:PORT, such as pbx.example.com:5038".to_owned();
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(expected)?;
                match rest.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if rest.is_empty() => (host, None),
                    None => return Err(expected()),
                }
            }
            // More than one colon and no brackets: an IPv6 address alone.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        if rustls_pki_types::ServerName::try_from(host).is_err() {
            return Err(expected());
        }
        let port = match port {
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().ok().filter(|port| *port != 0).ok_or_else(expected)?)
            }
            Some(_) => return Err(expected()),
            None => None,
        };
        Ok(HostPort { host: host.to_owned(), port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.port, self.host.contains(':')) {
            (Some(port), true) => write!(out, "[{}]:{port}", self.host),
            (Some(port), false) => write!(out, "{}:{port}", self.host),
            (None, _) => out.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_perhaps_with_a_port() {
        for (text, host, port) in [
            ("pbx", "pbx", None),
            ("pbx.example.com:5038", "pbx.example.com", Some(5038)),
            ("192.0.2.1:1", "192.0.2.1", Some(1)),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]:5039", "2001:db8::1", Some(5039)),
        ] {
            let address: HostPort = text.parse().unwrap();
            assert_eq!(address, HostPort { host: host.to_owned(), port });
            assert_eq!(address.to_string(), text);
        }
        for text in
            ["", ":5038", "a b", "pbx:", "pbx:0", "pbx:65536", "pbx:+1", "[::1", "[::1]x", "a:b:c"]
        {
            assert!(text.parse::<HostPort>().is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_as_an_address_is_written_as_it_was_read(text in "[a-z0-9:.\\[\\]-]{0,24}|\\PC{0,24}") {
            if let Ok(address) = text.parse::<HostPort>() {
                proptest::prop_assert_eq!(address.to_string().parse::<HostPort>(), Ok(address));
            }
        }
    }

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["a", "main", "Main_2-b", &"x".repeat(32)] {
            assert!(good.parse::<ConnectionName>().is_ok(), "{good:?}");
        }
        for bad in ["", "a b", "a.b", "ä", "a/b", &"x".repeat(33)] {
            assert!(bad.parse::<ConnectionName>().is_err(), "{bad:?}");
        }
    }
}
