//! The OpenAPI document holds what it says: every path answers, every example is of its schema.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "e2e/client.rs"]
#[allow(dead_code, reason = "another test binary uses the rest")]
mod client;
#[path = "openapi/schema.rs"]
mod schema;
#[path = "e2e/server.rs"]
#[allow(dead_code, reason = "another test binary uses the rest")]
mod server;

use std::{collections::BTreeSet, fs, path::Path};

use client::{Client, Response};
use serde_json::{Value, json};
use server::{EVENTS, Folder, Server};

const PATH: &str = "/api/openapi.json";
const LIVE: &str = "/api/rtstats/live";

/// A server with the example's events, and its document.
struct World {
    folder: Folder,
    server: Server,
    data: Client,
    action: Client,
    document: Value,
}

impl World {
    fn new() -> World {
        let folder = Folder::new();
        let (data, action) = folder.tenant("acme", "UTC");
        let server = Server::start(&folder, &[]);
        let client = server.client(&folder);
        let document = client.get(PATH).json();
        let (data, action) = (client.signed_in("acme", &data), client.signed_in("acme", &action));
        let world = World { folder, server, data, action, document };
        let sent = world.action.post(EVENTS, world.example_events());
        assert_eq!(sent.status, 200, "{}", sent.text());
        world
    }

    fn example_events(&self) -> String {
        let content = &self.document["paths"][EVENTS]["post"]["requestBody"]["content"];
        content["application/x-ndjson"]["example"].as_str().unwrap().to_owned()
    }

    /// Path, method, operation.
    fn operations(&self) -> Vec<(&str, &str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        let of = |item: &'_ Value| item.as_object().unwrap().len();
        assert!(paths.values().all(|item| of(item) > 0));
        paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().iter();
                methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
            })
            .collect()
    }

    fn client_of(&self, operation: &Value) -> &Client {
        match operation["security"][0].as_object().unwrap().keys().next().unwrap().as_str() {
            "dataRequestToken" => &self.data,
            "actionRequestToken" => &self.action,
            other => panic!("{other}"),
        }
    }

    #[track_caller]
    fn check(&self, schema: &Value, value: &Value, place: &str) {
        let found = schema::violations(&self.document, schema, value);
        assert!(found.is_empty(), "{place}: {found:#?}");
    }

    /// The answer's body against the schema of its media type.
    #[track_caller]
    fn check_answer(&self, operation: &Value, answer: &Response, place: &str) {
        let told = &operation["responses"][answer.status.to_string()];
        assert!(told.is_object(), "{place}: {} is not told", answer.status);
        for (name, _) in told["headers"].as_object().into_iter().flatten() {
            // Small bodies are not compressed, and the state has its number only where a source is named.
            let optional = ["Content-Encoding", "Rtstats-Seq"].contains(&name.as_str());
            let there = answer.header(&name.to_ascii_lowercase()).is_some();
            assert!(there || optional, "{place}: {name} is missing");
        }
        let media_type = answer.header("content-type").unwrap().split(';').next().unwrap();
        let content = &told["content"][media_type];
        assert!(content.is_object(), "{place}: {media_type} is not told of {}", answer.status);
        if media_type == "application/json" {
            self.check(&content["schema"], &answer.json(), place);
        }
    }
}

/// The path with the parameters' examples, or with other words in their places.
fn filled(path: &str, operation: &Value, format: &str) -> String {
    let mut path = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let example = match (&parameter["example"], name) {
            (_, "format") => format.to_owned(),
            (Value::String(text), _) => text.clone(),
            (other, _) => other.to_string(),
        };
        path = path.replace(&format!("{{{name}}}"), &example);
    }
    path
}

/// The formats of a path.
fn formats(operation: &Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let mut formats = parameters.filter(|parameter| parameter["name"] == "format");
    let words = formats.next().map(|format| format["schema"]["enum"].as_array().unwrap());
    let words = words.into_iter().flatten().map(|word| word.as_str().unwrap().to_owned());
    let words: Vec<_> = words.collect();
    if words.is_empty() { vec![String::new()] } else { words }
}

#[test]
fn every_operation_answers_as_it_says() {
    let world = World::new();
    let mut asked = 0;
    for (path, method, operation) in world.operations() {
        // The stream does not end: its head is enough, and a test of its own reads what follows.
        let method = if path == LIVE { "head" } else { method };
        for format in formats(operation) {
            let path = filled(path, operation, &format);
            let client = world.client_of(operation);
            let (method, body) = match method {
                "get" => ("GET", String::new()),
                "head" => ("HEAD", String::new()),
                "post" => ("POST", world.example_events()),
                other => panic!("{other}"),
            };
            let answer = client.request(method, &path, &[], body.as_bytes());
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            world.check_answer(operation, &answer, &path);
            asked += 1;
        }
    }
    assert!(asked >= 16, "{asked}");
}

#[test]
fn refusals_are_told_with_the_texts_that_they_have() {
    let world = World::new();
    let nobody = world.server.client(&world.folder);
    for (path, method, operation) in world.operations() {
        let format = formats(operation)[0].clone();
        let path = filled(path, operation, &format);
        let method = method.to_ascii_uppercase();
        let other = if method == "GET" { "POST" } else { "GET" };
        let wrong = nobody.signed_in("acme", &"0".repeat(64));
        for (code, answer) in [
            (401, nobody.request(&method, &path, &[], b"")),
            (403, wrong.request(&method, &path, &[], b"")),
            (405, world.data.request(other, &path, &[], b"")),
        ] {
            assert_eq!(answer.status, code, "{path}");
            world.check_answer(operation, &answer, &path);
            let contents = operation["responses"][code.to_string()]["content"].as_object().unwrap();
            let is_told = contents.values().any(|content| match &content["example"] {
                Value::String(text) => text == answer.text(),
                other => *other == answer.json(),
            });
            assert!(is_told, "{path}: {}", answer.text());
        }
    }
}

#[test]
fn what_is_missing_malformed_or_known_is_told() {
    let world = World::new();
    let operation = |path: &str, method: &str| &world.document["paths"][path][method];
    let agent = operation("/api/rtstats/stats/agent/{agent-id}.{format}", "get");
    let missing = world.data.get("/api/rtstats/stats/agent/nobody.json");
    world.check_answer(agent, &missing, "a missing agent");
    let agents = operation("/api/rtstats/stats/agents.{format}", "get");
    let malformed = world.data.get("/api/rtstats/stats/agents.yaml");
    assert_eq!(malformed.status, 400);
    world.check_answer(agents, &malformed, "a malformed path");
    let etag = world.data.get("/api/rtstats/stats/agents.json");
    let etag = etag.header("etag").unwrap();
    let known = world.data.request(
        "GET",
        "/api/rtstats/stats/agents.json",
        &[("If-None-Match", etag)],
        b"",
    );
    assert_eq!(known.status, 304);
    assert!(agents["responses"]["304"]["content"].is_null());
    let events = operation(EVENTS, "post");
    let refused = world.action.post(EVENTS, "{\"time\":0}");
    assert_eq!(refused.status, 400);
    world.check_answer(events, &refused, "a malformed line");
    let state = operation("/api/rtstats/state", "get");
    let twice = world.action.get("/api/rtstats/state?source=a&source=b");
    assert_eq!(twice.status, 400);
    world.check_answer(state, &twice, "two sources");
}

#[test]
fn every_example_is_of_its_schema() {
    let world = World::new();
    let mut checked = 0;
    let mut check = |contents: &Value, place: &str| {
        for (media_type, content) in contents.as_object().into_iter().flatten() {
            let place = format!("{place} {media_type}");
            checked += 1;
            // An example of XML is text; its schema tells of the elements in it.
            if media_type != "application/xml" {
                world.check(&content["schema"], &content["example"], &place);
            }
            match media_type.as_str() {
                "application/json" | "text/csv" => {}
                "text/event-stream" => {
                    let text = content["example"].as_str().unwrap();
                    let frame = frame_of(text).expect("the example is an event");
                    world.check(&content["schema"]["contentSchema"], &frame, text);
                }
                "application/xml" => well_formed(content["example"].as_str().unwrap()),
                "application/x-ndjson" => {
                    for line in content["example"].as_str().unwrap().lines() {
                        let event = serde_json::from_str(line).unwrap();
                        world.check(&content["schema"]["contentSchema"], &event, line);
                    }
                }
                other => panic!("{other}"),
            }
        }
    };
    for (path, _, operation) in world.operations() {
        check(&operation["requestBody"]["content"], path);
        for (code, reply) in operation["responses"].as_object().unwrap() {
            check(&reply["content"], &format!("{path} {code}"));
        }
    }
    assert!(checked > 100, "{checked}");
    for (path, _, operation) in world.operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if let Some(example) = parameter.get("example") {
                world.check(&parameter["schema"], example, path);
            }
        }
    }
}

fn well_formed(text: &str) {
    let mut reader = quick_xml::Reader::from_str(text);
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
}

#[test]
fn the_lines_of_the_events_document_are_events_of_the_schema() {
    let world = World::new();
    let event = json!({ "$ref": "#/components/schemas/Event" });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("{\"time\":")).collect();
    assert!(lines.len() > 40);
    for line in lines {
        world.check(&event, &serde_json::from_str(line).unwrap(), line);
    }
    for wrong in [
        json!({"time": 0, "type": "transaction.placed", "transaction": "t", "agent": "a"}),
        json!({"time": 0, "type": "line.status", "agent": "a", "line": 1, "status": "error"}),
        json!({"time": 0, "type": "agent.removed", "agent": "a/b"}),
        json!({"time": 0, "type": "agent.removed", "agent": "a", "seq": 1}),
        json!({"time": -1, "type": "agent.removed", "agent": "a"}),
        json!({"time": 0, "type": "agent.dismissed", "agent": "a"}),
    ] {
        assert!(!schema::violations(&world.document, &event, &wrong).is_empty(), "{wrong}");
    }
}

/// The data of the first event.
fn frame_of(text: &str) -> Option<Value> {
    let (first, _) = text.split_once("\n\n")?;
    let data = first.lines().find_map(|line| line.strip_prefix("data:"))?;
    serde_json::from_str(data).ok()
}

#[test]
fn the_live_stream_begins_with_a_frame_of_its_schema() {
    let world = World::new();
    let mut stream = world.data.connect();
    world.data.send(&mut *stream, "GET", LIVE, &[], b"").unwrap();
    let (mut text, mut part) = (Vec::new(), [0; 16_384]);
    // Chunks' sizes stand on lines of their own: what is between `data:` and the line's end is whole in one chunk.
    let frame = loop {
        let read = stream.read(&mut part).unwrap();
        text.extend_from_slice(&part[..read]);
        let so_far = String::from_utf8_lossy(&text).replace('\r', "");
        let data = so_far.lines().find_map(|line| line.strip_prefix("data:"));
        if let Some(frame) = data.and_then(|data| serde_json::from_str::<Value>(data).ok()) {
            break frame;
        }
    };
    assert_eq!(frame["queues"][0]["queue-name"], "Sales", "{frame}");
    let live = json!({ "$ref": "#/components/schemas/LiveFrame" });
    world.check(&live, &frame, "the first frame");
    let told = |schema: &str| &world.document["components"]["schemas"][schema]["properties"];
    for (row, schema) in [("agents", "LiveAgent"), ("queues", "LiveQueue")] {
        let names = |value: &Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(names(&frame[row][0]), names(told(schema)));
    }
}

#[test]
fn the_document_is_public_compressed_and_validated() {
    let world = World::new();
    let client = world.server.client(&world.folder);
    let answer = client.request("GET", PATH, &[("Accept-Encoding", "gzip")], b"");
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
    let etag = answer.header("etag").unwrap();
    let headers = [("Accept-Encoding", "gzip"), ("If-None-Match", etag)];
    assert_eq!(client.request("GET", PATH, &headers, b"").status, 304);
    assert_eq!(client.request("HEAD", PATH, &[], b"").status, 200);
    assert_eq!(client.request("POST", PATH, &[], b"").status, 405);
    assert_eq!(client.get("/api/explorer").status, 200);
    assert_eq!(client.get("/api/explorers").status, 404);
}
