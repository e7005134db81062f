//! The fuzz targets' claims over their seeds, and over seeds with bytes changed.

use std::{fs, path::Path};

use proptest::{collection::vec, prelude::*, sample::Index};

use crate::checks;

fn seeds(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(folder);
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn check_events(input: &[u8]) {
    input.split(|byte| *byte == b'\n').for_each(checks::parse_line);
    checks::parse_batch(input);
    checks::parse_then_apply(input);
}

#[test]
fn the_claims_hold_for_the_seeds() {
    seeds("parse").iter().for_each(|seed| check_events(seed));
    seeds("snapshot").iter().for_each(|seed| checks::snapshot_restore(seed));
}

proptest! {
    #[test]
    fn the_claims_hold_for_changed_seeds(
        seed in proptest::sample::select(seeds("parse")),
        changes in vec((any::<Index>(), prop_oneof![any::<u8>(), b'0'..=b'9']), 1..6),
    ) {
        let mut seed = seed;
        for (at, byte) in changes {
            let at = at.index(seed.len());
            seed[at] = byte;
        }
        check_events(&seed);
    }

    /// Other orders of sensible events make the nonsense that the engine has to bear with.
    #[test]
    fn the_claims_hold_for_shuffled_seeds(order in vec(any::<Index>(), 0..80)) {
        let seed = seeds("parse").swap_remove(0);
        let lines: Vec<&[u8]> = seed.split_inclusive(|byte| *byte == b'\n').collect();
        let batch: Vec<u8> = order.iter().flat_map(|at| at.get(&lines).iter().copied()).collect();
        check_events(&batch);
    }

    #[test]
    fn a_damaged_snapshot_is_refused(bytes in vec(any::<u8>(), 0..200)) {
        checks::snapshot_restore(&bytes);
    }
}
