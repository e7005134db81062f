//! JSON schemas from the declarations: of the documents' fields and of the events.

use serde_json::{Map, Value, json};
use stats::{
    document::{AGENT_FIELDS, Field, FieldKind, QUEUE_FIELDS},
    event::{
        Media,
        schema::{EVENT_TYPES, EVERY_EVENT, EventField, EventType, Holds, Rule},
    },
};

use super::live_schema;

/// A reference to one of [`components`].
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An event's type as the name of its schema: `TransactionQueued`.
fn name_of(declared: &EventType) -> String {
    format!("{:?}", declared.of_type)
}

/// Every schema that others refer to.
pub fn components() -> Value {
    let mut all = Map::new();
    let mut add = |name: &str, schema| all.insert(name.to_owned(), schema);
    add("Agent", row("agent", "One agent's figures at one instant.", AGENT_FIELDS));
    add("Queue", row("queue", "One queue's figures at one instant.", QUEUE_FIELDS));
    add("Agents", list("agents", "agent", "Agent", "All agents, sorted by agent-id."));
    add("Queues", list("queues", "queue", "Queue", "All queues, sorted by number."));
    add("AgentDocument", document("agent", "Agent"));
    add("QueueDocument", document("queue", "Queue"));
    add("Error", error());
    add("ErrorDocument", document("error", "Error"));
    add("Status", status());
    for (name, schema) in live_schema::components() {
        add(name, schema);
    }
    add("Taken", taken());
    add("Malformed", malformed());
    add("Event", event());
    for declared in EVENT_TYPES {
        add(&name_of(declared), event_type(declared));
    }
    Value::Object(all)
}

/// The fields in the document's order; the same for JSON and XML.
fn row(element: &str, about: &str, fields: &[Field]) -> Value {
    let properties: Map<_, _> =
        fields.iter().map(|field| (field.name.to_owned(), field_schema(field))).collect();
    let required: Vec<_> = fields.iter().map(|field| field.name).collect();
    json!({
        "type": "object",
        "description": about,
        "xml": { "name": element },
        "required": required,
        "properties": properties,
    })
}

pub fn field_schema(field: &Field) -> Value {
    let mut schema = match field.kind {
        FieldKind::Text if field.name == "media-type" => {
            json!({ "type": "string", "enum": Media::WORDS })
        }
        FieldKind::Text => json!({ "type": "string" }),
        FieldKind::Number => number(field),
        FieldKind::NumberOrEmpty => json!({ "anyOf": [{ "type": "integer" }, { "const": "" }] }),
    };
    schema["description"] = json!(field.about);
    if !field.unit.is_empty() {
        schema["x-unit"] = json!(field.unit);
    }
    schema
}

fn number(field: &Field) -> Value {
    let codes = codes(field.about);
    if field.unit == "code" {
        return json!({ "type": "integer", "enum": codes });
    }
    let least = if field.about.contains("-1") { -1 } else { 0 };
    let mut schema = json!({ "type": "integer", "minimum": least });
    if field.unit == "%" {
        schema["maximum"] = json!(100);
    }
    schema
}

/// The codes that a meaning lists: `0 idle, 1 on hold` has 0 and 1.
fn codes(about: &str) -> Vec<i64> {
    let listed = about.split([',', ':']).map(str::trim_start);
    listed.filter_map(|part| part.split(' ').next().and_then(|code| code.parse().ok())).collect()
}

/// In JSON an array within an object; in XML elements within the root.
fn list(root: &str, item: &str, schema: &str, about: &str) -> Value {
    json!({
        "type": "object",
        "description": about,
        "xml": { "name": root },
        "required": [item],
        "properties": { item: { "type": "array", "items": reference(schema) } },
    })
}

/// JSON wraps what is the root in XML.
fn document(key: &str, schema: &str) -> Value {
    json!({ "type": "object", "required": [key], "properties": { key: reference(schema) } })
}

fn error() -> Value {
    json!({
        "type": "object",
        "description": "What is wrong, and what to do.",
        "xml": { "name": "error" },
        "required": ["code", "message"],
        "properties": {
            "code": { "type": "integer", "minimum": 400, "maximum": 599, "description": "The status code." },
            "message": { "type": "string", "description": "For people; programs do well to go by the code." },
        },
    })
}

fn count(about: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": about })
}

fn status() -> Value {
    let instant = |about: &str, kind: Value| json!({ "type": kind, "format": "date-time", "description": about });
    json!({
        "type": "object",
        "required": ["tenant", "instant", "last-event", "behind-seconds", "events", "sources"],
        "properties": {
            "tenant": { "type": "string", "description": "The tenant's name." },
            "instant": instant("The server's clock at this answer.", json!("string")),
            "last-event": instant(
                "The tenant's last counted time; null before the first event.",
                json!(["string", "null"]),
            ),
            "behind-seconds": {
                "type": ["number", "null"],
                "description": "`instant` minus `last-event`; slightly negative where a source's clock is ahead.",
            },
            "events": {
                "type": "object",
                "required": ["applied", "duplicates", "ignored"],
                "properties": {
                    "applied": count("Events that counted since the tenant's log began."),
                    "duplicates": count("Events whose number had been seen."),
                    "ignored": {
                        "type": "object",
                        "description": "Events without sense in the state that they met, by reason.",
                        "additionalProperties": { "type": "integer", "minimum": 1 },
                    },
                },
            },
            "sources": { "type": "array", "items": source(&instant("Of its event with the highest number.", json!("string"))) },
        },
    })
}

fn source(last_event: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["source", "last-event", "behind-seconds", "last-seq", "missing", "duplicates"],
        "properties": {
            "source": { "type": "string", "description": "The source's name." },
            "last-event": last_event,
            "behind-seconds": { "type": "number" },
            "last-seq": count("The highest number seen."),
            "missing": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Numbers skipped on the way there; null where numbers follow the time and skip by nature.",
            },
            "duplicates": count("Duplicates of this source."),
        },
    })
}

fn taken() -> Value {
    json!({
        "type": "object",
        "description": "The batch is on disk and counted.",
        "required": ["accepted", "duplicates", "ignored"],
        "properties": {
            "accepted": count("Events taken up, the ignored ones among them."),
            "duplicates": count("Events whose number had been seen."),
            "ignored": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["line", "reason"],
                    "properties": {
                        "line": { "type": "integer", "minimum": 1 },
                        "reason": { "type": "string", "enum": reasons() },
                    },
                },
            },
        },
    })
}

fn reasons() -> Vec<&'static str> {
    stats::engine::Reason::ALL.iter().map(|reason| reason.word()).collect()
}

fn malformed() -> Value {
    json!({
        "type": "object",
        "description": "Malformed lines, of which the first 100 are listed. Nothing of the batch was kept.",
        "required": ["errors"],
        "properties": {
            "errors": {
                "type": "array",
                "minItems": 1,
                "maxItems": stats::limit::ERRORS_LISTED_MAX,
                "items": {
                    "type": "object",
                    "required": ["line", "field", "message"],
                    "properties": {
                        "line": { "type": "integer", "minimum": 1 },
                        "field": { "type": "string", "description": "Empty where the line as a whole is wrong." },
                        "message": { "type": "string", "description": "What was expected, and what was found." },
                    },
                },
            },
        },
    })
}

/// Any event, told apart by its type.
fn event() -> Value {
    let types: Vec<_> = EVENT_TYPES.iter().map(|declared| reference(&name_of(declared))).collect();
    let mapping: Map<_, _> = EVENT_TYPES
        .iter()
        .map(|declared| {
            let schema = format!("#/components/schemas/{}", name_of(declared));
            (declared.of_type.word().to_owned(), json!(schema))
        })
        .collect();
    json!({
        "description": "One event. Fields that are not known are ignored, but kept in the log; a known one that is null \
                        counts as not given.",
        "oneOf": types,
        "discriminator": { "propertyName": "type", "mapping": mapping },
    })
}

fn event_type(declared: &EventType) -> Value {
    let own = declared.fields.iter().filter(|field| field.required);
    let every = EVERY_EVENT.iter().filter(|field| field.required);
    let required: Vec<_> = every.chain(own).map(|field| field.name).collect();
    let fields = EVERY_EVENT.iter().chain(declared.fields);
    let mut properties = properties(fields);
    properties["type"] = json!({ "const": declared.of_type.word() });
    let mut schema = json!({
        "type": "object",
        "description": declared.about,
        "required": required,
        "properties": properties,
        "dependentRequired": { "source": ["seq"], "seq": ["source"] },
    });
    match declared.rule {
        None => {}
        Some(Rule::Either(one, other)) => {
            schema["anyOf"] = json!([{ "required": [one] }, { "required": [other] }]);
        }
        Some(Rule::SecondLineOnly(word)) => {
            schema["if"] = json!({ "properties": { "status": { "const": word } } });
            schema["then"] = json!({ "properties": { "line": { "const": 2 } } });
        }
    }
    schema
}

fn properties<'f>(fields: impl Iterator<Item = &'f EventField>) -> Value {
    Value::Object(fields.map(|field| (field.name.to_owned(), held(field))).collect())
}

fn held(field: &EventField) -> Value {
    let mut schema = match field.holds {
        Holds::Time => json!({ "anyOf": [
            { "type": "string", "format": "date-time" },
            { "type": "integer", "minimum": 0, "maximum": stats::limit::TIME_MS_MAX },
        ] }),
        Holds::Text { min, max } => json!({ "type": "string", "minLength": min, "maxLength": max }),
        Holds::AgentId => json!({
            "type": "string",
            "minLength": 1,
            "maxLength": stats::limit::ID_CHARS_MAX,
            "pattern": r"^[^/\u0000-\u001f\u007f-\u009f]+$",
        }),
        Holds::Whole { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Holds::Flag => json!({ "type": "boolean" }),
        Holds::Word(words) => json!({ "type": "string", "enum": words }),
        Holds::Object(fields) => object(fields),
        Holds::Objects { max, fields } => {
            json!({ "type": "array", "maxItems": max, "items": object(fields) })
        }
    };
    schema["description"] = json!(field.about);
    schema
}

fn object(fields: &[EventField]) -> Value {
    let required: Vec<_> =
        fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({ "type": "object", "required": required, "properties": properties(fields.iter()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_a_field_are_read_from_its_meaning() {
        let of = |name: &str| {
            let field = AGENT_FIELDS.iter().find(|field| field.name == name).unwrap();
            field_schema(field)["enum"].clone()
        };
        assert_eq!(of("agent-status"), json!([0, 1, 2, 3, 4, 5, 9]));
        assert_eq!(of("agent-media-id"), json!([0, 1, 2, 3, 4]));
        assert_eq!(of("phone-line1-status"), json!([-1, 0, 1, 2, 3, 4, 5]));
        assert_eq!(of("phone-line2-status"), json!([-1, 0, 1, 2, 3, 4, 5]));
    }
}
