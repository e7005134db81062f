//! Frames as clients send them, and as none should: what is answered before the machinery is answered as it would be.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::checks::{
    self,
    frames::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, RST_STREAM, SETTINGS,
        WINDOW_UPDATE,
    },
};

const PING: u8 = 6;
const GOAWAY: u8 = 7;

/// Blocks that leave the table alone, some long enough that their answers don't fit small windows.
fn question() -> impl Strategy<Value = Vec<u8>> {
    let long = [b"\x0f\x08\x7f\xf1\x0f", &[b'x'; 0x7f + 0x71 + (0x0f << 7)][..]].concat();
    select(vec![
        b"\x82\x84".to_vec(),
        b"\x82\x04\x02/a".to_vec(),
        b"\xbe\xbf\xc0\x87".to_vec(),
        long,
    ])
}

/// Blocks that change it, or can't be read.
fn change() -> impl Strategy<Value = Vec<u8>> {
    select(vec![&b"\x82\x41\x01a"[..], b"\x20", b"\x40\x01a\x01b", b"\xff\xff", b"\x04\x7f"])
        .prop_map(<[u8]>::to_vec)
}

/// A frame, and by how much its stream is further than the one before.
fn frame() -> impl Strategy<Value = (u32, Frame)> {
    let bare = END_STREAM | END_HEADERS;
    let of = |kind, flags, payload: Vec<u8>| Frame(kind, flags, 0, payload);
    let windows = select(vec![1_u32, 900, 70_000, 1 << 24, 0x7fff_ffff, 0]);
    let windows = windows.prop_map(u32::to_be_bytes);
    prop_oneof![
        12 => question().prop_map(move |block| (2, of(HEADERS, bare, block))),
        2 => question().prop_map(move |block| {
            (2, of(HEADERS, bare | 0x20, [&[0, 0, 0, 0, 15][..], &block].concat()))
        }),
        1 => (0..4_u32, any::<u8>(), question()).prop_map(move |(on, flags, block)| {
            (on, of(HEADERS, flags, block))
        }),
        2 => question().prop_map(move |block| (0, of(HEADERS, bare, block))),
        1 => change().prop_map(move |block| (2, of(HEADERS, bare, block))),
        1 => (any::<u8>(), question()).prop_map(move |(flags, block)| (0, of(CONTINUATION, flags, block))),
        2 => windows.clone().prop_map(move |more| (0, of(WINDOW_UPDATE, 0, more.to_vec()))),
        1 => (0..3_u32, windows).prop_map(move |(on, more)| (on, of(RST_STREAM, 0, more.to_vec()))),
        1 => vec(any::<u8>(), 0..9).prop_map(move |short| (0, of(RST_STREAM, 0, short))),
        1 => (select(vec![1_u8, 4, 5]), 0..100_000_u32).prop_map(move |(name, value)| {
            (0, of(SETTINGS, 0, [&[0, name][..], &value.to_be_bytes()].concat()))
        }),
        2 => (0..3_000_usize).prop_map(move |bytes| (0, of(DATA, END_STREAM, vec![7; bytes]))),
        1 => Just((0, of(PING, 0, vec![1; 8]))),
    ]
}

fn connection() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![4 => Just(None), 1 => Just(Some(GOAWAY))];
    let opening = prop_oneof![3 => Just(1_u32 << 20), 1 => Just(5_000), 1 => Just(1)];
    let torn = 0..20_usize;
    (any::<u8>(), opening, vec(frame(), 0..40), end, torn).prop_map(
        |(step, opening, frames, end, torn)| {
            let mut bytes = vec![step];
            bytes.extend(Frame(WINDOW_UPDATE, 0, 0, opening.to_be_bytes().to_vec()).bytes());
            let mut stream = 1;
            for (number, (further, mut frame)) in frames.into_iter().enumerate() {
                stream += further;
                // Some are of the connection.
                let of_all = matches!(frame.0, SETTINGS | PING)
                    || frame.0 == WINDOW_UPDATE && number % 3 > 0;
                frame.2 = if of_all { 0 } else { stream };
                bytes.extend(frame.bytes());
                if number == 30
                    && let Some(kind) = end
                {
                    bytes.extend(Frame(kind, 0, 0, vec![0; 8]).bytes());
                }
            }
            bytes.truncate(bytes.len() - torn.min(bytes.len() - 1));
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn frames_go_through_or_are_answered_as_they_would_be(input in connection()) {
        checks::http2(&input);
    }
}

/// A client that asks the same again and again, so that the claim says something.
#[test]
fn a_question_that_is_asked_again_is_answered_before_the_machinery() {
    let mut input = vec![0xff];
    input.extend(Frame(WINDOW_UPDATE, 0, 0, vec![0, 1, 0, 0]).bytes());
    for stream in [1, 3, 5, 7, 9] {
        let block = b"\x82\x04\x02/a".to_vec();
        input.extend(Frame(HEADERS, END_STREAM | END_HEADERS, stream, block).bytes());
        // A ping keeps the steps apart.
        input.extend(Frame(PING, 0, 0, vec![0; 8]).bytes().repeat(16));
    }
    assert_eq!(checks::frames::answered(&input), 4);
}

/// What stands where a weight may, means something else with the flag for it.
#[test]
fn the_same_bytes_with_a_weight_before_them_are_another_question() {
    let bare = END_STREAM | END_HEADERS;
    let mut input = vec![0xff];
    input.extend(Frame(WINDOW_UPDATE, 0, 0, vec![0, 1, 0, 0]).bytes());
    for (stream, weighted) in [(1, 0x20), (3, 0x20), (5, 0), (7, 0), (9, 0x20)] {
        let payload = b"\x00\x01x\x01y\x82\x04\x02/a".to_vec();
        input.extend(Frame(HEADERS, bare | weighted, stream, payload).bytes());
        input.extend(Frame(PING, 0, 0, vec![0; 8]).bytes().repeat(16));
    }
    assert_eq!(checks::frames::answered(&input), 3);
}

/// A client keeps to a larger window of its own only once it hears that the server knows of it.
#[test]
fn nothing_is_answered_until_the_machinery_keeps_to_the_settings() {
    let question = |stream| {
        let block = b"\x82\x04\x02/a".to_vec();
        Frame(HEADERS, END_STREAM | END_HEADERS, stream, block).bytes()
    };
    let pings = Frame(PING, 0, 0, vec![0; 8]).bytes().repeat(16);
    let mut input = vec![0xff];
    input.extend(Frame(WINDOW_UPDATE, 0, 0, vec![0, 1, 0, 0]).bytes());
    for stream in [1, 3] {
        input.extend([question(stream), pings.clone()].concat());
    }
    let settings = Frame(SETTINGS, 0, 0, vec![0, 4, 0x7f, 0xff, 0xff, 0xff]).bytes();
    input.extend([settings, question(5), pings, question(7)].concat());
    assert_eq!(checks::frames::answered(&input), 2);
}
