//! Events as they go over the wire: plain, or as parts of one gzip stream.
//!
//! A part is compressed once, however many streams it goes into: it ends on a whole byte and refers to nothing before
//! itself. What is a stream's own are ten bytes at its beginning and ten at its end, whose checksum is put together
//! from those of the parts.

use std::sync::OnceLock;

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};

/// One event, or several: shared by all streams.
#[derive(Debug)]
pub struct Part {
    plain: Bytes,
    packed: OnceLock<Packed>,
}

#[derive(Debug)]
struct Packed {
    /// Blocks of DEFLATE (RFC 1951) that end with an empty one.
    blocks: Bytes,
    checksum: crc32fast::Hasher,
}

impl Part {
    pub fn new(plain: Bytes) -> Part {
        Part { plain, packed: OnceLock::new() }
    }

    /// Bytes without compression.
    pub fn len(&self) -> usize {
        self.plain.len()
    }

    /// Compresses it, unless that is done.
    pub fn pack(&self) {
        self.packed();
    }

    fn packed(&self) -> &Packed {
        self.packed.get_or_init(|| {
            let mut checksum = crc32fast::Hasher::new();
            checksum.update(&self.plain);
            Packed { blocks: deflate(&self.plain).into(), checksum }
        })
    }
}

/// Room beyond what a part's bytes may need: headers of blocks, and the empty block.
const ROOM_BYTES: usize = 64;

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::fast(), false);
    let mut blocks = Vec::with_capacity(plain.len() / 3 + ROOM_BYTES);
    loop {
        let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let rest = plain.get(read..).unwrap_or_default();
        let status = compress.compress_vec(rest, &mut blocks, FlushCompress::Full);
        let status = status.expect("compressing fails for no bytes");
        // Room that is left over says that nothing is left to be flushed.
        if status == Status::StreamEnd || blocks.len() < blocks.capacity() {
            return blocks;
        }
        blocks.reserve(plain.len() / 3 + ROOM_BYTES);
    }
}

/// How one stream is written.
#[derive(Debug)]
pub enum Wire {
    /// As it is.
    Plain,
    /// Compressed: the checksum so far.
    Gzip(crc32fast::Hasher, u32),
}

/// RFC 1952: deflate, no name, no time, an unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A last block, which is empty.
const LAST_BLOCK: [u8; 2] = [3, 0];

impl Wire {
    /// A compressed stream.
    pub fn gzip() -> Wire {
        Wire::Gzip(crc32fast::Hasher::new(), 0)
    }

    /// Whether it is compressed.
    pub fn packs(&self) -> bool {
        matches!(self, Wire::Gzip(..))
    }

    /// The first part.
    pub fn first(&mut self, part: &Part) -> Bytes {
        let blocks = self.next(part);
        match self {
            Wire::Plain => blocks,
            Wire::Gzip(..) => [&GZIP_HEADER[..], &blocks].concat().into(),
        }
    }

    /// A part.
    pub fn next(&mut self, part: &Part) -> Bytes {
        match self {
            Wire::Plain => part.plain.clone(),
            Wire::Gzip(checksum, len) => {
                let packed = part.packed();
                checksum.combine(&packed.checksum);
                *len = len.wrapping_add(part.plain.len() as u32);
                packed.blocks.clone()
            }
        }
    }

    /// The last part.
    pub fn last(&mut self, part: &Part) -> Bytes {
        let blocks = self.next(part);
        match self {
            Wire::Plain => blocks,
            Wire::Gzip(checksum, len) => {
                let checksum = checksum.clone().finalize();
                let end = [checksum.to_le_bytes(), len.to_le_bytes()].concat();
                [&blocks[..], &LAST_BLOCK, &end].concat().into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    fn part(bytes: &[u8]) -> Part {
        Part::new(Bytes::copy_from_slice(bytes))
    }

    proptest! {
        #[test]
        fn streams_of_shared_parts_are_whole_gzip_files(
            parts in prop::collection::vec(prop::collection::vec(0..9_u8, 0..5_000), 2..12),
            from in 0..10_usize,
        ) {
            let shared: Vec<Part> = parts.iter().map(|bytes| part(bytes)).collect();
            // Two streams take the same parts, one of them later on.
            for from in [0, from.min(parts.len() - 2)] {
                let mut wire = Wire::gzip();
                let mut stream = wire.first(&shared[from]).to_vec();
                for part in &shared[from + 1..shared.len() - 1] {
                    stream.extend_from_slice(&wire.next(part));
                }
                stream.extend_from_slice(&wire.last(&shared[shared.len() - 1]));
                let mut read = Vec::new();
                flate2::read::GzDecoder::new(&stream[..]).read_to_end(&mut read).unwrap();
                prop_assert_eq!(read, parts[from..].concat());
            }
        }
    }

    #[test]
    fn a_part_can_be_read_as_soon_as_it_is_there() {
        let mut wire = Wire::gzip();
        let noise: Vec<u8> =
            (0..200_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let sent = [wire.first(&part(&noise)), wire.next(&part(b"event: change"))].concat();
        let (mut read, mut chunk) = (Vec::new(), vec![0; 1 << 20]);
        let mut decoder = flate2::read::GzDecoder::new(&sent[..]);
        while read.len() < noise.len() + 13 {
            let len = decoder.read(&mut chunk).unwrap();
            read.extend_from_slice(&chunk[..len]);
        }
        assert!(read.starts_with(&noise) && read.ends_with(b"event: change"));
        let mut plain = Wire::Plain;
        assert_eq!(plain.first(&part(b"a")), "a");
        assert_eq!(plain.last(&part(b"b")), "b");
    }
}
