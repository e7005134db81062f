//! The operations of pages that show a contact centre live: the stream and the trends.

use serde_json::{Value, json};
use stats::document::Format;

use super::{
    operation::{Content, Operation, Parameter, Place, Reply},
    refusal::{self, Refusal, reply},
    schema,
    statistics::accept_encoding,
};
use crate::{
    api::{LIVE_PATH, TRENDS_PATH},
    tenants::TokenKind,
};

const GROUP: &str = "Live";

/// What the stream begins with, as it goes over the wire.
const FULL: &str = "event: full\nid: 1790000000042\ndata: {\"frame\":1790000000042,\"instant\":1790000012345,\
    \"last-event\":1790000012301,\"now\":1790000012346,\"state\":\"ready\",\
    \"sources\":[{\"source\":\"pbx\",\"last-event\":1790000012301,\"steady\":true}],\"connectors\":[],\"agents\":[],\"queues\":[],\
    \"names\":{\"groups\":{},\"codes\":{}}}\n\n";

/// In the order in which a reader meets them.
pub fn operations() -> Vec<Operation> {
    vec![stream(), trends()]
}

/// One stream too many.
const TOO_MANY: Refusal = (
    429,
    "The token, the session or the tenant has as many streams open as the server's settings allow, or the tenant asks more \
        often than they do.",
    &["Cache-Control", "Retry-After"],
    "This tenant has 10000 live streams open, as many as it may (limits.live_streams_per_tenant_max). Close some, then \
        ask again.",
);

fn with_refusals(first: Reply, more: &[Refusal], beyond: Refusal) -> Vec<Reply> {
    let common = [
        refusal::NO_CREDENTIALS,
        refusal::WRONG_CREDENTIALS,
        refusal::ONLY_READING,
        beyond,
        refusal::FAULT,
        refusal::NOT_READY,
    ];
    let refusals = more.iter().copied().chain(common);
    std::iter::once(first).chain(refusals.map(|it| reply(it, &[Format::Json]))).collect()
}

fn stream() -> Operation {
    let answer = Reply {
        code: 200,
        about: "A stream that lasts: `full` first, then `change` and `trend`, `bye` at last. The data of the first two \
            are JSON of the schema LiveFrame, of `trend` TrendPoint.",
        headers: &["Cache-Control", "Content-Encoding", "Vary"],
        contents: vec![Content {
            media_type: "text/event-stream",
            schema: json!({
                "type": "string",
                "description": "Server-Sent Events; the schema is that of the data of `full` and `change`.",
                "contentMediaType": "text/event-stream",
                "contentSchema": schema::reference("LiveFrame"),
            }),
            example: Value::String(FULL.to_owned()),
        }],
    };
    Operation {
        id: "watchLive",
        group: GROUP,
        method: "get",
        path: LIVE_PATH,
        summary: "The live feed",
        about: "Server-Sent Events: the whole table first, then only what changes, within 250 ms of the event and every \
            2.5 s at least. Clients that were cut off come back with `Last-Event-ID` and get what they missed.",
        token: TokenKind::Data,
        parameters: vec![
            Parameter {
                name: "Last-Event-ID",
                place: Place::Header,
                schema: json!({ "type": "string" }),
                about: "The number of the last frame that the client has.",
                example: None,
            },
            accept_encoding(),
        ],
        body: Vec::new(),
        replies: with_refusals(answer, &[], TOO_MANY),
    }
}

fn trends() -> Operation {
    let malformed: Refusal = (
        400,
        "`hours` is no whole number from 1 to 24.",
        &["Cache-Control"],
        "hours is a whole number from 1 to 24.",
    );
    let answer = Reply {
        code: 200,
        about: "What queues were like, minute by minute.",
        headers: &["Cache-Control", "Content-Encoding", "Vary"],
        contents: vec![Content {
            media_type: "application/json",
            schema: schema::reference("Trends"),
            example: json!({
                "every-seconds": 60,
                "fields": ["queue-id", "waiting", "sla", "offered", "in-progress"],
                "points": [{ "time": 1_790_000_040_000_i64, "queues": [[101, 3, 85, 1, 4]] }],
            }),
        }],
    };
    Operation {
        id: "readTrends",
        group: GROUP,
        method: "get",
        path: TRENDS_PATH,
        summary: "Trends of the last hours",
        about: "A queue that is not in a point had nothing: nobody waited, no service level (−1), no offer, no work. A \
            minute without a point is as the one before, up to ten minutes: a longer pause is time in which nothing was measured.",
        token: TokenKind::Data,
        parameters: vec![
            Parameter {
                name: "hours",
                place: Place::Query,
                schema: json!({ "type": "integer", "minimum": 1, "maximum": 24 }),
                about: "How many hours back; 8 unless given.",
                example: Some(json!(8)),
            },
            accept_encoding(),
        ],
        body: Vec::new(),
        replies: with_refusals(answer, &[malformed], refusal::TOO_OFTEN),
    }
}
