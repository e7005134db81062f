//! The heads of HTTP/2's frames (RFC 9113 §4.1), and where frames end in what is written.

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 0x1;
pub const ACK: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub const PADDED: u8 = 0x8;
pub const PRIORITY: u8 = 0x20;

/// Bytes of a frame's head.
pub const HEAD_BYTES: usize = 9;

/// The bits of a number that a reserved bit precedes: of a stream, or of a window.
pub const NUMBER: u32 = 0x7fff_ffff;

/// A frame's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of what follows.
    pub length: usize,
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
}

impl Head {
    /// The head that bytes begin with, if there are enough of them.
    pub fn read(bytes: &[u8]) -> Option<Head> {
        let [a, b, c, kind, flags, stream @ ..] = *bytes.first_chunk::<HEAD_BYTES>()?;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        Some(Head { length, kind, flags, stream: u32::from_be_bytes(stream) & NUMBER })
    }

    /// The head as bytes. Lengths beyond three bytes there are none of.
    pub fn bytes(self) -> [u8; HEAD_BYTES] {
        let [.., a, b, c] = self.length.to_be_bytes();
        let [d, e, f, g] = self.stream.to_be_bytes();
        [a, b, c, self.kind, self.flags, d, e, f, g]
    }

    /// Whether a header block goes on after this frame.
    pub fn leaves_block_open(self) -> bool {
        self.flags & END_HEADERS == 0
    }
}

/// What an HTTP/2 server has written: how far its frames have come, as something may be put between two only.
#[derive(Debug, Default)]
pub struct Written {
    head: [u8; HEAD_BYTES],
    head_bytes: usize,
    /// Bytes that the frame still lacks.
    left: usize,
    in_block: bool,
    /// A whole head of an answer has been begun at least.
    pub any_headers: bool,
    /// It has said that it takes no more streams.
    pub goes_away: bool,
    /// How often it has said that it keeps to the client's settings.
    pub settings_kept: u64,
}

impl Written {
    /// Whether all that was written is whole frames, and the next isn't bound to the last.
    pub fn at_boundary(&self) -> bool {
        self.head_bytes == 0 && self.left == 0 && !self.in_block
    }

    /// Bytes were written; how many of bodies their frames promise, padding and all.
    pub fn add(&mut self, mut bytes: &[u8]) -> usize {
        let mut data_bytes = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let part = self.left.min(bytes.len());
                self.left -= part;
                bytes = &bytes[part..];
                continue;
            }
            let part = (HEAD_BYTES - self.head_bytes).min(bytes.len());
            self.head[self.head_bytes..][..part].copy_from_slice(&bytes[..part]);
            self.head_bytes += part;
            bytes = &bytes[part..];
            if self.head_bytes == HEAD_BYTES
                && let Some(head) = Head::read(&self.head)
            {
                self.head_bytes = 0;
                data_bytes += self.begin(head);
            }
        }
        data_bytes
    }

    fn begin(&mut self, head: Head) -> usize {
        self.left = head.length;
        match head.kind {
            DATA => return head.length,
            HEADERS | CONTINUATION => {
                self.in_block = head.leaves_block_open();
                self.any_headers = true;
            }
            GOAWAY => self.goes_away = true,
            SETTINGS if head.flags & ACK != 0 => self.settings_kept += 1,
            _ => {}
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(length: usize, kind: u8, flags: u8) -> Head {
        Head { length, kind, flags, stream: 7 }
    }

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let wide = Head { length: 0x12_3456, kind: 9, flags: 0xff, stream: NUMBER };
        for head in [head(0, DATA, 0), head(16_384, HEADERS, END_HEADERS), wide] {
            let bytes = head.bytes();
            assert_eq!(Head::read(&bytes), Some(head));
            assert_eq!(Head::read(&bytes[..8]), None);
        }
        let mut reserved = wide.bytes();
        reserved[5] |= 0x80;
        assert_eq!(Head::read(&reserved), Some(wide));
    }

    proptest! {
        #[test]
        fn frames_end_where_they_end_however_they_are_cut(
            frames in prop::collection::vec((0..10_u8, any::<u8>(), 0..40_usize), 1..8),
            cuts in prop::collection::vec(1..50_usize, 1..40),
        ) {
            let mut bytes = Vec::new();
            let (mut ends, mut in_block, mut data) = (vec![0], false, 0);
            for (kind, flags, length) in frames {
                bytes.extend_from_slice(&head(length, kind, flags).bytes());
                bytes.extend(std::iter::repeat_n(1, length));
                if matches!(kind, HEADERS | CONTINUATION) {
                    in_block = flags & END_HEADERS == 0;
                }
                if !in_block {
                    ends.push(bytes.len());
                }
                data += if kind == DATA { length } else { 0 };
            }
            let (mut written, mut at, mut promised) = (Written::default(), 0, 0);
            for cut in cuts.iter().cycle() {
                prop_assert_eq!(written.at_boundary(), ends.contains(&at));
                let part = &bytes[at..(at + cut).min(bytes.len())];
                promised += written.add(part);
                at += part.len();
                if part.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(promised, data);
        }
    }
}
