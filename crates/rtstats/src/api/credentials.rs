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
    let tenant = directory.authenticate(&claim.tenant, &claim.token, kind).filter(|_| only);
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

/// Who somebody claims to be.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// The tenant's name.
    pub tenant: String,
    /// The secret that is to prove it.
    pub token: String,
}

/// What a value of the header Authorization claims, if its scheme is Basic. What can't be read is an empty claim: it is
/// compared all the same, so that a refusal takes the same time.
pub fn claim(value: &[u8]) -> Option<Claim> {
    let decoded = STANDARD.decode(basic(value)?).ok();
    let pair = decoded.and_then(|pair| String::from_utf8(pair).ok()).unwrap_or_default();
    let (tenant, token) = pair.split_once(':').unwrap_or_default();
    Some(Claim { tenant: tenant.to_owned(), token: token.to_owned() })
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
}
