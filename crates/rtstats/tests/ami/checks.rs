//! Claims that hold for every input: the fuzz target and the ordinary tests share them.

use rtstats::connect::asterisk::ami::{Decoder, LINE_BYTES_MAX, Malformed, Message};

/// All messages of some bytes, given in pieces of so many bytes in turn; and the fault that ended them.
pub fn read(input: &[u8], pieces: &[usize]) -> (Vec<Message>, Option<Malformed>) {
    let (mut decoder, mut messages) = (Decoder::new(), Vec::new());
    let mut rest = input;
    let mut sizes = pieces.iter().copied().cycle();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(rest.len()).clamp(1, rest.len());
        let (piece, behind) = rest.split_at(size);
        decoder.push(piece);
        rest = behind;
        loop {
            match decoder.message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(malformed) => return (messages, Some(malformed)),
            }
        }
    }
    (messages, None)
}

/// How the bytes are cut makes no difference, and what was read is written and read again as the same.
pub fn messages(input: &[u8]) {
    let whole = read(input, &[]);
    assert_eq!(read(input, &[1]), whole);
    assert_eq!(read(input, &[3, 1, 7, 50]), whole);
    for message in &whole.0 {
        written_is_read_again(message);
    }
    // A first line, or none: never a panic.
    let mut decoder = Decoder::new();
    decoder.push(input);
    drop(decoder.banner());
}

fn written_is_read_again(message: &Message) {
    let follows = |word: &str| word.eq_ignore_ascii_case("follows");
    if message.is_response() && message.get("Response").is_some_and(follows) {
        return; // Its end is another one.
    }
    let mut written = Vec::new();
    message.write(&mut written);
    if written.len() > LINE_BYTES_MAX {
        return; // U+FFFD is longer than what it stands for.
    }
    let (again, fault) = read(&written, &[]);
    assert_eq!((again.len(), fault), (1, None), "{message:?}");
    let mut once_more = Vec::new();
    again[0].write(&mut once_more);
    assert_eq!(once_more, written);
    // A line end within a value is written as a blank.
    if message.fields().all(|(key, value)| !key.contains('\r') && !value.contains('\r')) {
        assert_eq!(&again[0], message);
    }
}
