//! Properties of the decoder on whatever it is given, and on recordings with bytes changed.

use std::{fs, path::Path};

use proptest::{collection::vec, prelude::*, sample::Index};
use rtstats::connect::asterisk::ami::Message;

use crate::checks;

pub fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/ami");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn the_claims_hold_for_the_seeds() {
    seeds().iter().for_each(|seed| checks::messages(seed));
}

/// Bits that make trouble where they are put in.
const BITS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\n\n",
    b":",
    b": ",
    b" ",
    b"Response: Follows\r\n",
    b"--END COMMAND--\r\n",
    b"Event: X",
    b"\xff\xfe",
    b"\xc3",
    "é".as_bytes(),
    b"\0",
];

proptest! {
    #[test]
    fn the_claims_hold_for_any_bytes(input in vec(any::<u8>(), 0..300)) {
        checks::messages(&input);
    }

    #[test]
    fn the_claims_hold_for_bits_that_make_trouble(bits in vec(proptest::sample::select(BITS), 0..40)) {
        checks::messages(&bits.concat());
    }

    #[test]
    fn the_claims_hold_for_changed_recordings(
        seed in proptest::sample::select(seeds()),
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
    ) {
        let mut seed = seed;
        for (at, byte) in changes {
            let at = at.index(seed.len());
            seed[at] = byte;
        }
        checks::messages(&seed);
    }

    #[test]
    fn messages_that_are_written_are_read_however_they_are_cut(
        messages in vec(vec(("[A-Za-z][A-Za-z0-9()/-]{0,12}", "[^\r\n]{0,20}"), 1..12), 0..8),
        pieces in vec(1_usize..40, 1..8),
    ) {
        let messages: Vec<Message> =
            messages.into_iter().map(|fields| fields.into_iter().collect()).collect();
        let mut bytes = Vec::new();
        messages.iter().for_each(|message| message.write(&mut bytes));
        let (read, fault) = checks::read(&bytes, &pieces);
        prop_assert_eq!(fault, None);
        // A message that begins so has another end.
        let is_output = |message: &Message| {
            message.get("Response").is_some_and(|word| word.eq_ignore_ascii_case("follows"))
        };
        if !messages.iter().any(is_output) {
            prop_assert_eq!(read, messages);
        }
    }
}
