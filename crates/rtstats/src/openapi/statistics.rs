//! The operations that read: lists and items of agents and queues, and how fresh they are.

use serde_json::json;
use stats::{
    document::{Format, Page},
    limit,
};

use super::{
    example,
    operation::{Content, Operation, Parameter, Place, Reply},
    refusal::{self, Refusal, reply},
    schema,
};
use crate::tenants::TokenKind;

const GROUP: &str = "Statistics";

const LIST: &str = "XML, whatever `Accept` says: it is the suffix that chooses the format. All documents of one refresh \
    describe one instant, and no answer is older than the server's refresh interval (10 s unless set).";
const LIST_IN: &str =
    "The same list in the format that the suffix names. CSV is RFC 4180 with a line of names.";
const ITEM: &str = "XML, whatever `Accept` says: it is the suffix that chooses the format.";
const ITEM_IN: &str = "The same document in the format that the suffix names. Only a final `.xml` or `.json` is a suffix: \
    ids may hold dots.";

/// In the order in which a reader meets them.
pub fn operations() -> Vec<Operation> {
    let lists = [
        (Page::Agents, "/api/rtstats/stats/agents", "readAgents", "All agents"),
        (Page::Queues, "/api/rtstats/stats/queues", "readQueues", "All queues"),
    ];
    let lists_in = [
        (
            Page::Agents,
            "/api/rtstats/stats/agents.{format}",
            "readAgentsIn",
            "All agents in a format",
        ),
        (
            Page::Queues,
            "/api/rtstats/stats/queues.{format}",
            "readQueuesIn",
            "All queues in a format",
        ),
    ];
    let [agent, queue] = [Page::Agent("ann"), Page::Queue(101)];
    let items = [
        (agent, "/api/rtstats/stats/agent/{agent-id}", "readAgent", "One agent"),
        (queue, "/api/rtstats/stats/queue/{queue-id}", "readQueue", "One queue"),
    ];
    let items_in = [
        (
            agent,
            "/api/rtstats/stats/agent/{agent-id}.{format}",
            "readAgentIn",
            "One agent in a format",
        ),
        (
            queue,
            "/api/rtstats/stats/queue/{queue-id}.{format}",
            "readQueueIn",
            "One queue in a format",
        ),
    ];
    let all = [Format::Json, Format::Xml, Format::Csv];
    let mut operations = Vec::new();
    for place in 0..2 {
        operations.push(document(lists[place], &[Format::Xml], LIST));
        operations.push(document(lists_in[place], &all, LIST_IN));
        operations.push(document(items[place], &[Format::Xml], ITEM));
        operations.push(document(items_in[place], &all[..2], ITEM_IN));
    }
    operations.push(status());
    operations
}

type Told = (Page<'static>, &'static str, &'static str, &'static str);

fn document(told: Told, formats: &[Format], about: &'static str) -> Operation {
    let (page, path, id, summary) = told;
    let mut parameters = item_parameter(page);
    if path.ends_with(".{format}") {
        let words: Vec<_> = formats.iter().map(|format| word(*format)).collect();
        parameters.push(Parameter {
            name: "format",
            place: Place::Path,
            schema: json!({ "type": "string", "enum": words }),
            about: "The format.",
            example: Some(json!("json")),
        });
    }
    parameters.extend([none_match(), accept_encoding()]);
    let headers: &[&str] =
        &["ETag", "Last-Modified", "Rtstats-Instant", "Cache-Control", "Content-Encoding", "Vary"];
    let known: &[&str] = &["ETag", "Last-Modified", "Rtstats-Instant", "Cache-Control", "Vary"];
    let contents = formats.iter().map(|format| content(page, *format)).collect();
    let mut replies = vec![
        Reply { code: 200, about: "The document.", headers, contents },
        Reply {
            code: 304,
            about: "The document is the one that `If-None-Match` named.",
            headers: known,
            contents: Vec::new(),
        },
    ];
    replies.extend(refusals(page).into_iter().map(|refusal| reply(refusal, formats)));
    Operation {
        id,
        group: GROUP,
        method: "get",
        path,
        summary,
        about,
        token: TokenKind::Data,
        parameters,
        body: Vec::new(),
        replies,
    }
}

fn refusals(page: Page<'_>) -> Vec<Refusal> {
    let missing = match page {
        Page::Agent(_) => Some(refusal::NO_AGENT),
        Page::Queue(_) => Some(refusal::NO_QUEUE),
        Page::Agents | Page::Queues => None,
    };
    let mut all =
        vec![refusal::MALFORMED_PATH, refusal::NO_CREDENTIALS, refusal::WRONG_CREDENTIALS];
    all.extend(missing);
    all.extend([refusal::ONLY_READING, refusal::TOO_OFTEN, refusal::FAULT, refusal::NOT_READY]);
    all
}

fn word(format: Format) -> &'static str {
    match format {
        Format::Xml => "xml",
        Format::Json => "json",
        Format::Csv => "csv",
    }
}

fn item_parameter(page: Page<'_>) -> Vec<Parameter> {
    let (name, schema, about, example) = match page {
        Page::Agents | Page::Queues => return Vec::new(),
        Page::Agent(id) => {
            let schema =
                json!({ "type": "string", "minLength": 1, "maxLength": limit::ID_CHARS_MAX });
            ("agent-id", schema, "The agent's login id, percent-encoded.", json!(id))
        }
        Page::Queue(number) => {
            let schema = json!({ "type": "integer", "minimum": 1, "maximum": limit::QUEUE_ID_MAX });
            ("queue-id", schema, "The queue's number.", json!(number))
        }
    };
    vec![Parameter { name, place: Place::Path, schema, about, example: Some(example) }]
}

fn none_match() -> Parameter {
    Parameter {
        name: "If-None-Match",
        place: Place::Header,
        schema: json!({ "type": "string" }),
        about: "An `ETag` of before: if the document is still the same, the answer is 304 without it.",
        example: None,
    }
}

/// Of the readers that may have their answers compressed.
pub fn accept_encoding() -> Parameter {
    Parameter {
        name: "Accept-Encoding",
        place: Place::ClientHeader,
        schema: json!({ "type": "string" }),
        about: "How the answer may be compressed: gzip, br or zstd, with weights. Browsers set it themselves.",
        example: None,
    }
}

fn content(page: Page<'_>, format: Format) -> Content {
    let (rows, row, document) = match page {
        Page::Agents | Page::Agent(_) => ("Agents", "Agent", "AgentDocument"),
        Page::Queues | Page::Queue(_) => ("Queues", "Queue", "QueueDocument"),
    };
    let list = matches!(page, Page::Agents | Page::Queues);
    let (media_type, schema) = match (format, list) {
        (Format::Csv, _) => ("text/csv", json!({ "type": "string" })),
        (Format::Xml, true) => ("application/xml", schema::reference(rows)),
        (Format::Xml, false) => ("application/xml", schema::reference(row)),
        (Format::Json, true) => ("application/json", schema::reference(rows)),
        (Format::Json, false) => ("application/json", schema::reference(document)),
    };
    Content { media_type, schema, example: example::document(page, format) }
}

fn status() -> Operation {
    let json = [Format::Json];
    let mut replies = vec![Reply {
        code: 200,
        about: "How current the figures can be.",
        headers: &["Cache-Control"],
        contents: vec![Content {
            media_type: "application/json",
            schema: schema::reference("Status"),
            example: json!({
                "tenant": "acme",
                "instant": "2026-03-02T09:02:00.042Z",
                "last-event": "2026-03-02T09:01:30.000Z",
                "behind-seconds": 30.042,
                "events": { "applied": 7, "duplicates": 0, "ignored": { "not-in-queue": 3 } },
                "sources": [{
                    "source": "pbx-1",
                    "last-event": "2026-03-02T09:01:30.000Z",
                    "behind-seconds": 30.042,
                    "last-seq": 3,
                    "missing": 0,
                    "duplicates": 0,
                }],
            }),
        }],
    }];
    let refusals = [
        refusal::NO_CREDENTIALS,
        refusal::WRONG_CREDENTIALS,
        refusal::ONLY_READING,
        refusal::TOO_OFTEN,
        refusal::FAULT,
        refusal::NOT_READY,
    ];
    replies.extend(refusals.map(|refusal| reply(refusal, &json)));
    Operation {
        id: "readStatus",
        group: GROUP,
        method: "get",
        path: crate::api::STATUS_PATH,
        summary: "Status of the data",
        about: "What arrived, from whom, how long ago, and what was missing. Never cached; the counts run since the \
            tenant's log began.",
        token: TokenKind::Data,
        parameters: Vec::new(),
        body: Vec::new(),
        replies,
    }
}
