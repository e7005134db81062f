//! Tokens: 64 hexadecimal digits, shown once and kept only as a digest (SPEC §5).

use std::{fmt, str::FromStr};

use constant_time_eq::constant_time_eq_n;
use sha2::{Digest as _, Sha256};

/// Digits of a token.
const DIGITS: usize = 64;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Reads statistics.
    Data,
    /// Sends events.
    Action,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            TokenKind::Data => "data",
            TokenKind::Action => "action",
        })
    }
}

/// A secret. Only [`Token::reveal`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The text is no token. It isn't repeated: it may be a secret with a slip.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no token: expected 64 hexadecimal digits")]
pub struct TokenError;

impl Token {
    /// A new one, from 256 bits of the operating system's randomness.
    pub fn random() -> Result<Token, getrandom::Error> {
        use fmt::Write as _;
        let mut bits = [0; DIGITS / 2];
        getrandom::fill(&mut bits)?;
        let digits = bits.iter().fold(String::with_capacity(DIGITS), |mut digits, byte| {
            // Writing to a string can't fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        Ok(Token(digits))
    }

    /// The digits, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl FromStr for Token {
    type Err = TokenError;

    /// Digits in either case: they stand for the same number, and for the same token.
    fn from_str(text: &str) -> Result<Token, TokenError> {
        if text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Token(text.to_ascii_lowercase()))
        } else {
            Err(TokenError)
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(…)")
    }
}

/// SHA-256 of a token's digits in lower case. A fast digest is enough, as nobody guesses 256 random bits.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of what a client sent as its token, be it one or not; the time doesn't depend on it.
    pub(crate) fn of_claim(claim: &str) -> TokenDigest {
        let mut digits = [0; DIGITS];
        let fits = claim.len() == DIGITS;
        if fits {
            digits.copy_from_slice(claim.as_bytes());
        }
        digits.make_ascii_lowercase();
        // A claim of another length is digested as 64 zero bytes, which no token consists of.
        TokenDigest(Sha256::digest(digits).into())
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> TokenDigest {
        TokenDigest(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenDigest {
    /// In a time that doesn't depend on where they differ.
    fn eq(&self, other: &TokenDigest) -> bool {
        constant_time_eq_n(&self.0, &other.0)
    }
}

impl Eq for TokenDigest {}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TokenDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_token_is_64_lower_case_digits_and_never_the_same() {
        let token = Token::random().unwrap();
        assert_eq!(token.reveal().len(), 64);
        assert!(token.reveal().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert_ne!(token, Token::random().unwrap());
        assert_eq!(token.reveal().parse(), Ok(token));
    }

    #[test]
    fn the_case_of_digits_makes_no_difference() {
        let lower: Token = "ab".repeat(32).parse().unwrap();
        let upper: Token = "AB".repeat(32).parse().unwrap();
        assert_eq!(lower.digest(), upper.digest());
        assert_eq!(TokenDigest::of_claim(&"aB".repeat(32)), lower.digest());
    }

    #[test]
    fn other_texts_are_no_tokens() {
        for text in ["", "ab", &"g".repeat(64), &"a".repeat(65), &"ä".repeat(32)] {
            assert_eq!(text.parse::<Token>(), Err(TokenError));
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let token: Token = "ab".repeat(32).parse().unwrap();
        assert_eq!(format!("{token:?} {:?}", token.digest()), "Token(…) TokenDigest(…)");
    }
}
