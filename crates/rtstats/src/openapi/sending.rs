//! The operations of senders: events in, and the present state to compare with.

use serde_json::{Value, json};
use stats::{document::Format, limit};

use super::{
    example,
    operation::{Content, Operation, Parameter, Place, Reply},
    refusal::{self, Refusal, reply},
    schema,
    statistics::accept_encoding,
};
use crate::{api::STATE_PATH, ingest, tenants::TokenKind};

const GROUP: &str = "Events";

/// In the order in which a reader meets them.
pub fn operations() -> Vec<Operation> {
    vec![events(), state()]
}

/// Lines of events, told by the schema of one.
fn lines(example: String) -> Content {
    Content {
        media_type: "application/x-ndjson",
        schema: json!({
            "type": "string",
            "description": "One event a line; the schema is that of each line.",
            "contentMediaType": "application/x-ndjson",
            "contentSchema": schema::reference("Event"),
        }),
        example: Value::String(example),
    }
}

/// A batch of one, which programs that know no lines can send.
fn one_event() -> Content {
    let first = example::EVENTS.lines().next().unwrap_or_default();
    Content {
        media_type: "application/json",
        schema: schema::reference("Event"),
        example: serde_json::from_str(first).expect("an event is JSON"),
    }
}

fn with_refusals(mut replies: Vec<Reply>, refusals: &[Refusal]) -> Vec<Reply> {
    replies.extend(refusals.iter().map(|refusal| reply(*refusal, &[Format::Json])));
    replies
}

fn json_reply(code: u16, about: &'static str, contents: Vec<(Value, Value)>) -> Reply {
    let contents = contents.into_iter();
    let contents = contents
        .map(|(schema, example)| Content { media_type: "application/json", schema, example })
        .collect();
    Reply { code, about, headers: &["Cache-Control"], contents }
}

fn events() -> Operation {
    let taken = json!({ "accepted": 7, "duplicates": 0, "ignored": [{ "line": 7, "reason": "unknown-queue" }] });
    let errors = json!({ "errors": [{
        "line": 3,
        "field": "status",
        "message": "expected `available`, `on-break`, `work-offline` or `logged-out`, found \"away\"",
    }] });
    let malformed =
        json!({ "anyOf": [schema::reference("Malformed"), schema::reference("ErrorDocument")] });
    let replies = vec![
        json_reply(
            200,
            "The batch is on disk, through kill -9 and power failure, and counted, in order.",
            vec![(schema::reference("Taken"), taken)],
        ),
        json_reply(
            400,
            "At least one line is malformed, or the compressed body is broken. Nothing was kept.",
            vec![(malformed, errors)],
        ),
    ];
    Operation {
        id: "sendEvents",
        group: GROUP,
        method: "post",
        path: ingest::PATH,
        summary: "Send events",
        about: "A batch of lines, one event each, kept whole or not at all; a single event is a batch as well, if it stands on \
            one line. At most 16 MiB, as sent and decoded; the \
            header `Content-Type` is not looked at. With `source` and `seq` an event counts once, however often it is \
            sent: after no answer, 408 or 500 send the same batch again.",
        token: TokenKind::Action,
        parameters: vec![Parameter {
            name: "Content-Encoding",
            place: Place::ClientHeader,
            schema: json!({ "type": "string", "enum": ["gzip", "zstd", "identity"] }),
            about: "How the body is compressed.",
            example: None,
        }],
        body: vec![lines(example::EVENTS.to_owned()), one_event()],
        replies: with_refusals(
            replies,
            &[
                refusal::NO_CREDENTIALS_TO_SEND,
                refusal::WRONG_CREDENTIALS_TO_SEND,
                refusal::ONLY_POST,
                refusal::SLOW_BODY,
                refusal::TOO_LARGE,
                refusal::ENCODING,
                refusal::TOO_OFTEN,
                refusal::FAULT,
                refusal::NOT_READY,
            ],
        ),
    }
}

fn state() -> Operation {
    let found = Reply {
        code: 200,
        about: "The present state as events, which lead an empty tenant to the same present.",
        headers: &["Rtstats-Counted", "Rtstats-Seq", "Cache-Control", "Content-Encoding", "Vary"],
        contents: vec![lines(example::present())],
    };
    let malformed: Refusal = (
        400,
        "`source` is not 1 to 64 characters, or is given twice.",
        &["Cache-Control"],
        "`source` is given twice. Ask for one source at a time.",
    );
    let crowded: Refusal = (
        503,
        "The server still reads its log after a start, or earlier answers with the state are not read to their end.",
        refusal::NOT_READY.2,
        refusal::NOT_READY.3,
    );
    Operation {
        id: "readState",
        group: GROUP,
        method: "get",
        path: STATE_PATH,
        summary: "The present state",
        about: "For a sender that was restarted or cut off: what the server believes, at one instant, and the last number \
            seen of the sender's events. Never cached.",
        token: TokenKind::Action,
        parameters: vec![
            Parameter {
                name: "source",
                place: Place::Query,
                schema: json!({
                    "type": "string", "minLength": 1, "maxLength": limit::SOURCE_CHARS_MAX,
                }),
                about: "The source whose last number is asked for.",
                example: Some(json!("pbx-1")),
            },
            accept_encoding(),
        ],
        body: Vec::new(),
        replies: with_refusals(
            vec![found],
            &[
                malformed,
                refusal::NO_CREDENTIALS_TO_SEND,
                refusal::WRONG_CREDENTIALS_TO_SEND,
                refusal::ONLY_READING,
                refusal::TOO_OFTEN,
                refusal::FAULT,
                crowded,
            ],
        ),
    }
}
