//! What messages say, what their limits are.

use rtstats::connect::asterisk::ami::{
    ActionId, BANNER_BYTES_MAX, Decoder, LINE_BYTES_MAX, MESSAGE_BYTES_MAX, Malformed, Message,
};

use crate::{checks::read, properties::seeds};

fn one(bytes: impl AsRef<[u8]>) -> Message {
    let (mut messages, fault) = read(bytes.as_ref(), &[]);
    assert_eq!((messages.len(), fault), (1, None));
    messages.remove(0)
}

#[test]
fn an_event_is_told_from_a_response_by_its_first_line() {
    let event =
        one("Event: UserEvent\r\nUserEvent: Mark\r\nResponse: Error\r\nEvent: Hangup\r\n\r\n");
    assert_eq!((event.name(), event.is_event()), (Some("UserEvent"), true));
    assert!(!event.is_response() && !event.is_refusal());
    let response = one("Response: Error\r\nMessage: Permission denied\r\nEvent: Hangup\r\n\r\n");
    assert_eq!((response.name(), response.is_event()), (None, false));
    assert!(response.is_response() && response.is_refusal());
}

#[test]
fn keys_have_no_case_and_the_first_of_many_counts() {
    let message =
        one("Event: X\nUNIQUEID: 1.5\nUniqueid: 2.5\nChanVariable: a=1\nChanVariable: b=2\n\n");
    assert_eq!(message.get("uniqueId"), Some("1.5"));
    assert_eq!(message.all("chanvariable").collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(message.get("Linkedid"), None);
    assert_eq!(message.fields().count(), 5);
}

#[test]
fn lines_of_every_form_are_taken() {
    let message = one(b"Event:X\r\nno colon here\nAppData: a:b: c\r\nEmpty:\r\nBlank: \r\nTwo:  x \r\nBad: \xff\xfez\r\n\r\n");
    let fields: Vec<_> = message.fields().collect();
    let expected = [
        ("Event", "X"),
        ("", "no colon here"),
        ("AppData", "a:b: c"),
        ("Empty", ""),
        ("Blank", ""),
        ("Two", " x "),
        ("Bad", "\u{fffd}\u{fffd}z"),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn empty_lines_between_messages_mean_nothing() {
    let (messages, fault) = read(b"\r\n\r\nEvent: A\r\n\r\n\r\n\nEvent: B\r\n\r\n", &[]);
    assert_eq!(
        messages.iter().map(|message| message.name().unwrap()).collect::<Vec<_>>(),
        ["A", "B"]
    );
    assert_eq!(fault, None);
}

#[test]
fn the_output_of_a_command_is_skipped() {
    let bytes = "Response: Follows\r\nPrivilege: Command\r\nActionID: a1\r\nsales has 0 calls\n\nEvent: Forged\n\n\
                 No Callers\n--END COMMAND--\r\n\r\nEvent: Real\r\n\r\n";
    let (messages, fault) = read(bytes.as_bytes(), &[]);
    assert_eq!((messages.len(), fault), (2, None));
    assert_eq!(messages[0].fields().count(), 3);
    assert_eq!(messages[0].get("ActionID"), Some("a1"));
    assert_eq!(messages[1].name(), Some("Real"));
}

#[test]
fn times_are_exact_to_the_millisecond() {
    for (text, ms) in [
        ("1795525046.186490", Some(1_795_525_046_186)),
        ("1795525046.000999", Some(1_795_525_046_000)),
        ("1795525046", Some(1_795_525_046_000)),
        ("1795525046.5", Some(1_795_525_046_500)),
        ("", None),
        ("soon", None),
        ("-5.0", None),
        ("99999999999999999999.0", None),
    ] {
        let message: Message = [("Event", "X"), ("Timestamp", text)].into_iter().collect();
        assert_eq!(message.timestamp(), ms, "{text:?}");
    }
}

#[test]
fn only_our_own_ids_are_known_and_by_one_text() {
    let id = ActionId::new(0x00c0_ffee, 12);
    assert_eq!(id.to_string(), "rtstats-00c0ffee-12");
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in
        ["a10", "12", "rtstats-c0ffee-12", "rtstats-00c0ffee-012", "rtstats-00C0FFEE-12", ""]
    {
        assert!(text.parse::<ActionId>().is_err(), "{text}");
    }
}

#[test]
fn the_end_of_a_list_is_known() {
    let ends = |text: &str| one(text).ends_list();
    assert!(ends("Event: QueueStatusComplete\nEventList: Complete\n\n"));
    assert!(ends("Event: StatusComplete\nEventList: cancelled\n\n"));
    assert!(!ends("Response: Success\nEventList: start\n\n"));
    assert!(!ends("Event: QueueMember\nQueue: a\n\n"));
}

#[test]
fn a_line_and_a_message_have_their_limits() {
    let line = |len: usize| format!("Event: X\r\n{}\r\n\r\n", "y".repeat(len));
    assert_eq!(read(line(LINE_BYTES_MAX).as_bytes(), &[4096]).1, None);
    assert_eq!(read(line(LINE_BYTES_MAX + 1).as_bytes(), &[]).1, Some(Malformed::Line));
    let endless = vec![b'y'; LINE_BYTES_MAX + 2];
    assert_eq!(read(&endless, &[4096]).1, Some(Malformed::Line));

    let many = "Variable: x=1\r\n".repeat(MESSAGE_BYTES_MAX / 15 + 1);
    assert_eq!(read(many.as_bytes(), &[4096]).1, Some(Malformed::Message));
    let output = format!("Response: Follows\r\n{many}");
    assert_eq!(read(output.as_bytes(), &[4096]).1, Some(Malformed::Message));
    let (messages, fault) =
        read(format!("{}\r\n", &many[..many.len() / 2 / 15 * 15]).as_bytes(), &[]);
    assert_eq!((messages.len(), fault), (1, None));
}

#[test]
fn a_banner_is_asterisks_or_none() {
    let banner = |text: &str| {
        let mut decoder = Decoder::new();
        decoder.push(text.as_bytes());
        decoder.banner().map(|banner| banner.map(|banner| banner.version))
    };
    assert_eq!(banner("Asterisk Call Manager/5.0.4\r\n"), Ok(Some("5.0.4".to_owned())));
    assert_eq!(banner("Asterisk Call Manager/11.0.0\n"), Ok(Some("11.0.0".to_owned())));
    for part in ["", "Aster", "Asterisk Call Manager/", "Asterisk Call Manager/5.0.4"] {
        assert_eq!(banner(part), Ok(None), "{part:?}");
    }
    for other in ["SSH-2.0", "\r\n", "Asterisk Call Manager/\r\n", "Asterisk\r\n"] {
        assert!(matches!(banner(other), Err(Malformed::Banner(_))), "{other:?}");
    }
    let endless = format!("Asterisk Call Manager/{}", "1".repeat(BANNER_BYTES_MAX));
    assert!(matches!(banner(&endless), Err(Malformed::Banner(_))));
}

#[test]
fn recordings_of_asterisk_16_and_22_are_read_whole() {
    for seed in seeds() {
        let (messages, fault) = read(&seed, &[97]);
        assert_eq!(fault, None);
        assert!(messages.iter().all(|message| message.is_event() || message.is_response()));
        let ends = seed.windows(4).filter(|bytes| bytes == b"\r\n\r\n").count();
        assert_eq!(messages.len(), ends);
    }
}
