//! Compressed forms of a document, and which of them a client takes (RFC 9110 §12.5.3).

use std::io::Write;

use http::{HeaderMap, header::ACCEPT_ENCODING};

use crate::telemetry;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Encoding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

/// Where a client likes several alike, the one that costs least for its size comes first.
const OFFERED: [Encoding; 3] = [Encoding::Zstd, Encoding::Brotli, Encoding::Gzip];

impl Encoding {
    /// The best of ours that the request takes.
    pub fn accepted(headers: &HeaderMap) -> Encoding {
        let wishes = Wishes::of(headers);
        let mut best = (wishes.identity, Encoding::Identity);
        for (place, offered) in OFFERED.into_iter().enumerate() {
            let weight = wishes.weight(place);
            let tie_with_identity = best.1 == Encoding::Identity && weight == best.0;
            if weight > best.0 || (tie_with_identity && weight > 0) {
                best = (weight, offered);
            }
        }
        best.1
    }

    /// Whether the request takes this one, and likes it no less than no compression.
    pub fn is_taken(self, headers: &HeaderMap) -> bool {
        let wishes = Wishes::of(headers);
        let weight = self.place().map_or(0, |place| wishes.weight(place));
        weight > 0 && weight >= wishes.identity
    }

    /// Its name in headers; none for the plain form.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Encoding::Identity => None,
            Encoding::Gzip => Some("gzip"),
            Encoding::Brotli => Some("br"),
            Encoding::Zstd => Some("zstd"),
        }
    }

    pub(super) fn place(self) -> Option<usize> {
        OFFERED.iter().position(|offered| *offered == self)
    }

    /// Its label in our own metrics.
    pub(super) fn metric(self) -> Option<telemetry::Encoding> {
        match self {
            Encoding::Identity => None,
            Encoding::Gzip => Some(telemetry::Encoding::Gzip),
            Encoding::Brotli => Some(telemetry::Encoding::Brotli),
            Encoding::Zstd => Some(telemetry::Encoding::Zstd),
        }
    }

    fn is_called(self, name: &str) -> bool {
        self.name().is_some_and(|own| own.eq_ignore_ascii_case(name))
            || (self == Encoding::Gzip && name.eq_ignore_ascii_case("x-gzip"))
    }

    pub(crate) fn compress(self, plain: &[u8]) -> Vec<u8> {
        match self {
            Encoding::Identity => plain.to_vec(),
            Encoding::Gzip => gzip(plain),
            Encoding::Brotli => brotli(plain),
            Encoding::Zstd => zstd::bulk::compress(plain, 3)
                .expect("zstd writes into memory of the size that it asked for"),
        }
    }
}

/// What a request says of encodings: weights in thousandths.
struct Wishes {
    offered: [Option<u32>; OFFERED.len()],
    others: Option<u32>,
    identity: u32,
}

impl Wishes {
    fn of(headers: &HeaderMap) -> Wishes {
        let mut wishes = Wishes { offered: [None; OFFERED.len()], others: None, identity: 0 };
        for value in headers.get_all(ACCEPT_ENCODING) {
            let Ok(value) = value.to_str() else { continue };
            for choice in value.split(',') {
                let (name, weight) = weighted(choice);
                match name {
                    "*" => wishes.others = Some(weight),
                    "identity" => wishes.identity = weight,
                    _ => {}
                }
                let place = OFFERED.iter().position(|offered| offered.is_called(name));
                if let Some(place) = place {
                    wishes.offered[place] = Some(weight);
                }
            }
        }
        wishes
    }

    fn weight(&self, place: usize) -> u32 {
        self.offered[place].or(self.others).unwrap_or(0)
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    // The library's own "fastest" is level 0, which compresses nothing.
    let level = libdeflater::CompressionLvl::new(1).expect("levels go from 0 to 12");
    let mut compressor = libdeflater::Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(plain.len())];
    let len = compressor
        .gzip_compress(plain, &mut out)
        .expect("libdeflate writes into memory of the size that it asked for");
    out.truncate(len);
    out
}

fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() / 8 + 64);
    let mut compressor = brotli::CompressorWriter::new(&mut out, 64 * 1_024, 4, 20);
    compressor.write_all(plain).expect("writing to memory does not fail");
    drop(compressor);
    out
}

/// A choice's name and its weight in thousandths; without a weight it is 1.
fn weighted(choice: &str) -> (&str, u32) {
    let mut parts = choice.split(';');
    let name = parts.next().unwrap_or_default().trim();
    let weight = parts
        .find_map(|part| part.trim().strip_prefix("q=").or(part.trim().strip_prefix("Q=")))
        .map_or(Some(1.0), |weight| weight.trim().parse::<f32>().ok())
        .filter(|weight| (0.0..=1.0).contains(weight));
    (name, weight.map_or(0, |weight| (weight * 1_000.0) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &str) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
        Encoding::accepted(&headers)
    }

    #[test]
    fn the_client_s_weights_decide_and_ours_break_the_tie() {
        assert_eq!(accepted("gzip"), Encoding::Gzip);
        assert_eq!(accepted("gzip, deflate, br, zstd"), Encoding::Zstd);
        assert_eq!(accepted("gzip;q=1.0, br;q=0.5"), Encoding::Gzip);
        assert_eq!(accepted("zstd;q=0, *"), Encoding::Brotli);
        assert_eq!(accepted("identity"), Encoding::Identity);
        assert_eq!(accepted("identity, gzip"), Encoding::Gzip);
        assert_eq!(accepted("identity, gzip;q=0.5"), Encoding::Identity);
        assert_eq!(accepted("*;q=0"), Encoding::Identity);
        assert_eq!(accepted("gzip;q=nonsense"), Encoding::Identity);
        assert_eq!(accepted(""), Encoding::Identity);
        assert_eq!(Encoding::accepted(&HeaderMap::new()), Encoding::Identity);
    }

    #[test]
    fn every_form_unpacks_to_the_plain_one() {
        use std::io::Read;
        let plain: Vec<u8> = (0..50_000u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let mut unpacked = Vec::new();
        let gzip = Encoding::Gzip.compress(&plain);
        flate2::read::GzDecoder::new(&*gzip).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
        unpacked.clear();
        let brotli = Encoding::Brotli.compress(&plain);
        brotli::Decompressor::new(&*brotli, 4_096).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
        assert_eq!(zstd::decode_all(&*Encoding::Zstd.compress(&plain)).unwrap(), plain);
    }

    #[test]
    fn every_compressed_form_is_smaller() {
        let plain = "<agent-count-busy>0</agent-count-busy>".repeat(1_000);
        for encoding in OFFERED {
            let len = encoding.compress(plain.as_bytes()).len();
            assert!(len < plain.len() / 10, "{encoding:?} makes {len} bytes of {}", plain.len());
        }
    }
}
