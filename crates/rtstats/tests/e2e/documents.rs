//! Lists and items in every format, with their caching headers and compressed forms.

use std::{
    io::Read,
    time::{Duration, Instant},
};

use crate::{
    client::{Client, Response},
    server::{AGENTS, EVENTS, Folder, PATIENCE, QUEUES, Server},
};

/// Two queues and two agents, one of them with an awkward id and name.
pub const DIRECTORY: &str = r#"{"time":1790000000000,"type":"queue.configured","queue":115,"name":"Sales & <Support>","media":"phone","sla":{"percent":80,"within_seconds":20}}
{"time":1790000000000,"type":"queue.configured","queue":7,"name":"chat","media":"chat"}
{"time":1790000000000,"type":"agent.configured","agent":"j.doe","name":"Jöhn \"JD\" Doe","group":101}
{"time":1790000000000,"type":"agent.configured","agent":"ag 1","name":"Ag One"}
{"time":1790000000000,"type":"assignment.set","agent":"j.doe","queue":115,"assigned":true}
"#;

pub struct World {
    pub folder: Folder,
    pub server: Server,
    pub data: Client,
    pub action: Client,
}

impl World {
    pub fn new(flags: &[&str]) -> World {
        let folder = Folder::new();
        let (data, action) = folder.tenant("acme", "Europe/Berlin");
        let server = Server::start(&folder, flags);
        let client = server.client(&folder);
        let world = World {
            data: client.signed_in("acme", &data),
            action: client.signed_in("acme", &action),
            folder,
            server,
        };
        let sent = world.action.post(EVENTS, DIRECTORY);
        assert_eq!(sent.status, 200, "{}", sent.text());
        world
    }

    /// Starts a server again on the folder, once this one is gone, and waits until it listens.
    pub fn again(self, flags: &[&str]) -> World {
        let World { folder, server, data, action } = self;
        drop(server);
        let server = Server::start_recovering(&folder, flags);
        World { data: data.at(server.address), action: action.at(server.address), folder, server }
    }

    pub fn get(&self, path: &str) -> Response {
        self.data.get(path)
    }

    /// Asks until a document is as expected; the last one is told otherwise.
    pub fn get_until(&self, path: &str, expected: impl Fn(&Response) -> bool) -> Response {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path);
            if expected(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{path} stays {}", answer.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_list_is_xml_without_a_suffix_whatever_accept_says() {
    let world = World::new(&[]);
    let accept = [("Accept", "application/json")];
    let list = world.data.request("GET", QUEUES, &accept, b"");
    assert_eq!(list.status, 200);
    assert!(list.header("content-type").unwrap().starts_with("application/xml"));
    let prolog = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><queues><queue>"#;
    assert!(list.text().starts_with(prolog), "{}", list.text());
    assert!(list.text().contains("<queue-name>Sales &amp; &lt;Support&gt;</queue-name>"));
    assert_eq!(list.body, world.get(&format!("{QUEUES}.xml")).body);
    let (first, second) = (list.text().find("<queue-id>7<"), list.text().find("<queue-id>115<"));
    assert!(first.unwrap() < second.unwrap(), "queues are sorted by number");
}

#[test]
fn json_lists_are_arrays_also_of_none_and_items_are_objects() {
    let world = World::new(&[]);
    let agents = world.get(&format!("{AGENTS}.json")).json();
    let ids: Vec<_> = agents["agent"].as_array().unwrap().iter().map(|a| &a["agent-id"]).collect();
    assert_eq!(ids, ["ag 1", "j.doe"]);
    let one = world.get("/api/rtstats/stats/agent/j.doe.json");
    assert_eq!(one.header("content-type"), Some("application/json"));
    let one = one.json();
    assert_eq!(one["agent"]["agent-name"], "Jöhn \"JD\" Doe");
    assert_eq!(one["agent"]["group-id"], 101);
    assert_eq!(one["agent"]["agent-status"], 9);
    assert_eq!(one["agent"]["time-in-status"], -1);
    assert_eq!(one["agent"]["status-code-list-id"], "");
    let (data, _) = world.folder.tenant("empty", "UTC");
    let empty = world.server.client(&world.folder).signed_in("empty", &data);
    assert_eq!(empty.get(&format!("{AGENTS}.json")).text(), r#"{"agent":[]}"#);
    assert!(empty.get(QUEUES).text().ends_with("<queues></queues>"));
}

#[test]
fn an_item_is_found_by_its_encoded_id_and_by_its_number() {
    let world = World::new(&[]);
    let agent = world.get("/api/rtstats/stats/agent/ag%201");
    assert!(agent.text().contains("<agent-id>ag 1</agent-id>"), "{}", agent.text());
    let queue = world.get("/api/rtstats/stats/queue/115.json").json();
    assert_eq!(queue["queue"]["queue-id"], 115);
    assert_eq!(queue["queue"]["assigned-agent-count"], 1);
    assert_eq!(queue["queue"]["agent-count-loggedOut"], 1);
    assert_eq!(queue["queue"]["thirty-min-longest-wait-time"], -1);
}

#[test]
fn lists_come_as_csv_too() {
    let world = World::new(&[]);
    let csv = world.get(&format!("{AGENTS}.csv"));
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    let mut lines = csv.text().split("\r\n");
    assert!(lines.next().unwrap().starts_with("agent-id,agent-media-id,agent-name,"));
    assert!(lines.next().unwrap().starts_with("ag 1,0,Ag One,9,"));
    assert!(lines.next().unwrap().contains(r#""Jöhn ""JD"" Doe""#));
}

#[test]
fn head_answers_as_get_without_the_body() {
    let world = World::new(&["--refresh-seconds", "60"]);
    let get = world.get(AGENTS);
    let head = world.data.request("HEAD", AGENTS, &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-type", "content-length", "etag", "last-modified", "vary"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
        assert!(head.header(name).is_some(), "{name}");
    }
}

#[test]
fn an_unchanged_document_is_304_and_tells_the_same_of_itself() {
    let world = World::new(&["--refresh-seconds", "60"]);
    let get = world.get(QUEUES);
    let etag = get.header("etag").unwrap();
    for known in [etag.to_owned(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".into()] {
        let again = world.data.request("GET", QUEUES, &[("If-None-Match", &known)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        for name in ["etag", "last-modified", "vary", "rtstats-instant"] {
            assert_eq!(again.header(name), get.header(name), "{name}");
        }
        assert!(again.header("cache-control").unwrap().starts_with("private, max-age="));
    }
    let other = world.data.request("GET", QUEUES, &[("If-None-Match", "\"x\"")], b"");
    assert_eq!(other.status, 200);
}

#[test]
fn compressed_forms_unpack_to_the_plain_one_and_have_validators_of_their_own() {
    let world = World::new(&["--refresh-seconds", "60"]);
    let plain = world.get(AGENTS);
    assert_eq!(plain.header("content-encoding"), None);
    let mut etags = vec![plain.header("etag").unwrap().to_owned()];
    for (accepted, encoding) in
        [("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("gzip, br;q=0.1", "gzip")]
    {
        let answer = world.data.request("GET", AGENTS, &[("Accept-Encoding", accepted)], b"");
        assert_eq!(answer.header("content-encoding"), Some(encoding));
        assert!(answer.header("vary").unwrap().contains("Accept-Encoding"));
        let mut unpacked = Vec::new();
        let body = &answer.body[..];
        match encoding {
            "gzip" => flate2::read::GzDecoder::new(body).read_to_end(&mut unpacked).unwrap(),
            "br" => brotli::Decompressor::new(body, 4_096).read_to_end(&mut unpacked).unwrap(),
            _ => zstd::Decoder::new(body).unwrap().read_to_end(&mut unpacked).unwrap(),
        };
        assert_eq!(unpacked, plain.body);
        etags.push(answer.header("etag").unwrap().to_owned());
        let known = [("Accept-Encoding", accepted), ("If-None-Match", etags.last().unwrap())];
        assert_eq!(world.data.request("GET", AGENTS, &known, b"").status, 304);
    }
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 4);
}
