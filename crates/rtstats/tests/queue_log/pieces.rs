//! One log, read in pieces, twice, from within a day: every event counts once.

use std::fs;

use stats::{document::Page, parse::parse_batch};

use crate::{
    import::{counts, document, engine, ignored, import, recorded, recording},
    recordings::MEMBERS,
};

const NAME: &str = "queue_log-small22.txt.gz";
const END_MS: i64 = 1_795_525_600_000;

#[test]
fn the_same_files_twice_count_once() {
    let once = import(&[&recording(NAME)], MEMBERS).0;
    assert_eq!(import(&[&recording(NAME)], MEMBERS).0, once);
    let twice = engine(&once.repeat(2), END_MS);
    let events = once.lines().count() as u64;
    assert_eq!((twice.account().applied, twice.account().duplicates), (events, events));
}

#[test]
fn a_log_in_pieces_counts_as_in_one() {
    let whole = counts(&import(&[&recording(NAME)], MEMBERS).0, END_MS);
    let lines = recorded(NAME);
    let lines: Vec<_> = lines.split_inclusive('\n').collect();
    for cut in (1..lines.len()).step_by(5) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let state = format!("--state={}", path("state.json").display());
        let flags = [MEMBERS, &[&state]].concat();
        fs::write(path("queue_log.1"), lines[..cut].concat()).unwrap();
        fs::write(path("queue_log"), lines[cut..].concat()).unwrap();
        let first = import(&[&path("queue_log.1")], &flags).0;
        let (second, _) = import(&[&path("queue_log.1"), &path("queue_log")], &flags);
        let (third, told) = import(&[&path("queue_log"), &path("queue_log.1")], &flags);
        assert_eq!(counts(&(first + &second + &third), END_MS), whole, "cut at line {cut}");
        assert!(told.contains("78 lines read by an earlier import already"), "{told}");
    }
}

#[test]
fn what_lies_outside_the_wanted_time_is_left_out() {
    // From the middle of several calls to the middle of others.
    let flags = [MEMBERS, &["--since", "1795525500000", "--until", "1795525570000"]].concat();
    let (events, told) = import(&[&recording(NAME)], &flags);
    let lines = parse_batch(events.as_bytes(), None).unwrap();
    assert!(lines.iter().all(|line| line.event.time <= 1_795_525_570_000));
    assert!(told.contains("outside of the wanted time left out"), "{told}");
    let mut part = engine(&events, 1_795_525_560_000);
    let mut whole = engine(&import(&[&recording(NAME)], MEMBERS).0, 1_795_525_560_000);
    assert_eq!(ignored(&part), []);
    // What goes on at an instant within is the same; the day's counts are those of the part.
    for field in ["queue-size", "number-in-progress", "longest-wait-time", "agent-count-busy"] {
        for page in [Page::Queue(101), Page::Queue(102)] {
            let [part, whole] = [&mut part, &mut whole]
                .map(|it| document(it, 1_795_525_560_000, page)["queue"][field].clone());
            assert_eq!(part, whole, "{field}");
        }
    }
}

#[test]
fn damage_is_told_by_number_and_the_rest_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue_log");
    let text = recorded(NAME);
    let mut lines: Vec<&[u8]> = text.as_bytes().split_inclusive(|byte| *byte == b'\n').collect();
    lines.insert(3, b"\xff\xfe|c|sales|NONE|ENTERQUEUE||\n");
    lines.insert(9, b"1795525410|only|three\n");
    // A digit too many: a line of the year 2538, which must not drag those behind it along.
    lines.insert(12, b"17955254010|x|sales|NONE|ENTERQUEUE||\n");
    lines.push(b"1795525590|torn|sal");
    fs::write(&path, lines.concat()).unwrap();
    let (events, told) = import(&[&path], MEMBERS);
    assert_eq!(events, import(&[&recording(NAME)], MEMBERS).0);
    for (line, fault) in [
        (4, "not UTF-8"),
        (10, "3 of at least 5"),
        (13, "still to come"),
        (82, "ends in the middle"),
    ] {
        let is_told = |told: &str| told.contains(&format!("line {line}: ")) && told.contains(fault);
        assert!(told.lines().any(is_told), "line {line}: {told}");
    }
}
