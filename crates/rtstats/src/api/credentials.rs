//! HTTP Basic: who asks (SPEC §1). No credentials get 401, wrong ones 403, whatever is wrong with them.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode, header};
use stats::document::Format;

use super::answer::{self, Answer};
use crate::tenants::{Directory, Tenant, TokenKind};

/// The tenant whose token of this kind the request carries.
pub fn authenticate(
    directory: &Directory,
    headers: &HeaderMap,
    kind: TokenKind,
    format: Format,
) -> Result<Arc<Tenant>, Answer> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(claim) = values.next().and_then(|value| claim(value.as_bytes())) else {
        let token = token_name(kind);
        let message =
            format!("Sign in with HTTP Basic: the tenant's name and its {token} as password.");
        return Err(answer::error(StatusCode::UNAUTHORIZED, &message, format));
    };
    let only = values.next().is_none();
    let (name, token) = claim.parts();
    let tenant = directory.authenticate(name, token, kind).filter(|_| only);
    tenant.cloned().ok_or_else(|| {
        let token = token_name(kind);
        let message = format!("The tenant's name or its {token} is wrong.");
        answer::error(StatusCode::FORBIDDEN, &message, format)
    })
}

fn token_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Data => "Data Request Token",
        TokenKind::Action => "Action Request Token",
    }
}

/// More than a tenant's name, a colon and a token have: whoever sends more is nobody.
const PAIR_BYTES_MAX: usize = 192;

/// Who somebody claims to be: a tenant's name, a colon, and the secret that is to prove it.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    pair: [u8; PAIR_BYTES_MAX],
    len: usize,
}

impl Claim {
    /// The tenant's name and the secret; both empty where the claim can't be read.
    pub fn parts(&self) -> (&str, &str) {
        let pair = std::str::from_utf8(&self.pair[..self.len]).unwrap_or_default();
        pair.split_once(':').unwrap_or_default()
    }
}

/// What a value of the header Authorization claims, if its scheme is Basic. What can't be read is an empty claim: it is
/// compared all the same, so that a refusal takes the same time.
pub fn claim(value: &[u8]) -> Option<Claim> {
    let mut pair = [0; PAIR_BYTES_MAX];
    let len = STANDARD.decode_slice(basic(value)?, &mut pair).unwrap_or_default();
    Some(Claim { pair, len })
}

/// What follows the scheme, if it is Basic.
fn basic(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    scheme.eq_ignore_ascii_case(b"basic ").then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_known_in_any_case() {
        assert_eq!(basic(b"Basic YTpi"), Some(&b"YTpi"[..]));
        assert_eq!(basic(b"bASIC  YTpi "), Some(&b"YTpi"[..]));
        assert_eq!(basic(b"Bearer x"), None);
        assert_eq!(basic(b"Basic"), None);
    }

    #[test]
    fn a_claim_is_a_name_and_a_secret_or_empty() {
        let parts = |pair: &str| {
            let value = format!("Basic {}", STANDARD.encode(pair));
            let claim = claim(value.as_bytes()).unwrap();
            let (name, secret) = claim.parts();
            (name.to_owned(), secret.to_owned())
        };
        let of = |name: &str, secret: &str| (name.to_owned(), secret.to_owned());
        assert_eq!(parts("acme:secret:s"), of("acme", "secret:s"));
        let (name, token) = ("n".repeat(64), "a".repeat(64));
        assert_eq!(parts(&format!("{name}:{token}")), of(&name, &token));
        for bad in ["", "acme", &format!("{name}:{}", "a".repeat(1_000))] {
            assert_eq!(parts(bad), of("", ""), "{bad}");
        }
        for bad in ["Basic !!!", "Basic /zp4", "Basic YTpi="] {
            assert_eq!(claim(bad.as_bytes()).unwrap().parts(), ("", ""), "{bad}");
        }
    }
}
