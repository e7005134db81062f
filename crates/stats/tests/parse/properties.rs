//! Properties of the parser on whatever it is given.

use proptest::{collection::vec, prelude::*, sample::Index};
use stats::{
    event::Event,
    parse::{lines, parse_batch, parse_line},
};

use crate::{arbitrary, reference};

fn written(event: &Event<'_>) -> String {
    let mut out = Vec::new();
    event.write_line(&mut out);
    String::from_utf8(out).unwrap()
}

fn agrees_with_the_reference(line: &[u8]) -> Result<(), TestCaseError> {
    let read = parse_line(line);
    if reference::judges(line) {
        prop_assert_eq!(read.clone().ok(), reference::read(line), "{:?}", read);
    }
    Ok(())
}

/// Bits of lines that make trouble where they are put in.
const BITS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\r",
    " ",
    "\t",
    "-",
    ".",
    "e1",
    "0",
    "1",
    "60",
    "null",
    "true",
    "\\ud800",
    "\\udc00",
    "\\ud83d\\ude00",
    "\\u0000",
    "\\u0061",
    "é",
    "\u{85}",
    "/",
    "T",
    "Z",
    "+01:00",
    "\"time\":0,",
    "\"queue\":1,",
    "\"line\":2,",
    "\"source\":\"s\",",
    "\"x\":[[{\"y\":[]}]],",
    "\u{feff}",
];

#[derive(Debug, Clone)]
enum Change {
    Insert(Index, &'static str),
    Remove(Index, usize),
    Replace(Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), proptest::sample::select(BITS))
            .prop_map(|(at, bit)| Change::Insert(at, bit)),
        (any::<Index>(), 1..8_usize).prop_map(|(at, len)| Change::Remove(at, len)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
    ]
}

fn apply(change: &Change, line: &mut Vec<u8>) {
    if line.is_empty() {
        return;
    }
    match change {
        Change::Insert(at, bit) => {
            let at = at.index(line.len());
            line.splice(at..at, bit.bytes());
        }
        Change::Remove(at, len) => {
            let at = at.index(line.len());
            line.drain(at..(at + len).min(line.len()));
        }
        Change::Replace(at, byte) => {
            let at = at.index(line.len());
            line[at] = *byte;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_is_read_again(event in arbitrary::event()) {
        let line = written(&event);
        prop_assert_eq!(line.matches('\n').count(), 1);
        let read = parse_line(line.as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&event), "{}", line);
        prop_assert_eq!(written(&read.unwrap()), line);
    }

    #[test]
    fn the_reference_reads_the_same(event in arbitrary::event()) {
        let line = written(&event);
        prop_assert_eq!(reference::read(line.as_bytes()), Some(event), "{}", line);
    }

    #[test]
    fn a_changed_line_is_judged_as_by_the_reference(
        event in arbitrary::event(),
        changes in vec(change(), 1..4),
    ) {
        let mut line = written(&event).into_bytes();
        for change in &changes {
            apply(change, &mut line);
        }
        agrees_with_the_reference(&line)?;
    }

    #[test]
    fn any_text_is_judged_as_by_the_reference(line in "\\PC{0,80}") {
        agrees_with_the_reference(line.as_bytes())?;
    }

    #[test]
    fn any_bytes_are_judged_as_by_the_reference(line in vec(any::<u8>(), 0..200)) {
        agrees_with_the_reference(&line)?;
        let numbers = lines(&line).map(|line| line.map_or_else(|error| error.line, |line| line.number));
        prop_assert!(numbers.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn errors_point_to_their_lines(
        events in vec((arbitrary::event(), 0..3_u32, any::<bool>()), 0..20),
    ) {
        let (mut batch, mut number) = (Vec::new(), 0);
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (event, blanks, breaks) in &events {
            batch.extend(std::iter::repeat_n(b'\n', *blanks as usize));
            number += blanks + 1;
            if *breaks {
                batch.push(b'x');
                bad.push(number);
            } else {
                good.push((number, event.clone()));
            }
            event.write_line(&mut batch);
        }
        match parse_batch(&batch, None) {
            Ok(lines) => {
                prop_assert_eq!(bad, Vec::<u32>::new());
                let read: Vec<_> = lines.into_iter().map(|line| (line.number, line.event)).collect();
                prop_assert_eq!(read, good);
            }
            Err(errors) => {
                prop_assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), bad);
            }
        }
    }
}
