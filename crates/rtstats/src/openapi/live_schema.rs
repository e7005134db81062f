//! Schemas of the live feed: the documents' fields with instants in the places of clocks.

use serde_json::{Map, Value, json};
use stats::document::{AGENT_FIELDS, AGENT_SINCES, Field, Pace, QUEUE_FIELDS, QUEUE_SINCES, Since};

use super::schema::{field_schema, reference};

/// Name and schema of each.
pub fn components() -> [(&'static str, Value); 5] {
    [
        ("LiveAgent", row("agent-id", AGENT_FIELDS, AGENT_SINCES, agent_extras())),
        ("LiveQueue", row("queue-id", QUEUE_FIELDS, QUEUE_SINCES, queue_extras())),
        ("LiveFrame", frame()),
        ("TrendPoint", point()),
        ("Trends", trends()),
    ]
}

/// A new row has all of it, a changed one its id and what changed.
fn row(id: &str, fields: &[Field], sinces: &[Since], extras: Value) -> Value {
    let shown = fields.iter().filter(|field| field.pace != Pace::Clock);
    let shown = shown.map(|field| (field.name.to_owned(), field_schema(field)));
    let since = sinces.iter().map(|since| (since.name.to_owned(), instant(since.about)));
    let mut properties: Map<_, _> = shown.chain(since).collect();
    if let Value::Object(extras) = extras {
        properties.extend(extras);
    }
    json!({ "type": "object", "required": [id], "properties": properties })
}

/// What only the feed tells of an agent.
fn agent_extras() -> Value {
    let about = "Numbers of the queues to which the agent is assigned, in their order; negative where disabled.";
    json!({ "queues": { "type": "array", "items": { "type": "integer" }, "description": about } })
}

/// What only the feed tells of a queue.
fn queue_extras() -> Value {
    let number = |about: &str, unit: &str| json!({ "type": ["integer", "null"], "description": about, "x-unit": unit });
    json!({
        "sla-percent": number("The share that is to be accepted within the limit; null without an SLA.", "%"),
        "sla-within-seconds": number("The limit of the SLA; null without one.", "s"),
    })
}

/// Milliseconds since the epoch, or nothing.
fn instant(about: &str) -> Value {
    json!({ "type": ["integer", "null"], "description": about, "x-unit": "UTC ms" })
}

fn frame() -> Value {
    let rows = |row: &str, about: &str| json!({ "type": "array", "items": reference(row), "description": about });
    let ids = |kind: &str| json!({ "type": "array", "items": { "type": kind } });
    let names = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    json!({
        "type": "object",
        "required": ["frame", "instant", "last-event", "now", "state", "sources", "connectors"],
        "properties": {
            "frame": { "type": "integer", "description": "The number, as in `id`." },
            "instant": instant("The instant that the figures describe; null before the first."),
            "last-event": instant("When the last event counted; null before any."),
            "now": { "type": "integer", "description": "The server's clock as the frame was made.", "x-unit": "UTC ms" },
            "state": {
                "type": "string",
                "enum": ["ready", "recovering", "broken"],
                "description": "Whether the figures follow the events at present.",
            },
            "sources": sources(),
            "connectors": connectors(),
            "agents": rows("LiveAgent", "Rows that came or changed; in a `full` all of them."),
            "queues": rows("LiveQueue", "Rows that came or changed; in a `full` all of them."),
            "gone": {
                "type": "object",
                "description": "Ids of rows to be dropped, before rows are taken.",
                "properties": { "agents": ids("string"), "queues": ids("integer") },
            },
            "names": {
                "type": "object",
                "description": "The tenant's time zone, names of groups and of status codes; replaces the former.",
                "properties": { "zone": { "type": "string" }, "groups": names, "codes": { "type": "object" } },
            },
        },
    })
}

fn sources() -> Value {
    json!({
        "type": "array",
        "description": "When the sources of events spoke last, the last first; without what people change in the browser.",
        "items": {
            "type": "object",
            "required": ["source", "last-event", "steady"],
            "properties": {
                "source": { "type": ["string", "null"], "description": "Its name; null for events that name none." },
                "last-event": instant("The own time of its last event."),
                "steady": { "type": "boolean", "description": "Whether it spoke for a quarter of an hour without a pause of ten minutes before it was heard last." },
            },
        },
    })
}

fn connectors() -> Value {
    json!({
        "type": "array",
        "description": "The connections of this server that feed the tenant.",
        "items": {
            "type": "object",
            "required": ["connector", "state", "down-since"],
            "properties": {
                "connector": { "type": "string", "description": "Its name in the configuration." },
                "state": { "type": "string", "enum": ["waiting", "connecting", "comparing", "following", "cut", "stopped"] },
                "down-since": instant("Since when it isn't logged in, whatever it tried meanwhile; null while it is."),
            },
        },
    })
}

fn point() -> Value {
    json!({
        "type": "object",
        "required": ["time", "queues"],
        "properties": {
            "time": { "type": "integer", "description": "The end of the minute.", "x-unit": "UTC ms" },
            "queues": {
                "type": "array",
                "description": "One array a queue, its figures in the order of `fields`.",
                "items": { "type": "array", "items": { "type": "integer" }, "minItems": 5, "maxItems": 5 },
            },
        },
    })
}

fn trends() -> Value {
    json!({
        "type": "object",
        "required": ["every-seconds", "fields", "points"],
        "properties": {
            "every-seconds": { "type": "integer", "minimum": 1 },
            "fields": { "type": "array", "items": { "type": "string" } },
            "points": { "type": "array", "items": reference("TrendPoint") },
        },
    })
}
