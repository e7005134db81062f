//! Names of tenants.

use std::{borrow::Borrow, fmt, str::FromStr};

/// Characters of a name at most.
const CHARS_MAX: usize = 64;

/// A tenant's name: `[A-Za-z0-9][A-Za-z0-9_-]{0,63}` (SPEC §5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantName(String);

/// The text is no tenant's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no tenant name: expected 1 to 64 letters, digits, `_` and `-` of ASCII, beginning with a letter or digit"
)]
pub struct NameError(pub String);

impl TenantName {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<TenantName, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins && text.len() <= CHARS_MAX && text.bytes().all(allowed) {
            Ok(TenantName(text.to_owned()))
        } else {
            Err(NameError(text.to_owned()))
        }
    }
}

/// Names are ordered as their texts are, so that a text alone finds one.
impl Borrow<str> for TenantName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        for good in ["a", "0", "acme", "A-b_c", "x".repeat(64).as_str()] {
            assert_eq!(good.parse::<TenantName>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "_a", "a b", "a:b", "ä", "a\n", "a/b", "x".repeat(65).as_str()] {
            assert!(bad.parse::<TenantName>().is_err(), "{bad:?}");
        }
    }
}
