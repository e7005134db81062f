//! As much of HTTP/2's header compression (RFC 7541) as repeating an answer takes: whether a block leaves the table of its
//! connection as it is, and blocks that do.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

/// Octets after a number's first (§5.1): no block that is remembered has longer ones.
const NUMBER_OCTETS_MAX: usize = 4;

/// Whether a block can be read to its end and adds nothing to the table: the same bytes mean the same after it as before.
pub fn keeps_table(block: &[u8]) -> bool {
    let mut rest = block;
    while let Some(first) = rest.first() {
        let after = match first {
            0x80.. => number(rest, 7).map(|(_, after)| after),
            // Literals without indexing and never indexed.
            0..0x20 => literal(rest),
            // Literals that are added to the table, and changes of its size.
            _ => None,
        };
        let Some(after) = after else { return false };
        rest = after;
    }
    true
}

fn literal(bytes: &[u8]) -> Option<&[u8]> {
    let (name, after) = number(bytes, 4)?;
    let after = if name == 0 { text(after)? } else { after };
    text(after)
}

/// What follows a string.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    let (length, after) = number(bytes, 7)?;
    after.get(length..)
}

/// A number whose first octet has so many bits of it, and what follows.
fn number(bytes: &[u8], prefix: u32) -> Option<(usize, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let most = (1 << prefix) - 1;
    let mut value = usize::from(first & most);
    if value < usize::from(most) {
        return Some((value, rest));
    }
    for octet in 0..NUMBER_OCTETS_MAX {
        let (next, after) = rest.split_first()?;
        value += usize::from(next & 0x7f) << (7 * octet);
        rest = after;
        if next & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

/// The head of an answer, all of it literals that are not added to the table.
pub fn block(status: StatusCode, headers: &HeaderMap) -> Bytes {
    let mut block = BytesMut::with_capacity(BLOCK_BYTES);
    // The eighth entry of the static table is `:status`.
    block.put_u8(0x08);
    put_text(&mut block, status.as_str().as_bytes());
    for (name, value) in headers {
        block.put_u8(0x00);
        put_text(&mut block, name.as_str().as_bytes());
        put_text(&mut block, value.as_bytes());
    }
    block.freeze()
}

/// What a block takes: more than any of ours.
const BLOCK_BYTES: usize = 512;

fn put_text(block: &mut BytesMut, text: &[u8]) {
    let most = 0x7f;
    match u8::try_from(text.len()) {
        Ok(short) if short < most => block.put_u8(short),
        _ => {
            block.put_u8(most);
            let mut rest = text.len() - usize::from(most);
            while rest > 0x7f {
                block.put_u8(0x80 | (rest & 0x7f) as u8);
                rest >>= 7;
            }
            block.put_u8(rest as u8);
        }
    }
    block.put_slice(text);
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn examples_of_the_rfc() {
        // RFC 7541, appendix C: with and without Huffman's code.
        for (keeps, block) in [
            (true, &b"\x04\x0c/sample/path"[..]),
            (true, b"\x10\x08password\x06secret"),
            (true, b"\x82"),
            (false, b"\x40\x0acustom-key\x0dcustom-header"),
            (false, b"\x82\x86\x84\x41\x0fwww.example.com"),
            (true, b"\x82\x86\x84\xbe"),
            (false, b"\x82\x86\x84\xbe\x58\x08no-cache"),
            (false, b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"),
            (false, b"\x3f\xe1\x1f"),
            (false, b"\x20"),
            (true, b""),
        ] {
            assert_eq!(keeps_table(block), keeps, "{block:x?}");
        }
    }

    #[test]
    fn what_ends_early_or_counts_too_far_is_not_vouched_for() {
        let whole = b"\x0f\x11\x81\xff\x0f\x7f\x01";
        for block in
            [&b"\x04"[..], b"\x04\x0c/sample", b"\x00\x01", b"\xff", b"\x0f\x80", &whole[..5]]
        {
            assert!(!keeps_table(block), "{block:x?}");
        }
        assert!(!keeps_table(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
        assert!(!keeps_table(b"\x04\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
    }

    #[test]
    fn lengths_go_on_past_their_first_octet() {
        for length in [0, 1, 126, 127, 128, 254, 255, 256, 127 + 128, 127 + 16_383, 127 + 16_384] {
            let mut block = BytesMut::new();
            block.put_u8(0x04);
            put_text(&mut block, &vec![b'x'; length]);
            assert!(keeps_table(&block), "{length}");
            assert!(!keeps_table(&block[..block.len() - 1]), "{length}");
            let (read, rest) = number(&block[1..], 7).unwrap();
            assert_eq!((read, rest.len()), (length, length));
        }
    }

    proptest! {
        #[test]
        fn our_own_blocks_keep_the_table(values in prop::collection::vec("[ -~]{0,300}", 0..9)) {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-value", HeaderValue::try_from(value).unwrap());
            }
            prop_assert!(keeps_table(&block(StatusCode::OK, &headers)));
        }

        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let judged = keeps_table(&bytes);
            // With an entry for the table behind it, nothing is vouched for.
            let with_more = [&bytes[..], b"\x40\x01a\x01b"].concat();
            prop_assert!(!(judged && keeps_table(&with_more)));
        }
    }
}
