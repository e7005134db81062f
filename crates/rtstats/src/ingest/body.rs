//! A post's body: read as it comes, decoded, bounded at every step.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use stats::limit::BATCH_BYTES_MAX;

use super::budget::{Full, Held};

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// Why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("The batch is larger than 16 MiB. Send it in parts.")]
    TooLarge,
    #[error("Content-Encoding is one of gzip, zstd and identity.")]
    Encoding,
    #[error("The body did not arrive in time. Nothing was kept.")]
    Slow,
    #[error("The body can't be read: {0}. Nothing was kept.")]
    Broken(String),
    #[error("The server has all the events on their way that it can hold. Nothing was kept.")]
    NoRoom,
    #[error(
        "This tenant has as many events on their way as it may have at a time. Nothing was kept. Send again when its \
         other batches have been answered."
    )]
    NoShare,
}

impl From<Full> for BodyError {
    fn from(full: Full) -> BodyError {
        match full {
            Full::Server => BodyError::NoRoom,
            Full::Tenant => BodyError::NoShare,
        }
    }
}

impl Encoding {
    /// What the request says of its body.
    pub fn of(headers: &HeaderMap) -> Result<Encoding, BodyError> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let (value, only) = (values.next(), values.next().is_none());
        let name = value.map_or(Ok("identity"), |value| value.to_str());
        let name = name.map_err(|_| BodyError::Encoding)?.trim();
        let known = [
            ("identity", Encoding::Identity),
            ("gzip", Encoding::Gzip),
            ("x-gzip", Encoding::Gzip),
            ("zstd", Encoding::Zstd),
        ];
        let found = known.iter().find(|known| only && known.0.eq_ignore_ascii_case(name));
        found.map(|known| known.1).ok_or(BodyError::Encoding)
    }
}

/// The decoded body, and what it holds of the budget.
pub async fn read(
    body: &mut Incoming,
    encoding: Encoding,
    mut held: Held,
) -> Result<(Bytes, Held), BodyError> {
    let coded = collect(body, &mut held).await?;
    if encoding == Encoding::Identity {
        return Ok((coded, held));
    }
    // Unpacking may take its time.
    let unpack = tokio::task::spawn_blocking(move || {
        let lines = unpack(&coded, encoding, &mut held)?;
        Ok((lines, held))
    });
    unpack.await.expect("unpacking panics for no bytes, and nobody cancels it")
}

async fn collect(body: &mut Incoming, held: &mut Held) -> Result<Bytes, BodyError> {
    let announced = body.size_hint().lower();
    if announced > BATCH_BYTES_MAX as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        let len = first.as_ref().map_or(more.len(), Bytes::len) + data.len();
        if len > BATCH_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        held.hold(data.len())?;
        // Most bodies come in one frame, which is then not copied.
        match first.take() {
            None if more.is_empty() => first = Some(data),
            None => more.extend_from_slice(&data),
            Some(before) => {
                more.reserve(usize::try_from(announced).unwrap_or(0).max(len));
                more.extend_from_slice(&before);
                more.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| more.freeze()))
}

/// How much is unpacked before the budget is asked again.
const UNPACKED_BYTES: usize = 256 * 1_024;

fn unpack(coded: &[u8], encoding: Encoding, held: &mut Held) -> Result<Bytes, BodyError> {
    let broken = |error: std::io::Error| BodyError::Broken(error.to_string());
    let mut decoder: Box<dyn Read + '_> = match encoding {
        Encoding::Identity => Box::new(coded),
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(coded)),
        Encoding::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(coded).map_err(broken)?;
            // Frames that need more memory to unpack than a batch may have are refused.
            decoder.window_log_max(BATCH_BYTES_MAX.ilog2()).map_err(broken)?;
            Box::new(decoder)
        }
    };
    let mut lines = Vec::new();
    loop {
        let mut part = decoder.by_ref().take(UNPACKED_BYTES as u64);
        let read = part.read_to_end(&mut lines).map_err(broken)?;
        if read == 0 {
            return Ok(lines.into());
        }
        if lines.len() > BATCH_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        held.hold(read)?;
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::Arc};

    use super::*;
    use crate::{
        ingest::budget::{Budget, LARGEST_BATCH_BYTES},
        tenants::TenantId,
    };

    fn held() -> Held {
        Held::new(Arc::new(Budget::new(LARGEST_BATCH_BYTES)), TenantId(1))
    }

    fn unpack(coded: &[u8], encoding: Encoding) -> Result<Bytes, BodyError> {
        super::unpack(coded, encoding, &mut held())
    }

    #[test]
    fn unpacking_stops_where_the_budget_ends() {
        let mut held = held();
        held.hold(LARGEST_BATCH_BYTES - (1 << 20)).unwrap();
        let large = gzip(&vec![b' '; 8 << 20]);
        let refused = super::unpack(&large, Encoding::Gzip, &mut held);
        assert!(matches!(refused, Err(BodyError::NoRoom)));
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn both_encodings_unpack() {
        let plain = b"{\"type\":\"x\"}\n".repeat(1_000);
        assert_eq!(unpack(&gzip(&plain), Encoding::Gzip).unwrap(), plain);
        let zstd = zstd::encode_all(&*plain, 3).unwrap();
        assert_eq!(unpack(&zstd, Encoding::Zstd).unwrap(), plain);
    }

    #[test]
    fn a_bomb_is_too_large_and_a_torn_body_is_broken() {
        let bomb = vec![b' '; BATCH_BYTES_MAX + 1];
        assert!(matches!(unpack(&gzip(&bomb), Encoding::Gzip), Err(BodyError::TooLarge)));
        let zstd = zstd::encode_all(&*bomb, 3).unwrap();
        assert!(matches!(unpack(&zstd, Encoding::Zstd), Err(BodyError::TooLarge)));
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            let torn = unpack(b"no such thing", encoding);
            assert!(matches!(torn, Err(BodyError::Broken(_))), "{encoding:?}");
        }
        let whole = gzip(b"{}\n{}\n");
        let torn = unpack(&whole[..whole.len() - 6], Encoding::Gzip);
        assert!(matches!(torn, Err(BodyError::Broken(_))));
    }

    #[test]
    fn other_encodings_are_refused() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_ENCODING, value.parse().unwrap());
            Encoding::of(&headers).ok()
        };
        assert_eq!(of("GZIP"), Some(Encoding::Gzip));
        assert_eq!(of("br"), None);
        assert_eq!(of("gzip, gzip"), None);
        assert_eq!(Encoding::of(&HeaderMap::new()).ok(), Some(Encoding::Identity));
    }
}
