//! The claims over the fuzz targets' seeds, over seeds with changes, and over whatever comes.

use std::{fs, path::Path};

use proptest::{collection::vec, prelude::*, sample::Index};

use crate::checks;

/// The folder of seeds, the claim, and bits that make trouble where they are put in.
type Target = (&'static str, fn(&[u8]), &'static [&'static str]);

const TARGETS: &[Target] = &[
    (
        "path",
        checks::path,
        &["/", "%2F", "%00", "%", "%C3", ".json", ".xml", ".csv", "..", "agent", "queue", "0", "é"],
    ),
    (
        "authorization",
        checks::authorization,
        &["Basic ", "basic", " ", "=", "Og==", "YTpi", "\0", ","],
    ),
    ("cookies", checks::cookies, &["__Host-rtstats=", "=", ";", " ", "\t", "\"", ",", "12ab"]),
    (
        "form",
        checks::form,
        &[
            "&",
            "=",
            "%",
            "%00",
            "+",
            "--x",
            "\r\n",
            "\r\n\r\n",
            "\"",
            ";",
            "name=",
            "boundary=",
            "\n",
        ],
    ),
    (
        "table",
        checks::table,
        &["\"", "\"\"", ",", ";", "\t", "\n", "\r\n", "=", "'", "-", " ", "\u{feff}", "é"],
    ),
    (
        "http2",
        checks::http2,
        &[
            "\0\0\x02\x01\x05\0\0\0",
            "\x01",
            "\x03",
            "\x05",
            "\0\0\x04\x08\0\0\0\0\0\0\x01\0\0",
            "\0\0\x04\x03\0\0\0\0\x03\0\0\0\0",
            "\0\0\x01\x09\x04\0\0\0\x01",
            "\x10\x01a",
            "\x20",
            "\x40",
            "\0",
        ],
    ),
    (
        "settings",
        checks::settings,
        &[
            "\n", "[", "]", "=", "\"", "'''", "#", ".", "{", "}", "-1", "9e999", "\u{85}",
            "\\u0000", "listen",
        ],
    ),
];

fn seeds(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(folder);
    let mut paths: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {}", folder.display());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn the_claims_hold_for_the_seeds() {
    for (name, claim, _) in TARGETS {
        seeds(name).iter().for_each(|seed| claim(seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_claims_hold_for_any_bytes(input in vec(any::<u8>(), 0..120)) {
        TARGETS.iter().for_each(|(_, claim, _)| claim(&input));
    }

    #[test]
    fn the_claims_hold_for_bits_that_make_trouble(
        target in proptest::sample::select(TARGETS),
        picks in vec((any::<Index>(), "[a-z0-9]{0,2}"), 0..30),
    ) {
        let (_, claim, bits) = target;
        let text: String =
            picks.iter().map(|(at, word)| format!("{}{word}", bits[at.index(bits.len())])).collect();
        claim(text.as_bytes());
    }

    #[test]
    fn the_claims_hold_for_changed_seeds(
        target in proptest::sample::select(TARGETS),
        seed in any::<Index>(),
        changes in vec((any::<Index>(), any::<Index>(), any::<Option<u8>>()), 1..6),
    ) {
        let (name, claim, bits) = target;
        let seeds = seeds(name);
        let mut input = seeds[seed.index(seeds.len())].clone();
        for (at, bit, byte) in changes {
            let at = at.index(input.len() + 1);
            match byte {
                Some(byte) if at < input.len() => input[at] = byte,
                _ => drop(input.splice(at..at, bits[bit.index(bits.len())].bytes())),
            }
        }
        claim(&input);
    }
}
